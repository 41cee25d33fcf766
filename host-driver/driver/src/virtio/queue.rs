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
    pub(super) tx: Ring<Frame>,
    pub(super) doorbells: (Doorbell, Doorbell),
    pub(super) mergeable: bool,
    /// Longest chain of buffers that is sent.
    pub(super) longest: usize,
    /// Scratch, to need no memory in the loop.
    pub(super) segments: Vec<Segment>,
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
        let mut result = Ok(());
        while frames.len() - before < most {
            match self.receive() {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(error) => {
                    result = Err(self.rx_error(error));
                    break;
                }
            }
        }
        let received = frames.len() - before;
        // What was good is the caller's, whatever came behind it.
        if received == 0 {
            result?;
        }
        self.refill()?;
        Ok(received)
    }

    fn receive(&mut self) -> Result<Option<Frame>, RingError> {
        let Some(first) = self.rx.pop()? else {
            return Ok(None);
        };
        let (head, len) = (first.token, first.len);
        let mut total = len as usize;
        let mut rest = Vec::new();
        let count = if self.mergeable {
            head.header16(NUM_BUFFERS)
        } else {
            1
        };
        // The device shows all buffers of a frame at once.
        for there in 1..count.max(1) {
            match self.rx.pop()? {
                Some(used) if used.len > 0 => {
                    // Only the last one may have room left.
                    let full = self.pool.buffer_len() * usize::from(there);
                    if total != full {
                        return Err(self.bad_length(total, full, full));
                    }
                    total += used.len as usize;
                    rest.push(used.token);
                }
                _ => return Err(self.rx.kill(RingError::BadBufferCount { count, there })),
            }
        }
        if count == 0 {
            return Err(self.rx.kill(RingError::BadBufferCount { count, there: 1 }));
        }
        if total < HEADER + SHORTEST {
            let most = self.pool.buffer_len();
            return Err(self.bad_length(total, HEADER + SHORTEST, most));
        }
        Ok(Some(Frame::new(head, rest, total - HEADER)))
    }

    fn bad_length(&mut self, len: usize, least: usize, most: usize) -> RingError {
        let word = |len: usize| u32::try_from(len).unwrap_or(u32::MAX);
        self.rx.kill(RingError::BadUsedLength {
            len: word(len),
            least: word(least),
            most: word(most),
        })
    }

    /// Gives the device buffers, and tells it if it wants to know.
    pub(super) fn refill(&mut self) -> Result<(), Error> {
        while self.rx.room() > 0 {
            let Some(buffer) = self.pool.buffer() else {
                break;
            };
            let segment = buffer.segment(None, true);
            if self.rx.add(&[segment], buffer).is_err() {
                break;
            }
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
        let (mut fit, mut room) = (0, usize::from(self.tx.room()));
        for frame in &*frames {
            let count = (frame.len() + HEADER).div_ceil(self.pool.buffer_len());
            if !self.pool.owns(frame) || count > self.longest {
                if fit == 0 {
                    return Err(Error::NotSendable { len: frame.len() });
                }
                break;
            }
            let Some(left) = room.checked_sub(count) else {
                break;
            };
            (fit, room) = (fit + 1, left);
        }
        for frame in frames.drain(..fit) {
            frame.segments(&mut self.segments);
            // There is room, as was just counted.
            let _ = self.tx.add(&self.segments, frame);
        }
        if self.tx.publish() {
            self.registers.ring(self.doorbells.1)?;
        }
        Ok(fit)
    }

    /// Takes back what was sent.
    ///
    /// # Errors
    /// The device broke the rules.
    pub fn reclaim(&mut self) -> Result<(), Error> {
        loop {
            match self.tx.pop() {
                Ok(Some(_)) => {}
                Ok(None) => return Ok(()),
                Err(source) => {
                    return Err(Error::Queue {
                        queue: 2 * self.number + 1,
                        source,
                    });
                }
            }
        }
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
