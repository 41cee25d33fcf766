// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The messages of vfio-user: a header of 16 bytes, then what the command says, in this machine's byte order.

use std::fmt;

/// Bytes of a header.
pub(super) const HEADER: usize = 16;
/// Largest body that is read; no answer to what we ask is longer.
pub(super) const MOST_BODY: usize = 64 * 1024;

/// `ENOTSUP`: the answer to what the other side may not ask.
pub(super) const NOT_SUPPORTED: u32 = 95;

/// What a client asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Agree on a version.
    Version = 1,
    /// Give access to memory.
    DmaMap = 2,
    /// Take it away.
    DmaUnmap = 3,
    /// What the device has.
    DeviceInfo = 4,
    /// What a region is.
    RegionInfo = 5,
    /// What an interrupt is.
    IrqInfo = 7,
    /// Connect interrupts.
    SetIrqs = 8,
    /// Read a region.
    RegionRead = 9,
    /// Write a region.
    RegionWrite = 10,
    /// Reset the device.
    Reset = 13,
}

impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "VERSION",
            Self::DmaMap => "DMA_MAP",
            Self::DmaUnmap => "DMA_UNMAP",
            Self::DeviceInfo => "DEVICE_GET_INFO",
            Self::RegionInfo => "DEVICE_GET_REGION_INFO",
            Self::IrqInfo => "DEVICE_GET_IRQ_INFO",
            Self::SetIrqs => "DEVICE_SET_IRQS",
            Self::RegionRead => "REGION_READ",
            Self::RegionWrite => "REGION_WRITE",
            Self::Reset => "DEVICE_RESET",
        })
    }
}

/// A header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u16,
    pub(super) command: u16,
    /// Bytes of the whole message.
    pub(super) size: u32,
    pub(super) flags: u32,
    pub(super) error: u32,
}

impl Header {
    const TYPE: u32 = 0xf;
    const REPLY: u32 = 1;
    const NO_REPLY: u32 = 1 << 4;
    const ERROR: u32 = 1 << 5;

    pub(super) fn command(id: u16, command: Command, body: usize) -> Self {
        Self {
            id,
            command: command as u16,
            size: u32::try_from(HEADER + body).unwrap_or(u32::MAX),
            flags: 0,
            error: 0,
        }
    }

    /// The answer that a command is refused.
    pub(super) fn refusal(self) -> Self {
        Self {
            size: HEADER as u32,
            flags: Self::REPLY | Self::ERROR,
            error: NOT_SUPPORTED,
            ..self
        }
    }

    pub(super) fn is_reply(self) -> bool {
        self.flags & Self::TYPE == Self::REPLY
    }

    pub(super) fn wants_reply(self) -> bool {
        self.flags & Self::NO_REPLY == 0
    }

    /// The error number of an answer that says that the command failed.
    pub(super) fn errno(self) -> Option<u32> {
        (self.flags & Self::ERROR != 0).then_some(self.error)
    }

    /// Bytes behind the header, if they are not too many or fewer than none.
    pub(super) fn body(self) -> Option<usize> {
        let body = usize::try_from(self.size).ok()?.checked_sub(HEADER)?;
        (body <= MOST_BODY).then_some(body)
    }

    pub(super) fn encode(self) -> [u8; HEADER] {
        let mut bytes = [0; HEADER];
        bytes[0..2].copy_from_slice(&self.id.to_ne_bytes());
        bytes[2..4].copy_from_slice(&self.command.to_ne_bytes());
        bytes[4..8].copy_from_slice(&self.size.to_ne_bytes());
        bytes[8..12].copy_from_slice(&self.flags.to_ne_bytes());
        bytes[12..16].copy_from_slice(&self.error.to_ne_bytes());
        bytes
    }

    pub(super) fn decode(bytes: &[u8; HEADER]) -> Self {
        let mut fields = Fields(bytes);
        let mut word = || fields.u32().unwrap_or(0);
        let first = word().to_ne_bytes();
        Self {
            id: u16::from_ne_bytes([first[0], first[1]]),
            command: u16::from_ne_bytes([first[2], first[3]]),
            size: word(),
            flags: word(),
            error: word(),
        }
    }
}

/// Takes the fields of a body one by one.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Fields<'a> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (field, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*field)
    }

    pub(super) fn u16(&mut self) -> Option<u16> {
        self.take().map(u16::from_ne_bytes)
    }

    pub(super) fn u32(&mut self) -> Option<u32> {
        self.take().map(u32::from_ne_bytes)
    }

    pub(super) fn u64(&mut self) -> Option<u64> {
        self.take().map(u64::from_ne_bytes)
    }

    pub(super) fn rest(self) -> &'a [u8] {
        self.0
    }
}

/// A body made of fields.
#[derive(Default)]
pub(super) struct Body(pub(super) Vec<u8>);

impl Body {
    /// One that begins with its own size, as the structures of VFIO do, and flags.
    pub(super) fn sized(size: u32, flags: u32) -> Self {
        Self::default().u32(size).u32(flags)
    }

    pub(super) fn u16(mut self, value: u16) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    pub(super) fn u32(mut self, value: u32) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    pub(super) fn u64(mut self, value: u64) -> Self {
        self.0.extend(value.to_ne_bytes());
        self
    }

    pub(super) fn bytes(mut self, bytes: &[u8]) -> Self {
        self.0.extend_from_slice(bytes);
        self
    }
}
