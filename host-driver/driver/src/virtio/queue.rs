// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A queue pair: frames in, frames out.

use super::HEADER;
use super::error::Error;
use super::pool::{Buffer, Frame, Pool};
use super::registers::{Doorbell, Registers};
use super::ring::{Ring, RingError};

/// Bytes of an Ethernet header: no frame is shorter.
const SHORTEST: u32 = 14;
/// Bytes of the header before it.
const BEFORE: u32 = HEADER as u32;

/// A receive and a transmit queue. Pairs can be used by different threads.
#[derive(Debug)]
pub struct QueuePair {
    pub(super) registers: Registers,
    pub(super) pool: Pool,
    pub(super) number: u16,
    pub(super) rx: Ring<Frame>,
    pub(super) tx: Ring<Frame>,
    /// Buffers for the receive queue, taken from the pool and given back to it many at a time.
    pub(super) spare: Vec<Frame>,
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
        let result = self.receive(frames, most);
        let received = frames.len() - before;
        // What was good is the caller's, whatever came behind it.
        if received == 0 {
            result.map_err(|error| self.rx_error(error))?;
        }
        self.refill()?;
        Ok(received)
    }

    /// Takes what came in, frames of one buffer first.
    fn receive(&mut self, frames: &mut Vec<Frame>, most: usize) -> Result<(), RingError> {
        let there = self.rx.exchangeable()?;
        let count = there.min(u16::try_from(most).unwrap_or(u16::MAX));
        let missing = usize::from(count).saturating_sub(self.spare.len());
        if missing > 0 {
            self.pool.take(missing, &mut self.spare);
        }
        let count = count.min(u16::try_from(self.spare.len()).unwrap_or(u16::MAX));
        let (heads, mergeable) = (self.pool.heads(), self.mergeable);
        // One comparison for both limits.
        let span = self.pool.buffer_len() as u32 - (BEFORE + SHORTEST);
        let accept = |frame: &mut Frame, len: u32| {
            if len.wrapping_sub(BEFORE + SHORTEST) > span || mergeable && heads.count(frame) != 1 {
                return false;
            }
            frame.set_len(len - BEFORE);
            true
        };
        let bus = |frame: &Frame| heads.bus(frame);
        let done = (self.rx).exchange(count, accept, &mut self.spare, bus, frames);
        if usize::from(done) == most || done == there && there > 0 {
            return Ok(());
        }
        self.receive_parts(frames, most - usize::from(done))
    }

    /// Takes what came in, one buffer at a time.
    fn receive_parts(&mut self, frames: &mut Vec<Frame>, most: usize) -> Result<(), RingError> {
        let before = frames.len();
        let (pool, mergeable) = (&self.pool, self.mergeable);
        let mut part: Option<Part> = None;
        let mut bad = None;
        let result = self.rx.pop_while(|used| {
            match Part::more(&mut part, used.token, used.len, mergeable, pool) {
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
        // The device shows all buffers of a frame at once.
        let cut = part.map(|part| RingError::BadBufferCount {
            count: part.count,
            there: part.there,
        });
        match bad.or(cut) {
            Some(error) => result.and(Err(self.rx.kill(error))),
            None => result,
        }
    }

    /// Gives the device buffers, and tells it if it wants to know.
    pub(super) fn refill(&mut self) -> Result<(), Error> {
        let room = usize::from(self.rx.room());
        if room > self.spare.len() {
            self.pool.take(room - self.spare.len(), &mut self.spare);
        }
        if room > 0 {
            let heads = self.pool.heads();
            self.rx
                .add_all(&mut self.spare, |frame| heads.to_fill(frame));
        }
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
        let heads = self.pool.heads();
        while !frames.is_empty() {
            if self.tx.add_all(frames, move |frame| heads.to_send(frame)) > 0 {
                continue;
            }
            let next = &frames[0];
            let count = next.count();
            if !self.pool.owns(next) || count > self.longest {
                if frames.len() == before {
                    return Err(Error::NotSendable { len: next.len() });
                }
                break;
            }
            if count > usize::from(self.tx.room()) {
                break;
            }
            let mut frame = frames.remove(0);
            let segments = self.pool.segments(&mut frame, self.sums);
            // There is room, as was seen above.
            let _ = self.tx.add(&segments, frame);
        }
        if self.tx.publish() {
            self.registers.ring(self.doorbells.1)?;
        }
        Ok(before - frames.len())
    }

    /// Takes back what was sent.
    ///
    /// # Errors
    /// The device broke the rules.
    pub fn reclaim(&mut self) -> Result<(), Error> {
        let split = |frame, to: &mut Vec<Frame>| self.pool.split(frame, to);
        let result = self.tx.take_back(&mut self.spare, split);
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
    frame: Frame,
    last: Buffer,
    /// Bytes in them.
    total: u32,
    /// Buffers that it has, as its header says, and those that were seen.
    count: u16,
    there: u16,
}

impl Part {
    /// Takes a buffer with `len` bytes, the first or another one of a frame; the frame if it was its last.
    fn more(
        part: &mut Option<Self>,
        buffer: Frame,
        len: u32,
        mergeable: bool,
        pool: &Pool,
    ) -> Result<Option<Frame>, RingError> {
        let room = pool.buffer_len() as u32;
        let mut now = match part.take() {
            None => Self {
                count: if mergeable {
                    pool.heads().count(&buffer)
                } else {
                    1
                },
                last: buffer.head(),
                frame: buffer,
                total: len,
                there: 1,
            },
            Some(mut now) => {
                let (count, there) = (now.count, now.there);
                // Only the last one may have room left.
                let full = room * u32::from(there);
                if now.total != full {
                    return Err(bad_length(now.total, full, full));
                }
                if len == 0 {
                    return Err(RingError::BadBufferCount { count, there });
                }
                now.last = pool.append(now.last, buffer);
                now.total += len;
                now.there += 1;
                now
            }
        };
        if now.count == 0 {
            return Err(RingError::BadBufferCount { count: 0, there: 1 });
        }
        if now.there < now.count {
            *part = Some(now);
            return Ok(None);
        }
        if now.total < BEFORE + SHORTEST {
            return Err(bad_length(now.total, BEFORE + SHORTEST, room));
        }
        now.frame.set_len(now.total - BEFORE);
        Ok(Some(now.frame))
    }
}

fn bad_length(len: u32, least: u32, most: u32) -> RingError {
    RingError::BadUsedLength { len, least, most }
}
