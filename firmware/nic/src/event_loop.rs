// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The event loop: learn events first, then one command and a few frames per turn, then sleep until
//! something comes.

use hairpin_abi::admin::{AdminError, Command, CommandWords, Crash, Opcode};
use hairpin_abi::fw::{Event, EventCode, FwState, RestartCause};
use hairpin_abi::{MacAddr, PortId, Reason, VPort, VVlan, Vlan};
use hairpin_nic_logic::guest::{self, Budgets};
use hairpin_nic_logic::learn::Learned;
use hairpin_nic_logic::peer::{READABLE, SENDABLE};
use hairpin_nic_logic::punt::{Consumed, Header, Punt, Verdict, source};
use hairpin_nic_logic::{Control, Outcome};
use hairpin_soc::{Events, InjectError, Peripherals, Punted, Timer};

use crate::boot::Started;
use crate::ram::{UnusedRam, mark_end};
use crate::{Learning, Tables, TxHoldPort};

/// Punted frames handled in one turn, so that commands are not kept waiting.
const FRAMES_PER_TURN: usize = 8;
/// The loop turns at least this often, for the heartbeat and the watchdog.
const TICK: u32 = Timer::TICKS_PER_MILLI;
/// Ticks of the loop between two log lines about what comes too often for a line each.
const TICKS_PER_SUMMARY: u32 = 1000;
/// Detail of state `panicked` when the stack has left its area.
const CODE_STACK: u8 = 0x81;

/// What has happened since the last log line about it.
#[derive(Default)]
struct Summary {
    ticks: u32,
    /// Learn events answered.
    learn_events: u32,
    /// Addresses learned from punted frames, or refused.
    punts: u32,
}

/// The firmware at work.
pub(crate) struct EventLoop {
    p: Peripherals,
    control: &'static mut Control,
    ram: UnusedRam,
    turns: u32,
    control_frames: u32,
    summary: Summary,
    /// What guests may still ask.
    budgets: Budgets,
    /// The tables have failed, and the host was told.
    faulty: bool,
}

impl EventLoop {
    pub(crate) fn new(p: Peripherals, control: &'static mut Control, started: Started) -> Self {
        let mut this = Self {
            p,
            control,
            ram: started.ram,
            turns: 0,
            control_frames: 0,
            summary: Summary::default(),
            budgets: Budgets::new(),
            faulty: false,
        };
        if let Some(event) = started.restarted {
            notify(&mut this.p.events, event);
        }
        this
    }

    pub(crate) fn run(mut self) -> ! {
        self.p.events.enable();
        self.p.timer.set_deadline(TICK);
        notify(&mut self.p.events, nowhere(EventCode::Ready));
        loop {
            self.p.watchdog.feed();
            self.turns = self.turns.wrapping_add(1);
            self.p.status.set_heartbeat(self.turns);
            if !self.turn() {
                let serves = self.control.serves_flows(self.p.timer.now());
                self.p.events.wake_for_flows(serves);
                self.p.events.wait();
            }
        }
    }

    /// Serves what is pending; false if nothing was.
    fn turn(&mut self) -> bool {
        let pending = self.p.events.pending();
        if pending.learn {
            self.learn();
        }
        if pending.timer {
            self.p.timer.set_deadline(TICK);
            if !self.ram.guard_intact() {
                self.stack_overflow();
            }
            self.tick();
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
                self.peer();
            }
        }
        if pending.guest {
            self.guest();
        }
        let waits = self.control.peer_is_busy();
        let others = waits || pending.timer || pending.mailbox || pending.punt || pending.guest;
        // Addresses come one a microsecond: they alone are no reason to look.
        if others || !pending.learn {
            self.peer();
        }
        // A hold may have begun.
        others || pending.learn || self.control.peer_is_busy()
    }

    /// What is due between NIC and adjacent switch.
    fn peer(&mut self) {
        let now = (self.p.timer.now(), self.p.events.pending().flows);
        if !self.control.peer_is_due(now.0, now.1) {
            return;
        }
        let p = &mut self.p;
        let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
        let events = &mut p.events;
        let mut frame = [0; SENDABLE];
        let len = self.control.peer_turn(
            &mut bus,
            &mut TxHoldPort(&mut p.hold),
            now,
            &mut frame,
            |event| notify(events, event),
        );
        self.send(&frame, len);
    }

    /// Sends a control frame to the adjacent switch. A frame before it is out after some hundred clocks; if it is
    /// not, this one is lost, as it may be on the wire.
    fn send(&mut self, frame: &[u8; SENDABLE], len: Option<usize>) {
        const POLLS: u32 = 1000;
        let Some(frame) = len.and_then(|len| frame.get(..len)) else {
            return;
        };
        for _ in 0..POLLS {
            if self.p.inject.send(PortId::Uplink, frame) != Err(InjectError::Busy) {
                return;
            }
        }
        defmt::warn!("switch: a control frame was not sent");
    }

    /// The hot path: no log line per event.
    fn learn(&mut self) {
        let p = &mut self.p;
        let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
        let (timer, events) = (&p.timer, &mut p.events);
        let answered = self.control.learn_events(
            &mut Learning(&mut p.learn),
            &mut bus,
            || timer.now(),
            |event| notify(events, event),
        );
        self.summary.learn_events = self.summary.learn_events.wrapping_add(answered);
    }

    /// A guest asks on its control queue, or a VF was reset.
    fn guest(&mut self) {
        let request = self.p.guests.request();
        let gone = self.p.guests.gone() & self.budgets.allowed();
        for vport in gone.iter() {
            self.p.guests.forget(vport.get());
            let mut bus = Tables::new(&mut self.p.tables, &mut self.p.watchdog);
            if self.control.guest_gone(&mut bus, vport).is_err() {
                self.table_fault();
            }
            defmt::debug!("guest: vf{=u8} is gone", vport.get());
            self.spend(vport);
        }
        let Some((request, vport)) = request.and_then(|r| Some((r, VPort::new(r.vport)?))) else {
            return;
        };
        if gone.contains(vport) {
            return; // it may be from before the reset
        }
        let mut bytes = [0; guest::READABLE];
        let len = usize::from(request.len).min(bytes.len());
        let bytes = bytes.get_mut(..len).unwrap_or_default();
        self.p.guests.read(bytes);
        let mut bus = Tables::new(&mut self.p.tables, &mut self.p.watchdog);
        let answer = self
            .control
            .guest_request(&mut bus, vport, bytes, request.cut, request.pairs);
        self.p.guests.answer(
            &request,
            answer.ack,
            answer.pairs,
            answer.announced,
            answer.vlans,
        );
        defmt::debug!("guest: vf{=u8} asks: {}", request.vport, answer);
        self.spend(vport);
    }

    /// Counts what was done for a guest; the last that it may have for now is the last that it has.
    fn spend(&mut self, vport: VPort) {
        if !self.budgets.spend(vport) {
            self.p.guests.allow(self.budgets.allowed());
        }
    }

    fn tick(&mut self) {
        self.budgets.tick();
        self.p.guests.allow(self.budgets.allowed());
        let p = &mut self.p;
        let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
        let events = &mut p.events;
        let now = p.timer.now();
        let (full, quota) = p.punt.not_installed();
        let result = self
            .control
            .tick(&mut bus, now, |event| notify(events, event))
            .and_then(|()| self.control.not_installed(&mut bus, full, quota, now));
        if result.is_err() {
            self.table_fault();
        }
        self.summarize();
    }

    /// Tells the host, once.
    fn table_fault(&mut self) {
        if !self.faulty {
            self.faulty = true;
            defmt::error!("tables: no answer, or not the right one");
            notify(&mut self.p.events, nowhere(EventCode::TableFault));
        }
    }

    fn summarize(&mut self) {
        let summary = &mut self.summary;
        summary.ticks += 1;
        if summary.ticks < TICKS_PER_SUMMARY {
            return;
        }
        if (summary.learn_events, summary.punts) != (0, 0) {
            defmt::info!(
                "learn: {=u32} events, {=u32} punted frames",
                summary.learn_events,
                summary.punts
            );
        }
        *summary = Summary::default();
    }

    fn mailbox(&mut self) {
        let Some(command) = self.p.mailbox.receive() else {
            return;
        };
        let mut bus = Tables::new(&mut self.p.tables, &mut self.p.watchdog);
        let outcome = self
            .control
            .execute(&mut bus, &command.words, self.p.timer.now());
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
        let mut bus = Tables::new(&mut self.p.tables, &mut self.p.watchdog);
        let (verdict, learned) = self.control.punted(&mut bus, &punt, self.p.timer.now());
        match verdict {
            Verdict::Forward => self.p.punt.forward(),
            Verdict::Refuse(reason) => self.p.punt.refuse(reason),
            Verdict::Consume(Consumed::Peer) => self.control_frame(&head),
            Verdict::Consume(kind) => {
                self.p.punt.pop();
                self.consume(&punt, kind);
            }
        }
        if let Some(learned) = learned {
            self.report_learned(&punt, learned);
        }
    }

    /// A frame of the adjacent switch; it is answered.
    fn control_frame(&mut self, head: &Punted) {
        let mut bytes = [0; READABLE];
        self.p.punt.read(&mut bytes);
        self.p.punt.pop();
        let frame = bytes.get(..head.len.into()).unwrap_or(&bytes);
        let mut answer = [0; SENDABLE];
        let p = &mut self.p;
        let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
        let time = p.timer.now();
        let len = self
            .control
            .control_frame(&mut bus, frame, time, &mut answer);
        self.send(&answer, len);
    }

    /// Control frames of other protocols are counted, and the host is told.
    fn consume(&mut self, punt: &Punt, kind: Consumed) {
        self.control_frames = self.control_frames.wrapping_add(1);
        defmt::debug!("control: {} frame {=u32}", kind, self.control_frames);
        let mac = source(&punt.header);
        notify(
            &mut self.p.events,
            Event::address(EventCode::Control, punt.src, Vlan::from_tci(0), mac),
        );
    }

    fn report_learned(&mut self, punt: &Punt, learned: Learned) {
        self.summary.punts = self.summary.punts.wrapping_add(1);
        let mac = source(&punt.header);
        let vvlan = punt.vvlan.map_or(Vlan::from_tci(0), Vlan::from);
        defmt::debug!(
            "learn: {} on vf{=u8} in V.VLAN {=u16}: {}",
            Address(mac),
            punt.src.get(),
            vvlan.get(),
            learned,
        );
        if let Some(code) = learned.code() {
            notify(
                &mut self.p.events,
                Event::address(code, punt.src, vvlan, mac),
            );
        }
    }

    fn stack_overflow(&mut self) -> ! {
        self.p.status.set_state(FwState::Panicked, CODE_STACK);
        mark_end(RestartCause::Stack);
        defmt::error!("the stack has overflowed");
        spin()
    }
}

/// Events are a courtesy: a full queue loses them, and the hardware counts that.
fn notify(events: &mut Events, event: Event) {
    if events.notify_host(event.encode()).is_err() {
        defmt::trace!("event queue full");
    }
}

/// An event that is about no port and no address.
const fn nowhere(code: EventCode) -> Event {
    Event {
        code,
        port: PortId::Core,
        vvlan: Vlan::from_tci(0),
        mac_low: 0,
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
