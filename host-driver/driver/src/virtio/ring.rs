// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A split virtqueue (virtio 1.2, section 2.7), from the driver's side.
//!
//! Pure logic over [`DmaMemory`]: no registers, no clock. What the driver has to remember it keeps in
//! memory of its own, so that a device that scribbles over the ring can only make itself useless. Every index,
//! id and length that the device writes is read once and checked; after the first bad one the queue is dead
//! until it is made anew.
//!
//! Descriptors are given out in a circle. A ring is *straight* while all chains have one piece and come back in
//! order: then chain `n` has descriptor `n` modulo the size, and one comparison of an id tells that the device has that
//! chain and none before it. Batches on a straight ring are loops over slices; everything else is one chain at a time.

use std::mem;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering, fence};

use thiserror::Error;

use crate::function::DmaMemory;
use crate::memory::Words;

mod batch;

/// Most entries of a queue that [`Ring`] makes.
pub(super) const MOST_ENTRIES: u16 = 32768;

const DESCRIPTOR: usize = 16;
const FLAG_NEXT: u16 = 1;
const FLAG_WRITE: u16 = 2;
/// In the flags of a ring: do not disturb.
const NO_EVENT: u16 = 1;

/// What a device did wrong with a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum RingError {
    /// The used index is not between the last one and what was given.
    #[error("used index {index} with {outstanding} buffers given since {last}")]
    BadUsedIndex {
        /// What it reads as.
        index: u16,
        /// What it was.
        last: u16,
        /// Buffers that the device has.
        outstanding: u16,
    },
    /// The id of a used buffer is none that the device has.
    #[error("used id {id}, which the device does not have")]
    BadUsedId {
        /// The id.
        id: u32,
    },
    /// More bytes were written than there was room for, or fewer than a frame has.
    #[error("used length {len}, where {least} to {most} can be")]
    BadUsedLength {
        /// The length.
        len: u32,
        /// The shortest that can be.
        least: u32,
        /// The longest.
        most: u32,
    },
    /// A frame is spread over a number of buffers that cannot be.
    #[error("a frame in {count} buffers, of which {there} are there")]
    BadBufferCount {
        /// What the header of the frame says.
        count: u16,
        /// Buffers that were used.
        there: u16,
    },
}

/// A piece of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment {
    /// The device's address.
    pub bus: u64,
    /// Bytes.
    pub len: u32,
    /// Whether the device writes it. Such pieces come after all others.
    pub writable: bool,
}

impl Segment {
    /// Bytes that the device may write.
    #[inline]
    fn room(&self) -> u32 {
        if self.writable { self.len } else { 0 }
    }

    /// Length, flags and link of its descriptor, as the device reads them.
    #[inline]
    fn rest(&self, next: Option<u16>) -> u64 {
        let mut flags = if self.writable { FLAG_WRITE } else { 0 };
        flags |= if next.is_some() { FLAG_NEXT } else { 0 };
        let next = u64::from(next.unwrap_or(0));
        (u64::from(self.len) | u64::from(flags) << 32 | next << 48).to_le()
    }
}

/// Where the parts of a queue are in its memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RingLayout {
    start: usize,
    avail: usize,
    used: usize,
    end: usize,
}

impl RingLayout {
    /// The layout of a queue that starts at an offset, a multiple of 16.
    #[must_use]
    pub fn new(start: usize, size: u16) -> Self {
        let entries = usize::from(size);
        let avail = start + entries * DESCRIPTOR;
        // Its entries, 8 bytes each, start 4 bytes further: each is read at once.
        let used = (avail + 6 + 2 * entries + 4).next_multiple_of(8) - 4;
        Self {
            start,
            avail,
            used,
            end: (used + 6 + 8 * entries).next_multiple_of(64),
        }
    }

    /// Where the next queue can start.
    #[must_use]
    pub fn end(&self) -> usize {
        self.end
    }
}

/// A used chain.
#[derive(Debug, PartialEq, Eq)]
pub struct Used<T> {
    /// What was given with it.
    pub token: T,
    /// Bytes that the device says it wrote; at most what it could.
    pub len: u32,
    /// Pieces that the chain had.
    pub count: u16,
}

/// What is remembered of a descriptor.
#[derive(Clone, Copy, Debug, Default)]
struct Link {
    /// The next one of its chain.
    next: u16,
    /// If it is the first of a chain that the device has: how many that has. Else none; of a straight ring anything.
    count: u16,
    /// Likewise: bytes that the device may write.
    room: u32,
}

impl Link {
    /// Of a chain that has one piece.
    #[inline]
    fn single(segment: &Segment) -> Self {
        Self {
            next: 0,
            count: 1,
            room: segment.room(),
        }
    }
}

/// A split virtqueue. `T` is what belongs to a chain, kept here while the device has it.
#[derive(Debug)]
pub struct Ring<T> {
    memory: DmaMemory,
    layout: RingLayout,
    size: u16,
    event_idx: bool,
    /// Two words each: the address, and length, flags and link.
    descriptors: Words<[AtomicU64; 2]>,
    avail: Words<AtomicU16>,
    used: Words<AtomicU64>,
    /// By first descriptor: what the device has. Others are nothing, the default.
    tokens: Box<[T]>,
    links: Box<[Link]>,
    /// Free descriptors, `free_left` from place `free_at` on, in a circle. Of a straight ring the place is the number
    /// of chains that were added, and each descriptor is at its own.
    free: Box<[u16]>,
    free_at: u16,
    free_left: u16,
    straight: bool,
    outstanding: u16,
    /// Chains added so far, and those that the device was told of.
    added: u16,
    published: u16,
    /// Used chains taken so far.
    taken: u16,
    dead: Option<RingError>,
}

impl<T: Default> Ring<T> {
    /// A queue with all descriptors free, in zeroed memory. No interrupts are wanted at first.
    ///
    /// # Panics
    /// `size` is no power of two up to 32768, or the layout does not fit the memory.
    #[must_use]
    pub fn new(memory: DmaMemory, layout: RingLayout, size: u16, event_idx: bool) -> Self {
        assert!(size.is_power_of_two() && size <= MOST_ENTRIES);
        assert!(layout.end <= memory.memory().len());
        let entries = usize::from(size);
        let mut ring = Self {
            descriptors: memory.words(layout.start, entries),
            avail: memory.words(layout.avail + 4, entries),
            used: memory.words(layout.used + 4, entries),
            memory,
            layout,
            size,
            event_idx,
            tokens: (0..size).map(|_| T::default()).collect(),
            links: vec![Link::default(); entries].into(),
            free: (0..size).collect(),
            free_at: 0,
            free_left: size,
            straight: true,
            outstanding: 0,
            added: 0,
            published: 0,
            taken: 0,
            dead: None,
        };
        ring.disable_events();
        ring
    }

    /// Addresses of the descriptors, the available and the used ring, for the device.
    #[must_use]
    pub fn addresses(&self) -> [u64; 3] {
        [self.layout.start, self.layout.avail, self.layout.used].map(|at| self.memory.bus(at))
    }

    /// Entries.
    #[must_use]
    pub fn size(&self) -> u16 {
        self.size
    }

    /// Descriptors that are free.
    #[must_use]
    pub fn room(&self) -> u16 {
        self.free_left
    }

    /// Chains that the device has.
    #[must_use]
    pub fn outstanding(&self) -> u16 {
        self.outstanding
    }

    /// The place of a number that counts on for ever.
    #[inline]
    fn place(&self, number: u16) -> usize {
        usize::from(number & (self.size - 1))
    }

    /// Puts a chain into the ring. The device learns of it with [`Ring::publish`].
    ///
    /// # Errors
    /// There are not so many free descriptors, or the chain is empty; the token comes back.
    pub fn add(&mut self, segments: &[Segment], token: T) -> Result<(), T> {
        let count = match u16::try_from(segments.len()) {
            Ok(count) if count > 0 && count <= self.free_left => count,
            _ => return Err(token),
        };
        if self.straight && count > 1 {
            self.bend();
        }
        let head = self.free[self.place(self.free_at)];
        let mut room = 0u32;
        for (number, segment) in (1..=count).zip(segments) {
            let at = self.free[self.place(self.free_at)];
            self.free_at = self.free_at.wrapping_add(1);
            let next = (number < count).then(|| self.free[self.place(self.free_at)]);
            let [bus, rest] = &self.descriptors[usize::from(at)];
            bus.store(segment.bus.to_le(), Ordering::Relaxed);
            rest.store(segment.rest(next), Ordering::Relaxed);
            self.links[usize::from(at)].next = next.unwrap_or(0);
            room = room.saturating_add(segment.room());
        }
        self.free_left -= count;
        let link = &mut self.links[usize::from(head)];
        (link.count, link.room) = (count, room);
        self.tokens[usize::from(head)] = token;
        self.avail[self.place(self.added)].store(head.to_le(), Ordering::Relaxed);
        self.added = self.added.wrapping_add(1);
        self.outstanding += 1;
        Ok(())
    }

    /// Shows the device every chain that was added. True if it wants to be notified of them.
    #[must_use = "the device may wait for a notification"]
    pub fn publish(&mut self) -> bool {
        let old = self.published;
        if self.added == old {
            return false;
        }
        let memory = self.memory.memory();
        // Descriptors and entries before the index that makes them count.
        memory.store16(self.layout.avail + 2, self.added, Ordering::Release);
        self.published = self.added;
        // The index before the look at what the device wants to hear: else both could miss the other's.
        fence(Ordering::SeqCst);
        if self.event_idx {
            let at = self.layout.used + 4 + 8 * usize::from(self.size);
            let event = memory.load16(at, Ordering::Relaxed);
            is_between(event, self.added, old)
        } else {
            memory.load16(self.layout.used, Ordering::Relaxed) & NO_EVENT == 0
        }
    }

    /// Takes a used chain.
    ///
    /// # Errors
    /// The device broke the rules, now or before.
    pub fn pop(&mut self) -> Result<Option<Used<T>>, RingError> {
        let mut first = None;
        self.pop_while(|used| {
            first = Some(used);
            false
        })?;
        Ok(first)
    }

    /// Takes the used chains that there are, up to the one for which `take` returns false.
    ///
    /// # Errors
    /// The device broke the rules, now or before. What came before that was taken.
    pub fn pop_while(&mut self, take: impl FnMut(Used<T>) -> bool) -> Result<(), RingError> {
        let seen = self.look()?;
        self.pop_to(seen, take)
    }

    fn pop_to(
        &mut self,
        seen: u16,
        mut take: impl FnMut(Used<T>) -> bool,
    ) -> Result<(), RingError> {
        while self.taken != seen {
            let place = self.place(self.taken);
            let (id, len) = halves(&self.used[place]);
            if self.straight && id as usize != place {
                self.bend();
            }
            let Some(link @ Link { count: 1.., .. }) = self.links.get(id as usize).copied() else {
                return Err(self.kill(RingError::BadUsedId { id }));
            };
            self.links[id as usize].count = 0;
            let token = mem::take(&mut self.tokens[id as usize]);
            let mut at = id as u16;
            for _ in 0..link.count {
                let free = self.place(self.free_at.wrapping_add(self.free_left));
                self.free[free] = at;
                self.free_left += 1;
                at = self.links[usize::from(at)].next;
            }
            self.outstanding -= 1;
            self.taken = self.taken.wrapping_add(1);
            let (count, most) = (link.count, link.room);
            let len = match len {
                len if len <= most => len,
                // Of a chain that the device only reads the length says nothing.
                _ if most == 0 => 0,
                len => {
                    let least = 0;
                    return Err(self.kill(RingError::BadUsedLength { len, least, most }));
                }
            };
            if !take(Used { token, len, count }) {
                break;
            }
        }
        Ok(())
    }

    /// The used index.
    fn look(&mut self) -> Result<u16, RingError> {
        if let Some(error) = self.dead {
            return Err(error);
        }
        // What the index counts was written before it.
        let at = self.layout.used + 2;
        let index = self.memory.memory().load16(at, Ordering::Acquire);
        let (last, outstanding) = (self.taken, self.outstanding);
        if index.wrapping_sub(last) > outstanding {
            return Err(self.kill(RingError::BadUsedIndex {
                index,
                last,
                outstanding,
            }));
        }
        Ok(index)
    }

    /// Marks the queue dead.
    #[cold]
    pub(super) fn kill(&mut self, error: RingError) -> RingError {
        *self.dead.get_or_insert(error)
    }

    /// Why the queue is dead, if it is.
    #[must_use]
    pub fn dead(&self) -> Option<RingError> {
        self.dead
    }

    /// Asks for an interrupt at the next used chain. True if there is one already, which may cause none.
    ///
    /// # Errors
    /// The device broke the rules.
    pub fn enable_events(&mut self) -> Result<bool, RingError> {
        let memory = self.memory.memory();
        if self.event_idx {
            memory.store16(self.used_event(), self.taken, Ordering::Relaxed);
        } else {
            memory.store16(self.layout.avail, 0, Ordering::Relaxed);
        }
        // The wish before the last look.
        fence(Ordering::SeqCst);
        Ok(self.look()? != self.taken)
    }

    /// Asks for no more interrupts. Some may still come.
    pub fn disable_events(&mut self) {
        let memory = self.memory.memory();
        if self.event_idx {
            // The one that was taken last: the device passes it again after 65536 chains.
            let passed = self.taken.wrapping_sub(1);
            memory.store16(self.used_event(), passed, Ordering::Relaxed);
        } else {
            memory.store16(self.layout.avail, NO_EVENT, Ordering::Relaxed);
        }
    }

    fn used_event(&self) -> usize {
        self.layout.avail + 4 + 2 * usize::from(self.size)
    }
}

/// Id and length of a used entry, read at once.
#[inline]
fn halves(entry: &AtomicU64) -> (u32, u32) {
    let entry = u64::from_le(entry.load(Ordering::Relaxed));
    (entry as u32, (entry >> 32) as u32)
}

/// Whether an index that somebody waits for was passed on the way from `old` to `new`.
fn is_between(event: u16, new: u16, old: u16) -> bool {
    new.wrapping_sub(event).wrapping_sub(1) < new.wrapping_sub(old)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_counts_when_it_is_passed() {
        assert!(is_between(4, 5, 4));
        assert!(!is_between(5, 5, 4));
        assert!(!is_between(3, 5, 4));
        assert!(is_between(u16::MAX, 1, u16::MAX - 1));
        assert!(is_between(0, 1, u16::MAX - 1));
        assert!(!is_between(1, 1, u16::MAX - 1));
        assert!(!is_between(7, 7, 7));
    }

    #[test]
    fn the_parts_of_a_queue_do_not_overlap() {
        for size in (0..=15).map(|log2| 1 << log2) {
            let layout = RingLayout::new(64, size);
            let entries = usize::from(size);
            assert!(layout.avail >= layout.start + 16 * entries);
            assert!(layout.used >= layout.avail + 6 + 2 * entries);
            assert!(layout.end >= layout.used + 6 + 8 * entries);
            assert!(layout.used % 8 == 4 && layout.end.is_multiple_of(16));
        }
    }
}
