// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The firmware of the NIC: boot, then an event loop that obeys the host's admin commands, handles the
//! frames that the datapath punts, and shows that it lives.
//!
//! What it decides is in `hairpin-nic-logic`, how the hardware is driven in `hairpin-soc`; this crate
//! ties them together. Nothing here can panic: the image would not link.
#![no_std]
#![no_main]

mod boot;
mod event_loop;
mod manifest;
mod ram;
mod trap;

use hairpin_abi::ids::PortSet;
use hairpin_abi::row::MacKey;
use hairpin_abi::{LearnVerdict, MacAddr, Op, RowWords, Status, Table, VPort, VVlan};
use hairpin_nic_logic::learn::{LearnEvent, LearnPort};
use hairpin_nic_logic::path::Hold;
use hairpin_nic_logic::{BusFault, Control, TableBus};
use hairpin_soc::{LearnUnit, Peripherals, Seen, TablePort, Timer, TxHold, Watchdog};

use crate::event_loop::EventLoop;

defmt::timestamp!("{=u64}", Timer::timestamp());

/// The firmware's state. Too large for the stack.
static mut CONTROL: Control = Control::new();

#[riscv_rt::entry]
fn main() -> ! {
    // SAFETY: this is the only place that names the static, and `main` runs once.
    let control = unsafe { (&raw mut CONTROL).as_mut_unchecked() };
    let Some(mut peripherals) = Peripherals::take() else {
        // Taken once, right here.
        loop {
            riscv::asm::wfi();
        }
    };
    match boot::boot(&mut peripherals, control) {
        Ok(started) => EventLoop::new(peripherals, control, started).run(),
        Err(failure) => boot::stop(peripherals, failure),
    }
}

/// The table command bus of the hardware. A command that ends is progress: the watchdog is fed, during a
/// scan of a table every 32 rows.
struct Tables<'a> {
    port: &'a mut TablePort,
    watchdog: &'a mut Watchdog,
}

impl<'a> Tables<'a> {
    const fn new(port: &'a mut TablePort, watchdog: &'a mut Watchdog) -> Self {
        Self { port, watchdog }
    }
}

impl TableBus for Tables<'_> {
    fn command(
        &mut self,
        op: Op,
        table: Table,
        index: u16,
        row: &mut RowWords,
    ) -> Result<Status, BusFault> {
        if index.is_multiple_of(32) {
            self.watchdog.feed();
        }
        self.port
            .command(op, table, index, row)
            .map_err(|_| BusFault)
    }
}

/// The transmit hold of the hardware.
struct TxHoldPort<'a>(&'a mut TxHold);

impl Hold for TxHoldPort<'_> {
    fn hold(&mut self, vports: PortSet) {
        self.0.set(vports);
    }

    fn settled(&mut self) -> bool {
        self.0.settled()
    }
}

/// The learn unit of the hardware.
struct Learning<'a>(&'a mut LearnUnit);

/// A learn event of the hardware.
#[derive(Clone, Copy)]
struct Learn(Seen);

impl LearnEvent for Learn {
    fn slot(self) -> u8 {
        self.0.slot()
    }

    fn vport(self) -> Option<VPort> {
        VPort::new(self.0.vport())
    }

    fn moves(self) -> bool {
        self.0.from().is_some()
    }

    fn from(self) -> Option<VPort> {
        self.0.from().and_then(VPort::new)
    }

    fn waiting(self) -> u8 {
        self.0.waiting()
    }
}

impl LearnPort for Learning<'_> {
    type Event = Learn;

    fn event(&mut self) -> Option<Learn> {
        self.0.event().map(Learn)
    }

    fn key(&mut self) -> Option<MacKey> {
        let seen = self.0.address();
        Some(MacKey {
            vvlan: VVlan::new(seen.vvlan)?,
            mac: MacAddr::from_u64(seen.mac),
        })
    }

    fn answer(&mut self, slot: u8, verdict: LearnVerdict) {
        self.0.answer(slot, verdict);
    }

    fn result(&mut self) -> Option<Status> {
        // A status that does not exist counts as an operation that does not.
        self.0
            .result()
            .map(|code| Status::from_code(code).unwrap_or(Status::BadOp))
    }
}
