// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The system calls behind the sockets: messages with descriptors, eventfds, TAP interfaces, shared memory.

#![allow(
    unsafe_code,
    reason = "descriptors from messages, mappings of other processes' memory and one ioctl"
)]

use std::ffi::c_void;
use std::fs::File;
use std::io::{self, IoSliceMut};
use std::num::NonZeroUsize;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::{self, Relaxed};
use std::sync::atomic::{AtomicU8, AtomicU16, AtomicU32, AtomicU64, fence};

use nix::errno::Errno;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::eventfd::{EfdFlags, EventFd};
use nix::sys::mman::{MapFlags, ProtFlags, mmap, munmap};
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use super::sigbus;

/// Most descriptors taken with one message.
pub(super) const MAX_FDS: usize = 16;

/// What one `recvmsg` brought.
#[derive(Debug)]
pub(super) struct Received {
    /// Bytes; 0 is the end of the stream.
    pub(super) len: usize,
    /// Descriptors.
    pub(super) fds: Vec<OwnedFd>,
    /// There were more descriptors than could be taken; those are closed.
    pub(super) too_many_fds: bool,
}

/// Reads what is there, descriptors included.
pub(super) fn receive(stream: &UnixStream, data: &mut [u8]) -> io::Result<Received> {
    let mut control = nix::cmsg_space!([i32; MAX_FDS]);
    let mut parts = [IoSliceMut::new(data)];
    let message = loop {
        let flags = MsgFlags::MSG_CMSG_CLOEXEC | MsgFlags::MSG_DONTWAIT;
        match recvmsg::<()>(stream.as_raw_fd(), &mut parts, Some(&mut control), flags) {
            Err(Errno::EINTR) => {}
            other => break other?,
        }
    };
    let too_many_fds = message.flags.contains(MsgFlags::MSG_CTRUNC);
    let mut fds = Vec::new();
    // After a cut control message `cmsgs` gives an error, and what the kernel has passed is in it still.
    for part in message.cmsgs().into_iter().flatten() {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: the kernel has just made these descriptors for us; nobody else knows them.
            fds.extend(
                numbers
                    .into_iter()
                    .map(|fd| unsafe { OwnedFd::from_raw_fd(fd) }),
            );
        }
    }
    Ok(Received {
        len: message.bytes,
        fds,
        too_many_fds,
    })
}

/// Waits until one of these can be read, or has ended; says which. Forever without a limit in milliseconds.
pub(super) fn readable<const N: usize>(
    fds: [BorrowedFd<'_>; N],
    limit: Option<u16>,
) -> io::Result<[bool; N]> {
    let mut polled = fds.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
    let timeout = limit.map_or(PollTimeout::NONE, PollTimeout::from);
    match poll(&mut polled, timeout) {
        Ok(_) => Ok(polled.map(|fd| fd.any().unwrap_or(true))),
        Err(Errno::EINTR) => Ok([false; N]),
        Err(e) => Err(e.into()),
    }
}

/// Whether the other end of a connection is closed; what it has sent may still wait here.
pub(super) fn has_left(stream: BorrowedFd<'_>) -> io::Result<bool> {
    let mut polled = [PollFd::new(stream, PollFlags::empty())];
    poll(&mut polled, PollTimeout::ZERO)?;
    let events = polled[0].revents().unwrap_or(PollFlags::empty());
    Ok(events.intersects(PollFlags::POLLHUP | PollFlags::POLLERR))
}

/// A way to wake a thread that is in [`readable`].
pub(super) fn waker() -> io::Result<EventFd> {
    let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
    Ok(EventFd::from_value_and_flags(0, flags)?)
}

/// True of an eventfd; any other descriptor could do anything when it is written to.
pub(super) fn is_eventfd(fd: BorrowedFd<'_>) -> bool {
    std::fs::read_link(format!("/proc/self/fd/{}", fd.as_raw_fd()))
        .is_ok_and(|name| name.as_os_str() == "anon_inode:[eventfd]")
}

/// Adds one to an eventfd. One that is full already has been signalled.
pub(super) fn signal(fd: BorrowedFd<'_>) -> io::Result<()> {
    let mut polled = [PollFd::new(fd, PollFlags::POLLOUT)];
    if poll(&mut polled, PollTimeout::ZERO)? == 1 {
        nix::unistd::write(fd, &1u64.to_ne_bytes())?;
    }
    Ok(())
}

/// Memory of another process, from a file that both have mapped.
#[derive(Debug)]
pub(super) struct Shared {
    start: NonNull<c_void>,
    len: usize,
    writable: bool,
}

// SAFETY: the mapping belongs to no thread; it is only touched by atomic accesses.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

impl Shared {
    /// Maps a whole file of `len` bytes, for reading only if it was opened so.
    pub(super) fn map(file: impl AsFd, len: usize) -> io::Result<Self> {
        sigbus::install()?;
        let size = NonZeroUsize::new(len).ok_or(io::ErrorKind::InvalidInput)?;
        let try_map = |protection| {
            // SAFETY: a new mapping at an address of the kernel's choice takes nobody's memory away.
            unsafe { mmap(None, size, protection, MapFlags::MAP_SHARED, &file, 0) }
        };
        let both = ProtFlags::PROT_READ | ProtFlags::PROT_WRITE;
        let (start, writable) = match try_map(both) {
            Err(Errno::EACCES) => (try_map(ProtFlags::PROT_READ)?, false),
            other => (other?, true),
        };
        let shared = Self {
            start,
            len,
            writable,
        };
        sigbus::add(start.as_ptr().addr(), len)?;
        Ok(shared)
    }

    /// Bytes.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// Whether it may be written.
    pub(super) fn writable(&self) -> bool {
        self.writable
    }

    /// A pointer to `len` bytes at `offset`, if they are inside.
    fn at(&self, offset: usize, len: usize) -> Option<*mut u8> {
        let end = offset.checked_add(len)?;
        // SAFETY: `offset` is at most `self.len`, hence inside the mapping or one past its end.
        (end <= self.len).then(|| unsafe { self.start.as_ptr().cast::<u8>().add(offset) })
    }

    /// Copies out; false if that is not inside. Aligned fields of 2, 4 and 8 bytes are read whole.
    pub(super) fn read(&self, offset: usize, data: &mut [u8]) -> bool {
        let Some(mut from) = self.at(offset, data.len()) else {
            return false;
        };
        fence(Ordering::SeqCst);
        let mut left = data;
        while !left.is_empty() {
            let (now, rest) = left.split_at_mut(whole(from, left.len()));
            // SAFETY: `now.len()` aligned bytes inside the mapping, which lives as long as `self`; other
            // processes may write them meanwhile, hence the atomic accesses.
            unsafe {
                match now.len() {
                    1 => now[0] = AtomicU8::from_ptr(from).load(Relaxed),
                    2 => now.copy_from_slice(
                        &AtomicU16::from_ptr(from.cast()).load(Relaxed).to_ne_bytes(),
                    ),
                    4 => now.copy_from_slice(
                        &AtomicU32::from_ptr(from.cast()).load(Relaxed).to_ne_bytes(),
                    ),
                    _ => now.copy_from_slice(
                        &AtomicU64::from_ptr(from.cast()).load(Relaxed).to_ne_bytes(),
                    ),
                }
                from = from.add(now.len());
            }
            left = rest;
        }
        fence(Ordering::SeqCst);
        true
    }

    /// Copies in; false if that is not inside or not writable. Aligned fields of 2, 4 and 8 bytes become
    /// visible whole.
    pub(super) fn write(&self, offset: usize, data: &[u8]) -> bool {
        let Some(mut to) = self.at(offset, data.len()).filter(|_| self.writable) else {
            return false;
        };
        fence(Ordering::SeqCst);
        let mut left = data;
        while !left.is_empty() {
            let (now, rest) = left.split_at(whole(to, left.len()));
            // SAFETY: as in `read`.
            unsafe {
                match *now {
                    [a] => AtomicU8::from_ptr(to).store(a, Relaxed),
                    [a, b] => {
                        AtomicU16::from_ptr(to.cast()).store(u16::from_ne_bytes([a, b]), Relaxed);
                    }
                    [a, b, c, d] => AtomicU32::from_ptr(to.cast())
                        .store(u32::from_ne_bytes([a, b, c, d]), Relaxed),
                    _ => {
                        let mut word = [0; 8];
                        word.copy_from_slice(now);
                        AtomicU64::from_ptr(to.cast()).store(u64::from_ne_bytes(word), Relaxed);
                    }
                }
                to = to.add(now.len());
            }
            left = rest;
        }
        fence(Ordering::SeqCst);
        true
    }
}

/// Bytes of the largest aligned word that starts at `pointer` and is no longer than `len`, which is not 0.
fn whole(pointer: *mut u8, len: usize) -> usize {
    1 << pointer.addr().trailing_zeros().min(len.ilog2()).min(3)
}

impl Drop for Shared {
    fn drop(&mut self) {
        sigbus::remove(self.start.as_ptr().addr());
        // SAFETY: mapped by `map` with this length, and nobody has a pointer into it any more.
        let _ = unsafe { munmap(self.start, self.len) };
    }
}

/// Opens the TAP interface of that name, making one if there is none; frames without a header.
pub(super) fn open_tap(name: &str) -> io::Result<File> {
    nix::ioctl_write_int!(tun_set_iff, b'T', 202);
    const IFF_TAP: u16 = 0x0002;
    const IFF_NO_PI: u16 = 0x1000;
    let tap = File::options()
        .read(true)
        .write(true)
        .open("/dev/net/tun")?;
    // `struct ifreq`: the name, then a union of 24 bytes that starts with the flags.
    let mut request = [0u8; 40];
    if name.is_empty() || name.len() > 15 {
        return Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a name has 1 to 15 bytes",
        ));
    }
    request[..name.len()].copy_from_slice(name.as_bytes());
    request[16..18].copy_from_slice(&(IFF_TAP | IFF_NO_PI).to_ne_bytes());
    let pointer = request.as_ptr().addr();
    // SAFETY: TUNSETIFF reads one `ifreq` and writes its name back into it; the array is as large.
    unsafe { tun_set_iff(tap.as_raw_fd(), pointer as u64) }?;
    let flags = nix::fcntl::OFlag::O_NONBLOCK;
    nix::fcntl::fcntl(&tap, nix::fcntl::FcntlArg::F_SETFL(flags))?;
    Ok(tap)
}
