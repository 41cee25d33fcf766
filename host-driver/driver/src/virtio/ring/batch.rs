// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Batches on a straight ring: loops over slices, with one check for each id.

use std::mem;
use std::ops::Range;
use std::sync::atomic::Ordering;

use super::{Link, Ring, RingError, Segment, halves};

impl<T: Default> Ring<T> {
    /// The places of so many numbers, or those up to the end of the ring.
    #[inline]
    fn places(&self, first: u16, count: u16) -> Range<usize> {
        let from = self.place(first);
        from..(from + usize::from(count)).min(self.size.into())
    }

    /// Puts chains of one piece into the ring, as [`Ring::add`] does: tokens from the front of `from`, as long as there are
    /// free descriptors and `segment` gives a piece. Returns how many.
    #[inline]
    pub fn add_all(
        &mut self,
        from: &mut Vec<T>,
        segment: impl Fn(&T) -> Option<Segment> + Copy,
    ) -> usize {
        if !self.straight && self.outstanding == 0 {
            self.straighten();
        }
        let mut done = 0;
        while self.straight && self.free_left > 0 {
            let places = self.places(self.added, self.free_left);
            let first = places.start as u16;
            let mut head = first;
            let all = self.descriptors[places.clone()].iter();
            let all = all.zip(&self.avail[places.clone()]);
            let all = all.zip(&mut self.links[places.clone()]);
            for (((descriptor, avail), link), token) in all.zip(from.iter()) {
                let Some(segment) = segment(token) else { break };
                let [bus, rest] = descriptor;
                bus.store(segment.bus.to_le(), Ordering::Relaxed);
                rest.store(segment.rest(None), Ordering::Relaxed);
                avail.store(head.to_le(), Ordering::Relaxed);
                *link = Link::single(&segment);
                head += 1;
            }
            let count = head - first;
            if count == 0 {
                return done;
            }
            let sent = &mut from[..usize::from(count)];
            sent.swap_with_slice(&mut self.tokens[places][..sent.len()]);
            // They are nothing now.
            from.drain(..usize::from(count));
            self.added = self.added.wrapping_add(count);
            self.free_at = self.free_at.wrapping_add(count);
            self.free_left -= count;
            self.outstanding += count;
            done += usize::from(count);
        }
        if self.free_left > 0 && !from.is_empty() {
            done += self.add_each(from, segment);
        }
        done
    }

    /// The same on a ring that is not straight.
    #[cold]
    fn add_each(&mut self, from: &mut Vec<T>, segment: impl Fn(&T) -> Option<Segment>) -> usize {
        let first = from.iter().take(self.free_left.into());
        let segments: Vec<Segment> = first.map_while(segment).collect();
        for (segment, token) in segments.iter().zip(from.drain(..segments.len())) {
            // There is room, as was seen above.
            let _ = self.add(&[*segment], token);
        }
        segments.len()
    }

    /// Makes a ring straight again of which the device has nothing.
    #[cold]
    fn straighten(&mut self) {
        for (place, free) in (0..).zip(&mut self.free) {
            *free = place;
        }
        self.free_at = self.added;
        self.straight = true;
    }

    /// The ring is not straight any more: notes which descriptors are free.
    #[cold]
    pub(super) fn bend(&mut self) {
        for number in 0..self.free_left {
            let place = self.place(self.free_at.wrapping_add(number));
            self.links[place].count = 0;
        }
        self.straight = false;
    }

    /// Takes all used chains of a queue that the device only reads. Those of more pieces than one go through `split`.
    ///
    /// # Errors
    /// The device broke the rules, now or before. What came before that was taken.
    #[inline]
    pub fn take_back(
        &mut self,
        done: &mut Vec<T>,
        mut split: impl FnMut(T, &mut Vec<T>),
    ) -> Result<(), RingError> {
        let seen = self.look()?;
        while self.straight && self.taken != seen {
            let places = self.places(self.taken, seen.wrapping_sub(self.taken));
            let (mut id, end) = (places.start as u32, places.end as u32);
            for entry in &self.used[places.clone()] {
                if halves(entry).0 != id {
                    break;
                }
                id += 1;
            }
            let good = &mut self.tokens[places.start..id as usize];
            done.extend(good.iter_mut().map(mem::take));
            let count = (id as usize - places.start) as u16;
            self.taken = self.taken.wrapping_add(count);
            self.free_left += count;
            self.outstanding -= count;
            if id != end {
                break;
            }
        }
        self.pop_to(seen, |used| {
            if used.count == 1 {
                done.push(used.token);
            } else {
                split(used.token, done);
            }
            true
        })
    }

    /// Used chains that [`Ring::exchange`] can take: none unless the ring is straight and full.
    ///
    /// # Errors
    /// The device broke the rules, now or before.
    #[inline]
    pub fn exchangeable(&mut self) -> Result<u16, RingError> {
        let seen = self.look()?;
        let can = self.straight && self.free_left == 0;
        Ok(if can {
            seen.wrapping_sub(self.taken)
        } else {
            0
        })
    }

    /// Takes `count` used chains, which are there, and gives the device as many others from `spare` in their places, whose
    /// addresses `bus` tells; they are as long. What was taken is added to `out`.
    ///
    /// `accept` is told the length that the device says: it checks it and keeps it, or refuses. Returns how many were taken;
    /// the next one is for [`Ring::pop_while`].
    #[inline]
    pub fn exchange(
        &mut self,
        count: u16,
        mut accept: impl FnMut(&mut T, u32) -> bool,
        spare: &mut Vec<T>,
        bus: impl Fn(&T) -> u64,
        out: &mut Vec<T>,
    ) -> u16 {
        let mut left = count;
        while left > 0 {
            let places = self.places(self.taken, left);
            let (from, mut id) = (places.start, places.start as u32);
            let all = self.used[places.clone()].iter();
            for (entry, token) in all.zip(&mut self.tokens[places.clone()]) {
                let (used, len) = halves(entry);
                if used != id || !accept(token, len) {
                    break;
                }
                id += 1;
            }
            let good = from..id as usize;
            let rest = spare.len() - good.len();
            let (descriptors, tokens) = (
                &self.descriptors[good.clone()],
                &mut self.tokens[good.clone()],
            );
            for (descriptor, token) in descriptors.iter().zip(&spare[rest..]) {
                descriptor[0].store(bus(token).to_le(), Ordering::Relaxed);
            }
            tokens.swap_with_slice(&mut spare[rest..]);
            out.extend(spare.drain(rest..));
            let taken = good.len() as u16;
            self.taken = self.taken.wrapping_add(taken);
            self.added = self.added.wrapping_add(taken);
            self.free_at = self.free_at.wrapping_add(taken);
            left -= taken;
            if left > 0 && good.end != self.tokens.len() {
                break;
            }
        }
        count - left
    }
}
