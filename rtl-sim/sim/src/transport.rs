// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The driver's transport into the model of this process.

use std::cell::{Cell, RefCell, RefMut};
use std::io;
use std::rc::Rc;

use hairpin_driver::Transport;

use crate::model::{CsrError, Model, RunMode};

/// A model shared by the driver, which uses its registers, and the simulator, which plays traffic.
/// The clock runs only inside a register access, a wait, or [`Model::run`].
#[derive(Clone, Debug)]
pub struct InProcess {
    model: Rc<RefCell<Model>>,
    reads: Rc<Cell<u64>>,
}

impl InProcess {
    /// Shares a model.
    #[must_use]
    pub fn new(model: Model) -> Self {
        Self {
            model: Rc::new(RefCell::new(model)),
            reads: Rc::default(),
        }
    }

    /// The model.
    ///
    /// # Panics
    /// When it is borrowed already.
    #[must_use]
    pub fn model(&self) -> RefMut<'_, Model> {
        self.model.borrow_mut()
    }

    /// Register reads so far.
    #[must_use]
    pub fn reads(&self) -> u64 {
        self.reads.get()
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
        let mut model = self.model();
        let addr = address(offset)?;
        model
            .csr_read(0, 0, addr)
            .map_err(|e| Self::error(&model, offset, e))
    }

    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()> {
        let mut model = self.model();
        let addr = address(offset)?;
        model
            .csr_write(0, 0, addr, value)
            .map_err(|e| Self::error(&model, offset, e))
    }

    fn wait(&mut self, cycles: u32) -> io::Result<()> {
        let mut model = self.model();
        let until = model.now() + u64::from(cycles);
        model
            .run(until, RunMode::EXACT, usize::MAX)
            .map(|_| ())
            .map_err(io::Error::other)
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
