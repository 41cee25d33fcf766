// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the thread of a function's socket and the thread of the NIC share.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nix::sys::eventfd::EventFd;

use super::config_space::Kind;
use super::iommu::{Fault, Iommu, Reach};
use super::line::Line;
use super::protocol::{DMA_READ, DMA_WRITE};
use super::sys;
use crate::model::{HostMemory, Refused};

/// Where messages of interrupts go, as on a PC; a page for every function.
const MESSAGES: u64 = 0xfee0_0000;
const MESSAGES_END: u64 = 0xfef0_0000;

/// What an access moves.
enum Transfer<'a> {
    Read(&'a mut [u8]),
    Write(&'a [u8]),
}

/// A PCI function.
#[derive(Debug)]
pub(super) struct Function {
    /// 0 is the PF, 1 + v is VF v.
    pub(super) number: u8,
    /// What it is.
    pub(super) kind: Kind,
    iommu: Mutex<Iommu>,
    /// Its client is told of what is refused, so that an IOMMU of the client sees the fault.
    reports: bool,
    /// Its client.
    line: Mutex<Option<Arc<Line>>>,
    /// It is there.
    live: AtomicBool,
    bus_master: AtomicBool,
    /// Vectors whose message has come, a bit each, for the thread of the socket.
    raised: AtomicU32,
    interrupts: AtomicU64,
    /// Accesses refused because it may make none at all.
    silenced: AtomicU64,
    stop: AtomicBool,
    waker: EventFd,
}

impl Function {
    pub(super) fn new(number: u8, kind: Kind, live: bool, reports: bool) -> io::Result<Self> {
        Ok(Self {
            number,
            kind,
            iommu: Mutex::default(),
            reports,
            line: Mutex::default(),
            live: AtomicBool::new(live),
            bus_master: AtomicBool::new(false),
            raised: AtomicU32::new(0),
            interrupts: AtomicU64::new(0),
            silenced: AtomicU64::new(0),
            stop: AtomicBool::new(false),
            waker: sys::waker()?,
        })
    }

    /// The number of the VF, or none of the PF.
    pub(super) fn vf(&self) -> Option<u8> {
        self.number.checked_sub(1)
    }

    /// Its name, as in the socket's.
    pub(super) fn name(&self) -> String {
        self.vf()
            .map_or_else(|| "pf0".to_owned(), |vf| format!("vf{vf}"))
    }

    /// Its address space. Held for moments only: the NIC needs it too.
    pub(super) fn iommu(&self) -> MutexGuard<'_, Iommu> {
        // A thread that failed inside has left whole maps behind.
        self.iommu.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Its client comes or goes.
    pub(super) fn set_line(&self, line: Option<Arc<Line>>) {
        *self.line.lock().unwrap_or_else(PoisonError::into_inner) = line;
    }

    pub(super) fn is_live(&self) -> bool {
        self.live.load(Ordering::SeqCst)
    }

    /// Makes it come or go.
    pub(super) fn set_live(&self, live: bool) {
        if self.live.swap(live, Ordering::SeqCst) != live {
            self.wake();
        }
    }

    pub(super) fn set_bus_master(&self, on: bool) {
        self.bus_master.store(on, Ordering::SeqCst);
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stop.load(Ordering::SeqCst)
    }

    /// Ends its thread.
    pub(super) fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
        self.wake();
    }

    fn wake(&self) {
        // Full means that it is about to wake.
        let _ = self.waker.write(1);
    }

    /// For [`sys::readable`].
    pub(super) fn waker(&self) -> &EventFd {
        &self.waker
    }

    /// An interrupt for the client; bits that no vector has are nothing.
    pub(super) fn raise(&self, vector: u32) {
        if let Some(bit) = 1u32.checked_shl(vector) {
            self.interrupts.fetch_add(1, Ordering::Relaxed);
            self.raised.fetch_or(bit, Ordering::SeqCst);
            self.wake();
        }
    }

    /// The vectors raised since the last call.
    pub(super) fn take_raised(&self) -> u32 {
        let _ = self.waker.read();
        self.raised.swap(0, Ordering::SeqCst)
    }

    /// Address of its interrupts' messages. Their data are the vector's number.
    pub(super) fn message_address(&self) -> u64 {
        MESSAGES | u64::from(self.number) << 12
    }

    /// Interrupts, accesses refused by the address space, accesses refused because it may make none.
    pub(super) fn counts(&self) -> [u64; 3] {
        [
            self.interrupts.load(Ordering::Relaxed),
            self.iommu().faults(),
            self.silenced.load(Ordering::Relaxed),
        ]
    }

    fn tell(&self, fault: Option<Fault>) {
        if let Some(Fault { addr, write, why }) = fault {
            let what = if write { "write to" } else { "read from" };
            eprintln!("{}: DMA {what} {addr:#x} refused: {why}", self.name());
        }
    }

    /// Ends an access: asks the client itself for what it keeps from us, and tells what was refused.
    fn finish(
        &self,
        access: Result<Reach, (Refused, Option<Fault>)>,
        addr: u64,
        transfer: Transfer<'_>,
    ) -> Result<(), Refused> {
        let write = matches!(transfer, Transfer::Write(_));
        let why = match access {
            Ok(Reach::Here) => return Ok(()),
            Ok(Reach::ByMessage) => match self.by_message(addr, transfer) {
                Ok(()) => return Ok(()),
                Err(why) => why,
            },
            Err((refused, fault)) => {
                self.tell(fault);
                if self.reports && fault.is_some() {
                    self.report(addr, transfer);
                }
                return Err(refused);
            }
        };
        let fault = self.iommu().fault(addr, write, why);
        self.tell(fault);
        Err(Refused)
    }

    /// The connection to the client, if there is one.
    fn line(&self) -> Option<Arc<Line>> {
        let line = self.line.lock().unwrap_or_else(PoisonError::into_inner);
        line.clone()
    }

    fn by_message(&self, addr: u64, transfer: Transfer<'_>) -> Result<(), &'static str> {
        // Nothing is locked while the client is waited for, except the line.
        let line = self.line().ok_or("has lost its client")?;
        let result = match transfer {
            Transfer::Read(data) => line.read_memory(addr, data),
            Transfer::Write(data) => line.write_memory(addr, data),
        };
        if line.has_backlog() {
            self.wake();
        }
        result
    }

    fn report(&self, addr: u64, transfer: Transfer<'_>) {
        if let Some(line) = self.line() {
            match transfer {
                Transfer::Read(data) => line.report(DMA_READ, addr, data.len(), &[]),
                Transfer::Write(data) => line.report(DMA_WRITE, addr, data.len(), data),
            }
        }
    }

    fn may_master(&self) -> Result<(), Refused> {
        if self.is_live() && self.bus_master.load(Ordering::SeqCst) {
            return Ok(());
        }
        self.silenced.fetch_add(1, Ordering::Relaxed);
        Err(Refused)
    }

    fn read(&self, addr: u64, data: &mut [u8]) -> Result<(), Refused> {
        self.may_master()?;
        let access = self.iommu().read(addr, data);
        self.finish(access, addr, Transfer::Read(data))
    }

    fn write(&self, addr: u64, data: &[u8]) -> Result<(), Refused> {
        self.may_master()?;
        if (MESSAGES..MESSAGES_END).contains(&addr)
            && let Ok(vector) = <[u8; 4]>::try_from(data)
            && addr == self.message_address()
        {
            self.raise(u32::from_le_bytes(vector));
            return Ok(());
        }
        let access = self.iommu().write(addr, data);
        self.finish(access, addr, Transfer::Write(data))
    }
}

/// The memory behind the NIC's bus master: that of the clients, each function's own.
#[derive(Clone, Debug)]
pub(super) struct Memories(pub(super) Arc<[Function]>);

impl HostMemory for Memories {
    fn read(&mut self, function: u8, addr: u64, data: &mut [u8]) -> Result<(), Refused> {
        let function = self.0.get(usize::from(function)).ok_or(Refused)?;
        function.read(addr, data)
    }

    fn write(&mut self, function: u8, addr: u64, data: &[u8]) -> Result<(), Refused> {
        let function = self.0.get(usize::from(function)).ok_or(Refused)?;
        function.write(addr, data)
    }
}
