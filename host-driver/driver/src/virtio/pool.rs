// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Buffers that a device can reach, and frames made of them.
//!
//! A [`Frame`] is owned: who gives it to a queue has it no more, and it comes back to the pool when the
//! device is done with it. Nothing is copied on the way.

use std::fmt;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::HEADER;
use super::ring::Segment;
use crate::function::DmaMemory;

/// Buffers of one length.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

struct Shared {
    memory: DmaMemory,
    /// Bytes of a buffer.
    len: usize,
    free: Mutex<Vec<u32>>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("len", &self.len)
            .field("free", &self.free().len())
            .finish_non_exhaustive()
    }
}

impl Shared {
    fn free(&self) -> MutexGuard<'_, Vec<u32>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pool {
    /// As many buffers of `len` bytes as fit into the memory.
    ///
    /// # Panics
    /// A buffer has no room for a header and a byte.
    #[must_use]
    pub fn new(memory: DmaMemory, len: usize) -> Self {
        assert!(
            len > HEADER,
            "a buffer of {len} bytes has no room for a frame"
        );
        let count = u32::try_from(memory.memory().len() / len).unwrap_or(u32::MAX);
        Self(Arc::new(Shared {
            memory,
            len,
            free: Mutex::new((0..count).rev().collect()),
        }))
    }

    /// Buffers that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.free().len()
    }

    /// Bytes of a buffer.
    #[must_use]
    pub fn buffer_len(&self) -> usize {
        self.0.len
    }

    /// A free buffer.
    pub(super) fn buffer(&self) -> Option<Buffer> {
        let index = self.0.free().pop()?;
        Some(Buffer {
            pool: Arc::clone(&self.0),
            index,
        })
    }

    /// A frame of so many bytes. What is in it is what was there before: write all of it.
    ///
    /// `None` when there are not enough free buffers, or the frame is empty.
    #[must_use]
    pub fn frame(&self, len: usize) -> Option<Frame> {
        let count = (len.checked_add(HEADER)?).div_ceil(self.0.len);
        if len == 0 || count > self.free() {
            return None;
        }
        let head = self.buffer()?;
        let rest = (1..count)
            .map(|_| self.buffer())
            .collect::<Option<Vec<_>>>()?;
        Some(Frame::new(head, rest, len))
    }

    /// A frame with these bytes.
    #[must_use]
    pub fn frame_of(&self, bytes: &[u8]) -> Option<Frame> {
        let frame = self.frame(bytes.len())?;
        frame.write(0, bytes);
        Some(frame)
    }

    pub(super) fn owns(&self, frame: &Frame) -> bool {
        Arc::ptr_eq(&self.0, &frame.head.pool)
    }
}

/// A buffer of a pool, to which it goes back by itself.
pub(super) struct Buffer {
    pool: Arc<Shared>,
    index: u32,
}

impl fmt::Debug for Buffer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Buffer").field(&self.index).finish()
    }
}

impl Buffer {
    fn start(&self) -> usize {
        self.index as usize * self.pool.len
    }

    /// All of it, or its first bytes, for a queue.
    pub(super) fn segment(&self, len: Option<usize>, writable: bool) -> Segment {
        let len = len.unwrap_or(self.pool.len).min(self.pool.len);
        Segment {
            bus: self.pool.memory.bus(self.start()),
            len: u32::try_from(len).unwrap_or(u32::MAX),
            writable,
        }
    }

    pub(super) fn bytes(&self, from: usize, to: usize) -> &[AtomicU8] {
        let len = to.min(self.pool.len).saturating_sub(from);
        self.pool.memory.memory().bytes(self.start() + from, len)
    }

    /// 16 bits of the header.
    pub(super) fn header16(&self, offset: usize) -> u16 {
        let byte = |byte: &AtomicU8| byte.load(Ordering::Relaxed);
        match self.bytes(offset, offset + 2) {
            [low, high] => u16::from_le_bytes([byte(low), byte(high)]),
            _ => 0,
        }
    }
}

impl Drop for Buffer {
    fn drop(&mut self) {
        self.pool.free().push(self.index);
    }
}

/// An Ethernet frame in buffers that a device can reach.
pub struct Frame {
    /// The header and the first bytes.
    head: Buffer,
    /// The others; mostly none.
    rest: Vec<Buffer>,
    /// Bytes without the header.
    len: usize,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl Frame {
    /// A frame of `len` bytes, for which the buffers have room.
    pub(super) fn new(head: Buffer, rest: Vec<Buffer>, len: usize) -> Self {
        Self { head, rest, len }
    }

    /// Bytes, without the device's header.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// The bytes where they are, in pieces. A device that breaks the rules may still change them.
    pub fn pieces(&self) -> impl Iterator<Item = &[AtomicU8]> {
        let mut left = self.len;
        let buffers = std::iter::once((&self.head, HEADER)).chain(self.rest.iter().map(|b| (b, 0)));
        buffers.map(move |(buffer, from)| {
            let piece = buffer.bytes(from, from.saturating_add(left));
            left -= piece.len();
            piece
        })
    }

    /// Copies bytes out, from `offset` on; returns how many there were.
    pub fn read(&self, offset: usize, data: &mut [u8]) -> usize {
        let mut done = 0;
        self.for_each(offset, data.len(), |buffer, at, len| {
            let piece = &mut data[done..done + len];
            buffer.pool.memory.memory().read(at, piece);
            done += len;
        });
        done
    }

    /// Copies bytes in, from `offset` on; returns for how many there was room.
    pub fn write(&self, offset: usize, data: &[u8]) -> usize {
        let mut done = 0;
        self.for_each(offset, data.len(), |buffer, at, len| {
            let piece = &data[done..done + len];
            buffer.pool.memory.memory().write(at, piece);
            done += len;
        });
        done
    }

    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len];
        self.read(0, &mut bytes);
        bytes
    }

    /// The pieces of a range: buffer, offset in the pool's memory, length.
    fn for_each(
        &self,
        mut offset: usize,
        len: usize,
        mut piece: impl FnMut(&Buffer, usize, usize),
    ) {
        let mut left = len.min(self.len.saturating_sub(offset));
        let mut from = HEADER;
        for buffer in std::iter::once(&self.head).chain(&self.rest) {
            let room = buffer.pool.len - from;
            if offset < room && left > 0 {
                let len = left.min(room - offset);
                piece(buffer, buffer.start() + from + offset, len);
                left -= len;
                offset = 0;
            } else {
                offset = offset.saturating_sub(room);
            }
            from = 0;
        }
    }

    /// Clears the header, and lists what a device has to read.
    pub(super) fn segments(&self, segments: &mut Vec<Segment>) {
        let memory = self.head.pool.memory.memory();
        memory.write(self.head.start(), &[0; HEADER]);
        segments.clear();
        let mut left = self.len + HEADER;
        for buffer in std::iter::once(&self.head).chain(&self.rest) {
            let len = left.min(buffer.pool.len);
            segments.push(buffer.segment(Some(len), false));
            left -= len;
        }
    }
}
