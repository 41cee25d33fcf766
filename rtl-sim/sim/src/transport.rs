// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver's transport into the model of this process.

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::Rc;
use std::sync::{Arc, Mutex, MutexGuard};

use hairpin_driver::{Diagnostic, Transport};

use crate::model::{Bus, CsrError, Cycle, Model, RunMode, Stop};
use crate::nic::stopped;
use crate::vfs::{Vfs, lock};

/// A model shared by the driver, which uses its registers, the drivers of its VFs, and the simulator, which plays
/// traffic. The clock runs only inside a register access, a wait, or `run`.
#[derive(Clone, Debug)]
pub struct InProcess {
    model: Arc<Mutex<Model>>,
    vfs: Rc<RefCell<Vfs>>,
    /// What was taken of the model's log and not asked for yet.
    log: Rc<RefCell<Vec<u8>>>,
    reads: Rc<Cell<u64>>,
}

impl InProcess {
    /// Shares a model.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self {
            model: Arc::new(Mutex::new(model)),
            vfs: Rc::default(),
            log: Rc::default(),
            reads: Rc::default(),
        }
    }

    /// The model. Whoever has it must not ask for it again.
    pub fn model(&self) -> MutexGuard<'_, Model> {
        lock(&self.model)
    }

    /// Its VFs that have a driver here.
    pub(crate) fn vfs(&self) -> RefMut<'_, Vfs> {
        self.vfs.borrow_mut()
    }

    /// Starts drivers of these VFs.
    pub(crate) fn open_vfs(&self, vfs: &[u8], bus: Bus) -> Result<(), Diagnostic> {
        let vfs = Vfs::open(&self.model, vfs, bus)?;
        *self.vfs() = vfs;
        Ok(())
    }

    /// Register reads so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.get()
    }

    /// Runs as [`Model::run`] does; the drivers of VFs do their work meanwhile. It is not idle as long as they have
    /// something to send.
    ///
    /// # Errors
    /// The design stopped, or a VF broke the rules.
    pub(crate) fn run(
        &self,
        until: Cycle,
        mode: RunMode,
        log_limit: usize,
    ) -> Result<Stop, Diagnostic> {
        loop {
            let (mut next, news) = self.vfs().next();
            if self.model().now() >= next {
                self.look()?;
                next = self.vfs().next().0;
            }
            let mode = RunMode {
                stop_idle: mode.stop_idle && self.vfs().waiting() == 0,
                ..mode
            };
            let mut model = self.model();
            let stop = model.run(until.min(next), mode, news.min(log_limit));
            let stop = stop.map_err(stopped)?;
            let done = match stop {
                Stop::Until => model.now() >= until,
                Stop::LogFull => {
                    let mut log = self.log.borrow_mut();
                    model.take_log(&mut log);
                    log.len() >= log_limit
                }
                Stop::Idle => false,
            };
            drop(model);
            if done {
                return Ok(stop);
            }
            // A limit may hold back what the rings have.
            if stop != Stop::Until && !self.look()? && !self.vfs().in_flight() && stop == Stop::Idle
            {
                return Ok(stop);
            }
        }
    }

    /// As [`Model::take_log`], with what a run has taken of it.
    pub(crate) fn take_log(&self, into: &mut Vec<u8>) {
        into.append(&mut self.log.borrow_mut());
        self.model().take_log(into);
    }

    /// The drivers of VFs look at their rings; whether there was anything.
    pub(crate) fn look(&self) -> Result<bool, Diagnostic> {
        let now = self.model().now();
        self.vfs().look(now)
    }

    /// The same if it is time, after an access of the PF's driver.
    fn look_in_time(&self) -> io::Result<()> {
        let now = self.model().now();
        if self.vfs().is_time(now) {
            self.look().map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn error(model: &Model, offset: u32, error: CsrError) -> io::Error {
        let kind = match error {
            CsrError::Response => io::ErrorKind::InvalidInput,
            CsrError::Timeout => io::ErrorKind::TimedOut,
            CsrError::Stopped => io::ErrorKind::BrokenPipe,
        };
        match model.error() {
            Some(stopped) => io::Error::new(kind, format!("the design stopped at {stopped}")),
            None => io::Error::new(kind, format!("register {offset:#06x}: {error}")),
        }
    }
}

impl Transport for InProcess {
    fn read32(&mut self, offset: u32) -> io::Result<u32> {
        self.reads.set(self.reads.get() + 1);
        let addr = address(offset)?;
        let value = {
            let mut model = self.model();
            let value = model.csr_read(0, 0, addr);
            value.map_err(|e| Self::error(&model, offset, e))?
        };
        self.look_in_time()?;
        Ok(value)
    }

    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()> {
        let addr = address(offset)?;
        {
            let mut model = self.model();
            let written = model.csr_write(0, 0, addr, value);
            written.map_err(|e| Self::error(&model, offset, e))?;
        }
        self.look_in_time()
    }

    fn wait(&mut self, cycles: u32) -> io::Result<()> {
        let until = self.model().now() + u64::from(cycles);
        let run = self.run(until, RunMode::EXACT, usize::MAX);
        run.map(drop).map_err(io::Error::other)
    }
}

fn address(offset: u32) -> io::Result<u16> {
    u16::try_from(offset).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!("{offset:#x} is outside the BAR"),
        )
    })
}
