// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Where the registers of a virtio device are (virtio 1.2, section 4.1.4), and the common ones.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::error::Error;
use crate::function::{PciFunction, Width};

/// Feature bits of a device or a driver.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Features(pub u64);

impl Features {
    /// The device completes checksums of frames that are sent.
    pub const CSUM: Self = Self(1);
    /// The device verifies checksums of frames that are received.
    pub const GUEST_CSUM: Self = Self(1 << 1);
    /// The MTU is in the device configuration.
    pub const MTU: Self = Self(1 << 3);
    /// So is the address.
    pub const MAC: Self = Self(1 << 5);
    /// A frame may be received in several buffers.
    pub const MRG_RXBUF: Self = Self(1 << 15);
    /// The link state is in the device configuration.
    pub const STATUS: Self = Self(1 << 16);
    /// There is a control queue.
    pub const CTRL_VQ: Self = Self(1 << 17);
    /// The control queue sets which frames are received, and more addresses.
    pub const CTRL_RX: Self = Self(1 << 18);
    /// The control queue sets which VLANs are received.
    pub const CTRL_VLAN: Self = Self(1 << 19);
    /// The device may ask the driver to announce itself.
    pub const GUEST_ANNOUNCE: Self = Self(1 << 21);
    /// There may be several queue pairs.
    pub const MQ: Self = Self(1 << 22);
    /// The control queue sets the first address.
    pub const CTRL_MAC_ADDR: Self = Self(1 << 23);
    /// Events are asked for by index.
    pub const EVENT_IDX: Self = Self(1 << 29);
    /// It keeps to virtio 1.
    pub const VERSION_1: Self = Self(1 << 32);
    /// It reaches memory only by the addresses that the platform gives.
    pub const ACCESS_PLATFORM: Self = Self(1 << 33);

    /// Whether all of others are there.
    #[must_use]
    pub fn has(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

impl std::ops::BitOr for Features {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl std::ops::BitAnd for Features {
    type Output = Self;

    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

const VIRTIO: u16 = 0x1af4;
const NET: u16 = 0x1041;

/// Bits of the device status.
pub(super) mod status {
    pub(crate) const ACKNOWLEDGE: u8 = 1;
    pub(crate) const DRIVER: u8 = 2;
    pub(crate) const DRIVER_OK: u8 = 4;
    pub(crate) const FEATURES_OK: u8 = 8;
    pub(crate) const NEEDS_RESET: u8 = 0x40;
    pub(crate) const FAILED: u8 = 0x80;
    /// What a device that is gone reads as.
    pub(crate) const GONE: u8 = 0xff;
}

/// Offsets of the common configuration.
mod common {
    pub(super) const DEVICE_FEATURE_SELECT: u64 = 0x00;
    pub(super) const DEVICE_FEATURE: u64 = 0x04;
    pub(super) const DRIVER_FEATURE_SELECT: u64 = 0x08;
    pub(super) const DRIVER_FEATURE: u64 = 0x0c;
    pub(super) const CONFIG_VECTOR: u64 = 0x10;
    pub(super) const NUM_QUEUES: u64 = 0x12;
    pub(super) const STATUS: u64 = 0x14;
    pub(super) const GENERATION: u64 = 0x15;
    pub(super) const QUEUE_SELECT: u64 = 0x16;
    pub(super) const QUEUE_SIZE: u64 = 0x18;
    pub(super) const QUEUE_VECTOR: u64 = 0x1a;
    pub(super) const QUEUE_ENABLE: u64 = 0x1c;
    pub(super) const QUEUE_NOTIFY_OFF: u64 = 0x1e;
    pub(super) const QUEUE_ADDRESSES: u64 = 0x20;
    pub(super) const LEN: u64 = 0x38;
}

/// How long a device may take for a reset.
const RESET: Duration = Duration::from_secs(10);
/// Reads of a configuration that changes meanwhile.
const TRIES: usize = 16;

/// A piece of a BAR.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Window {
    bar: u8,
    offset: u64,
    len: u64,
}

/// Where a queue is notified.
#[derive(Clone, Copy, Debug)]
pub(super) struct Doorbell {
    bar: u8,
    offset: u64,
    queue: u16,
}

/// The registers of a virtio-net device.
#[derive(Clone, Debug)]
pub(super) struct Registers {
    function: Arc<dyn PciFunction>,
    common: Window,
    notify: Window,
    notify_multiplier: u32,
    device: Window,
}

impl Registers {
    /// Finds them.
    pub(super) fn find(function: Arc<dyn PciFunction>) -> Result<Self, Error> {
        let (vendor, device) = function.id()?;
        if vendor == u16::MAX {
            return Err(Error::Gone);
        }
        if (vendor, device) != (VIRTIO, NET) {
            return Err(Error::NotVirtioNet { vendor, device });
        }
        let mut found: [Option<(Window, u16)>; 5] = [None; 5];
        for capability in capabilities(&*function)? {
            let mut fields = [0; 16];
            function.config_read(capability, &mut fields)?;
            let [_, _, len, kind, bar, ..] = fields;
            let word = |at: usize| {
                u64::from(u32::from_le_bytes([
                    fields[at],
                    fields[at + 1],
                    fields[at + 2],
                    fields[at + 3],
                ]))
            };
            let window = Window {
                bar,
                offset: word(8),
                len: word(12),
            };
            let inside = window.offset + window.len <= function.bar_len(bar);
            // The device may offer a place more than once; the first that we can use counts.
            if let Some(free @ None) = found.get_mut(usize::from(kind))
                && len >= 16
                && inside
            {
                *free = Some((window, capability));
            }
        }
        let need = |kind: usize, what, len: u64| match found[kind] {
            Some((window, at)) if window.len >= len => Ok((window, at)),
            _ => Err(Error::BadCapability { what }),
        };
        let (common, _) = need(1, "common configuration", common::LEN)?;
        let (notify, at) = need(2, "notification", 2)?;
        let (device, _) = need(4, "device configuration", 12)?;
        let mut multiplier = [0; 4];
        function.config_read(at + 16, &mut multiplier)?;
        Ok(Self {
            common,
            notify,
            notify_multiplier: u32::from_le_bytes(multiplier),
            device,
            function,
        })
    }

    pub(super) fn function(&self) -> &Arc<dyn PciFunction> {
        &self.function
    }

    fn read(&self, offset: u64, width: Width) -> Result<u32, Error> {
        let at = self.common.offset + offset;
        Ok(self.function.bar_read(self.common.bar, at, width)?)
    }

    fn write(&self, offset: u64, width: Width, value: u32) -> Result<(), Error> {
        let at = self.common.offset + offset;
        Ok(self.function.bar_write(self.common.bar, at, width, value)?)
    }

    fn read16(&self, offset: u64) -> Result<u16, Error> {
        Ok(self.read(offset, Width::Half)? as u16)
    }

    /// The device status.
    pub(super) fn status(&self) -> Result<u8, Error> {
        match self.read(common::STATUS, Width::Byte)? as u8 {
            status::GONE => Err(Error::Gone),
            status => Ok(status),
        }
    }

    pub(super) fn set_status(&self, status: u8) -> Result<(), Error> {
        self.write(common::STATUS, Width::Byte, status.into())
    }

    /// Resets the device, and waits until that is done.
    pub(super) fn reset(&self) -> Result<(), Error> {
        self.set_status(0)?;
        let start = Instant::now();
        while self.status()? != 0 {
            if start.elapsed() > RESET {
                return Err(Error::ResetStuck);
            }
            self.function.pause(Duration::from_millis(1))?;
        }
        Ok(())
    }

    pub(super) fn offered(&self) -> Result<Features, Error> {
        let half = |select: u32| {
            self.write(common::DEVICE_FEATURE_SELECT, Width::Word, select)?;
            self.read(common::DEVICE_FEATURE, Width::Word)
        };
        let low = half(0)?;
        Ok(Features(u64::from(half(1)?) << 32 | u64::from(low)))
    }

    pub(super) fn accept(&self, features: Features) -> Result<(), Error> {
        for (select, half) in [(0, features.0 as u32), (1, (features.0 >> 32) as u32)] {
            self.write(common::DRIVER_FEATURE_SELECT, Width::Word, select)?;
            self.write(common::DRIVER_FEATURE, Width::Word, half)?;
        }
        Ok(())
    }

    pub(super) fn queues(&self) -> Result<u16, Error> {
        self.read16(common::NUM_QUEUES)
    }

    /// Connects changes of the configuration to a vector.
    pub(super) fn set_config_vector(&self, vector: u16) -> Result<(), Error> {
        self.set_vector(common::CONFIG_VECTOR, vector)
    }

    fn set_vector(&self, offset: u64, vector: u16) -> Result<(), Error> {
        self.write(offset, Width::Half, vector.into())?;
        if self.read16(offset)? == vector {
            return Ok(());
        }
        Err(Error::NoVector { vector })
    }

    /// The largest size of a queue.
    pub(super) fn queue_size(&self, queue: u16) -> Result<u16, Error> {
        self.write(common::QUEUE_SELECT, Width::Half, queue.into())?;
        self.read16(common::QUEUE_SIZE)
    }

    /// Sets a queue up and enables it.
    pub(super) fn enable_queue(
        &self,
        queue: u16,
        size: u16,
        vector: Option<u16>,
        addresses: [u64; 3],
    ) -> Result<Doorbell, Error> {
        self.write(common::QUEUE_SELECT, Width::Half, queue.into())?;
        self.write(common::QUEUE_SIZE, Width::Half, size.into())?;
        if let Some(vector) = vector {
            self.set_vector(common::QUEUE_VECTOR, vector)?;
        }
        for (at, address) in (common::QUEUE_ADDRESSES..).step_by(8).zip(addresses) {
            self.write(at, Width::Word, address as u32)?;
            self.write(at + 4, Width::Word, (address >> 32) as u32)?;
        }
        let off = self.read16(common::QUEUE_NOTIFY_OFF)?;
        let offset = u64::from(off) * u64::from(self.notify_multiplier);
        if offset + 2 > self.notify.len {
            return Err(Error::BadCapability {
                what: "notification",
            });
        }
        self.write(common::QUEUE_ENABLE, Width::Half, 1)?;
        Ok(Doorbell {
            bar: self.notify.bar,
            offset: self.notify.offset + offset,
            queue,
        })
    }

    pub(super) fn ring(&self, doorbell: Doorbell) -> Result<(), Error> {
        let Doorbell { bar, offset, queue } = doorbell;
        Ok(self
            .function
            .bar_write(bar, offset, Width::Half, queue.into())?)
    }

    /// The first 12 bytes of the device configuration, as they were at one moment.
    pub(super) fn config(&self) -> Result<[u8; 12], Error> {
        let generation = || self.read(common::GENERATION, Width::Byte);
        for _ in 0..TRIES {
            let before = generation()?;
            let mut bytes = [0; 12];
            for (at, word) in (self.device.offset..)
                .step_by(4)
                .zip(bytes.as_chunks_mut::<4>().0)
            {
                let value = self.function.bar_read(self.device.bar, at, Width::Word)?;
                *word = value.to_le_bytes();
            }
            if generation()? == before {
                return Ok(bytes);
            }
        }
        Err(Error::BadCapability {
            what: "device configuration, which never rests,",
        })
    }
}

/// Places of the virtio capabilities in configuration space.
fn capabilities(function: &dyn PciFunction) -> Result<Vec<u16>, Error> {
    const STATUS: u16 = 6;
    const HAS_CAPABILITIES: u8 = 1 << 4;
    const POINTER: u16 = 0x34;
    const VENDOR_SPECIFIC: u8 = 9;
    /// Capabilities of four bytes that fit into configuration space: more are a loop.
    const MOST: usize = 48;
    /// The longest virtio capability that we read, and where the last one can start.
    const LAST: u16 = 256 - 20;
    let mut places = Vec::new();
    let mut byte = [0];
    function.config_read(STATUS, &mut byte)?;
    if byte[0] & HAS_CAPABILITIES == 0 {
        return Ok(places);
    }
    function.config_read(POINTER, &mut byte)?;
    for _ in 0..MOST {
        let at = u16::from(byte[0] & !3);
        if at < 0x40 {
            break;
        }
        let mut head = [0; 2];
        function.config_read(at, &mut head)?;
        if head[0] == VENDOR_SPECIFIC && at <= LAST {
            places.push(at);
        }
        byte[0] = head[1];
    }
    Ok(places)
}
