// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A queue pair: frames in, frames out.

use super::HEADER;
use super::error::Error;
use super::pool::{Buffer, Frame, Pool};
use super::registers::{Doorbell, Registers};
use super::ring::{Ring, RingError, Segment};

/// Bytes of an Ethernet header: no frame is shorter.
const SHORTEST: usize = 14;
/// Offset of `num_buffers` in the header.
const NUM_BUFFERS: usize = 10;

/// A receive and a transmit queue. Pairs can be used by different threads.
#[derive(Debug)]
pub struct QueuePair {
    pub(super) registers: Registers,
    pub(super) pool: Pool,
    pub(super) number: u16,
    pub(super) rx: Ring<Buffer>,
    pub(super) tx: Ring<Buffer>,
    /// Buffers for the receive queue, taken from the pool and given back to it many at a time.
    pub(super) spare: Vec<Buffer>,
    pub(super) doorbells: (Doorbell, Doorbell),
    pub(super) mergeable: bool,
    /// The device completes checksums.
    pub(super) sums: bool,
    /// Longest chain of buffers that is sent.
    pub(super) longest: usize,
}

impl QueuePair {
    /// The buffers.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pool
    }

    /// Adds what came in to `frames`, at most `most`; returns how many. Gives the device new buffers.
    ///
    /// # Errors
    /// The device broke the rules or is gone. The queue is dead then.
    pub fn rx_batch(&mut self, frames: &mut Vec<Frame>, most: usize) -> Result<usize, Error> {
        let before = frames.len();
        let (pool, mergeable) = (&self.pool, self.mergeable);
        let mut part: Option<Part> = None;
        let mut bad = None;
        let mut result = Ok(());
        if most > 0 {
            result = self.rx.pop_while(|used| {
                let (buffer, len) = (used.token, used.len as usize);
                let mut count = 1;
                if part.is_none() {
                    if mergeable {
                        count = pool.header16(buffer, NUM_BUFFERS);
                    }
                    if count == 1 && len >= HEADER + SHORTEST {
                        frames.push(pool.received(buffer, len - HEADER));
                        return frames.len() - before < most;
                    }
                }
                match Part::more(&mut part, buffer, len, count, pool) {
                    Ok(None) => true,
                    Ok(Some(frame)) => {
                        frames.push(frame);
                        frames.len() - before < most
                    }
                    Err(error) => {
                        bad = Some(error);
                        false
                    }
                }
            });
        }
        // The device shows all buffers of a frame at once.
        let cut = part.map(|part| RingError::BadBufferCount {
            count: part.count,
            there: part.there,
        });
        if let Some(error) = bad.or(cut) {
            result = result.and(Err(self.rx.kill(error)));
        }
        let received = frames.len() - before;
        // What was good is the caller's, whatever came behind it.
        if received == 0 {
            result.map_err(|error| self.rx_error(error))?;
        }
        self.refill()?;
        Ok(received)
    }

    /// Gives the device buffers, and tells it if it wants to know.
    pub(super) fn refill(&mut self) -> Result<(), Error> {
        let room = usize::from(self.rx.room());
        if room > self.spare.len() {
            self.pool.take(room - self.spare.len(), &mut self.spare);
        }
        let (pool, len) = (&self.pool, self.pool.buffer_len());
        let kept = self.spare.len().saturating_sub(room);
        let given = self.spare.drain(kept..);
        self.rx
            .add_all(given.map(|buffer| (pool.segment(buffer, len, true), buffer)));
        if self.rx.publish() {
            self.registers.ring(self.doorbells.0)?;
        }
        Ok(())
    }

    /// Sends frames from the front of `frames`, as many as there is room for; returns how many. Those are
    /// the device's then. Takes back what it is done with, so call it now and then without frames too.
    ///
    /// # Errors
    /// The device broke the rules or is gone, or a frame is of another pool or too long; it is still in
    /// `frames` then.
    pub fn tx_batch(&mut self, frames: &mut Vec<Frame>) -> Result<usize, Error> {
        self.reclaim()?;
        let before = frames.len();
        while let Some(next) = frames.first() {
            let owned = self.pool.owns(next);
            let count = if owned {
                self.pool.buffers(next.head()).count()
            } else {
                0
            };
            if !owned || count > self.longest {
                if frames.len() == before {
                    return Err(Error::NotSendable { len: next.len() });
                }
                break;
            }
            if count > usize::from(self.tx.room()) {
                break;
            }
            if !self.pool.is_single(next.head()) {
                let frame = frames.remove(0);
                self.send(frame);
                continue;
            }
            let pool = &self.pool;
            let short = |frame: &&Frame| pool.owns(frame) && pool.is_single(frame.head());
            let all = &frames[..frames.len().min(self.tx.room().into())];
            let fit = all.iter().take_while(short).count();
            self.tx.add_all(frames.drain(..fit).map(|frame| {
                let len = frame.len() + HEADER;
                let buffer = frame.into_buffers();
                (pool.to_send(buffer, len), buffer)
            }));
        }
        if self.tx.publish() {
            self.registers.ring(self.doorbells.1)?;
        }
        Ok(before - frames.len())
    }

    /// Puts a frame of any number of buffers into the ring, for which there is room.
    fn send(&mut self, frame: Frame) {
        let mut left = frame.len() + HEADER;
        let mut wish = self.pool.take_wish(frame.head());
        if let Some(place) = wish
            && !self.sums
        {
            frame.sum(place);
            wish = None;
        }
        let head = frame.into_buffers();
        let segments = self.pool.buffers(head).map(|buffer| {
            let len = left.min(self.pool.buffer_len());
            left -= len;
            if buffer != head {
                self.pool.segment(buffer, len, false)
            } else if let Some(place) = wish {
                self.pool.to_sum(buffer, len, place)
            } else {
                self.pool.to_send(buffer, len)
            }
        });
        let segments: Vec<Segment> = segments.collect();
        let _ = self.tx.add(&segments, head);
    }

    /// Takes back what was sent.
    ///
    /// # Errors
    /// The device broke the rules.
    pub fn reclaim(&mut self) -> Result<(), Error> {
        let (pool, spare) = (&self.pool, &mut self.spare);
        let result = self.tx.pop_while(|used| {
            if used.count == 1 {
                spare.push(used.token);
            } else {
                pool.unlink(used.token, spare);
            }
            true
        });
        result.map_err(|source| Error::Queue {
            queue: 2 * self.number + 1,
            source,
        })?;
        // Who makes frames takes their buffers from the pool.
        let most = usize::from(self.rx.size() / 2);
        if self.spare.len() > most {
            self.pool.put(self.spare.drain(most / 2..));
        }
        Ok(())
    }

    /// Frames that were sent and not taken back.
    #[must_use]
    pub fn in_flight(&self) -> u16 {
        self.tx.outstanding()
    }

    pub(super) fn rx_error(&self, source: RingError) -> Error {
        Error::Queue {
            queue: 2 * self.number,
            source,
        }
    }
}

/// A frame of which not all buffers were seen.
#[derive(Debug)]
struct Part {
    head: Buffer,
    last: Buffer,
    total: usize,
    /// Buffers that it has, as its header says, and those that were seen.
    count: u16,
    there: u16,
}

impl Part {
    /// Takes a buffer with `len` bytes, the first or another one of a frame; the frame if it was its last.
    #[cold]
    fn more(
        part: &mut Option<Self>,
        buffer: Buffer,
        len: usize,
        count: u16,
        pool: &Pool,
    ) -> Result<Option<Frame>, RingError> {
        let now = match part.take() {
            None => Self {
                head: buffer,
                last: buffer,
                total: len,
                count,
                there: 1,
            },
            Some(Self {
                head,
                last,
                total,
                count,
                there,
            }) => {
                // Only the last one may have room left.
                let full = pool.buffer_len() * usize::from(there);
                if total != full {
                    return Err(bad_length(total, full, full));
                }
                if len == 0 {
                    return Err(RingError::BadBufferCount { count, there });
                }
                pool.link(last, buffer);
                Self {
                    head,
                    last: buffer,
                    total: total + len,
                    count,
                    there: there + 1,
                }
            }
        };
        if now.count == 0 {
            return Err(RingError::BadBufferCount { count: 0, there: 1 });
        }
        if now.there < now.count {
            *part = Some(now);
            return Ok(None);
        }
        if now.total < HEADER + SHORTEST {
            let most = pool.buffer_len();
            return Err(bad_length(now.total, HEADER + SHORTEST, most));
        }
        Ok(Some(pool.received(now.head, now.total - HEADER)))
    }
}

fn bad_length(len: usize, least: usize, most: usize) -> RingError {
    let word = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
    RingError::BadUsedLength {
        len: word(len),
        least: word(least),
        most: word(most),
    }
}
