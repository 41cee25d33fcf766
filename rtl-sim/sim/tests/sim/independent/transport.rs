// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Registers of a VF for crate `virtio-drivers`, by messages of crate `vfio_user`. The layout is that of virtio 1.2,
//! section 4.1.4, and shares no code with our driver.

use std::os::fd::AsRawFd as _;
use std::path::Path;
use std::sync::{Arc, Mutex};

use nix::sys::eventfd::{EfdFlags, EventFd};
use virtio_drivers::transport::pci::bus::{
    BarInfo, Command, ConfigurationAccess, DeviceFunction, PCI_CAP_ID_VNDR, PciRoot,
};
use virtio_drivers::transport::pci::virtio_device_type;
use virtio_drivers::transport::{DeviceStatus, DeviceType, InterruptStatus, Transport};
use virtio_drivers::{Error, PhysAddr};
use zerocopy::{FromBytes, Immutable, IntoBytes};

use super::memory::{LEN, Memory};
use crate::client::{BAR0, CONFIG, EVENTFDS, MSIX};

/// Offsets of the common configuration.
mod common {
    pub(super) const DEVICE_FEATURE_SELECT: u64 = 0x00;
    pub(super) const DEVICE_FEATURE: u64 = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: u64 = 0x08;
    pub(super) const DRIVER_FEATURE: u64 = 0x0c;
    pub(super) const STATUS: u64 = 0x14;
    pub(super) const GENERATION: u64 = 0x15;
    pub(super) const QUEUE_SELECT: u64 = 0x16;
    pub(super) const QUEUE_SIZE: u64 = 0x18;
    pub(super) const QUEUE_VECTOR: u64 = 0x1a;
    pub(super) const QUEUE_ENABLE: u64 = 0x1c;
    pub(super) const QUEUE_NOTIFY_OFF: u64 = 0x1e;
    pub(super) const QUEUE_DESCRIPTORS: u64 = 0x20;
    pub(super) const QUEUE_DRIVER: u64 = 0x28;
    pub(super) const QUEUE_DEVICE: u64 = 0x30;
}

/// All that the crate knows: MAC, STATUS, INDIRECT_DESC, EVENT_IDX, VERSION_1.
const ACCEPTED: u64 = 1 << 5 | 1 << 16 | 1 << 28 | 1 << 29 | 1 << 32;

/// The function alone on its bus, as it is on its socket.
const ADDRESS: DeviceFunction = DeviceFunction {
    bus: 0,
    device: 0,
    function: 0,
};

/// A connection to a function.
#[derive(Clone)]
struct Function(Arc<Mutex<vfio_user::Client>>);

impl Function {
    fn read<const N: usize>(&self, region: u32, offset: u64) -> [u8; N] {
        let mut data = [0; N];
        self.read_into(region, offset, &mut data);
        data
    }

    fn read_into(&self, region: u32, offset: u64, data: &mut [u8]) {
        let mut client = self.0.lock().unwrap();
        client.region_read(region, offset, data).unwrap();
    }

    fn write(&self, region: u32, offset: u64, data: &[u8]) {
        let mut client = self.0.lock().unwrap();
        client.region_write(region, offset, data).unwrap();
    }
}

impl ConfigurationAccess for Function {
    fn read_word(&self, function: DeviceFunction, offset: u8) -> u32 {
        if function != ADDRESS {
            return u32::MAX;
        }
        u32::from_le_bytes(self.read(CONFIG, offset.into()))
    }

    fn write_word(&mut self, function: DeviceFunction, offset: u8, data: u32) {
        assert_eq!(function, ADDRESS);
        self.write(CONFIG, offset.into(), &data.to_le_bytes());
    }

    unsafe fn unsafe_clone(&self) -> Self {
        self.clone()
    }
}

/// The registers of a VF.
pub(super) struct Registers {
    function: Function,
    /// Where the structures are in the BAR, by their type.
    structures: [Option<(u64, u64)>; 5],
    notify_multiplier: u64,
    device_type: DeviceType,
}

impl Registers {
    /// Finds them by the crate's own look at configuration space, and gives the VF the memory of driver `number`.
    /// Also the events of the vectors of both queues.
    pub(super) fn open(socket: &Path, number: usize) -> (Self, [EventFd; 2]) {
        let mut client = vfio_user::Client::new(socket).unwrap();
        let memory = Memory::of(number);
        client.dma_map(0, memory.bus(), LEN, memory.file()).unwrap();
        let events = [(); 2].map(|()| EventFd::from_flags(EfdFlags::EFD_NONBLOCK).unwrap());
        let files: Vec<_> = events.iter().map(|event| event.as_raw_fd()).collect();
        client.set_irqs(MSIX, EVENTFDS, 0, 2, &files).unwrap();

        let function = Function(Arc::new(Mutex::new(client)));
        let mut root = PciRoot::new(function.clone());
        let found: Vec<_> = root.enumerate_bus(0).collect();
        let [(ADDRESS, info)] = &found[..] else {
            panic!("{found:?}");
        };
        let device_type = virtio_device_type(info).expect("a virtio device");
        // Sized as any system sizes it.
        let bars = root.bars(ADDRESS).unwrap();
        let Some(BarInfo::Memory { size, .. }) = &bars[0] else {
            panic!("{bars:?}");
        };
        root.set_command(ADDRESS, Command::MEMORY_SPACE | Command::BUS_MASTER);
        let (mut structures, mut notify_multiplier) = ([None; 5], 0);
        for capability in root.capabilities(ADDRESS) {
            let kind = usize::from(capability.private_header >> 8);
            if capability.id != PCI_CAP_ID_VNDR || kind >= structures.len() {
                continue;
            }
            let word = |at: u8| u64::from(function.read_word(ADDRESS, capability.offset + at));
            let (bar, offset, len) = (word(4) as u8, word(8), word(12));
            assert!(bar == 0 && offset + len <= *size);
            structures[kind].get_or_insert((offset, len));
            if kind == 2 {
                notify_multiplier = word(16);
            }
        }
        let registers = Self {
            function,
            structures,
            notify_multiplier,
            device_type,
        };
        (registers, events)
    }

    /// A place in a structure.
    fn place(&self, kind: usize, offset: u64, len: usize) -> u64 {
        let (start, room) = self.structures[kind].expect("a structure of this type");
        assert!(offset + len as u64 <= room);
        start + offset
    }

    fn read<const N: usize>(&self, offset: u64) -> [u8; N] {
        self.function.read(BAR0, self.place(1, offset, N))
    }

    fn write(&self, offset: u64, data: &[u8]) {
        let place = self.place(1, offset, data.len());
        self.function.write(BAR0, place, data);
    }

    fn select(&self, queue: u16) {
        self.write(common::QUEUE_SELECT, &queue.to_le_bytes());
    }
}

impl Transport for Registers {
    fn device_type(&self) -> DeviceType {
        self.device_type
    }

    fn read_device_features(&mut self) -> u64 {
        let half = |select: u32| {
            self.write(common::DEVICE_FEATURE_SELECT, &select.to_le_bytes());
            u64::from(u32::from_le_bytes(self.read(common::DEVICE_FEATURE)))
        };
        half(0) | half(1) << 32
    }

    fn write_driver_features(&mut self, features: u64) {
        assert_eq!(features, ACCEPTED);
        for (select, half) in [(0u32, features as u32), (1, (features >> 32) as u32)] {
            self.write(common::DRIVER_FEATURE_SELECT, &select.to_le_bytes());
            self.write(common::DRIVER_FEATURE, &half.to_le_bytes());
        }
    }

    fn max_queue_size(&mut self, queue: u16) -> u32 {
        self.select(queue);
        u16::from_le_bytes(self.read(common::QUEUE_SIZE)).into()
    }

    fn notify(&mut self, queue: u16) {
        self.select(queue);
        let off = u64::from(u16::from_le_bytes(self.read(common::QUEUE_NOTIFY_OFF)));
        let place = self.place(2, off * self.notify_multiplier, 2);
        self.function.write(BAR0, place, &queue.to_le_bytes());
    }

    fn get_status(&self) -> DeviceStatus {
        let [status] = self.read(common::STATUS);
        DeviceStatus::from_bits_retain(status.into())
    }

    fn set_status(&mut self, status: DeviceStatus) {
        self.write(common::STATUS, &[status.bits() as u8]);
        if status.is_empty() {
            // A reset takes effect when it can be read; the crate leaves the wait to the transport.
            while !self.get_status().is_empty() {}
        }
        assert_eq!(self.get_status(), status, "the device does not agree");
    }

    fn set_guest_page_size(&mut self, _: u32) {}

    fn requires_legacy_layout(&self) -> bool {
        false
    }

    fn queue_set(
        &mut self,
        queue: u16,
        size: u32,
        descriptors: PhysAddr,
        driver_area: PhysAddr,
        device_area: PhysAddr,
    ) {
        self.select(queue);
        self.write(common::QUEUE_SIZE, &(size as u16).to_le_bytes());
        self.write(common::QUEUE_VECTOR, &queue.to_le_bytes());
        assert_eq!(self.read(common::QUEUE_VECTOR), queue.to_le_bytes());
        // All 64 bits at once, as this crate's own transports write them.
        self.write(common::QUEUE_DESCRIPTORS, &descriptors.to_le_bytes());
        self.write(common::QUEUE_DRIVER, &driver_area.to_le_bytes());
        self.write(common::QUEUE_DEVICE, &device_area.to_le_bytes());
        self.write(common::QUEUE_ENABLE, &1u16.to_le_bytes());
    }

    fn queue_unset(&mut self, _: u16) {
        // Without VIRTIO_F_RING_RESET a queue ends with the device.
        self.set_status(DeviceStatus::empty());
    }

    fn queue_used(&mut self, queue: u16) -> bool {
        self.select(queue);
        self.read(common::QUEUE_ENABLE) == [1, 0]
    }

    fn ack_interrupt(&mut self) -> InterruptStatus {
        let [status] = self.function.read(BAR0, self.place(3, 0, 1));
        InterruptStatus::from_bits_retain(u32::from(status))
    }

    fn read_config_generation(&self) -> u32 {
        let [generation] = self.read(common::GENERATION);
        generation.into()
    }

    fn read_config_space<T: FromBytes + IntoBytes>(&self, offset: usize) -> Result<T, Error> {
        let mut bytes = vec![0; size_of::<T>()];
        let place = self.place(4, offset as u64, bytes.len());
        self.function.read_into(BAR0, place, &mut bytes);
        T::read_from_bytes(&bytes).map_err(|_| Error::ConfigSpaceTooSmall)
    }

    fn write_config_space<T: IntoBytes + Immutable>(
        &mut self,
        _: usize,
        _: T,
    ) -> Result<(), Error> {
        Err(Error::Unsupported)
    }
}
