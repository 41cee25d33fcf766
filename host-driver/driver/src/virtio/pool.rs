// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Buffers that a device can reach, and frames made of them.
//!
//! A [`Frame`] is owned: who gives it to a queue has it no more, and it comes back to the pool when the
//! device is done with it. Nothing is copied on the way.

use std::fmt;
use std::sync::atomic::{AtomicU8, AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::HEADER;
use super::error::Error;
use super::ring::Segment;
use crate::function::DmaMemory;

/// A buffer of a pool, by its place.
pub(super) type Buffer = u32;
/// Behind the last buffer of a frame.
const END: Buffer = Buffer::MAX;
/// Likewise; the frame's checksum is to be completed, and its header says where. So who sends a frame that is alone in
/// its buffer and asks for nothing learns both by one look.
const END_SUMMED: Buffer = Buffer::MAX - 1;

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
    /// By buffer: the next one of its frame. Who has the frame has its links, too.
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
        buffer as usize * self.len
    }

    /// The next buffer of a frame, or [`END`].
    #[inline]
    fn next(&self, buffer: Buffer) -> Buffer {
        self.next[buffer as usize].load(Ordering::Relaxed)
    }

    #[inline]
    fn link(&self, buffer: Buffer, next: Buffer) {
        self.next[buffer as usize].store(next, Ordering::Relaxed);
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

    /// A buffer and those that follow it.
    fn chain(&self, head: Buffer) -> impl Iterator<Item = Buffer> {
        let real = |buffer| (buffer < END_SUMMED).then_some(buffer);
        std::iter::successors(real(head), move |buffer| real(self.next(*buffer)))
    }

    fn unlink(&self, head: Buffer, to: &mut Vec<Buffer>) {
        let first = to.len();
        to.extend(self.chain(head));
        for buffer in &to[first..] {
            self.link(*buffer, END);
        }
    }
}

impl Pool {
    /// As many buffers of `len` bytes as fit into the memory.
    ///
    /// # Panics
    /// `len` is no multiple of 8, or leaves no room for a header and a byte.
    #[must_use]
    pub fn new(memory: DmaMemory, len: usize) -> Self {
        assert!(
            len > HEADER && len.is_multiple_of(8),
            "a buffer cannot have {len} bytes"
        );
        let count = u32::try_from(memory.memory().len() / len).unwrap_or(END);
        let count = count.min(END_SUMMED);
        Self(Arc::new(Shared {
            memory,
            len,
            next: (0..count).map(|_| AtomicU32::new(END)).collect(),
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
    #[inline]
    pub fn buffer_len(&self) -> usize {
        self.0.len
    }

    /// Moves up to `count` free buffers to `to`.
    pub(super) fn take(&self, count: usize, to: &mut Vec<Buffer>) {
        let mut free = self.0.free();
        let rest = free.len().saturating_sub(count);
        to.extend(free.drain(rest..));
    }

    /// Takes buffers back.
    pub(super) fn put(&self, buffers: impl IntoIterator<Item = Buffer>) {
        self.0.free().extend(buffers);
    }

    /// A frame of so many bytes. What is in it is what was there before: write all of it.
    ///
    /// `None` when there are not enough free buffers, or the frame is empty.
    #[must_use]
    pub fn frame(&self, len: usize) -> Option<Frame> {
        let count = (len.checked_add(HEADER)?).div_ceil(self.0.len);
        let mut free = self.0.free();
        if len == 0 || count > free.len() || u32::try_from(len).is_err() {
            return None;
        }
        let first = free.len() - count;
        let head = free.drain(first..).fold(END, |next, buffer| {
            self.0.link(buffer, next);
            buffer
        });
        // Nobody has verified what was not received.
        self.0
            .memory
            .memory()
            .store16(self.0.start(head), 0, Ordering::Relaxed);
        Some(self.received(head, len))
    }

    /// A frame with these bytes.
    #[must_use]
    pub fn frame_of(&self, bytes: &[u8]) -> Option<Frame> {
        let frame = self.frame(bytes.len())?;
        frame.write(0, bytes);
        Some(frame)
    }

    /// A frame of `len` bytes in linked buffers that are taken and have room for it.
    #[inline]
    pub(super) fn received(&self, head: Buffer, len: usize) -> Frame {
        Frame {
            pool: Arc::clone(&self.0),
            head,
            len: len as u32,
        }
    }

    /// Makes a buffer the next one of a frame.
    pub(super) fn link(&self, buffer: Buffer, next: Buffer) {
        self.0.link(buffer, next);
    }

    /// Whether a buffer is a frame alone, which asks for no checksum.
    #[inline]
    pub(super) fn is_single(&self, head: Buffer) -> bool {
        self.0.next(head) == END
    }

    /// The buffers of a frame.
    pub(super) fn buffers(&self, head: Buffer) -> impl Iterator<Item = Buffer> {
        self.0.chain(head)
    }

    /// Adds the buffers of a frame to `to`, without links.
    pub(super) fn unlink(&self, head: Buffer, to: &mut Vec<Buffer>) {
        self.0.unlink(head, to);
    }

    #[inline]
    pub(super) fn owns(&self, frame: &Frame) -> bool {
        Arc::ptr_eq(&self.0, &frame.pool)
    }

    /// A buffer's first bytes, for a queue.
    #[inline]
    pub(super) fn segment(&self, buffer: Buffer, len: usize, writable: bool) -> Segment {
        Segment {
            bus: self.0.memory.bus(self.0.start(buffer)),
            len: len as u32,
            writable,
        }
    }

    /// 16 bits of a buffer's header.
    #[inline]
    pub(super) fn header16(&self, buffer: Buffer, offset: usize) -> u16 {
        let at = self.0.start(buffer) + offset;
        self.0.memory.memory().load16(at, Ordering::Relaxed)
    }

    /// Takes back a frame's wish for a checksum: where it is to be, `csum_start` and `csum_offset`.
    pub(super) fn take_wish(&self, head: Buffer) -> Option<(u16, u16)> {
        let last = self.0.chain(head).last()?;
        if self.0.next(last) != END_SUMMED {
            return None;
        }
        self.0.link(last, END);
        let word = |at| self.header16(head, at);
        Some((word(CSUM_START), word(CSUM_OFFSET)))
    }

    /// A buffer with a header that asks for a checksum.
    pub(super) fn to_sum(&self, buffer: Buffer, len: usize, place: (u16, u16)) -> Segment {
        let segment = self.to_send(buffer, len);
        self.0.write_wish(buffer, place);
        segment
    }

    /// A buffer with its header cleared.
    #[inline]
    pub(super) fn to_send(&self, buffer: Buffer, len: usize) -> Segment {
        let start = self.0.start(buffer);
        self.0.memory.memory().clear_header(start);
        Segment {
            bus: self.0.memory.bus(start),
            len: len as u32,
            writable: false,
        }
    }
}

/// An Ethernet frame in buffers that a device can reach, to whose pool they go back by themselves.
pub struct Frame {
    pool: Arc<Shared>,
    /// The header and the first bytes; the others are linked. [`END`] when a queue has them.
    head: Buffer,
    /// Bytes without the header.
    len: u32,
}

impl fmt::Debug for Frame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Frame")
            .field("len", &self.len)
            .finish_non_exhaustive()
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
        self.len as usize
    }

    /// Whether the device says of a frame that it received that its TCP or UDP checksum is right
    /// ([`GUEST_CSUM`](super::Features::GUEST_CSUM)). If not, nobody has looked, or it is wrong.
    #[must_use]
    #[inline]
    pub fn is_verified(&self) -> bool {
        let flags = self.pool.start(self.head);
        self.pool.memory.memory().load16(flags, Ordering::Relaxed) & DATA_VALID != 0
    }

    /// The first of its buffers.
    #[inline]
    pub(super) fn head(&self) -> Buffer {
        self.head
    }

    /// The first of its buffers, which are the caller's from now on.
    #[inline]
    pub(super) fn into_buffers(mut self) -> Buffer {
        std::mem::replace(&mut self.head, END)
    }

    #[cold]
    fn give_back(&self) {
        self.pool.unlink(self.head, &mut self.pool.free());
    }

    fn buffers(&self) -> impl Iterator<Item = Buffer> {
        self.pool.chain(self.head)
    }

    /// The bytes where they are, in pieces. A device that breaks the rules may still change them.
    pub fn pieces(&self) -> impl Iterator<Item = &[AtomicU8]> {
        let mut left = self.len();
        let mut from = HEADER;
        self.buffers().map(move |buffer| {
            let len = left.min(self.pool.len - from);
            let at = self.pool.start(buffer) + from;
            (left, from) = (left - len, 0);
            self.pool.memory.memory().bytes(at, len)
        })
    }

    /// Copies bytes out, from `offset` on; returns how many there were.
    pub fn read(&self, offset: usize, data: &mut [u8]) -> usize {
        let mut done = 0;
        self.for_each(offset, data.len(), |at, len| {
            let piece = &mut data[done..done + len];
            self.pool.memory.memory().read(at, piece);
            done += len;
        });
        done
    }

    /// Copies bytes in, from `offset` on; returns for how many there was room.
    pub fn write(&self, offset: usize, data: &[u8]) -> usize {
        let mut done = 0;
        self.for_each(offset, data.len(), |at, len| {
            let piece = &data[done..done + len];
            self.pool.memory.memory().write(at, piece);
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
        if usize::from(start) + usize::from(offset) + 2 > len {
            return Err(Error::NoPlace { start, offset, len });
        }
        self.pool.write_wish(self.head, (start, offset));
        if let Some(last) = self.buffers().last() {
            self.pool.link(last, END_SUMMED);
        }
        Ok(())
    }

    /// Completes a checksum here and now, as the device would.
    pub(super) fn sum(&self, (start, offset): (u16, u16)) {
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
    fn for_each(&self, mut offset: usize, len: usize, mut piece: impl FnMut(usize, usize)) {
        let mut left = len.min(self.len().saturating_sub(offset));
        let mut from = HEADER;
        for buffer in self.buffers() {
            let room = self.pool.len - from;
            if offset < room && left > 0 {
                let len = left.min(room - offset);
                piece(self.pool.start(buffer) + from + offset, len);
                left -= len;
                offset = 0;
            } else {
                offset = offset.saturating_sub(room);
            }
            from = 0;
        }
    }
}
