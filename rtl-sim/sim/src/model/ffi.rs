// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The C interface of `cpp/hp_shim.h`, word for word.

use std::ffi::{c_char, c_int, c_void};

pub(super) const ABI: u32 = 6;

pub(super) const RUN_UNTIL: c_int = 0;
pub(super) const RUN_IDLE: c_int = 1;
pub(super) const RUN_LOG_FULL: c_int = 2;

pub(super) const STOP_IDLE: u32 = 1;
pub(super) const JUMP: u32 = 2;
pub(super) const IGNORE_CORE: u32 = 4;
pub(super) const HOLD_SOURCES: u32 = 8;

pub(super) const CSR_OK: c_int = 0;
pub(super) const CSR_ERROR: c_int = 1;
pub(super) const CSR_TIMEOUT: c_int = 2;

pub(super) const PUSH_BAD: u32 = 1;

pub(super) const FLAG_SMALL: u32 = 4;

/// The model behind the interface; never seen from here.
#[repr(C)]
pub(super) struct Instance {
    _opaque: [u8; 0],
}

#[repr(C)]
pub(super) struct Options {
    pub(super) seed: u64,
    pub(super) core_ratio: u32,
    pub(super) rings: u32,
    pub(super) jump_limit: u64,
    pub(super) fst_from: u64,
    pub(super) fst_until: u64,
    pub(super) fst: *const c_char,
}

#[repr(C)]
pub(super) struct Patterns {
    pub(super) seed: u64,
    pub(super) wire_ready: u32,
    pub(super) host_ready: u32,
    pub(super) rx_ready: u32,
    pub(super) grant_ready: u32,
    pub(super) host_valid: u32,
    pub(super) wire_valid: u32,
    pub(super) hold: u32,
    pub(super) zero: u32,
    pub(super) rx_mask: u64,
}

#[repr(C)]
#[derive(Default)]
pub(super) struct Status {
    pub(super) now: u64,
    pub(super) clocks: u64,
    pub(super) core_clocks: u64,
    pub(super) host_in_beats: u64,
    pub(super) wire_in_beats: u64,
    pub(super) host_out_beats: u64,
    pub(super) wire_out_beats: u64,
    pub(super) queued: u64,
    pub(super) idle: u32,
    pub(super) core_sleep: u32,
    pub(super) irq: u32,
    pub(super) zero: u32,
    pub(super) flr_done: u64,
    pub(super) dma_reads: u64,
    pub(super) dma_writes: u64,
    pub(super) dma_refused: u64,
}

#[repr(C)]
pub(super) struct Host {
    pub(super) ctx: *mut c_void,
    pub(super) dma_read: unsafe extern "C" fn(*mut c_void, u32, u64, u32, *mut u8) -> c_int,
    pub(super) dma_write: unsafe extern "C" fn(*mut c_void, u32, u64, u32, *const u8) -> c_int,
    pub(super) seed: u64,
    pub(super) read_latency: u32,
    pub(super) write_latency: u32,
    pub(super) ready: u32,
    pub(super) hold: u32,
}

#[repr(C)]
pub(super) struct Api {
    pub(super) abi: u32,
    pub(super) data_bytes: u32,
    pub(super) n_vf: u32,
    pub(super) flags: u32,
    pub(super) create: unsafe extern "C" fn(*const Options) -> *mut Instance,
    pub(super) destroy: unsafe extern "C" fn(*mut Instance),
    pub(super) push:
        unsafe extern "C" fn(*mut Instance, u32, u32, u64, u32, *const u8, usize) -> c_int,
    pub(super) run: unsafe extern "C" fn(*mut Instance, u64, u32, usize) -> c_int,
    pub(super) csr_read: unsafe extern "C" fn(*mut Instance, u32, u32, *mut u32) -> c_int,
    pub(super) csr_write: unsafe extern "C" fn(*mut Instance, u32, u32, u32, u32) -> c_int,
    pub(super) log: unsafe extern "C" fn(*mut Instance, *mut usize) -> *const u8,
    pub(super) clear_log: unsafe extern "C" fn(*mut Instance),
    pub(super) set_patterns: unsafe extern "C" fn(*mut Instance, *const Patterns),
    pub(super) status: unsafe extern "C" fn(*const Instance, *mut Status),
    pub(super) error: unsafe extern "C" fn(*const Instance) -> *const c_char,
    pub(super) set_host: unsafe extern "C" fn(*mut Instance, *const Host),
    pub(super) set_functions: unsafe extern "C" fn(*mut Instance, u64, u64, u64),
    pub(super) set_core_ratio: unsafe extern "C" fn(*mut Instance, u32),
}

unsafe extern "C" {
    pub(super) fn hairpin_model_check() -> *const Api;
    pub(super) fn hairpin_model_small() -> *const Api;
    pub(super) fn hairpin_model_fast() -> *const Api;
    pub(super) fn hairpin_model_trace() -> *const Api;
}
