// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Memory that somebody else may read and write at any time: a device, or the process that models one.
//!
//! Nothing here ever makes a `&[u8]` of it. Every access is one atomic load or store, so that a hostile
//! device can give wrong data but no undefined behaviour. This is the only module of the driver that
//! touches such memory; it also runs under Miri, with memory of its own,
//! and under AddressSanitizer (`tests/ring.rs` says how).

#![allow(unsafe_code, reason = "this is the place for it")]

use std::alloc::{Layout, alloc_zeroed, dealloc, handle_alloc_error};
use std::fmt;
use std::io;
use std::ops::Deref;
use std::os::fd::{AsFd, OwnedFd};
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, Ordering};

use rustix::fs::{MemfdFlags, SealFlags};
use rustix::mm::{MapFlags, ProtFlags};

/// Bytes of a page.
pub const PAGE: usize = 4096;
/// Bytes of a large page.
const HUGE_PAGE: usize = 2 << 20;

/// Zeroed memory to be shared with a device, in whole pages.
///
/// # Panics
/// The accessors panic when an access is not inside the memory or not aligned to its width, as a slice
/// would: offsets are the driver's own, never the device's.
pub struct SharedMemory {
    base: NonNull<u8>,
    len: usize,
    backing: Backing,
}

enum Backing {
    Mapped,
    Heap(Layout),
}

// SAFETY: the memory belongs to this value alone and is only accessed by atomic operations.
unsafe impl Send for SharedMemory {}
// SAFETY: as above.
unsafe impl Sync for SharedMemory {}

impl fmt::Debug for SharedMemory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedMemory")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl SharedMemory {
    /// Plain memory of this process, for models and tests.
    ///
    /// # Panics
    /// `len` is half of all addresses or more.
    #[must_use]
    pub fn local(len: usize) -> Self {
        let len = whole(len, PAGE);
        let layout = Layout::from_size_align(len, PAGE).expect("less than half of all addresses");
        // SAFETY: the size is not zero.
        let Some(base) = NonNull::new(unsafe { alloc_zeroed(layout) }) else {
            handle_alloc_error(layout)
        };
        Self {
            base,
            len,
            backing: Backing::Heap(layout),
        }
    }

    /// Memory behind a file descriptor, which another process can map too.
    ///
    /// # Errors
    /// There is not so much.
    pub fn with_fd(len: usize) -> io::Result<(Self, OwnedFd)> {
        let len = whole(len, PAGE);
        let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
        let fd = rustix::fs::memfd_create("hairpin", flags)?;
        rustix::fs::ftruncate(&fd, len as u64)?;
        // Whoever gets it could shrink it otherwise, and an access of ours would end the process.
        let seals = SealFlags::SHRINK | SealFlags::GROW | SealFlags::SEAL;
        rustix::fs::fcntl_add_seals(&fd, seals)?;
        Ok((Self::map(&fd, len)?, fd))
    }

    /// Maps a file that cannot become shorter.
    ///
    /// # Errors
    /// It is shorter already, could become so, or cannot be mapped.
    pub fn map(fd: impl AsFd, len: usize) -> io::Result<Self> {
        let size = rustix::fs::fstat(&fd)?.st_size;
        if usize::try_from(size).unwrap_or(0) < len || len == 0 {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        if !rustix::fs::fcntl_get_seals(&fd)?.contains(SealFlags::SHRINK) {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the memory could become shorter: it is not sealed",
            ));
        }
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address of the kernel's choice.
        let base =
            unsafe { rustix::mm::mmap(ptr::null_mut(), len, protection, MapFlags::SHARED, fd, 0) }?;
        Self::mapped(base.cast(), len)
    }

    /// Anonymous memory, of large pages when there are any. It is not inherited by a child, whose copy the
    /// device would not see.
    ///
    /// # Errors
    /// There is not so much.
    pub fn anonymous(len: usize) -> io::Result<Self> {
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        let map = |len, flags| {
            // SAFETY: a new mapping, at an address of the kernel's choice.
            unsafe {
                rustix::mm::mmap_anonymous(
                    ptr::null_mut(),
                    len,
                    protection,
                    MapFlags::SHARED | flags,
                )
            }
        };
        let large = whole(len, HUGE_PAGE);
        let (base, len) = match map(large, MapFlags::HUGETLB | MapFlags::POPULATE) {
            Ok(base) => (base, large),
            Err(_) => {
                let len = whole(len, PAGE);
                (map(len, MapFlags::POPULATE)?, len)
            }
        };
        Self::mapped(base.cast(), len)
    }

    fn mapped(base: *mut u8, len: usize) -> io::Result<Self> {
        let base = NonNull::new(base).ok_or_else(|| io::Error::other("mapped at address 0"))?;
        Ok(Self {
            base,
            len,
            backing: Backing::Mapped,
        })
    }

    /// Bytes of it.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it never is")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Where it starts, for a kernel that gives a device access to it.
    #[must_use]
    pub fn as_ptr(&self) -> *mut u8 {
        self.base.as_ptr()
    }

    /// A pointer to `count` values of a type at an offset, all inside and aligned.
    #[inline]
    fn at<T>(&self, offset: usize, count: usize) -> *mut T {
        let bytes = count.checked_mul(size_of::<T>());
        let end = bytes.and_then(|bytes| offset.checked_add(bytes));
        if end.is_none_or(|end| end > self.len) || !offset.is_multiple_of(align_of::<T>()) {
            self.no_place(offset, count, size_of::<T>());
        }
        // SAFETY: the offset is inside, as was just checked.
        unsafe { self.base.as_ptr().add(offset) }.cast()
    }

    #[cold]
    fn no_place(&self, offset: usize, count: usize, size: usize) -> ! {
        panic!(
            "offset {offset:#x} is no place for {count} x {size} bytes in {:#x} bytes",
            self.len
        );
    }

    /// A view of some bytes, to read or write in place.
    #[must_use]
    pub fn bytes(&self, offset: usize, len: usize) -> &[AtomicU8] {
        let first = self.at::<AtomicU8>(offset, len);
        // SAFETY: inside the memory, which lives as long as `self`; an atomic has no invalid values, and
        // nobody has another kind of reference to it.
        unsafe { std::slice::from_raw_parts(first, len) }
    }

    #[inline]
    fn atomic16(&self, offset: usize) -> &AtomicU16 {
        // SAFETY: inside and aligned, and it lives as long as `self`.
        unsafe { AtomicU16::from_ptr(self.at(offset, 1)) }
    }

    #[inline]
    fn atomic32(&self, offset: usize) -> &AtomicU32 {
        // SAFETY: as for 16 bits.
        unsafe { AtomicU32::from_ptr(self.at(offset, 1)) }
    }

    #[inline]
    fn atomic64(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: as for 16 bits.
        unsafe { AtomicU64::from_ptr(self.at(offset, 1)) }
    }

    /// Reads 16 bits, little-endian.
    #[must_use]
    #[inline]
    pub fn load16(&self, offset: usize, order: Ordering) -> u16 {
        u16::from_le(self.atomic16(offset).load(order))
    }

    /// Writes 16 bits, little-endian.
    #[inline]
    pub fn store16(&self, offset: usize, value: u16, order: Ordering) {
        self.atomic16(offset).store(value.to_le(), order);
    }

    /// Reads 32 bits, little-endian.
    #[must_use]
    #[inline]
    pub fn load32(&self, offset: usize, order: Ordering) -> u32 {
        u32::from_le(self.atomic32(offset).load(order))
    }

    /// Writes 32 bits, little-endian.
    #[inline]
    pub fn store32(&self, offset: usize, value: u32, order: Ordering) {
        self.atomic32(offset).store(value.to_le(), order);
    }

    /// Reads 64 bits, little-endian.
    #[must_use]
    #[inline]
    pub fn load64(&self, offset: usize, order: Ordering) -> u64 {
        u64::from_le(self.atomic64(offset).load(order))
    }

    /// Writes 64 bits, little-endian.
    #[inline]
    pub fn store64(&self, offset: usize, value: u64, order: Ordering) {
        self.atomic64(offset).store(value.to_le(), order);
    }

    /// Copies out of it.
    pub fn read(&self, offset: usize, data: &mut [u8]) {
        let (head, words) = parts(offset, data.len());
        let (first, rest) = data.split_at_mut(head);
        self.read_bytes(offset, first);
        let (middle, last) = rest.split_at_mut(words * 8);
        let mut at = offset + head;
        for word in middle.chunks_exact_mut(8) {
            word.copy_from_slice(&self.atomic64(at).load(Ordering::Relaxed).to_ne_bytes());
            at += 8;
        }
        self.read_bytes(at, last);
    }

    /// Copies into it.
    pub fn write(&self, offset: usize, data: &[u8]) {
        let (head, words) = parts(offset, data.len());
        let (first, rest) = data.split_at(head);
        self.write_bytes(offset, first);
        let (middle, last) = rest.split_at(words * 8);
        let mut at = offset + head;
        for word in middle.as_chunks().0 {
            self.atomic64(at)
                .store(u64::from_ne_bytes(*word), Ordering::Relaxed);
            at += 8;
        }
        self.write_bytes(at, last);
    }

    fn read_bytes(&self, offset: usize, data: &mut [u8]) {
        let shared = self.bytes(offset, data.len());
        for (byte, shared) in data.iter_mut().zip(shared) {
            *byte = shared.load(Ordering::Relaxed);
        }
    }

    fn write_bytes(&self, offset: usize, data: &[u8]) {
        for (byte, shared) in data.iter().zip(self.bytes(offset, data.len())) {
            shared.store(*byte, Ordering::Relaxed);
        }
    }
}

impl Drop for SharedMemory {
    fn drop(&mut self) {
        match self.backing {
            Backing::Mapped => {
                // SAFETY: this value made the mapping, and nothing borrows from it any more.
                let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len) };
            }
            // SAFETY: allocated with this layout.
            Backing::Heap(layout) => unsafe { dealloc(self.base.as_ptr(), layout) },
        }
    }
}

/// The first bytes of a buffer of a virtio-net queue: the header (`virtio_net_hdr`), and four of the frame.
#[derive(Debug)]
#[repr(C)]
pub struct Head {
    /// `flags`, `gso_type`, `hdr_len`, `gso_size`, `csum_start`.
    first: AtomicU64,
    csum_offset: AtomicU16,
    num_buffers: AtomicU16,
    _frame: AtomicU32,
}

impl Head {
    /// Buffers of a frame that was received.
    #[must_use]
    #[inline]
    pub fn num_buffers(&self) -> u16 {
        u16::from_le(self.num_buffers.load(Ordering::Relaxed))
    }

    /// Clears the header: it asks for nothing.
    #[inline]
    pub fn clear(&self) {
        self.first.store(0, Ordering::Relaxed);
        self.csum_offset.store(0, Ordering::Relaxed);
        self.num_buffers.store(0, Ordering::Relaxed);
    }
}

/// What memory that somebody else writes can be seen as: atomics without gaps, any bits are a value of it.
pub trait Atomic: sealed::Atomic {}
impl Atomic for AtomicU16 {}
impl Atomic for AtomicU64 {}
impl Atomic for [AtomicU64; 2] {}
impl Atomic for Head {}

mod sealed {
    pub trait Atomic: Sync {}
    impl Atomic for super::AtomicU16 {}
    impl Atomic for super::AtomicU64 {}
    impl Atomic for [super::AtomicU64; 2] {}
    impl Atomic for super::Head {}
}

/// An array in shared memory, whose place is checked once.
pub struct Words<A> {
    first: NonNull<A>,
    len: usize,
    /// Keeps it there.
    _memory: Arc<SharedMemory>,
}

// SAFETY: a view of memory that is itself both; atomics are accessed by shared references only.
unsafe impl<A: Atomic> Send for Words<A> {}
// SAFETY: as above.
unsafe impl<A: Atomic> Sync for Words<A> {}

impl<A> fmt::Debug for Words<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Words")
            .field("len", &self.len)
            .finish_non_exhaustive()
    }
}

impl<A: Atomic> Words<A> {
    /// The array of `len` words at an offset.
    ///
    /// # Panics
    /// It is not inside, or not aligned.
    #[must_use]
    pub fn new(memory: Arc<SharedMemory>, offset: usize, len: usize) -> Self {
        let first = memory.at(offset, len);
        Self {
            // SAFETY: inside the memory, which does not start at address 0.
            first: unsafe { NonNull::new_unchecked(first) },
            len,
            _memory: memory,
        }
    }
}

impl<A: Atomic> Deref for Words<A> {
    type Target = [A];

    #[inline]
    fn deref(&self) -> &[A] {
        // SAFETY: all words are inside the memory and aligned, as `new` checked; it lives as long as `self`,
        // and an atomic has no invalid values.
        unsafe { std::slice::from_raw_parts(self.first.as_ptr(), self.len) }
    }
}

/// Rounds up to whole units, at least one.
fn whole(len: usize, unit: usize) -> usize {
    len.max(1).next_multiple_of(unit)
}

/// Bytes up to the first aligned word, and whole words from there.
fn parts(offset: usize, len: usize) -> (usize, usize) {
    let head = offset.next_multiple_of(8).saturating_sub(offset).min(len);
    (head, (len - head) / 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copies_of_every_alignment_are_exact() {
        let memory = SharedMemory::local(64);
        for offset in 0..20 {
            for len in 0..30 {
                memory.write(0, &[0xee; 64]);
                let data: Vec<u8> = (1..=len).collect();
                memory.write(offset, &data);
                let mut all = [0; 64];
                memory.read(0, &mut all);
                let end = offset + usize::from(len);
                assert_eq!(&all[offset..end], &data);
                assert!(all[..offset].iter().chain(&all[end..]).all(|b| *b == 0xee));
                let mut back = vec![0; data.len()];
                memory.read(offset, &mut back);
                assert_eq!(back, data);
            }
        }
    }

    #[test]
    fn what_is_outside_or_crooked_is_refused() {
        let memory = SharedMemory::local(1);
        assert_eq!(memory.len(), PAGE);
        let fails = |access: &dyn Fn()| {
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(access)).is_err()
        };
        assert!(fails(&|| memory.write(PAGE - 1, &[1, 2])));
        assert!(fails(&|| _ = memory.load16(1, Ordering::Relaxed)));
        assert!(fails(&|| _ = memory.load64(PAGE - 4, Ordering::Relaxed)));
        assert!(fails(&|| _ = memory.bytes(usize::MAX, 2)));
        assert!(!fails(&|| memory.write(PAGE - 2, &[1, 2])));
    }

    #[test]
    fn words_stay_inside() {
        let memory = Arc::new(SharedMemory::local(PAGE));
        let words = Words::<AtomicU16>::new(Arc::clone(&memory), 6, 4);
        for (index, word) in words.iter().enumerate() {
            word.store(index as u16 + 7, Ordering::Relaxed);
            assert_eq!(
                memory.load16(6 + 2 * index, Ordering::Relaxed),
                word.load(Ordering::Relaxed)
            );
        }
        assert!(words.get(4).is_none());
        for (offset, len) in [
            (PAGE - 8, 2),
            (4, 1),
            (0, PAGE),
            (usize::MAX, 1),
            (0, usize::MAX),
        ] {
            let memory = Arc::clone(&memory);
            let made = || Words::<AtomicU64>::new(memory, offset, len);
            assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(made)).is_err());
        }
        drop(memory);
        assert_eq!(words[3].load(Ordering::Relaxed), 10);
    }

    #[test]
    fn a_header_is_cleared_and_nothing_else() {
        let memory = Arc::new(SharedMemory::local(PAGE));
        memory.write(0, &[0xee; 48]);
        let heads = Words::<Head>::new(Arc::clone(&memory), 0, 3);
        memory.store16(16 + 10, 0x1234, Ordering::Relaxed);
        assert_eq!(heads[1].num_buffers(), 0x1234);
        heads[1].clear();
        let mut bytes = [0; 48];
        memory.read(0, &mut bytes);
        assert!(bytes[16..28].iter().all(|b| *b == 0));
        assert!(bytes[..16].iter().chain(&bytes[28..]).all(|b| *b == 0xee));
    }

    #[test]
    #[cfg_attr(miri, ignore = "Miri maps no files")]
    fn a_file_is_shared_and_cannot_shrink() {
        let (memory, fd) = SharedMemory::with_fd(PAGE + 1).unwrap();
        assert_eq!(memory.len(), 2 * PAGE);
        let other = SharedMemory::map(&fd, memory.len()).unwrap();
        memory.store32(8, 0x1234_5678, Ordering::Relaxed);
        let mut bytes = [0; 4];
        other.read(8, &mut bytes);
        assert_eq!(bytes, [0x78, 0x56, 0x34, 0x12]);
        assert!(rustix::fs::ftruncate(&fd, 0).is_err());
        assert!(SharedMemory::map(&fd, memory.len() + 1).is_err());
    }
}
