// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Buffers that a device can reach, and frames made of them.
//!
//! A [`Frame`] is owned: who gives it to a queue has it no more, and it comes back to the pool when the
//! device is done with it. Nothing is copied on the way.

use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::{fmt, mem};

use super::HEADER;
use super::error::Error;
use super::ring::Segment;
use crate::function::DmaMemory;
use crate::memory::{Head, SharedMemory, Words};

/// A buffer of a pool: where it starts, in units of [`UNIT`] bytes.
pub(super) type Buffer = u32;
/// Behind the last buffer of a frame.
const END: Buffer = Buffer::MAX;
/// Bytes of a [`Head`].
const UNIT: usize = size_of::<Head>();
/// In the length of a frame: its checksum is to be completed, and its header says where. So who sends a frame that is
/// alone in its buffer and asks for nothing learns both by one look at the length.
const SUMMED: u32 = 1 << 31;

/// `VIRTIO_NET_HDR_F_NEEDS_CSUM` in `flags`.
const NEEDS_CSUM: u16 = 1;
/// `VIRTIO_NET_HDR_F_DATA_VALID`.
const DATA_VALID: u16 = 2;
/// Offsets in the header.
const CSUM_START: usize = 6;
const CSUM_OFFSET: usize = 8;

/// Buffers of one length.
#[derive(Clone, Debug)]
pub struct Pool(Arc<Shared>);

struct Shared {
    memory: DmaMemory,
    /// Bytes of a buffer.
    len: usize,
    heads: Words<Head>,
    /// By number of a buffer: the next one of its frame. Who has the frame has its links, too.
    next: Box<[AtomicU32]>,
    free: Mutex<Vec<Buffer>>,
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
    fn free(&self) -> MutexGuard<'_, Vec<Buffer>> {
        self.free.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[inline]
    fn start(&self, buffer: Buffer) -> usize {
        buffer as usize * UNIT
    }

    /// The link of a buffer.
    fn link(&self, buffer: Buffer) -> &AtomicU32 {
        &self.next[self.start(buffer) / self.len]
    }

    /// The next buffer of a frame, or [`END`].
    fn next(&self, buffer: Buffer) -> Buffer {
        self.link(buffer).load(Ordering::Relaxed)
    }

    fn set_next(&self, buffer: Buffer, next: Buffer) {
        self.link(buffer).store(next, Ordering::Relaxed);
    }

    /// Asks for a checksum in a header, whose other bytes stay.
    fn write_wish(&self, buffer: Buffer, (start, offset): (u16, u16)) {
        let at = self.start(buffer);
        let memory = self.memory.memory();
        // `flags` and `gso_type` are a word.
        memory.store16(at, NEEDS_CSUM, Ordering::Relaxed);
        memory.store16(at + CSUM_START, start, Ordering::Relaxed);
        memory.store16(at + CSUM_OFFSET, offset, Ordering::Relaxed);
    }

    /// Where a checksum is to be, by a header: `csum_start` and `csum_offset`.
    fn wish(&self, buffer: Buffer) -> (u16, u16) {
        let (at, memory) = (self.start(buffer), self.memory.memory());
        let word = |offset| memory.load16(at + offset, Ordering::Relaxed);
        (word(CSUM_START), word(CSUM_OFFSET))
    }

    /// A buffer and those that follow it.
    fn chain(&self, head: Buffer) -> impl Iterator<Item = Buffer> {
        let real = |buffer| (buffer != END).then_some(buffer);
        std::iter::successors(real(head), move |buffer| real(self.next(*buffer)))
    }

    fn unlink(&self, head: Buffer, to: &mut Vec<Buffer>) {
        let first = to.len();
        to.extend(self.chain(head));
        for buffer in &to[first..] {
            self.set_next(*buffer, END);
        }
    }
}

impl Pool {
    /// As many buffers of `len` bytes as fit into the memory.
    ///
    /// # Panics
    /// `len` is no multiple of 16, or leaves no room for a header and a byte.
    #[must_use]
    pub fn new(memory: DmaMemory, len: usize) -> Self {
        assert!(
            len > HEADER && len.is_multiple_of(UNIT),
            "a buffer cannot have {len} bytes"
        );
        let unit = (len / UNIT) as u32;
        let count = u32::try_from(memory.memory().len() / len).unwrap_or(END);
        let count = count.min(END / unit);
        Self(Arc::new(Shared {
            heads: memory.words(0, memory.memory().len() / UNIT),
            memory,
            len,
            next: (0..count).map(|_| AtomicU32::new(END)).collect(),
            free: Mutex::new((0..count).rev().map(|number| number * unit).collect()),
        }))
    }

    /// Buffers that are free.
    #[must_use]
    pub fn free(&self) -> usize {
        self.0.free().len()
    }

    /// Bytes of a buffer.
    #[must_use]
    #[inline]
    pub fn buffer_len(&self) -> usize {
        self.0.len
    }

    /// Moves up to `count` free buffers to `to`, as frames.
    pub(super) fn take(&self, count: usize, to: &mut Vec<Frame>) {
        let mut free = self.0.free();
        let rest = free.len().saturating_sub(count);
        to.extend(free.drain(rest..).map(|buffer| self.whole(buffer, 0)));
    }

    /// Takes back frames of one buffer each.
    pub(super) fn put(&self, frames: impl IntoIterator<Item = Frame>) {
        let buffers = frames.into_iter().map(Frame::into_buffers);
        self.0.free().extend(buffers);
    }

    /// A frame of so many bytes. What is in it is what was there before: write all of it.
    ///
    /// `None` when there are not enough free buffers, or the frame is empty.
    #[must_use]
    pub fn frame(&self, len: usize) -> Option<Frame> {
        let count = (len.checked_add(HEADER)?).div_ceil(self.0.len);
        let mut free = self.0.free();
        if len == 0 || count > free.len() || len >= SUMMED as usize {
            return None;
        }
        let first = free.len() - count;
        let head = free.drain(first..).fold(END, |next, buffer| {
            self.0.set_next(buffer, next);
            buffer
        });
        // Nobody has verified what was not received.
        self.0.heads[head as usize].clear();
        Some(self.whole(head, len as u32))
    }

    /// A frame with these bytes.
    #[must_use]
    pub fn frame_of(&self, bytes: &[u8]) -> Option<Frame> {
        let frame = self.frame(bytes.len())?;
        frame.write(0, bytes);
        Some(frame)
    }

    /// A frame of `len` bytes in linked buffers that are taken and have room for it.
    fn whole(&self, head: Buffer, len: u32) -> Frame {
        Frame {
            pool: Some(Arc::clone(&self.0)),
            head,
            len,
        }
    }

    /// Adds the buffers of a frame to `to`, each as one.
    #[cold]
    pub(super) fn split(&self, frame: Frame, to: &mut Vec<Frame>) {
        let mut buffers = Vec::new();
        self.0.unlink(frame.into_buffers(), &mut buffers);
        to.extend(buffers.into_iter().map(|buffer| self.whole(buffer, 0)));
    }

    /// Makes a buffer the next one of `last`, the last one of a frame; it is the last one then.
    pub(super) fn append(&self, last: Buffer, frame: Frame) -> Buffer {
        let buffer = frame.into_buffers();
        self.0.set_next(last, buffer);
        buffer
    }

    /// What the device is to read when a frame is sent. A checksum that it does not do (`sums`) is done here.
    pub(super) fn segments(&self, frame: &mut Frame, sums: bool) -> Vec<Segment> {
        let pool = &self.0;
        let wish = (frame.len & SUMMED != 0).then(|| pool.wish(frame.head));
        frame.len &= !SUMMED;
        pool.heads[frame.head as usize].clear();
        match wish {
            Some(place) if sums => pool.write_wish(frame.head, place),
            Some(place) => frame.sum(place),
            None => {}
        }
        let mut left = frame.len() + HEADER;
        let segment = |buffer| {
            let len = left.min(pool.len);
            left -= len;
            Segment {
                bus: pool.memory.bus(pool.start(buffer)),
                len: len as u32,
                writable: false,
            }
        };
        pool.chain(frame.head).map(segment).collect()
    }

    /// The headers of all buffers, for a loop over frames.
    #[inline]
    pub(super) fn heads(&self) -> Heads<'_> {
        Heads {
            pool: &self.0,
            heads: &self.0.heads,
            bus: self.0.memory.bus(0),
            most: (self.0.len - HEADER) as u32,
        }
    }

    /// Whether a frame is of this pool.
    #[inline]
    pub(super) fn owns(&self, frame: &Frame) -> bool {
        frame.is_of(&self.0)
    }
}

/// What a loop over frames needs to know of their pool.
#[derive(Clone, Copy)]
pub(super) struct Heads<'a> {
    pool: &'a Arc<Shared>,
    heads: &'a [Head],
    bus: u64,
    /// The longest frame in one buffer.
    most: u32,
}

impl Heads<'_> {
    /// The device's address of a frame's first buffer.
    #[inline]
    pub(super) fn bus(self, frame: &Frame) -> u64 {
        let start = u64::from(frame.head) * UNIT as u64;
        self.bus.wrapping_add(start)
    }

    /// A frame's first buffer, for the device to fill.
    #[inline]
    pub(super) fn to_fill(self, frame: &Frame) -> Option<Segment> {
        Some(Segment {
            bus: self.bus(frame),
            len: self.most + HEADER as u32,
            writable: true,
        })
    }

    /// A frame with its header cleared, to be sent, if it is of this pool, alone in its buffer, and asks for no checksum.
    #[inline]
    pub(super) fn to_send(self, frame: &Frame) -> Option<Segment> {
        if frame.len > self.most || !frame.is_of(self.pool) {
            return None;
        }
        self.heads[frame.head as usize].clear();
        Some(Segment {
            bus: self.bus(frame),
            len: frame.len + HEADER as u32,
            writable: false,
        })
    }

    /// Buffers that a received frame has, by its header.
    #[inline]
    pub(super) fn count(self, frame: &Frame) -> u16 {
        self.heads[frame.head as usize].num_buffers()
    }
}

/// An Ethernet frame in buffers that a device can reach, to whose pool they go back by themselves. The default is none:
/// it has no bytes and cannot be sent.
pub struct Frame {
    pool: Option<Arc<Shared>>,
    /// The header and the first bytes; the others are linked. [`END`] when a queue has them.
    head: Buffer,
    /// Bytes without the header.
    len: u32,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("len", &self.len())
            .finish_non_exhaustive()
    }
}

impl Default for Frame {
    #[inline]
    fn default() -> Self {
        Self {
            pool: None,
            head: END,
            len: 0,
        }
    }
}

impl Drop for Frame {
    #[inline]
    fn drop(&mut self) {
        if self.head != END {
            self.give_back();
        }
    }
}

impl Frame {
    /// Bytes, without the device's header.
    #[must_use]
    #[inline]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        (self.len & !SUMMED) as usize
    }

    /// Sets the bytes of a frame that was received, which has room for them.
    #[inline]
    pub(super) fn set_len(&mut self, len: u32) {
        self.len = len;
    }

    /// Whether the device says of a frame that it received that its TCP or UDP checksum is right
    /// ([`GUEST_CSUM`](super::Features::GUEST_CSUM)). If not, nobody has looked, or it is wrong.
    #[must_use]
    #[inline]
    pub fn is_verified(&self) -> bool {
        self.pool.as_ref().is_some_and(|pool| {
            let flags = pool
                .memory
                .memory()
                .load16(pool.start(self.head), Ordering::Relaxed);
            flags & DATA_VALID != 0
        })
    }

    /// The first of its buffers.
    pub(super) fn head(&self) -> Buffer {
        self.head
    }

    /// The first of its buffers, which are the caller's from now on.
    #[inline]
    fn into_buffers(mut self) -> Buffer {
        mem::replace(&mut self.head, END)
    }

    /// How many buffers it has.
    pub(super) fn count(&self) -> usize {
        self.buffers().count()
    }

    #[inline]
    fn is_of(&self, pool: &Arc<Shared>) -> bool {
        let own = self.pool.as_ref();
        own.is_some_and(|own| Arc::ptr_eq(own, pool))
    }

    #[cold]
    fn give_back(&self) {
        if let Some(pool) = &self.pool {
            pool.unlink(self.head, &mut pool.free());
        }
    }

    /// Its buffers, and the pool that they are of.
    fn buffers(&self) -> impl Iterator<Item = (&Shared, Buffer)> {
        let pool = self.pool.as_deref().into_iter();
        pool.flat_map(|pool| pool.chain(self.head).map(move |buffer| (pool, buffer)))
    }

    /// The bytes where they are, in pieces. A device that breaks the rules may still change them.
    pub fn pieces(&self) -> impl Iterator<Item = &[AtomicU8]> {
        let mut left = self.len();
        let mut from = HEADER;
        self.buffers().map(move |(pool, buffer)| {
            let len = left.min(pool.len - from);
            let at = pool.start(buffer) + from;
            (left, from) = (left - len, 0);
            pool.memory.memory().bytes(at, len)
        })
    }

    /// Copies bytes out, from `offset` on; returns how many there were.
    pub fn read(&self, offset: usize, data: &mut [u8]) -> usize {
        let mut done = 0;
        self.for_each(offset, data.len(), |memory, at, len| {
            let piece = &mut data[done..done + len];
            memory.read(at, piece);
            done += len;
        });
        done
    }

    /// Copies bytes in, from `offset` on; returns for how many there was room.
    pub fn write(&self, offset: usize, data: &[u8]) -> usize {
        let mut done = 0;
        self.for_each(offset, data.len(), |memory, at, len| {
            let piece = &data[done..done + len];
            memory.write(at, piece);
            done += len;
        });
        done
    }

    /// Asks for the Internet checksum from byte `start` to the end, to be written `offset` bytes behind `start` when
    /// the frame is sent. What is there now is part of the sum: for TCP and UDP put the pseudo header's sum there. The device
    /// does it if it can, else [`tx_batch`](super::QueuePair::tx_batch) does. A sum of zero is written as 0xFFFF.
    ///
    /// # Errors
    /// There is no such place in the frame, which is as it was then.
    pub fn complete_checksum(&mut self, start: u16, offset: u16) -> Result<(), Error> {
        let len = self.len();
        match &self.pool {
            Some(pool) if usize::from(start) + usize::from(offset) + 2 <= len => {
                pool.write_wish(self.head, (start, offset));
                self.len |= SUMMED;
                Ok(())
            }
            _ => Err(Error::NoPlace { start, offset, len }),
        }
    }

    /// Completes a checksum here and now, as the device would.
    fn sum(&self, (start, offset): (u16, u16)) {
        let (start, offset) = (usize::from(start), usize::from(offset));
        let mut sum: u64 = 0;
        let mut even = true;
        let mut skip = start;
        for piece in self.pieces() {
            for byte in piece.get(skip..).unwrap_or_default() {
                let byte = u64::from(byte.load(Ordering::Relaxed));
                sum += if even { byte << 8 } else { byte };
                even = !even;
            }
            skip = skip.saturating_sub(piece.len());
        }
        // 2^16 is 1.
        while sum > 0xffff {
            sum = (sum & 0xffff) + (sum >> 16);
        }
        let sum = match !(sum as u16) {
            0 => 0xffff,
            sum => sum,
        };
        self.write(start + offset, &sum.to_be_bytes());
    }

    /// A copy of all bytes.
    #[must_use]
    pub fn to_vec(&self) -> Vec<u8> {
        let mut bytes = vec![0; self.len()];
        self.read(0, &mut bytes);
        bytes
    }

    /// The pieces of a range: offset in the pool's memory, length.
    fn for_each(
        &self,
        mut offset: usize,
        len: usize,
        mut piece: impl FnMut(&SharedMemory, usize, usize),
    ) {
        let mut left = len.min(self.len().saturating_sub(offset));
        let mut from = HEADER;
        for (pool, buffer) in self.buffers() {
            let room = pool.len - from;
            if offset < room && left > 0 {
                let len = left.min(room - offset);
                let at = pool.start(buffer) + from + offset;
                piece(pool.memory.memory(), at, len);
                left -= len;
                offset = 0;
            } else {
                offset = offset.saturating_sub(room);
            }
            from = 0;
        }
    }
}
