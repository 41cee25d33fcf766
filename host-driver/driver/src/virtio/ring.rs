// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A split virtqueue (virtio 1.2, section 2.7), from the driver's side.
//!
//! Pure logic over [`DmaMemory`]: no registers, no clock. What the driver has to remember it keeps in
//! memory of its own, so that a device that scribbles over the ring can only make itself useless. Every index,
//! id and length that the device writes is read once and checked; after the first bad one the queue is dead
//! until it is made anew.

use std::sync::atomic::{AtomicU16, AtomicU64, Ordering, fence};

use thiserror::Error;

use crate::function::DmaMemory;
use crate::memory::Words;

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
struct Slot<T> {
    /// Our copy of the link to the next one; free ones are linked from `first_free` on.
    next: u16,
    /// If a chain that the device has starts here: its last descriptor, and how many it has. Else there are none.
    last: u16,
    count: u16,
    /// Bytes of the chain that the device may write.
    room: u32,
    token: T,
}

/// A split virtqueue. `T` is what belongs to a chain, kept here while the device has it.
#[derive(Debug)]
pub struct Ring<T> {
    memory: DmaMemory,
    layout: RingLayout,
    size: u16,
    event_idx: bool,
    /// Two words each.
    descriptors: Words<AtomicU64>,
    avail: Words<AtomicU16>,
    used: Words<AtomicU64>,
    slots: Vec<Slot<T>>,
    first_free: u16,
    free_left: u16,
    outstanding: u16,
    /// Chains added so far, and those that the device was told of.
    added: u16,
    published: u16,
    /// Used chains taken so far.
    taken: u16,
    dead: Option<RingError>,
}

impl<T: Copy + Default> Ring<T> {
    /// A queue with all descriptors free, in zeroed memory. No interrupts are wanted at first.
    ///
    /// # Panics
    /// `size` is no power of two up to 32768, or the layout does not fit the memory.
    #[must_use]
    pub fn new(memory: DmaMemory, layout: RingLayout, size: u16, event_idx: bool) -> Self {
        assert!(size.is_power_of_two() && size <= MOST_ENTRIES);
        assert!(layout.end <= memory.memory().len());
        let entries = usize::from(size);
        let slots = (1..=size).map(|next| Slot {
            next,
            ..Slot::default()
        });
        let mut ring = Self {
            descriptors: memory.words(layout.start, 2 * entries),
            avail: memory.words(layout.avail + 4, entries),
            used: memory.words(layout.used + 4, entries),
            memory,
            layout,
            size,
            event_idx,
            slots: slots.collect(),
            first_free: 0,
            free_left: size,
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

    /// Puts a chain into the ring. The device learns of it with [`Ring::publish`].
    ///
    /// # Errors
    /// There are not so many free descriptors, or the chain is empty; the token comes back.
    pub fn add(&mut self, segments: &[Segment], token: T) -> Result<(), T> {
        let count = match u16::try_from(segments.len()) {
            Ok(count) if count > 0 && count <= self.free_left => count,
            _ => return Err(token),
        };
        let head = self.first_free;
        let (mut at, mut last, mut room) = (head, head, 0u32);
        for (index, segment) in segments.iter().enumerate() {
            last = at;
            at = self.slots[usize::from(at)].next;
            let more = index + 1 < segments.len();
            let next = if more { Some(at) } else { None };
            self.write_descriptor(last, segment, next);
            room = room.saturating_add(segment.room());
        }
        self.first_free = at;
        self.free_left -= count;
        self.outstanding += 1;
        let slot = &mut self.slots[usize::from(head)];
        (slot.last, slot.count, slot.room, slot.token) = (last, count, room, token);
        self.show(self.added, head);
        self.added = self.added.wrapping_add(1);
        Ok(())
    }

    /// Puts chains of one piece into the ring, as [`Ring::add`] does, as long as there are free descriptors.
    #[inline]
    pub fn add_all(&mut self, chains: impl IntoIterator<Item = (Segment, T)>) {
        let (mut head, mut added) = (self.first_free, self.added);
        for (segment, token) in chains.into_iter().take(self.free_left.into()) {
            self.write_descriptor(head, &segment, None);
            self.show(added, head);
            added = added.wrapping_add(1);
            let slot = &mut self.slots[usize::from(head)];
            let next = slot.next;
            *slot = Slot {
                next,
                last: head,
                count: 1,
                room: segment.room(),
                token,
            };
            head = next;
        }
        let count = added.wrapping_sub(self.added);
        (self.first_free, self.added) = (head, added);
        self.free_left -= count;
        self.outstanding += count;
    }

    #[inline]
    fn write_descriptor(&self, index: u16, segment: &Segment, next: Option<u16>) {
        let mut flags = if segment.writable { FLAG_WRITE } else { 0 };
        flags |= if next.is_some() { FLAG_NEXT } else { 0 };
        let next = u64::from(next.unwrap_or(0));
        let rest = u64::from(segment.len) | u64::from(flags) << 32 | next << 48;
        for (at, word) in [segment.bus, rest].into_iter().enumerate() {
            let word_at = self.descriptors.at(2 * usize::from(index) + at);
            word_at.store(word.to_le(), Ordering::Relaxed);
        }
    }

    /// Names a chain in the available ring.
    #[inline]
    fn show(&self, place: u16, head: u16) {
        let entry = self.avail.at(place.into());
        entry.store(head.to_le(), Ordering::Relaxed);
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
    /// The device broke the rules, now or before. What was taken is good.
    #[inline]
    pub fn pop_while(&mut self, mut take: impl FnMut(Used<T>) -> bool) -> Result<(), RingError> {
        let seen = self.look()?;
        let slots = self.slots.as_mut_slice();
        let (mut taken, mut free) = (self.taken, self.first_free);
        let mut back = 0;
        let mut result = Ok(());
        while taken != seen {
            let entry = u64::from_le(self.used.at(taken.into()).load(Ordering::Relaxed));
            let (id, len) = (entry as u32, (entry >> 32) as u32);
            let chain = match slots.get_mut(id as usize) {
                Some(slot) if slot.count > 0 => {
                    let chain = *slot;
                    slot.count = 0;
                    chain
                }
                _ => {
                    result = Err(RingError::BadUsedId { id });
                    break;
                }
            };
            // Back to the free ones, by our own links.
            slots[usize::from(chain.last)].next = free;
            free = id as u16;
            back += chain.count;
            taken = taken.wrapping_add(1);
            let (token, count, most) = (chain.token, chain.count, chain.room);
            let mut len = len;
            if len > most {
                if most > 0 {
                    let least = 0;
                    result = Err(RingError::BadUsedLength { len, least, most });
                    break;
                }
                // Of a chain that the device only reads the length says nothing.
                len = 0;
            }
            if !take(Used { token, len, count }) {
                break;
            }
        }
        self.outstanding -= taken.wrapping_sub(self.taken);
        self.free_left += back;
        (self.taken, self.first_free) = (taken, free);
        result.map_err(|error| self.kill(error))
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
