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

use hairpin_abi::{Op, RowWords, Status, Table};
use hairpin_nic_logic::{BusFault, Control, TableBus};
use hairpin_soc::{Peripherals, TablePort, Timer, Watchdog};

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
        Ok(ram) => EventLoop::new(peripherals, control, ram).run(),
        Err(failure) => boot::stop(peripherals, failure),
    }
}

/// The table command bus of the hardware. A command that ends is progress: the watchdog is fed, during a
/// scan of a table every 32 rows.
struct Tables<'a> {
    port: &'a mut TablePort,
    watchdog: &'a mut Watchdog,
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
