// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What needs `unsafe`: mapped BARs, DMA mappings, and requests that `vfio-ioctls` lacks.

#![allow(unsafe_code, reason = "this is the place for it")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::{self, NonNull};

use rustix::ioctl::{Ioctl, IoctlOutput, Opcode, Setter, opcode};
use rustix::mm::{MapFlags, ProtFlags};
use vfio_ioctls::{VfioContainer, VfioDevice};
use vmm_sys_util::eventfd::EventFd;

use crate::function::Width;
use crate::memory::SharedMemory;

/// `VFIO_TYPE` of `<linux/vfio.h>`, and the numbers of two requests.
const VFIO: u8 = b';';
const RESET: Opcode = opcode::none(VFIO, 111);
const FEATURE: Opcode = opcode::none(VFIO, 117);
/// Set the feature `PCI_VF_TOKEN`.
const SET_VF_TOKEN: u32 = 1 << 17;

/// The device's file.
pub(super) fn file(device: &VfioDevice) -> BorrowedFd<'_> {
    // SAFETY: the device keeps its file open as long as it is borrowed.
    unsafe { BorrowedFd::borrow_raw(device.as_raw_fd()) }
}

/// An event's file.
pub(super) fn event_file(event: &EventFd) -> BorrowedFd<'_> {
    // SAFETY: the event keeps its file open as long as it is borrowed.
    unsafe { BorrowedFd::borrow_raw(event.as_raw_fd()) }
}

/// Resets a device.
pub(super) fn reset(device: &VfioDevice) -> io::Result<()> {
    /// A request without an argument.
    struct Reset;
    // SAFETY: VFIO_DEVICE_RESET has no argument and gives nothing back.
    unsafe impl Ioctl for Reset {
        type Output = ();
        const IS_MUTATING: bool = false;
        fn opcode(&self) -> Opcode {
            RESET
        }
        fn as_ptr(&mut self) -> *mut std::ffi::c_void {
            ptr::null_mut()
        }
        unsafe fn output_from_ptr(
            _: IoctlOutput,
            _: *mut std::ffi::c_void,
        ) -> rustix::io::Result<()> {
            Ok(())
        }
    }
    // SAFETY: the file is a VFIO device's.
    Ok(unsafe { rustix::ioctl::ioctl(file(device), Reset) }?)
}

/// Tells the kernel the secret that users of a PF's VFs have to know.
pub(super) fn set_vf_token(pf: &VfioDevice, token: [u8; 16]) -> io::Result<()> {
    /// `vfio_device_feature` with its data.
    #[repr(C)]
    struct Feature {
        argsz: u32,
        flags: u32,
        token: [u8; 16],
    }
    let feature = Feature {
        argsz: size_of::<Feature>() as u32,
        flags: SET_VF_TOKEN,
        token,
    };
    // SAFETY: VFIO_DEVICE_FEATURE reads a structure that begins with its size.
    let request = unsafe { Setter::<FEATURE, Feature>::new(feature) };
    // SAFETY: the file is a VFIO device's.
    Ok(unsafe { rustix::ioctl::ioctl(file(pf), request) }?)
}

/// Gives the devices of a container access to memory. The caller takes it away before the memory goes.
pub(super) fn map_dma(
    container: &VfioContainer,
    bus: u64,
    memory: &SharedMemory,
) -> io::Result<()> {
    // SAFETY: the range is exactly the memory's mapping; whatever devices write there is only ever read
    // by atomic accesses.
    unsafe { container.vfio_dma_map(bus, memory.len(), memory.as_ptr()) }.map_err(io::Error::other)
}

/// A BAR in this process's address space.
#[derive(Debug)]
pub(super) struct MappedBar {
    base: NonNull<u8>,
    len: usize,
}

// SAFETY: only accessed by volatile operations on device registers, which any thread may do.
unsafe impl Send for MappedBar {}
// SAFETY: as above.
unsafe impl Sync for MappedBar {}

impl MappedBar {
    /// Maps a region of a device.
    pub(super) fn new(device: &VfioDevice, offset: u64, len: u64) -> io::Result<Self> {
        let len = usize::try_from(len).map_err(io::Error::other)?;
        let protection = ProtFlags::READ | ProtFlags::WRITE;
        // SAFETY: a new mapping, at an address of the kernel's choice.
        let base = unsafe {
            let flags = MapFlags::SHARED;
            rustix::mm::mmap(
                ptr::null_mut(),
                len,
                protection,
                flags,
                file(device),
                offset,
            )
        }?;
        let base =
            NonNull::new(base.cast()).ok_or_else(|| io::Error::other("mapped at address 0"))?;
        Ok(Self { base, len })
    }

    fn at(&self, offset: u64, width: Width) -> *mut u8 {
        let inside = usize::try_from(offset).ok().filter(|offset| {
            (offset.checked_add(width as usize)).is_some_and(|end| end <= self.len)
                && offset.is_multiple_of(width as usize)
        });
        let offset = inside.expect("the access was checked against the BAR");
        // SAFETY: inside the mapping, as was just checked.
        unsafe { self.base.as_ptr().add(offset) }
    }

    pub(super) fn read(&self, offset: u64, width: Width) -> u32 {
        let at = self.at(offset, width);
        // SAFETY: inside the mapping and aligned; registers have no invalid values.
        unsafe {
            match width {
                Width::Byte => at.read_volatile().into(),
                Width::Half => u16::from_le(at.cast::<u16>().read_volatile()).into(),
                Width::Word => u32::from_le(at.cast::<u32>().read_volatile()),
            }
        }
    }

    pub(super) fn write(&self, offset: u64, width: Width, value: u32) {
        let at = self.at(offset, width);
        // SAFETY: inside the mapping and aligned; no reference to it exists.
        unsafe {
            match width {
                Width::Byte => at.write_volatile(value as u8),
                Width::Half => at.cast::<u16>().write_volatile((value as u16).to_le()),
                Width::Word => at.cast::<u32>().write_volatile(value.to_le()),
            }
        }
    }
}

impl Drop for MappedBar {
    fn drop(&mut self) {
        // SAFETY: this value made the mapping, and nobody uses it any more.
        let _ = unsafe { rustix::mm::munmap(self.base.as_ptr().cast(), self.len) };
    }
}
