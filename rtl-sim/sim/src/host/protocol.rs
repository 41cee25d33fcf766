// SPDX-License-Identifier: Apache-2.0 OR MIT
//! vfio-user messages: headers and payloads, checked.
//!
//! Everything here is pure: bytes in, values or an [`Errno`] out.

use nix::errno::Errno;

/// Bytes of a header.
pub(super) const HEADER: usize = 16;
/// Most data of one region access.
pub(super) const MAX_DATA: usize = 1 << 20;
/// Longest message.
pub(super) const MAX_MESSAGE: usize = HEADER + 16 + MAX_DATA;
/// Version of the protocol.
pub(super) const MAJOR: u16 = 0;
const MINOR: u16 = 1;

/// What the server asks for: memory that came without a descriptor.
pub(super) const DMA_READ: u16 = 11;
pub(super) const DMA_WRITE: u16 = 12;

/// What a client can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Command {
    Version,
    DmaMap,
    DmaUnmap,
    DeviceInfo,
    RegionInfo,
    RegionIoFds,
    IrqInfo,
    SetIrqs,
    RegionRead,
    RegionWrite,
    Reset,
}

impl Command {
    fn from_number(number: u16) -> Option<Self> {
        Some(match number {
            1 => Self::Version,
            2 => Self::DmaMap,
            3 => Self::DmaUnmap,
            4 => Self::DeviceInfo,
            5 => Self::RegionInfo,
            6 => Self::RegionIoFds,
            7 => Self::IrqInfo,
            8 => Self::SetIrqs,
            9 => Self::RegionRead,
            10 => Self::RegionWrite,
            13 => Self::Reset,
            _ => return None,
        })
    }
}

/// A header that can be worked with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) id: u16,
    /// The number as it came.
    pub(super) number: u16,
    /// Bytes behind the header.
    pub(super) body: usize,
    /// The client wants no reply.
    pub(super) silent: bool,
    /// A reply, and whether it names an error.
    pub(super) is_reply: bool,
    pub(super) failed: bool,
    /// Neither a command nor a reply.
    odd_type: bool,
}

/// A stream on which no further message can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("a message of {0} bytes, shorter than its header")]
    Short(u32),
    #[error("a message of {0} bytes, longer than {MAX_MESSAGE}")]
    Long(u32),
    #[error("a reply, though nothing was asked")]
    Reply,
}

impl Header {
    pub(super) fn parse(bytes: &[u8; HEADER]) -> Result<Self, Broken> {
        let mut fields = Fields(bytes);
        let (id, number) = (fields.half(), fields.half());
        let (size, flags) = (fields.word(), fields.word());
        let body = (size as usize)
            .checked_sub(HEADER)
            .ok_or(Broken::Short(size))?;
        if size as usize > MAX_MESSAGE {
            return Err(Broken::Long(size));
        }
        Ok(Self {
            id,
            number,
            body,
            silent: flags & 0x10 != 0,
            is_reply: flags & 0xf == 1,
            failed: flags & 0x20 != 0,
            odd_type: flags & 0xf != 0,
        })
    }

    /// The command.
    pub(super) fn command(&self) -> Result<Command, Errno> {
        if self.odd_type {
            return Err(Errno::EINVAL);
        }
        Command::from_number(self.number).ok_or(Errno::EOPNOTSUPP)
    }

    /// A whole reply.
    pub(super) fn reply(&self, result: Result<&[u8], Errno>) -> Vec<u8> {
        let (payload, flags, error) = match result {
            Ok(payload) => (payload, 1u32, 0u32),
            Err(errno) => (&[][..], 1 | 1 << 5, errno as u32),
        };
        let size = (HEADER + payload.len()) as u32;
        let mut reply = Vec::with_capacity(HEADER + payload.len());
        reply.extend(self.id.to_le_bytes());
        reply.extend(self.number.to_le_bytes());
        reply.extend(size.to_le_bytes());
        reply.extend(flags.to_le_bytes());
        reply.extend(error.to_le_bytes());
        reply.extend(payload);
        reply
    }
}

/// What a question about memory, and its reply, start with.
pub(super) fn memory_head(addr: u64, len: usize) -> [u8; 16] {
    let mut head = [0; 16];
    head[..8].copy_from_slice(&addr.to_le_bytes());
    head[8..].copy_from_slice(&(len as u64).to_le_bytes());
    head
}

/// A question about memory: a whole message.
pub(super) fn memory_question(
    id: u16,
    command: u16,
    addr: u64,
    len: usize,
    data: &[u8],
) -> Vec<u8> {
    let size = (HEADER + 16 + data.len()) as u32;
    let mut message = Vec::with_capacity(size as usize);
    message.extend(id.to_le_bytes());
    message.extend(command.to_le_bytes());
    message.extend(words(&[size, 0, 0]));
    message.extend(memory_head(addr, len));
    message.extend(data);
    message
}

/// Little-endian fields, one after the other. Reads zeros behind the end: lengths are checked before.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let mut out = [0; N];
        if let Some((head, rest)) = self.0.split_at_checked(N) {
            out.copy_from_slice(head);
            self.0 = rest;
        }
        out
    }

    fn half(&mut self) -> u16 {
        u16::from_le_bytes(self.take())
    }

    fn word(&mut self) -> u32 {
        u32::from_le_bytes(self.take())
    }

    fn long(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

/// The fixed part of a body, of exactly `len` bytes unless more may follow.
fn fixed(body: &[u8], len: usize, more: bool) -> Result<Fields<'_>, Errno> {
    if body.len() == len || more && body.len() > len {
        Ok(Fields(body))
    } else {
        Err(Errno::EINVAL)
    }
}

/// Answers VERSION: the version, and as much about us as fits in the room that the client's own text took.
pub(super) fn version(body: &[u8]) -> Result<Vec<u8>, Errno> {
    let mut fields = fixed(body, 4, true)?;
    let (major, minor) = (fields.half(), fields.half());
    if major != MAJOR {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let text = fields.0;
    if !text.is_empty() {
        let (last, json) = text.split_last().ok_or(Errno::EINVAL)?;
        let is_object = serde_json::from_slice::<serde_json::Map<String, serde_json::Value>>(json);
        if *last != 0 || is_object.is_err() {
            return Err(Errno::EINVAL);
        }
    }
    let mut reply = Vec::new();
    reply.extend(MAJOR.to_le_bytes());
    // The lower one of both is spoken.
    reply.extend(minor.min(MINOR).to_le_bytes());
    // Most telling first; what is left out has these values by default, but for the descriptors.
    for ours in [
        &b"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576}}\0"[..],
        b"{\"capabilities\":{\"max_msg_fds\":8}}\0",
        b"{}\0",
    ] {
        if ours.len() <= text.len() {
            reply.extend(ours);
            break;
        }
    }
    Ok(reply)
}

/// DMA_MAP.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DmaMap {
    pub(super) read: bool,
    pub(super) write: bool,
    pub(super) offset: u64,
    pub(super) address: u64,
    pub(super) size: u64,
}

impl DmaMap {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Errno> {
        let mut fields = fixed(body, 32, false)?;
        let (argsz, flags) = (fields.word(), fields.word());
        if argsz < 32 || flags & !3 != 0 {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            read: flags & 1 != 0,
            write: flags & 2 != 0,
            offset: fields.long(),
            address: fields.long(),
            size: fields.long(),
        })
    }
}

/// DMA_UNMAP: what is to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum DmaUnmap {
    All,
    Range { address: u64, size: u64 },
}

impl DmaUnmap {
    pub(super) fn parse(body: &[u8]) -> Result<Self, Errno> {
        let mut fields = fixed(body, 24, true)?;
        let (argsz, flags) = (fields.word(), fields.word());
        let (address, size) = (fields.long(), fields.long());
        match (argsz >= 24, flags, address, size) {
            (true, 0, address, 1..) => Ok(Self::Range { address, size }),
            (true, 2, 0, 0) => Ok(Self::All),
            (true, 1, ..) => Err(Errno::EOPNOTSUPP),
            _ => Err(Errno::EINVAL),
        }
    }
}

/// The `index` of GET_REGION_INFO (a body of 32 bytes) or GET_IRQ_INFO (16).
pub(super) fn info_index(body: &[u8], len: usize) -> Result<u32, Errno> {
    let mut fields = fixed(body, len, false)?;
    let (argsz, _flags, index) = (fields.word(), fields.word(), fields.word());
    if (argsz as usize) < len {
        return Err(Errno::EINVAL);
    }
    Ok(index)
}

/// Checks GET_INFO.
pub(super) fn device_info(body: &[u8]) -> Result<(), Errno> {
    let argsz = fixed(body, 16, true)?.word();
    if argsz < 16 {
        return Err(Errno::EINVAL);
    }
    Ok(())
}

/// Payload of words.
pub(super) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// What SET_IRQS does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IrqAction {
    Mask,
    Unmask,
    Trigger,
}

/// Whom SET_IRQS means: all of the range, those with a true byte, or those with descriptors.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IrqData<'a> {
    None,
    Bools(&'a [u8]),
    Eventfds,
}

/// SET_IRQS.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct SetIrqs<'a> {
    pub(super) index: u32,
    pub(super) start: u32,
    pub(super) count: u32,
    pub(super) action: IrqAction,
    pub(super) data: IrqData<'a>,
}

impl<'a> SetIrqs<'a> {
    /// `vectors` is how many there are of each index.
    pub(super) fn parse(
        body: &'a [u8],
        vectors: impl Fn(u32) -> Option<u32>,
    ) -> Result<Self, Errno> {
        let mut fields = fixed(body, 20, true)?;
        let (argsz, flags) = (fields.word(), fields.word());
        let (index, start, count) = (fields.word(), fields.word(), fields.word());
        let bytes = fields.0;
        if (argsz as usize) < 20 {
            return Err(Errno::EINVAL);
        }
        let data = match flags & 7 {
            1 if bytes.is_empty() => IrqData::None,
            2 if bytes.len() == count as usize => IrqData::Bools(bytes),
            // Descriptors come beside the bytes; some clients leave room for their numbers.
            4 => IrqData::Eventfds,
            _ => return Err(Errno::EINVAL),
        };
        let action = match flags & !7 {
            0x08 => IrqAction::Mask,
            0x10 => IrqAction::Unmask,
            0x20 => IrqAction::Trigger,
            _ => return Err(Errno::EINVAL),
        };
        let end = start.checked_add(count).ok_or(Errno::EINVAL)?;
        if vectors(index).is_none_or(|vectors| end > vectors) {
            return Err(Errno::EINVAL);
        }
        Ok(Self {
            index,
            start,
            count,
            action,
            data,
        })
    }
}

/// REGION_READ and the head of REGION_WRITE.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RegionAccess<'a> {
    pub(super) offset: u64,
    pub(super) region: u32,
    pub(super) count: u32,
    /// What is to be written.
    pub(super) data: &'a [u8],
}

impl<'a> RegionAccess<'a> {
    pub(super) fn parse(body: &'a [u8], write: bool) -> Result<Self, Errno> {
        let mut fields = fixed(body, 16, write)?;
        let access = Self {
            offset: fields.long(),
            region: fields.word(),
            count: fields.word(),
            data: fields.0,
        };
        let count = access.count as usize;
        if count > MAX_DATA || write && access.data.len() != count {
            return Err(Errno::EINVAL);
        }
        Ok(access)
    }

    /// The head again, as replies start with it.
    pub(super) fn head(&self) -> Vec<u8> {
        let mut head = self.offset.to_le_bytes().to_vec();
        head.extend(words(&[self.region, self.count]));
        head
    }
}

#[cfg(test)]
mod tests;
