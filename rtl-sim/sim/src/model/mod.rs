// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The Verilated NIC as a Rust value.
//!
//! [`Model`] owns one instance of the design and is the only place of the simulator with `unsafe`
//! code. It is driven in batches: queue frames, [`Model::run`], take the [log](Model::take_log).

#![allow(
    unsafe_code,
    reason = "the model is C++ behind a C interface; every call is in this module"
)]

mod ffi;
mod host;

use std::ffi::{CStr, CString};
use std::fmt;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;

use thiserror::Error;

pub use host::{Bus, HostMemory, Refused};

/// A tick of the datapath clock, as `time_i` of the NIC counts them.
pub type Cycle = u64;

/// Port number of the uplink on the log and in [`Model::push`].
pub const UPLINK: u8 = 64;

/// How the model was built.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Variant {
    /// Assertions on, power-up state random: tests and replays.
    #[default]
    Check,
    /// As `Check`, with tables that are soon full.
    Small,
    /// No assertions: benchmarks.
    Fast,
    /// As `Check` or `Small`, whichever it was built as, and writes an FST of every signal.
    Trace,
}

/// What a model is created with.
#[derive(Clone, Debug)]
pub struct Options {
    /// Which build of the model.
    pub variant: Variant,
    /// Seed of power-up and unassigned values.
    pub seed: u64,
    /// Datapath clocks per soft-core clock.
    pub core_ratio: u32,
    /// VFs send and receive through rings in host memory ([`Model::set_host`]); [`Model::push`] takes only the
    /// uplink's frames.
    pub rings: bool,
    /// Longest jump over idle time, in ticks. Timers of the soft core may be late by this much.
    pub jump_limit: u64,
    /// Where [`Variant::Trace`] writes its waves.
    pub waves: Option<PathBuf>,
    /// First tick of the waves.
    pub waves_from: Cycle,
    /// Last tick of the waves.
    pub waves_until: Cycle,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            variant: Variant::Check,
            seed: 1,
            core_ratio: 5,
            rings: false,
            jump_limit: 1 << 20,
            waves: None,
            waves_from: 0,
            waves_until: Cycle::MAX,
        }
    }
}

/// How often a signal is high, in 1/65536; [`Level::ALWAYS`] is a constant one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Level(pub u32);

impl Level {
    /// Never low.
    pub const ALWAYS: Self = Self(65536);
}

/// Ready and gap patterns of the buses around the NIC.
#[derive(Clone, Debug)]
pub struct Patterns {
    /// Seed of the patterns.
    pub seed: u64,
    /// The wire takes a beat.
    pub wire_ready: Level,
    /// The host takes a beat.
    pub host_ready: Level,
    /// A vPort has a buffer for one more frame.
    pub rx_ready: Level,
    /// The host takes a grant.
    pub grant_ready: Level,
    /// The host has the next beat of its frame.
    pub host_valid: Level,
    /// The wire has the next beat of its frame.
    pub wire_valid: Level,
    /// Longest time between two draws, in clocks.
    pub hold: u32,
    /// The vPorts that ever have a buffer.
    pub rx_mask: u64,
}

impl Default for Patterns {
    fn default() -> Self {
        Self {
            seed: 1,
            wire_ready: Level::ALWAYS,
            host_ready: Level::ALWAYS,
            rx_ready: Level::ALWAYS,
            grant_ready: Level::ALWAYS,
            host_valid: Level::ALWAYS,
            wire_valid: Level::ALWAYS,
            hold: 1,
            rx_mask: u64::MAX,
        }
    }
}

/// How [`Model::run`] treats idleness.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RunMode {
    /// Come back when nothing is queued, in flight or awake.
    pub stop_idle: bool,
    /// Jump over idle time instead of clocking through it.
    pub jump: bool,
    /// Idle does not wait for the soft core to sleep (in reset, or hung).
    pub ignore_core: bool,
    /// Start no new frame; frames already begun are finished.
    pub hold_sources: bool,
}

impl RunMode {
    /// Runs until the NIC is idle, jumping over gaps between frames.
    pub const TO_IDLE: Self = Self {
        stop_idle: true,
        jump: true,
        ignore_core: false,
        hold_sources: false,
    };
    /// Runs for an exact number of ticks.
    pub const EXACT: Self = Self {
        stop_idle: false,
        jump: false,
        ignore_core: false,
        hold_sources: false,
    };

    fn bits(self) -> u32 {
        (if self.stop_idle { ffi::STOP_IDLE } else { 0 })
            | (if self.jump { ffi::JUMP } else { 0 })
            | (if self.ignore_core {
                ffi::IGNORE_CORE
            } else {
                0
            })
            | (if self.hold_sources {
                ffi::HOLD_SOURCES
            } else {
                0
            })
    }
}

/// Why [`Model::run`] came back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The cycle asked for is reached.
    Until,
    /// Nothing is queued, in flight or awake.
    Idle,
    /// The log wants to be taken.
    LogFull,
}

/// Counts of a running model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The NIC's time.
    pub now: Cycle,
    /// Clocks simulated; less than `now` after jumps.
    pub clocks: u64,
    /// Clocks of the soft core simulated.
    pub core_clocks: u64,
    /// Beats taken from the host.
    pub host_in_beats: u64,
    /// Beats taken from the wire.
    pub wire_in_beats: u64,
    /// Beats given to the host.
    pub host_out_beats: u64,
    /// Beats given to the wire.
    pub wire_out_beats: u64,
    /// Frames queued and not yet started.
    pub queued: u64,
    /// No frame and no table command is in flight.
    pub idle: bool,
    /// The soft core waits for an event.
    pub core_sleep: bool,
    /// The interrupt output.
    pub irq: bool,
    /// VFs whose function-level reset is done, a bit each.
    pub flr_done: u64,
    /// Bursts read from host memory, refused ones included.
    pub dma_reads: u64,
    /// Bursts written to host memory, refused ones included.
    pub dma_writes: u64,
    /// Bursts that the host has refused.
    pub dma_refused: u64,
}

/// A register access that the NIC did not carry out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum CsrError {
    /// The NIC answered with an error response.
    #[error("the NIC answered with a bus error")]
    Response,
    /// No answer.
    #[error("the NIC did not answer")]
    Timeout,
    /// The model has stopped; see [`Model::error`].
    #[error("the model has stopped")]
    Stopped,
}

/// Why there is no model, or none any more.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ModelError {
    /// The linked model and this crate were built from different sources.
    #[error("the linked model is not of this source: run `cargo xtask build`")]
    Abi,
    /// The demo is built without the models that it does not need.
    #[error("the model {0:?} is not built: run `cargo xtask build`")]
    LeftOut(Variant),
    /// A waves path that cannot be passed on.
    #[error("the path of the waves holds a NUL byte")]
    Path,
    /// An assertion of the design failed, or a rule of a bus was broken.
    #[error("the design stopped at {0}")]
    Stopped(String),
    /// A frame that cannot be put on that bus.
    #[error("no port {port}, or no frame of {len} bytes")]
    Frame {
        /// The port.
        port: u8,
        /// The length.
        len: usize,
    },
}

/// One instance of the NIC.
pub struct Model {
    api: &'static ffi::Api,
    instance: NonNull<ffi::Instance>,
    /// What the instance calls back; replaced only together with its pointer in the instance.
    host: Option<Box<host::Boxed>>,
}

// SAFETY: an instance has no ties to the thread that made it: its context, log and random state
// are members, and the runtime's thread-local text is taken within the call that printed it. What it calls
// back is `Send` as well.
unsafe impl Send for Model {}

impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Model")
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Model {
    /// Builds the NIC and takes it out of reset.
    ///
    /// # Errors
    /// See [`ModelError`].
    pub fn new(options: &Options) -> Result<Self, ModelError> {
        // SAFETY: the entry points take nothing and return a pointer to a constant table.
        let api = unsafe {
            match options.variant {
                Variant::Check => ffi::hairpin_model_check(),
                Variant::Small => ffi::hairpin_model_small(),
                Variant::Fast => ffi::hairpin_model_fast(),
                Variant::Trace => ffi::hairpin_model_trace(),
            }
            .as_ref()
        };
        let api = api.ok_or(ModelError::LeftOut(options.variant))?;
        if api.abi != ffi::ABI {
            return Err(ModelError::Abi);
        }
        let fst = options.waves.as_deref().map(c_path).transpose()?;
        let raw = ffi::Options {
            seed: options.seed,
            core_ratio: options.core_ratio,
            rings: u32::from(options.rings),
            jump_limit: options.jump_limit,
            fst_from: options.waves_from,
            fst_until: options.waves_until,
            fst: fst.as_ref().map_or(std::ptr::null(), |p| p.as_ptr()),
        };
        // SAFETY: `raw` and the string in it live through the call; nothing is kept of them.
        let instance = unsafe { (api.create)(&raw const raw) };
        let instance = NonNull::new(instance).ok_or(ModelError::Abi)?;
        let model = Self {
            api,
            instance,
            host: None,
        };
        match model.error() {
            Some(e) => Err(ModelError::Stopped(e)),
            None => Ok(model),
        }
    }

    /// Width of the streams in bytes.
    #[must_use]
    pub fn data_bytes(&self) -> u32 {
        self.api.data_bytes
    }

    /// Number of VFs.
    #[must_use]
    pub fn n_vf(&self) -> u32 {
        self.api.n_vf
    }

    /// True if its tables are small.
    #[must_use]
    pub fn is_small(&self) -> bool {
        self.api.flags & ffi::FLAG_SMALL != 0
    }

    /// Queues one frame, to start no earlier than `earliest`. `id`, below 2^31, comes back in the log; ids from there on are
    /// those of frames from rings.
    ///
    /// # Errors
    /// [`ModelError::Frame`].
    pub fn push(
        &mut self,
        port: u8,
        id: u32,
        earliest: Cycle,
        bad: bool,
        frame: &[u8],
    ) -> Result<(), ModelError> {
        debug_assert!(id >> 31 == 0, "{id:#x} is the id of a frame from a ring");
        let flags = if bad { ffi::PUSH_BAD } else { 0 };
        // SAFETY: pointer and length are those of one slice, which is copied before the return.
        let status = unsafe {
            (self.api.push)(
                self.instance.as_ptr(),
                u32::from(port),
                id,
                earliest,
                flags,
                frame.as_ptr(),
                frame.len(),
            )
        };
        if status == 0 {
            Ok(())
        } else {
            Err(ModelError::Frame {
                port,
                len: frame.len(),
            })
        }
    }

    /// Runs until `until`, idleness, or a log of `log_limit` bytes.
    ///
    /// # Errors
    /// [`ModelError::Stopped`], from then on always.
    pub fn run(
        &mut self,
        until: Cycle,
        mode: RunMode,
        log_limit: usize,
    ) -> Result<Stop, ModelError> {
        // SAFETY: the instance lives as long as `self`.
        match unsafe { (self.api.run)(self.instance.as_ptr(), until, mode.bits(), log_limit) } {
            ffi::RUN_UNTIL => Ok(Stop::Until),
            ffi::RUN_IDLE => Ok(Stop::Idle),
            ffi::RUN_LOG_FULL => Ok(Stop::LogFull),
            _ => Err(ModelError::Stopped(self.error().unwrap_or_default())),
        }
    }

    /// Reads a register; the clock runs meanwhile.
    ///
    /// # Errors
    /// See [`CsrError`].
    pub fn csr_read(&mut self, function: u8, bar: u8, addr: u16) -> Result<u32, CsrError> {
        let mut value = 0;
        // SAFETY: `value` outlives the call.
        let status = unsafe {
            (self.api.csr_read)(
                self.instance.as_ptr(),
                fn_bar(function, bar),
                u32::from(addr),
                &raw mut value,
            )
        };
        csr_result(status).map(|()| value)
    }

    /// Writes a register; the clock runs meanwhile.
    ///
    /// # Errors
    /// See [`CsrError`].
    pub fn csr_write(
        &mut self,
        function: u8,
        bar: u8,
        addr: u16,
        value: u32,
    ) -> Result<(), CsrError> {
        self.csr_write_bytes(function, bar, addr, value, 0xf)
    }

    /// Writes some bytes of a register, those whose bit of `strobes` is set; the clock runs meanwhile.
    ///
    /// # Errors
    /// See [`CsrError`].
    pub fn csr_write_bytes(
        &mut self,
        function: u8,
        bar: u8,
        addr: u16,
        value: u32,
        strobes: u8,
    ) -> Result<(), CsrError> {
        // SAFETY: the instance lives as long as `self`.
        csr_result(unsafe {
            (self.api.csr_write)(
                self.instance.as_ptr(),
                fn_bar(function, bar),
                u32::from(addr),
                value,
                u32::from(strobes),
            )
        })
    }

    /// Says which functions are to be reset, and whose MSI-X is enabled and masked as a whole: a bit per VF.
    /// A reset is over when [`Status::flr_done`] has the bit as well, and is to be taken back then.
    pub fn set_functions(&mut self, flr: u64, msix_enable: u64, msix_mask: u64) {
        // SAFETY: the instance lives as long as `self`.
        unsafe { (self.api.set_functions)(self.instance.as_ptr(), flr, msix_enable, msix_mask) }
    }

    /// Changes [`Options::core_ratio`].
    pub fn set_core_ratio(&mut self, core_ratio: u32) {
        // SAFETY: the instance lives as long as `self`.
        unsafe { (self.api.set_core_ratio)(self.instance.as_ptr(), core_ratio) }
    }

    /// Appends the log since the last call to `into` and empties it.
    pub fn take_log(&mut self, into: &mut Vec<u8>) {
        let mut len = 0;
        // SAFETY: the log is `len` initialised bytes until the next call into the model, which is
        // `clear_log` below, after the copy. An empty log may come as a null pointer.
        unsafe {
            let start = (self.api.log)(self.instance.as_ptr(), &raw mut len);
            if len != 0 {
                into.extend_from_slice(std::slice::from_raw_parts(start, len));
            }
            (self.api.clear_log)(self.instance.as_ptr());
        }
    }

    /// Changes the ready and gap patterns.
    pub fn set_patterns(&mut self, p: &Patterns) {
        let raw = ffi::Patterns {
            seed: p.seed,
            wire_ready: p.wire_ready.0,
            host_ready: p.host_ready.0,
            rx_ready: p.rx_ready.0,
            grant_ready: p.grant_ready.0,
            host_valid: p.host_valid.0,
            wire_valid: p.wire_valid.0,
            hold: p.hold,
            zero: 0,
            rx_mask: p.rx_mask,
        };
        // SAFETY: `raw` lives through the call; nothing is kept of it.
        unsafe { (self.api.set_patterns)(self.instance.as_ptr(), &raw const raw) }
    }

    /// Time, clocks, beats.
    #[must_use]
    pub fn status(&self) -> Status {
        let mut raw = ffi::Status::default();
        // SAFETY: `raw` outlives the call.
        unsafe { (self.api.status)(self.instance.as_ptr(), &raw mut raw) };
        Status {
            now: raw.now,
            clocks: raw.clocks,
            core_clocks: raw.core_clocks,
            host_in_beats: raw.host_in_beats,
            wire_in_beats: raw.wire_in_beats,
            host_out_beats: raw.host_out_beats,
            wire_out_beats: raw.wire_out_beats,
            queued: raw.queued,
            idle: raw.idle != 0,
            core_sleep: raw.core_sleep != 0,
            irq: raw.irq != 0,
            flr_done: raw.flr_done,
            dma_reads: raw.dma_reads,
            dma_writes: raw.dma_writes,
            dma_refused: raw.dma_refused,
        }
    }

    /// The NIC's time.
    #[must_use]
    pub fn now(&self) -> Cycle {
        self.status().now
    }

    /// What stopped the design, if anything has.
    #[must_use]
    pub fn error(&self) -> Option<String> {
        // SAFETY: the text is NUL-terminated and unchanged until the next call into the model.
        let text = unsafe { CStr::from_ptr((self.api.error)(self.instance.as_ptr())) };
        (!text.is_empty()).then(|| text.to_string_lossy().into_owned())
    }
}

impl Drop for Model {
    fn drop(&mut self) {
        // SAFETY: created once, destroyed once, not used after.
        unsafe { (self.api.destroy)(self.instance.as_ptr()) }
    }
}

fn c_path(path: &Path) -> Result<CString, ModelError> {
    CString::new(path.as_os_str().as_encoded_bytes()).map_err(|_| ModelError::Path)
}

fn fn_bar(function: u8, bar: u8) -> u32 {
    u32::from(function) | u32::from(bar) << 8
}

fn csr_result(status: i32) -> Result<(), CsrError> {
    match status {
        ffi::CSR_OK => Ok(()),
        ffi::CSR_ERROR => Err(CsrError::Response),
        ffi::CSR_TIMEOUT => Err(CsrError::Timeout),
        _ => Err(CsrError::Stopped),
    }
}

#[cfg(test)]
mod tests;
