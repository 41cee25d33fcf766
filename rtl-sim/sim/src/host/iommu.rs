// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a function may touch of its client's memory.
//!
//! The client maps files into the function's address space; everything else is refused. Each file is mapped into
//! this process once, whole; many maps share it.

use std::collections::{BTreeMap, HashSet};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::sync::{Arc, Weak};

use nix::errno::Errno;

use super::protocol::{DmaMap, DmaUnmap};
use super::sys::Shared;
use crate::model::Refused;

/// Smallest page; maps are whole ones.
const PAGE: u64 = 4096;
/// Most maps of a function.
const MAX_MAPS: usize = 65536;
/// Pages whose faults are told one by one.
const MAX_TOLD: usize = 256;

#[derive(Clone, Debug)]
struct Map {
    /// Its last byte.
    last: u64,
    read: bool,
    write: bool,
    /// Where its first byte is; `None` is memory that came without a descriptor: the client is asked for it.
    memory: Option<(Arc<Shared>, u64)>,
}

/// A file that is mapped: device and inode.
type FileId = (u64, u64);

/// The address space of one function.
#[derive(Debug, Default)]
pub(super) struct Iommu {
    maps: BTreeMap<u64, Map>,
    files: BTreeMap<FileId, Weak<Shared>>,
    told: HashSet<(u64, bool)>,
    faults: u64,
}

/// How an access that is allowed is done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// It is done.
    Here,
    /// By a message to the client.
    ByMessage,
}

/// An access that was refused and is to be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    /// Where.
    pub(super) addr: u64,
    /// Whether it was a write.
    pub(super) write: bool,
    /// Why.
    pub(super) why: &'static str,
}

impl Iommu {
    /// Lets the function use a part of a file, or, without one, memory that only the client reaches.
    pub(super) fn map(&mut self, map: &DmaMap, file: Option<OwnedFd>) -> Result<(), Errno> {
        let DmaMap {
            offset,
            address,
            size,
            ..
        } = *map;
        let aligned = [address, size].iter().all(|n| n.is_multiple_of(PAGE));
        if size == 0 || !aligned || !map.read && !map.write {
            return Err(Errno::EINVAL);
        }
        let last = address.checked_add(size - 1).ok_or(Errno::EINVAL)?;
        if self.overlaps(address, last) {
            return Err(Errno::EEXIST);
        }
        if self.maps.len() >= MAX_MAPS {
            return Err(Errno::ENOSPC);
        }
        let memory = match file {
            Some(file) => {
                let shared = self.open(file, offset, size)?;
                if map.write && !shared.writable() {
                    return Err(Errno::EACCES);
                }
                Some((shared, offset))
            }
            None => None,
        };
        let (read, write) = (map.read, map.write);
        let new = Map {
            last,
            read,
            write,
            memory,
        };
        self.maps.insert(address, new);
        Ok(())
    }

    fn overlaps(&self, first: u64, last: u64) -> bool {
        let before = self.maps.range(..=last).next_back();
        before.is_some_and(|(_, map)| map.last >= first)
    }

    /// The file in this process; it has to hold `size` bytes from `offset` on.
    fn open(&mut self, file: OwnedFd, offset: u64, size: u64) -> Result<Arc<Shared>, Errno> {
        let file = std::fs::File::from(file);
        let about = file.metadata().map_err(|e| errno(&e))?;
        if !about.is_file() || !offset.is_multiple_of(PAGE) {
            return Err(Errno::EINVAL);
        }
        let end = offset.checked_add(size).ok_or(Errno::EINVAL)?;
        if end > about.len() {
            return Err(Errno::EINVAL);
        }
        let id = (about.dev(), about.ino());
        self.files.retain(|_, file| file.strong_count() != 0);
        if let Some(known) = self.files.get(&id).and_then(Weak::upgrade)
            && end <= known.len() as u64
            && known.writable()
        {
            return Ok(known);
        }
        let len = usize::try_from(about.len()).map_err(|_| Errno::EINVAL)?;
        let shared = Arc::new(Shared::map(&file, len).map_err(|e| errno(&e))?);
        self.files.insert(id, Arc::downgrade(&shared));
        Ok(shared)
    }

    /// Takes memory away. Parts of maps may go; what is not mapped is no error.
    pub(super) fn unmap(&mut self, unmap: DmaUnmap) {
        let (first, last) = match unmap {
            DmaUnmap::All => (0, u64::MAX),
            DmaUnmap::Range { address, size } => {
                (address, address.saturating_add(size.saturating_sub(1)))
            }
        };
        while let Some((start, map)) = self.last_in(first, last) {
            self.maps.remove(&start);
            if map.last > last {
                let moved = last + 1 - start;
                let memory = map
                    .memory
                    .clone()
                    .map(|(shared, offset)| (shared, offset + moved));
                let rest = Map {
                    memory,
                    ..map.clone()
                };
                self.maps.insert(last + 1, rest);
            }
            if start < first {
                let last = first - 1;
                self.maps.insert(start, Map { last, ..map });
            }
        }
        // A page that is mapped anew may fault anew.
        self.told
            .retain(|(page, _)| !(first..=last).contains(&(page * PAGE)));
    }

    /// The last map that has bytes in a range.
    fn last_in(&self, first: u64, last: u64) -> Option<(u64, Map)> {
        let (start, map) = self.maps.range(..=last).next_back()?;
        (map.last >= first).then(|| (*start, map.clone()))
    }

    /// Takes everything away.
    pub(super) fn clear(&mut self) {
        self.maps.clear();
        self.files.clear();
        self.told.clear();
    }

    /// Accesses refused so far.
    pub(super) fn faults(&self) -> u64 {
        self.faults
    }

    /// Reads for the function. A refused access comes with what is to be told of it, if it was not told before.
    pub(super) fn read(
        &mut self,
        addr: u64,
        data: &mut [u8],
    ) -> Result<Reach, (Refused, Option<Fault>)> {
        let why = match self.find(addr, data.len()) {
            Ok((map, from)) if map.read => match &map.memory {
                Some((shared, offset)) if shared.read((offset + from) as usize, data) => {
                    return Ok(Reach::Here);
                }
                Some(_) => "is behind the end of its file",
                None => return Ok(Reach::ByMessage),
            },
            Ok(_) => "may not be read",
            Err(why) => why,
        };
        Err((Refused, self.fault(addr, false, why)))
    }

    /// Writes for the function, as [`Iommu::read`].
    pub(super) fn write(
        &mut self,
        addr: u64,
        data: &[u8],
    ) -> Result<Reach, (Refused, Option<Fault>)> {
        let why = match self.find(addr, data.len()) {
            Ok((map, from)) if map.write => match &map.memory {
                Some((shared, offset)) if shared.write((offset + from) as usize, data) => {
                    return Ok(Reach::Here);
                }
                Some(_) => "is behind the end of its file",
                None => return Ok(Reach::ByMessage),
            },
            Ok(_) => "may not be written",
            Err(why) => why,
        };
        Err((Refused, self.fault(addr, true, why)))
    }

    /// The map that has all of these bytes, and how far into it they begin.
    fn find(&self, addr: u64, len: usize) -> Result<(&Map, u64), &'static str> {
        let last = addr.checked_add(len as u64).and_then(|n| n.checked_sub(1));
        match self.maps.range(..=addr).next_back() {
            Some((start, map)) if last.is_some_and(|last| last <= map.last) => {
                Ok((map, addr - start))
            }
            _ => Err("is not mapped"),
        }
    }

    /// Counts a refused access; what is to be told of it, if that was not told before.
    pub(super) fn fault(&mut self, addr: u64, write: bool, why: &'static str) -> Option<Fault> {
        self.faults += 1;
        let new = self.told.len() < MAX_TOLD && self.told.insert((addr / PAGE, write));
        new.then_some(Fault { addr, write, why })
    }
}

fn errno(error: &std::io::Error) -> Errno {
    error.raw_os_error().map_or(Errno::EIO, Errno::from_raw)
}

#[cfg(test)]
mod tests;
