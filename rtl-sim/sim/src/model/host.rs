// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Host memory behind the NIC's bus master.

use std::ffi::{c_int, c_void};
use std::fmt;

use super::{Level, Model, ffi};

/// The host does not let the function do that.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused;

/// Memory of the host, as each function of the NIC sees it. Called while the clock runs, once per burst; a
/// burst stays in one page of 4 KiB.
pub trait HostMemory: Send {
    /// Fills `data` from `addr` on.
    ///
    /// # Errors
    /// The function may not read there.
    fn read(&mut self, function: u8, addr: u64, data: &mut [u8]) -> Result<(), Refused>;

    /// Writes `data` from `addr` on.
    ///
    /// # Errors
    /// The function may not write there.
    fn write(&mut self, function: u8, addr: u64, data: &[u8]) -> Result<(), Refused>;
}

/// How fast host memory is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bus {
    /// Clocks from a read's request to its data, at least.
    pub read_latency: u32,
    /// Clocks from a write's last data to its answer, at least.
    pub write_latency: u32,
    /// How often the host is ready, or has an answer ready, in each of the five channels.
    pub ready: Level,
    /// Longest time between two draws of that, in clocks.
    pub hold: u32,
    /// Their seed.
    pub seed: u64,
}

impl Default for Bus {
    fn default() -> Self {
        Self {
            read_latency: 64,
            write_latency: 32,
            ready: Level::ALWAYS,
            hold: 1,
            seed: 1,
        }
    }
}

/// The pointer that the instance keeps points here, so that it need not be a fat one.
pub(super) struct Boxed(Box<dyn HostMemory>);

impl fmt::Debug for Boxed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostMemory")
    }
}

impl Model {
    /// Puts memory behind the bus master; until then every access is refused.
    pub fn set_host(&mut self, memory: Box<dyn HostMemory>, bus: Bus) {
        let mut host = Box::new(Boxed(memory));
        let raw = ffi::Host {
            ctx: (&raw mut *host).cast(),
            dma_read,
            dma_write,
            seed: bus.seed,
            read_latency: bus.read_latency,
            write_latency: bus.write_latency,
            ready: bus.ready.0,
            hold: bus.hold,
        };
        // SAFETY: `raw` lives through the call. What `ctx` points to stays where it is until the instance has
        // another pointer or is gone: `self.host` is replaced below, and dropped after `Drop::drop`.
        unsafe { (self.api.set_host)(self.instance.as_ptr(), &raw const raw) };
        self.host = Some(host);
    }
}

fn status(result: Result<(), Refused>) -> c_int {
    c_int::from(result.is_err())
}

unsafe extern "C" fn dma_read(
    ctx: *mut c_void,
    function: u32,
    addr: u64,
    len: u32,
    data: *mut u8,
) -> c_int {
    // SAFETY: `ctx` is that of `set_host`, and the instance calls only within a call of the model, which
    // touches the box nowhere else; `data` has `len` initialised bytes that are the callee's for the call.
    let (host, data) = unsafe {
        (
            &mut *ctx.cast::<Boxed>(),
            std::slice::from_raw_parts_mut(data, len as usize),
        )
    };
    status(host.0.read(function as u8, addr, data))
}

unsafe extern "C" fn dma_write(
    ctx: *mut c_void,
    function: u32,
    addr: u64,
    len: u32,
    data: *const u8,
) -> c_int {
    // SAFETY: as for `dma_read`, without the writing.
    let (host, data) = unsafe {
        (
            &mut *ctx.cast::<Boxed>(),
            std::slice::from_raw_parts(data, len as usize),
        )
    };
    status(host.0.write(function as u8, addr, data))
}
