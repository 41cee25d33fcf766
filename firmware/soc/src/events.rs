// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What wakes the core, and events to the host.

use crate::regs::regs;

/// Causes that wait to be served. Each stays until it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pending {
    /// A mailbox command waits for its answer.
    pub mailbox: bool,
    /// A punted frame waits.
    pub punt: bool,
    /// The timer's deadline has passed.
    pub timer: bool,
    /// A learn event waits.
    pub learn: bool,
    /// A guest's request waits.
    pub guest: bool,
    /// Flows are pending that were not closed.
    pub flows: bool,
}

/// The queue of events to the host was full: the event is lost, and counted there.
#[derive(Clone, Copy, Debug, PartialEq, Eq, defmt::Format)]
pub struct HostEventLost;

/// Wake-up sources and the event queue to the host.
#[derive(Debug)]
pub struct Events {
    flows: bool,
}

impl Events {
    pub(crate) const fn new() -> Self {
        Self { flows: false }
    }

    /// Lets every cause wake the core from [`wait`](Self::wait). Interrupts stay off: the event loop
    /// polls, and the core only has to wake up.
    pub fn enable(&mut self) {
        regs().ev().mask().write(|w| {
            w.set_mbox(true);
            w.set_punt(true);
            w.set_timer(true);
            w.set_learn(true);
            w.set_guest(true);
        });
        // SAFETY: mstatus.MIE stays clear, so that an enabled interrupt ends WFI but is never taken.
        unsafe { riscv::register::mie::set_mext() };
    }

    /// Whether flows that wait end [`wait`](Self::wait) as well; at first they do not.
    pub fn wake_for_flows(&mut self, wake: bool) {
        if self.flows != wake {
            self.flows = wake;
            regs().ev().mask().modify(|w| w.set_flows(wake));
        }
    }

    /// What waits to be served.
    #[must_use]
    pub fn pending(&self) -> Pending {
        let pending = regs().ev().pending().read();
        Pending {
            mailbox: pending.mbox(),
            punt: pending.punt(),
            timer: pending.timer(),
            learn: pending.learn(),
            guest: pending.guest(),
            flows: pending.flows(),
        }
    }

    /// Sleeps until something is pending. Causes are levels: one that came before this call ends it
    /// at once.
    pub fn wait(&mut self) {
        riscv::asm::wfi();
    }

    /// Queues an event for the host.
    ///
    /// # Errors
    ///
    /// [`HostEventLost`] when the queue is full.
    pub fn notify_host(&mut self, words: [u32; 2]) -> Result<(), HostEventLost> {
        let ev = regs().ev();
        let full = ev.host_status().read().full();
        // A write to a full queue is how the hardware gets to count the loss.
        let [first, second] = words;
        ev.host0().write(|w| w.set_value(first));
        ev.host1().write(|w| w.set_value(second));
        if full { Err(HostEventLost) } else { Ok(()) }
    }
}
