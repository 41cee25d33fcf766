// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The PCI configuration space of one function: 4 KiB, and which bits of it may be written.

/// Bytes of a configuration space.
pub(crate) const SIZE: usize = 4096;

const VENDOR: u16 = 0x1af4;
const PF_DEVICE: u16 = 0x10f0;
const VF_DEVICE: u16 = 0x1041;
/// Subsystem of a virtio device that is not transitional.
const VF_SUBSYSTEM: u16 = 0x1100;

const COMMAND: usize = 0x04;
const BAR0: usize = 0x10;
const CAPABILITIES: usize = 0x34;
const PCIE: usize = 0x40;
const DEVICE_CONTROL: usize = PCIE + 8;
const MSIX: usize = 0x80;
const VIRTIO: usize = 0x90;
/// First of the extended capabilities.
const EXTENDED: usize = 0x100;
/// SR-IOV, in the PF.
const SRIOV: usize = EXTENDED;

const COMMAND_MEMORY: u16 = 1 << 1;
const COMMAND_BUS_MASTER: u16 = 1 << 2;
const INITIATE_FLR: u16 = 1 << 15;
const MSIX_MASK_ALL: u16 = 1 << 14;
const VF_ENABLE: u16 = 1;

/// What a function is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The physical function of a NIC with so many VFs.
    Pf {
        /// VFs.
        vfs: u16,
    },
    /// A virtual function, served as a function of its own.
    Vf,
}

/// Where the parts of BAR 0 are that the function itself does not serve.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Layout {
    /// Bytes of BAR 0.
    pub(crate) bar: u32,
    /// MSI-X vectors.
    pub(super) vectors: u16,
    /// MSI-X table.
    pub(super) table: u32,
    /// Pending bits, behind the table.
    pub(super) pending: u32,
}

impl Kind {
    /// The layout of BAR 0.
    pub(crate) fn layout(self) -> Layout {
        match self {
            Self::Pf { .. } => Layout {
                bar: 0x1_0000,
                vectors: 1,
                table: 0xe000,
                pending: 0xf000,
            },
            Self::Vf => Layout {
                bar: 0x4000,
                vectors: 16,
                table: 0x2000,
                pending: 0x3000,
            },
        }
    }
}

/// An access to a BAR through the virtio capability for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Window {
    /// Offset in BAR 0, aligned to `len`.
    pub(super) offset: u32,
    /// 1, 2 or 4.
    pub(super) len: u32,
}

/// A configuration space.
#[derive(Clone, Debug)]
pub(crate) struct ConfigSpace {
    kind: Kind,
    bytes: Box<[u8; SIZE]>,
    writable: Box<[u8; SIZE]>,
    /// The virtio capability for accesses to a BAR; 0 is none.
    pci_cfg: usize,
}

impl ConfigSpace {
    /// As it is after a reset.
    pub(crate) fn new(kind: Kind) -> Self {
        let mut space = Self {
            kind,
            bytes: Box::new([0; SIZE]),
            writable: Box::new([0; SIZE]),
            pci_cfg: 0,
        };
        space.header();
        space.pci_express();
        space.msix();
        match kind {
            Kind::Pf { vfs } => {
                space.link(&[PCIE, MSIX]);
                space.sriov(vfs);
                space.extended(SRIOV, 0x0010, SRIOV + 0x40);
                space.extended(SRIOV + 0x40, 0x000d, SRIOV + 0x50);
                space.extended(SRIOV + 0x50, 0x000e, 0);
            }
            Kind::Vf => {
                let virtio = space.virtio();
                let mut all = vec![PCIE, MSIX];
                all.extend(virtio);
                space.link(&all);
                space.extended(EXTENDED, 0x000d, EXTENDED + 0x10);
                space.extended(EXTENDED + 0x10, 0x000e, 0);
            }
        }
        space
    }

    fn header(&mut self) {
        let (device, subsystem, revision) = match self.kind {
            Kind::Pf { .. } => (PF_DEVICE, PF_DEVICE, 0),
            Kind::Vf => (VF_DEVICE, VF_SUBSYSTEM, 1),
        };
        self.put16(0x00, VENDOR);
        self.put16(0x02, device);
        self.may16(COMMAND, COMMAND_MEMORY | COMMAND_BUS_MASTER | 0x0540);
        self.put16(0x06, 0x0010); // capabilities
        self.bytes[0x08] = revision;
        self.bytes[0x0b] = 0x02; // network controller, Ethernet
        self.writable[0x0c] = 0xff; // cache line size: means nothing
        self.may32(BAR0, !(self.kind.layout().bar - 1));
        self.put16(0x2c, VENDOR);
        self.put16(0x2e, subsystem);
        self.bytes[CAPABILITIES] = PCIE as u8;
        self.writable[0x3c] = 0xff; // interrupt line: means nothing
    }

    fn pci_express(&mut self) {
        self.bytes[PCIE] = 0x10;
        self.put16(PCIE + 2, 0x0002); // version 2, endpoint
        self.put32(PCIE + 4, 1 << 28 | 1 << 15); // function-level reset, role-based errors
        self.may16(DEVICE_CONTROL, 0x78ff);
        self.put32(PCIE + 0x0c, 0x0001_0011); // x1, 2.5 GT/s
        self.put16(PCIE + 0x12, 0x0011);
        self.may16(PCIE + 0x10, 0x00c0);
    }

    fn msix(&mut self) {
        let layout = self.kind.layout();
        self.bytes[MSIX] = 0x11;
        self.put16(MSIX + 2, layout.vectors - 1);
        self.may16(MSIX + 2, 0xc000);
        self.put32(MSIX + 4, layout.table);
        self.put32(MSIX + 8, layout.pending);
    }

    /// The capabilities that tell a virtio driver where its registers are.
    fn virtio(&mut self) -> Vec<usize> {
        // Type, offset, length, bytes of the capability.
        let parts: [(u8, u32, u32, u8); 5] = [
            (1, 0x0000, 0x40, 16),
            (2, 0x1000, 0x1000, 20),
            (3, 0x0100, 4, 16),
            (4, 0x0200, 0x40, 16),
            (5, 0, 0, 20),
        ];
        let mut at = VIRTIO;
        let mut places = Vec::new();
        for (kind, offset, len, size) in parts {
            self.bytes[at] = 0x09;
            self.bytes[at + 2] = size;
            self.bytes[at + 3] = kind;
            self.put32(at + 8, offset);
            self.put32(at + 12, len);
            match kind {
                2 => self.put32(at + 16, 4), // notify_off_multiplier
                5 => {
                    self.pci_cfg = at;
                    self.writable[at + 4] = 0xff;
                    self.writable[at + 8..at + 20].fill(0xff);
                }
                _ => {}
            }
            places.push(at);
            at += usize::from(size);
        }
        places
    }

    fn sriov(&mut self, vfs: u16) {
        self.put32(SRIOV + 4, 1 << 1); // ARI hierarchy preserved
        self.may16(SRIOV + 8, VF_ENABLE | 1 << 3 | 1 << 4); // enable, memory, ARI
        self.put16(SRIOV + 0x0c, vfs);
        self.put16(SRIOV + 0x0e, vfs);
        self.may16(SRIOV + 0x10, 0xffff);
        self.put16(SRIOV + 0x14, 1); // first VF
        self.put16(SRIOV + 0x16, 1); // stride
        self.put16(SRIOV + 0x1a, VF_DEVICE);
        self.put32(SRIOV + 0x1c, 0x553); // page sizes: all that must be
        self.put32(SRIOV + 0x20, 1);
        self.may32(SRIOV + 0x20, 0x553);
        self.may32(SRIOV + 0x24, !(Kind::Vf.layout().bar - 1));
    }

    fn extended(&mut self, at: usize, id: u16, next: usize) {
        self.put16(at, id);
        self.put16(at + 2, 1 | (next as u16) << 4);
    }

    fn link(&mut self, places: &[usize]) {
        for pair in places.windows(2) {
            self.bytes[pair[0] + 1] = pair[1] as u8;
        }
    }

    fn put16(&mut self, at: usize, value: u16) {
        self.bytes[at..at + 2].copy_from_slice(&value.to_le_bytes());
    }

    fn put32(&mut self, at: usize, value: u32) {
        self.bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
    }

    fn may16(&mut self, at: usize, bits: u16) {
        self.writable[at..at + 2].copy_from_slice(&bits.to_le_bytes());
    }

    fn may32(&mut self, at: usize, bits: u32) {
        self.writable[at..at + 4].copy_from_slice(&bits.to_le_bytes());
    }

    fn half(&self, at: usize) -> u16 {
        u16::from_le_bytes([self.bytes[at], self.bytes[at + 1]])
    }

    fn word(&self, at: usize) -> u32 {
        u32::from(self.half(at)) | u32::from(self.half(at + 2)) << 16
    }

    /// Fills `data` from `offset` on; the caller has checked the range.
    pub(crate) fn read(&self, offset: usize, data: &mut [u8]) {
        data.copy_from_slice(&self.bytes[offset..offset + data.len()]);
    }

    /// Writes what may be written; the caller has checked the range. True if it starts a function-level reset.
    pub(crate) fn write(&mut self, offset: usize, data: &[u8]) -> bool {
        let enabled = self.half(SRIOV + 8) & VF_ENABLE != 0;
        let num_vfs = SRIOV + 0x10..SRIOV + 0x12;
        let mut reset = false;
        for (at, &new) in (offset..).zip(data) {
            if let Kind::Pf { .. } = self.kind
                && enabled
                && num_vfs.contains(&at)
            {
                continue; // may not change while the VFs are there
            }
            let mask = self.writable[at];
            self.bytes[at] = self.bytes[at] & !mask | new & mask;
            reset |= at == DEVICE_CONTROL + 1 && new & (INITIATE_FLR >> 8) as u8 != 0;
        }
        reset
    }

    /// BAR 0 answers.
    pub(super) fn memory(&self) -> bool {
        self.half(COMMAND) & COMMAND_MEMORY != 0
    }

    /// The function may use the host's memory.
    pub(super) fn bus_master(&self) -> bool {
        self.half(COMMAND) & COMMAND_BUS_MASTER != 0
    }

    /// All of its interrupts are held back.
    pub(super) fn msix_masked(&self) -> bool {
        self.half(MSIX + 2) & MSIX_MASK_ALL != 0
    }

    /// VFs that the PF has enabled.
    pub(super) fn vfs(&self) -> u16 {
        match self.kind {
            Kind::Pf { vfs } if self.half(SRIOV + 8) & VF_ENABLE != 0 => {
                self.half(SRIOV + 0x10).min(vfs)
            }
            _ => 0,
        }
    }

    /// Place of the bytes through which the virtio capability reaches a BAR, if there is one.
    pub(super) fn window_data(&self) -> Option<std::ops::Range<usize>> {
        (self.pci_cfg != 0).then(|| self.pci_cfg + 16..self.pci_cfg + 20)
    }

    /// What they reach now, if that makes sense.
    pub(super) fn window(&self) -> Option<Window> {
        let at = self.pci_cfg;
        if at == 0 || self.bytes[at + 4] != 0 {
            return None;
        }
        let (offset, len) = (self.word(at + 8), self.word(at + 12));
        let fits = matches!(len, 1 | 2 | 4)
            && offset.is_multiple_of(len)
            && offset < self.kind.layout().bar;
        fits.then_some(Window { offset, len })
    }

    /// Puts what was read through the window into its bytes.
    pub(super) fn set_window_data(&mut self, data: &[u8]) {
        if let Some(place) = self.window_data()
            && let Some(bytes) = self.bytes[place].get_mut(..data.len())
        {
            bytes.copy_from_slice(data);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn word(space: &ConfigSpace, at: usize) -> u32 {
        let mut bytes = [0; 4];
        space.read(at, &mut bytes);
        u32::from_le_bytes(bytes)
    }

    /// Capability ids and places, as a driver walks the list.
    fn list(space: &ConfigSpace) -> Vec<(u8, usize)> {
        let mut found = Vec::new();
        let mut at = word(space, CAPABILITIES) as usize & 0xff;
        while at != 0 {
            assert!(found.len() < 48, "the list has a loop");
            found.push((word(space, at) as u8, at));
            at = (word(space, at) >> 8) as usize & 0xff;
        }
        found
    }

    fn extended(space: &ConfigSpace) -> Vec<u16> {
        let mut found = Vec::new();
        let mut at = EXTENDED;
        while at != 0 {
            assert!(found.len() < 48, "the list has a loop");
            let head = word(space, at);
            assert_eq!(head >> 16 & 0xf, 1, "version of the capability at {at:#x}");
            found.push(head as u16);
            at = (head >> 20) as usize;
        }
        found
    }

    #[test]
    fn a_vf_is_a_virtio_network_device() {
        let vf = ConfigSpace::new(Kind::Vf);
        assert_eq!(word(&vf, 0), 0x1041_1af4);
        assert_eq!(word(&vf, 8), 0x0200_0001);
        assert_eq!(vf.bytes[0x0e], 0, "type 0");
        let ids: Vec<u8> = list(&vf).iter().map(|(id, _)| *id).collect();
        assert_eq!(ids, [0x10, 0x11, 9, 9, 9, 9, 9]);
        assert_eq!(extended(&vf), [0x0d, 0x0e]);
        let parts: Vec<_> = list(&vf)[2..]
            .iter()
            .map(|(_, at)| (vf.bytes[at + 3], vf.bytes[at + 4], word(&vf, at + 8)))
            .collect();
        assert_eq!(
            parts,
            [
                (1, 0, 0),
                (2, 0, 0x1000),
                (3, 0, 0x100),
                (4, 0, 0x200),
                (5, 0, 0)
            ]
        );
        let notify = list(&vf)[3].1;
        assert_eq!(word(&vf, notify + 16), 4, "notify_off_multiplier");
        assert_eq!(word(&vf, MSIX) >> 16, 15, "16 vectors");
        assert_eq!((word(&vf, MSIX + 4), word(&vf, MSIX + 8)), (0x2000, 0x3000));
    }

    #[test]
    fn the_pf_has_sriov() {
        let mut pf = ConfigSpace::new(Kind::Pf { vfs: 8 });
        assert_eq!(word(&pf, 0), 0x10f0_1af4);
        assert_eq!(extended(&pf), [0x10, 0x0d, 0x0e]);
        assert_eq!(word(&pf, SRIOV + 0x0c), 0x0008_0008);
        assert_eq!(word(&pf, SRIOV + 0x14), 0x0001_0001);
        assert_eq!(word(&pf, SRIOV + 0x18) >> 16, 0x1041);
        assert_eq!(pf.vfs(), 0);
        pf.write(SRIOV + 0x10, &3u16.to_le_bytes());
        assert_eq!(pf.vfs(), 0, "not before VF Enable");
        pf.write(SRIOV + 8, &[1, 0]);
        assert_eq!(pf.vfs(), 3);
        pf.write(SRIOV + 0x10, &5u16.to_le_bytes());
        assert_eq!(pf.vfs(), 3, "NumVFs holds while the VFs are there");
        pf.write(SRIOV + 8, &[0, 0]);
        pf.write(SRIOV + 0x10, &500u16.to_le_bytes());
        pf.write(SRIOV + 8, &[1, 0]);
        assert_eq!(pf.vfs(), 8, "never more than there are");
        pf.write(SRIOV + 0x24, &[0xff; 4]);
        assert_eq!(word(&pf, SRIOV + 0x24), 0xffff_c000, "size of a VF's BAR");
    }

    #[test]
    fn bars_tell_their_size_and_only_bar_0_is_there() {
        for (kind, size) in [(Kind::Pf { vfs: 8 }, 0x1_0000u32), (Kind::Vf, 0x4000)] {
            let mut space = ConfigSpace::new(kind);
            space.write(BAR0, &[0xff; 24]);
            assert_eq!(word(&space, BAR0), !(size - 1));
            for bar in 1..6 {
                assert_eq!(word(&space, BAR0 + 4 * bar), 0);
            }
            space.write(BAR0, &0xfebf_1234u32.to_le_bytes());
            assert_eq!(word(&space, BAR0), 0xfebf_1234 & !(size - 1));
        }
    }

    #[test]
    fn what_is_read_only_stays() {
        let mut vf = ConfigSpace::new(Kind::Vf);
        let before = vf.bytes.clone();
        let reset = vf.write(0, &[0xff; SIZE]);
        assert!(reset, "all ones initiate a reset, too");
        for at in 0..SIZE {
            let changed = before[at] ^ vf.bytes[at];
            assert_eq!(changed & !vf.writable[at], 0, "byte {at:#x}");
        }
        assert_eq!(vf.half(DEVICE_CONTROL) & INITIATE_FLR, 0, "reads as zero");
        assert!(vf.memory() && vf.bus_master() && vf.msix_masked());
        vf.write(COMMAND, &[0, 0]);
        assert!(!vf.memory() && !vf.bus_master());
    }

    #[test]
    fn the_window_reaches_only_what_makes_sense() {
        let mut vf = ConfigSpace::new(Kind::Vf);
        let at = vf.pci_cfg;
        let mut set = |bar: u8, offset: u32, len: u32| {
            vf.write(at + 4, &[bar]);
            vf.write(at + 8, &offset.to_le_bytes());
            vf.write(at + 12, &len.to_le_bytes());
            vf.window()
        };
        assert_eq!(
            set(0, 0x14, 1),
            Some(Window {
                offset: 0x14,
                len: 1
            })
        );
        for (bar, offset, len) in [
            (1, 0, 4),
            (0, 2, 4),
            (0, 0, 3),
            (0, 0, 8),
            (0, 0x4000, 4),
            (0, u32::MAX - 3, 4),
        ] {
            assert_eq!(set(bar, offset, len), None, "{bar} {offset:#x} {len}");
        }
    }
}
