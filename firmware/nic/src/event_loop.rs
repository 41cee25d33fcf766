// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The event loop: one command and a few frames per turn, then sleep until something comes.

use hairpin_abi::admin::{AdminError, Command, CommandWords, Crash, Opcode};
use hairpin_abi::fw::{Event, EventCode, FwState};
use hairpin_abi::{MacAddr, PortId, Reason, VVlan, Vlan};
use hairpin_nic_logic::punt::{Consumed, Header, Learned, Punt, Verdict, source};
use hairpin_nic_logic::{Control, Outcome};
use hairpin_soc::{Peripherals, Punted, Timer};

use crate::Tables;
use crate::ram::UnusedRam;

/// Punted frames handled in one turn, so that commands are not kept waiting.
const FRAMES_PER_TURN: usize = 8;
/// The loop turns at least this often, for the heartbeat and the watchdog.
const TICK: u32 = Timer::TICKS_PER_MILLI;
/// Detail of state `panicked` when the stack has left its area.
const CODE_STACK: u8 = 0x81;

/// The firmware at work.
pub(crate) struct EventLoop {
    p: Peripherals,
    control: &'static mut Control,
    ram: UnusedRam,
    turns: u32,
    control_frames: u32,
}

impl EventLoop {
    pub(crate) fn new(p: Peripherals, control: &'static mut Control, ram: UnusedRam) -> Self {
        Self {
            p,
            control,
            ram,
            turns: 0,
            control_frames: 0,
        }
    }

    pub(crate) fn run(mut self) -> ! {
        self.p.events.enable();
        self.p.timer.set_deadline(TICK);
        self.notify(Event {
            code: EventCode::Ready,
            port: PortId::Core,
            vvlan: Vlan::from_tci(0),
            mac_low: 0,
        });
        loop {
            self.p.watchdog.feed();
            self.turns = self.turns.wrapping_add(1);
            self.p.status.set_heartbeat(self.turns);
            if !self.turn() {
                self.p.events.wait();
            }
        }
    }

    /// Serves what is pending; false if nothing was.
    fn turn(&mut self) -> bool {
        let pending = self.p.events.pending();
        if pending.timer {
            self.p.timer.set_deadline(TICK);
            if !self.ram.guard_intact() {
                self.stack_overflow();
            }
        }
        if pending.mailbox {
            self.mailbox();
        }
        if pending.punt {
            for _ in 0..FRAMES_PER_TURN {
                let Some(head) = self.p.punt.head() else {
                    break;
                };
                self.punted(head);
            }
        }
        pending.timer || pending.mailbox || pending.punt
    }

    fn mailbox(&mut self) {
        let Some(command) = self.p.mailbox.receive() else {
            return;
        };
        let mut bus = Tables {
            port: &mut self.p.tables,
            watchdog: &mut self.p.watchdog,
        };
        let outcome = self.control.execute(&mut bus, &command.words);
        log_command(command.seq, &command.words, outcome.error());
        match outcome {
            Outcome::Respond(words) => self.p.mailbox.respond(command.seq, &words),
            Outcome::Crash(crash) => crash_now(crash),
        }
    }

    fn punted(&mut self, head: Punted) {
        let (Some(src), Some(reason)) = (PortId::new(head.src), Reason::from_code(head.reason))
        else {
            defmt::error!("punt: port {=u8}, reason {=u8}", head.src, head.reason);
            self.p.punt.refuse(Reason::PuntRefused);
            return;
        };
        let mut header: Header = [0; 14];
        self.p.punt.read(&mut header);
        let punt = Punt {
            src,
            reason,
            vvlan: VVlan::new(head.vvlan),
            header,
        };
        let mut bus = Tables {
            port: &mut self.p.tables,
            watchdog: &mut self.p.watchdog,
        };
        let (verdict, learned) = self.control.punted(&mut bus, &punt, self.p.timer.now());
        match verdict {
            Verdict::Forward => self.p.punt.forward(),
            Verdict::Refuse(reason) => self.p.punt.refuse(reason),
            Verdict::Consume(kind) => {
                self.p.punt.pop();
                self.consume(&punt, kind);
            }
        }
        if let Some(learned) = learned {
            self.report_learned(&punt, learned);
        }
    }

    /// Control frames have no protocol behind them yet: they are counted, and the host is told.
    fn consume(&mut self, punt: &Punt, kind: Consumed) {
        self.control_frames = self.control_frames.wrapping_add(1);
        defmt::debug!("control: {} frame {=u32}", kind, self.control_frames);
        let mac = source(&punt.header);
        self.notify(Event::address(
            EventCode::Control,
            punt.src,
            Vlan::from_tci(0),
            mac,
        ));
    }

    fn report_learned(&mut self, punt: &Punt, learned: Learned) {
        let code = match learned {
            Learned::New => EventCode::Learned,
            Learned::Moved => EventCode::Moved,
            Learned::Refused(_) => EventCode::LearnRefused,
            Learned::Known => return,
        };
        let mac = source(&punt.header);
        let vvlan = punt.vvlan.map_or(Vlan::from_tci(0), Vlan::from);
        defmt::info!(
            "learn: {} on vf{=u8} in V.VLAN {=u16}: {}",
            Address(mac),
            punt.src.get(),
            vvlan.get(),
            learned,
        );
        self.notify(Event::address(code, punt.src, vvlan, mac));
    }

    /// Events are a courtesy: a full queue loses them, and the hardware counts that.
    fn notify(&mut self, event: Event) {
        if self.p.events.notify_host(event.encode()).is_err() {
            defmt::trace!("event queue full");
        }
    }

    fn stack_overflow(&mut self) -> ! {
        self.p.status.set_state(FwState::Panicked, CODE_STACK);
        defmt::error!("the stack has overflowed");
        spin()
    }
}

/// Fails as `CRASH_TEST` asks. The watchdog sees both.
fn crash_now(crash: Crash) -> ! {
    if crash == Crash::Trap {
        // SAFETY: an illegal instruction; the trap handler never returns.
        unsafe { core::arch::asm!("unimp", options(noreturn)) }
    }
    spin()
}

fn spin() -> ! {
    loop {
        core::hint::spin_loop();
    }
}

/// A MAC address as people write it.
struct Address(MacAddr);

impl defmt::Format for Address {
    fn format(&self, f: defmt::Formatter<'_>) {
        let [a, b, c, d, e, g] = self.0.0;
        defmt::write!(
            f,
            "{=u8:02x}:{=u8:02x}:{=u8:02x}:{=u8:02x}:{=u8:02x}:{=u8:02x}",
            a,
            b,
            c,
            d,
            e,
            g
        );
    }
}

/// What the host asked for, and what became of it.
fn log_command(seq: u16, words: &CommandWords, error: AdminError) {
    match Command::decode(words) {
        Ok(Command::VVlanSet { id, .. }) => {
            defmt::info!("admin {=u16}: set V.VLAN {=u16}: {}", seq, id.get(), error);
        }
        Ok(Command::VVlanDel { id }) => {
            defmt::info!(
                "admin {=u16}: delete V.VLAN {=u16}: {}",
                seq,
                id.get(),
                error
            );
        }
        Ok(Command::FdbAdd(row)) => defmt::info!(
            "admin {=u16}: add {} to V.VLAN {=u16}: {}",
            seq,
            Address(row.key.mac),
            row.key.vvlan.get(),
            error
        ),
        Ok(Command::FdbDel(key)) => defmt::info!(
            "admin {=u16}: delete {} from V.VLAN {=u16}: {}",
            seq,
            Address(key.mac),
            key.vvlan.get(),
            error
        ),
        _ => {
            let code = words.first().copied().unwrap_or_default();
            match Opcode::from_code(code as u8) {
                Some(opcode) => defmt::info!("admin {=u16}: {}: {}", seq, opcode, error),
                None => defmt::warn!("admin {=u16}: no opcode {=u32}", seq, code),
            }
        }
    }
}
