// SPDX-License-Identifier: Apache-2.0 OR MIT
//! One client at the socket of one function: its messages, answered one after the other.

use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::net::{UnixListener, UnixStream};
use std::sync::Arc;

use nix::errno::Errno;

use super::config_space::{self, ConfigSpace, Layout};
use super::engine::{Engine, Job};
use super::function::Function;
use super::line::{Ended, Line, Message};
use super::protocol::{self, Command, DmaMap, DmaUnmap, IrqAction, IrqData, RegionAccess, SetIrqs};
use super::sys;

const REGIONS: u32 = 9;
const CONFIG_REGION: u32 = 7;
const IRQ_INDEXES: u32 = 5;
const MSIX_INDEX: u32 = 2;
/// Bytes of a page of BAR 0 that has the MSI-X table or its pending bits.
const SHADOW: u32 = 0x1000;

/// What a message leads to.
type Outcome = Result<Vec<u8>, Errno>;

/// A function and its client.
pub(super) struct Session {
    functions: Arc<[Function]>,
    number: usize,
    engine: Engine,
    /// VFs that are there without SR-IOV's doing.
    always: u8,
    config: ConfigSpace,
    layout: Layout,
    table: Vec<u8>,
    vectors: Vec<Option<OwnedFd>>,
    /// MSI-X as the NIC knows it: enabled, masked.
    msix: (bool, bool),
    greeted: bool,
}

/// Why a client is gone.
#[derive(Debug, thiserror::Error)]
pub(super) enum End {
    #[error("{0}")]
    Ended(#[from] Ended),
    #[error("the server ends")]
    Stopped,
    #[error("the function is gone")]
    Unplugged,
    #[error("no common version of the protocol")]
    NoVersion,
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the NIC has stopped")]
    NoNic,
}

impl Session {
    pub(super) fn new(
        functions: Arc<[Function]>,
        number: usize,
        engine: Engine,
        always: u8,
    ) -> Self {
        let kind = functions[number].kind;
        let layout = kind.layout();
        Self {
            functions,
            number,
            engine,
            always,
            config: ConfigSpace::new(kind),
            layout,
            table: vec![0; SHADOW as usize],
            vectors: (0..layout.vectors).map(|_| None).collect(),
            msix: (false, false),
            greeted: false,
        }
    }

    fn function(&self) -> &Function {
        &self.functions[self.number]
    }

    /// Serves a client until one of them has enough, then puts the function back as it was.
    pub(super) fn run(&mut self, stream: &UnixStream, listener: &UnixListener) -> End {
        let served = stream.try_clone().and_then(Line::new).map(Arc::new);
        let result = served
            .map_err(End::from)
            .and_then(|line| self.serve(&line, listener));
        self.leave();
        match result {
            Ok(never) => match never {},
            Err(end) => end,
        }
    }

    fn serve(
        &mut self,
        line: &Arc<Line>,
        listener: &UnixListener,
    ) -> Result<std::convert::Infallible, End> {
        self.function().set_line(Some(Arc::clone(line)));
        loop {
            let fds = [
                line.as_fd(),
                self.function().waker().as_fd(),
                listener.as_fd(),
            ];
            let [message, woken, another] = sys::readable(fds, None)?;
            if woken {
                self.deliver();
                if self.function().is_stopped() {
                    return Err(End::Stopped);
                }
                if self.greeted && !self.function().is_live() {
                    return Err(End::Unplugged);
                }
            }
            // One client at a time: a second one sees its connection end at once. If the first has left,
            // it only has to wait until what the first has sent is read.
            if another && !line.has_left()? {
                drop(listener.accept());
            }
            // Some may have come while the NIC waited for a reply.
            let mut more = message || line.has_backlog();
            while more {
                if let Some(message) = line.next()? {
                    self.answer(line, message)?;
                }
                more = line.has_backlog();
            }
        }
    }

    /// Signals what the NIC has raised.
    fn deliver(&self) {
        let raised = self.function().take_raised();
        for (vector, fd) in self.vectors.iter().enumerate() {
            if raised >> vector & 1 != 0
                && let Some(fd) = fd
            {
                // A descriptor that cannot be signalled is the client's own loss.
                let _ = sys::signal(fd.as_fd());
            }
        }
    }

    fn answer(&mut self, line: &Line, mut message: Message) -> Result<(), End> {
        let fds = std::mem::take(&mut message.fds);
        let Some((header, body)) = message.parts() else {
            return Ok(());
        };
        let command = header.command();
        let outcome = if message.too_many_fds {
            Err(Errno::EINVAL)
        } else {
            command.and_then(|command| self.handle(command, body, fds))
        };
        if !header.silent {
            let reply = header.reply(outcome.as_deref().map_err(|e| *e));
            line.send(&reply)?;
        }
        match outcome {
            // Nothing can be said to a client that was not greeted.
            Err(_) if !self.greeted => Err(End::NoVersion),
            Err(Errno::EIO) => Err(End::NoNic),
            _ => Ok(()),
        }
    }

    fn handle(&mut self, command: Command, body: &[u8], fds: Vec<OwnedFd>) -> Outcome {
        if !self.greeted {
            return self.greet(command, body);
        }
        let takes_fds = matches!(command, Command::DmaMap | Command::SetIrqs);
        if !fds.is_empty() && !takes_fds {
            return Err(Errno::EINVAL);
        }
        match command {
            Command::Version => Err(Errno::EINVAL),
            Command::DeviceInfo => {
                protocol::device_info(body)?;
                // Can be reset, is PCI.
                Ok(protocol::words(&[16, 3, REGIONS, IRQ_INDEXES]))
            }
            Command::RegionInfo => self.region_info(body),
            Command::RegionIoFds => Err(Errno::EOPNOTSUPP),
            Command::IrqInfo => self.irq_info(body),
            Command::SetIrqs => self.set_irqs(body, fds),
            Command::DmaMap => self.map(body, fds),
            Command::DmaUnmap => {
                let unmap = DmaUnmap::parse(body)?;
                self.function().iommu().unmap(unmap);
                Ok(body[..24].to_vec())
            }
            Command::RegionRead => self.read(body),
            Command::RegionWrite => self.write(body),
            Command::Reset if body.is_empty() => {
                self.reset()?;
                Ok(Vec::new())
            }
            Command::Reset => Err(Errno::EINVAL),
        }
    }

    fn greet(&mut self, command: Command, body: &[u8]) -> Outcome {
        if command != Command::Version {
            return Err(Errno::EINVAL);
        }
        let reply = protocol::version(body)?;
        if !self.function().is_live() {
            return Err(Errno::ENODEV);
        }
        self.greeted = true;
        Ok(reply)
    }

    fn region_size(&self, region: u32) -> Result<u64, Errno> {
        match region {
            0 => Ok(self.layout.bar.into()),
            CONFIG_REGION => Ok(config_space::SIZE as u64),
            _ if region < REGIONS => Ok(0),
            _ => Err(Errno::EINVAL),
        }
    }

    fn region_info(&self, body: &[u8]) -> Outcome {
        let region = protocol::info_index(body, 32)?;
        let size = self.region_size(region)?;
        let flags = if size == 0 { 0 } else { 3 };
        let (low, high) = (size as u32, (size >> 32) as u32);
        Ok(protocol::words(&[32, flags, region, 0, low, high, 0, 0]))
    }

    fn vectors_of(&self, index: u32) -> Option<u32> {
        match index {
            MSIX_INDEX => Some(self.layout.vectors.into()),
            _ => (index < IRQ_INDEXES).then_some(0),
        }
    }

    fn irq_info(&self, body: &[u8]) -> Outcome {
        let index = protocol::info_index(body, 16)?;
        let count = self.vectors_of(index).ok_or(Errno::EINVAL)?;
        // Signalled by eventfd.
        let flags = u32::from(count != 0);
        Ok(protocol::words(&[16, flags, index, count]))
    }

    fn map(&self, body: &[u8], mut fds: Vec<OwnedFd>) -> Outcome {
        let map = DmaMap::parse(body)?;
        let file = fds.pop();
        if !fds.is_empty() {
            return Err(Errno::EINVAL);
        }
        self.function().iommu().map(&map, file)?;
        Ok(Vec::new())
    }

    fn set_irqs(&mut self, body: &[u8], fds: Vec<OwnedFd>) -> Outcome {
        let irqs = SetIrqs::parse(body, |index| self.vectors_of(index))?;
        if irqs.data != IrqData::Eventfds && !fds.is_empty() {
            return Err(Errno::EINVAL);
        }
        if irqs.action != IrqAction::Trigger {
            return Err(Errno::EINVAL); // no vector is maskable here
        }
        let range = irqs.start as usize..(irqs.start + irqs.count) as usize;
        match irqs.data {
            IrqData::None if irqs.count == 0 && irqs.index == MSIX_INDEX => {
                self.set_vectors(0..self.vectors.len(), Vec::new())?;
            }
            IrqData::None => range.for_each(|vector| self.function().raise(vector as u32)),
            IrqData::Bools(which) => {
                let chosen = range.zip(which).filter(|(_, on)| **on != 0);
                chosen.for_each(|(vector, _)| self.function().raise(vector as u32));
            }
            IrqData::Eventfds => {
                if !fds.is_empty() && fds.len() != range.len()
                    || !fds.iter().all(|fd| sys::is_eventfd(fd.as_fd()))
                {
                    return Err(Errno::EINVAL);
                }
                self.set_vectors(range, fds)?;
            }
        }
        Ok(Vec::new())
    }

    /// Gives a range of vectors these descriptors, or none, and has the NIC's table follow.
    fn set_vectors(
        &mut self,
        range: std::ops::Range<usize>,
        fds: Vec<OwnedFd>,
    ) -> Result<(), Errno> {
        let mut fds = fds.into_iter();
        for vector in range {
            let fd = fds.next();
            let on = fd.is_some();
            let was = std::mem::replace(&mut self.vectors[vector], fd).is_some();
            if on != was {
                self.program(vector, on)?;
            }
        }
        self.set_msix()
    }

    fn program(&self, vector: usize, on: bool) -> Result<(), Errno> {
        let Some(vf) = self.function().vf() else {
            return Ok(());
        };
        let vector = vector as u16;
        self.engine.post(Job::Vector { vf, vector, on })
    }

    fn set_msix(&mut self) -> Result<(), Errno> {
        let Some(vf) = self.function().vf() else {
            return Ok(());
        };
        let enabled = self.vectors.iter().any(Option::is_some);
        let masked = self.config.msix_masked();
        if std::mem::replace(&mut self.msix, (enabled, masked)) == (enabled, masked) {
            return Ok(());
        }
        self.engine.post(Job::Msix {
            vf,
            enabled,
            masked,
        })
    }

    fn access<'a>(&self, body: &'a [u8], write: bool) -> Result<RegionAccess<'a>, Errno> {
        let access = RegionAccess::parse(body, write)?;
        let size = self.region_size(access.region)?;
        let end = access.offset.checked_add(access.count.into());
        if end.is_none_or(|end| end > size) || access.count == 0 {
            return Err(Errno::EINVAL);
        }
        Ok(access)
    }

    fn read(&mut self, body: &[u8]) -> Outcome {
        let access = self.access(body, false)?;
        let mut reply = access.head();
        let mut data = vec![0; access.count as usize];
        if access.region == CONFIG_REGION {
            self.read_config(access.offset as usize, &mut data)?;
        } else {
            self.read_bar(access.offset as u32, &mut data)?;
        }
        reply.extend(data);
        Ok(reply)
    }

    fn write(&mut self, body: &[u8]) -> Outcome {
        let access = self.access(body, true)?;
        if access.region == CONFIG_REGION {
            self.write_config(access.offset as usize, access.data)?;
        } else {
            self.write_bar(access.offset as u32, access.data)?;
        }
        Ok(access.head())
    }

    /// Where an address of BAR 0 is in the pages that the RTL does not see: the table, or zeros.
    fn shadow(&self, offset: u32) -> Option<Option<usize>> {
        let at = offset.checked_sub(self.layout.table)?;
        let inside = at < SHADOW || offset.wrapping_sub(self.layout.pending) < SHADOW;
        inside.then_some((at < SHADOW).then_some(at as usize))
    }

    fn read_bar(&self, offset: u32, data: &mut [u8]) -> Result<(), Errno> {
        if !self.config.memory() {
            data.fill(0xff);
            return Ok(());
        }
        let mut word = None;
        for (at, byte) in (offset..).zip(data) {
            *byte = match self.shadow(at) {
                Some(place) => place.map_or(0, |place| self.table[place]),
                None => {
                    let base = at & !3;
                    let value = match word {
                        Some((known, value)) if known == base => value,
                        _ => self.engine.read(self.function().number, base as u16)?,
                    };
                    word = Some((base, value));
                    value.to_le_bytes()[at as usize & 3]
                }
            };
        }
        Ok(())
    }

    fn write_bar(&mut self, offset: u32, data: &[u8]) -> Result<(), Errno> {
        if !self.config.memory() {
            return Ok(());
        }
        // The word that is being put together: its address, value, strobes.
        let mut word = (0, 0, 0);
        for (at, &byte) in (offset..).zip(data) {
            if let Some(place) = self.shadow(at) {
                if let Some(place) = place {
                    self.table[place] = byte;
                }
                continue;
            }
            if word.0 != at & !3 {
                self.post(word)?;
                word = (at & !3, 0, 0);
            }
            word.1 |= u32::from(byte) << (8 * (at & 3));
            word.2 |= 1 << (at & 3);
        }
        self.post(word)
    }

    fn post(&self, (addr, value, strobes): (u32, u32, u8)) -> Result<(), Errno> {
        if strobes == 0 {
            return Ok(());
        }
        self.engine.post(Job::Write {
            function: self.function().number,
            addr: addr as u16,
            value,
            strobes,
        })
    }

    /// Whether an access to configuration space uses the bytes that lead to a BAR.
    fn uses_window(&self, offset: usize, len: usize) -> bool {
        self.config
            .window_data()
            .is_some_and(|data| offset < data.end && data.start < offset + len)
    }

    fn read_config(&mut self, offset: usize, data: &mut [u8]) -> Result<(), Errno> {
        if self.uses_window(offset, data.len())
            && let Some(window) = self.config.window()
        {
            let mut value = [0; 4];
            let value = &mut value[..window.len as usize];
            self.read_bar(window.offset, value)?;
            self.config.set_window_data(value);
        }
        self.config.read(offset, data);
        Ok(())
    }

    fn write_config(&mut self, offset: usize, data: &[u8]) -> Result<(), Errno> {
        if self.config.write(offset, data) {
            return self.reset();
        }
        self.follow_config()?;
        if self.uses_window(offset, data.len())
            && let Some(window) = self.config.window()
            && let Some(place) = self.config.window_data()
        {
            let mut value = [0; 4];
            self.config.read(place.start, &mut value);
            self.write_bar(window.offset, &value[..window.len as usize])?;
        }
        Ok(())
    }

    /// Lets everybody know what the configuration space says now.
    fn follow_config(&mut self) -> Result<(), Errno> {
        self.function().set_bus_master(self.config.bus_master());
        if self.function().vf().is_none() {
            let vfs = self.config.vfs();
            for function in &self.functions[1..] {
                let vf = function.number - 1;
                function.set_live(vf < self.always || u16::from(vf) < vfs);
            }
        }
        self.set_msix()
    }

    /// A function-level reset. What the client has set up for the function stays: memory and eventfds.
    fn reset(&mut self) -> Result<(), Errno> {
        self.config = ConfigSpace::new(self.function().kind);
        self.table.fill(0);
        self.follow_config()?;
        let Some(vf) = self.function().vf() else {
            // The NIC goes on as it was configured: only the function is new.
            return Ok(());
        };
        self.engine.reset(vf)?;
        for vector in 0..self.vectors.len() {
            if self.vectors[vector].is_some() {
                self.program(vector, true)?;
            }
        }
        Ok(())
    }

    /// The client is gone, and all that was its own.
    fn leave(&mut self) {
        self.function().set_line(None);
        self.vectors.iter_mut().for_each(|fd| *fd = None);
        // Without a NIC there is nothing to be reset.
        let _ = self.reset();
        self.function().iommu().clear();
        self.function().take_raised();
    }
}

#[cfg(test)]
mod tests;
