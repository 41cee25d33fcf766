// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A NIC that is up: model, driver and scoreboard together.

use std::path::{Path, PathBuf};

use hairpin_abi::admin::Command;
use hairpin_abi::counter::{
    CacheTraffic, CountedTable, CounterAddr, LearnCounter, TableCounter, Traffic,
};
use hairpin_abi::{PortId, REASONS, ReasonClass, Table, VPort};
use hairpin_driver::firmware::StartOptions;
use hairpin_driver::image::FirmwareImage;
use hairpin_driver::log::{LogLine, LogReader};
use hairpin_driver::report::Counters;
use hairpin_driver::{Device, Diagnostic, Error};

use crate::golden::Golden;
use crate::model::{Cycle, Model, ModelError, Options, RunMode, Stop};
use crate::rng::Rng;
use crate::scoreboard::{Left, Scoreboard};
use crate::trace::{AppliedCommand, Decided, EventKind, Events, TraceError};
use crate::transport::InProcess;

/// Log bytes after which a run pauses to have them judged.
const LOG_LIMIT: usize = 4 << 20;
/// Ticks between two looks at the progress.
const SLICE: u64 = 200_000;
/// Ticks that the firmware gets to finish its work once all traffic is in.
const PATIENCE: u64 = 50 * SLICE;
/// Core clocks without a sign of life until the watchdog ends.
const WATCHDOG: u32 = 1_000_000;

/// `fw.CTRL` of the PF BAR.
pub(crate) const FW_CTRL: u16 = 0x0500;

/// Counters of a table that the trace tells.
const TRACED: [TableCounter; 6] = [
    TableCounter::Inserts,
    TableCounter::Failed,
    TableCounter::Aged,
    TableCounter::Stale,
    TableCounter::Quota,
    TableCounter::Refused,
];

/// Where the build leaves the firmware.
pub const FIRMWARE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../.build/firmware/hairpin-nic.elf"
);

/// Looks at the frames that go in and come out.
pub trait Observer {
    /// The first beat of a queued frame went in.
    fn input(&mut self, cycle: Cycle, port: u8, id: u32);
    /// A frame came out; `left` says where it is from, as the trace has it.
    fn output(&mut self, cycle: Cycle, port: u8, bytes: &[u8], left: Left);
    /// The tables may have changed; the golden model has it already.
    fn tables(&mut self, _cycle: Cycle, _golden: &Golden) {}
    /// A run pauses, at least every [`Observer::slice`] ticks; the driver may be used.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    fn pause(&mut self, _now: Cycle, _device: &mut Device<InProcess>) -> Result<(), Diagnostic> {
        Ok(())
    }
    /// Ticks until the next pause.
    fn slice(&self) -> u64 {
        SLICE
    }
    /// A table was changed, or was asked to.
    fn command(&mut self, _cycle: Cycle, _command: &AppliedCommand) {}
    /// The eSwitch took a table command.
    fn taken(&mut self, _cycle: Cycle, _op: u8, _table: u8, _index: u16) {}
    /// The eSwitch answered the table command that it took last.
    fn answered(&mut self, _cycle: Cycle, _status: u8) {}
    /// A frame was decided.
    fn decided(&mut self, _cycle: Cycle, _decision: &Decided) {}
    /// A frame was switched by an entry that was learned from the adjacent switch.
    fn short_cut(&mut self, _cycle: Cycle, _origin: Option<u32>) {}
    /// The firmware got a copy of a frame, which may be this one.
    fn told(&mut self, _cycle: Cycle, _origin: Option<u32>) {}
}

/// Looks at nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct Blind;

impl Observer for Blind {
    fn input(&mut self, _: Cycle, _: u8, _: u32) {}
    fn output(&mut self, _: Cycle, _: u8, _: &[u8], _: Left) {}
}

/// A NIC with its firmware at work.
#[derive(Debug)]
pub struct Nic {
    /// The driver.
    pub device: Device<InProcess>,
    /// What compares it with the golden model.
    pub scoreboard: Scoreboard,
    handle: InProcess,
    start: StartOptions,
    rng: Rng,
    log: Option<LogReader>,
    lines: Vec<LogLine>,
    buffer: Vec<u8>,
}

/// Reads the firmware image, by default the one of the build.
///
/// # Errors
/// There is none, or it is not one for this NIC.
pub fn read_firmware(path: Option<&Path>) -> Result<FirmwareImage, Diagnostic> {
    let path = path.map_or_else(|| PathBuf::from(FIRMWARE), Path::to_owned);
    FirmwareImage::read(&path).map_err(|e| e.into_diagnostic(&path))
}

impl Nic {
    /// Builds a NIC, loads and starts its firmware. `fates`: keep what became of every frame.
    ///
    /// # Errors
    /// The design stopped, or the firmware did not start.
    pub fn start(
        options: &Options,
        image: &FirmwareImage,
        fates: bool,
    ) -> Result<Self, Diagnostic> {
        Self::start_watched(options, image, fates, WATCHDOG)
    }

    /// The same with a watchdog of so many core clocks.
    ///
    /// # Errors
    /// As [`Nic::start`].
    pub fn start_watched(
        options: &Options,
        image: &FirmwareImage,
        fates: bool,
        watchdog_cycles: u32,
    ) -> Result<Self, Diagnostic> {
        let model = Model::new(options).map_err(stopped)?;
        let n_vf = u8::try_from(model.n_vf()).unwrap_or(64);
        let handle = InProcess::new(model);
        let mut device = Device::probe(handle.clone())?;
        let mut rng = Rng::part(options.seed, 0x5eed);
        let start = StartOptions {
            seeds: seeds(&mut rng),
            watchdog_cycles,
        };
        device.load_firmware(image)?;
        device.start_firmware(image, start)?;
        let mut golden = Golden::new(n_vf);
        let has = device.capabilities();
        golden.set_capacity(has.mac_entries.into(), has.flow_entries.into());
        let mut nic = Self {
            device,
            start,
            rng,
            scoreboard: Scoreboard::new(golden, fates),
            handle,
            log: LogReader::new(image),
            lines: Vec::new(),
            buffer: Vec::new(),
        };
        nic.drain(&mut Blind)?;
        nic.poll_log()?;
        Ok(nic)
    }

    /// Loads and starts the firmware again, as after a crash; traffic goes on meanwhile. The host has to
    /// configure the NIC again.
    ///
    /// # Errors
    /// The firmware did not start.
    pub fn restart(
        &mut self,
        image: &FirmwareImage,
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        self.reload(image, observer)?;
        self.launch(image, observer)
    }

    /// Starts the firmware that was loaded, and waits until it is ready.
    ///
    /// # Errors
    /// The firmware did not start.
    pub fn launch(
        &mut self,
        image: &FirmwareImage,
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        // A firmware that starts with seeds of an earlier life would say the same to the adjacent switch again.
        self.start.seeds = seeds(&mut self.rng);
        self.device.start_firmware(image, self.start)?;
        self.log = LogReader::new(image);
        self.drain(observer)
    }

    /// Starts the firmware that was loaded and does not wait for it; so many clocks pass, and it may be
    /// anywhere in its boot.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn launch_for(
        &mut self,
        clocks: u64,
        image: &FirmwareImage,
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        let run = self.handle.model().csr_write(0, 0, FW_CTRL, 1);
        run.map_err(|error| Diagnostic::new("model", error.to_string()))?;
        self.log = LogReader::new(image);
        self.run_for(clocks, observer)
    }

    /// Stops the core and loads the firmware.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn reload(
        &mut self,
        image: &FirmwareImage,
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        self.poll_log()?;
        self.device.stop_firmware()?;
        self.drain(observer)?;
        self.scoreboard.core_restarted();
        self.device.load_firmware(image)?;
        self.drain(observer)
    }

    /// The model.
    pub fn model(&self) -> std::cell::RefMut<'_, Model> {
        self.handle.model()
    }

    /// The NIC's time.
    #[must_use]
    pub fn now(&self) -> Cycle {
        self.model().now()
    }

    /// Queues a frame for model and scoreboard.
    ///
    /// # Errors
    /// No such port, or an impossible length.
    pub fn queue(
        &mut self,
        port: u8,
        id: u32,
        earliest: Cycle,
        bad: bool,
        bytes: &[u8],
    ) -> Result<(), Diagnostic> {
        self.scoreboard.queue(id, bytes, bad);
        self.handle
            .model()
            .push(port, id, earliest, bad, bytes)
            .map_err(stopped)
    }

    /// Has everything judged that happened since the last call.
    ///
    /// # Errors
    /// The trace cannot be understood.
    pub fn drain(&mut self, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        self.buffer.clear();
        self.handle.model().take_log(&mut self.buffer);
        for event in Events::new(&self.buffer) {
            let event = event.map_err(|e: TraceError| Diagnostic::new("trace", e.to_string()))?;
            let left = self.scoreboard.event(&event);
            match (&event.kind, left) {
                (EventKind::Input { port, id }, _) => observer.input(event.cycle, *port, *id),
                (EventKind::Output { port, bytes, .. }, Some(left)) => {
                    observer.output(event.cycle, *port, bytes, left);
                }
                (EventKind::Taken { op, table, index }, _) => {
                    observer.taken(event.cycle, *op, *table, *index);
                }
                (EventKind::Answered { status }, _) => observer.answered(event.cycle, *status),
                (EventKind::Command(command), _) => {
                    observer.command(event.cycle, command);
                    observer.tables(event.cycle, self.scoreboard.golden());
                }
                (EventKind::Decision(decision), _) => {
                    observer.decided(event.cycle, decision);
                    if self.scoreboard.by_learned() {
                        observer.short_cut(event.cycle, self.scoreboard.origin());
                    }
                    if decision.told {
                        observer.told(event.cycle, self.scoreboard.origin());
                    }
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Runs for exactly so many ticks, frames going in and out meanwhile.
    ///
    /// # Errors
    /// The design stopped.
    pub fn run_for(&mut self, ticks: u64, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        let until = self.now() + ticks;
        while self.run(until, RunMode::EXACT)? == Stop::LogFull {
            self.drain(observer)?;
        }
        self.drain(observer)
    }

    /// Runs to a moment, frames going in and out meanwhile; idle time is jumped over.
    ///
    /// # Errors
    /// The design stopped.
    pub fn run_to(&mut self, until: Cycle, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        while self.now() < until {
            let pause = until.min(self.now() + observer.slice());
            self.advance(pause, observer)?;
            let now = self.now();
            observer.pause(now, &mut self.device)?;
        }
        self.drain(observer)
    }

    /// The same without a pause.
    ///
    /// # Errors
    /// The design stopped.
    pub fn advance(&mut self, until: Cycle, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        let mode = RunMode {
            stop_idle: false,
            ..RunMode::TO_IDLE
        };
        while self.run(until, mode)? == Stop::LogFull {
            self.drain(observer)?;
        }
        self.drain(observer)
    }

    /// Lets time pass, most of it without a clock; only right when nothing is queued.
    ///
    /// # Errors
    /// The design stopped.
    pub fn skip(&mut self, ticks: u64, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        let until = self.now() + ticks;
        let mode = RunMode {
            jump: true,
            ..RunMode::EXACT
        };
        while self.run(until, mode)? == Stop::LogFull {
            self.drain(observer)?;
        }
        self.drain(observer)
    }

    /// Plays what is queued to its end. Returns false if the firmware still was not idle then, as
    /// one that hangs never is. `progress` is told the number of frames that still wait.
    ///
    /// # Errors
    /// The design stopped.
    pub fn play(
        &mut self,
        observer: &mut dyn Observer,
        progress: &mut dyn FnMut(u64),
    ) -> Result<bool, Diagnostic> {
        let mut patience = PATIENCE;
        let alive = loop {
            let slice = observer.slice();
            let until = self.now() + slice;
            let stop = self.run(until, RunMode::TO_IDLE)?;
            self.drain(observer)?;
            let now = self.now();
            observer.pause(now, &mut self.device)?;
            let queued = self.model().status().queued;
            progress(queued);
            if stop == Stop::Idle {
                break true;
            }
            if queued == 0 && stop == Stop::Until {
                patience = patience.saturating_sub(slice);
                if patience == 0 || self.device.firmware_hung()? {
                    break false;
                }
            }
        };
        if !alive {
            let mode = RunMode {
                ignore_core: true,
                ..RunMode::TO_IDLE
            };
            let until = self.now() + SLICE;
            self.run(until, mode)?;
            self.drain(observer)?;
        }
        let now = self.now();
        self.scoreboard.settle(now, alive);
        Ok(alive)
    }

    fn run(&mut self, until: Cycle, mode: RunMode) -> Result<Stop, Diagnostic> {
        let result = self.handle.model().run(until, mode, LOG_LIMIT);
        result.map_err(stopped)
    }

    /// Reads what the firmware has logged since the last call.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn poll_log(&mut self) -> Result<(), Diagnostic> {
        if let Some(log) = &mut self.log {
            self.lines.extend(log.poll(&mut self.device)?);
        }
        Ok(())
    }

    /// The firmware's log so far.
    #[must_use]
    pub fn log_lines(&self) -> &[LogLine] {
        &self.lines
    }

    /// Compares every counter of the ports and of these V.VLAN instances with the golden model.
    /// Only right when nothing is inside the NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn compare_counters(&mut self, instances: &[u8]) -> Result<(), Error> {
        let vfs = usize::from(self.device.capabilities().vfs);
        let vports = VPort::all().take(vfs).map(PortId::VPort);
        for port in vports.chain([PortId::Uplink, PortId::Core]) {
            let actual = self.device.port_counters(port)?;
            self.compare(
                &port.to_string(),
                &actual,
                |what| CounterAddr::port(port, what),
                |reason| CounterAddr::port_drop(port, reason),
            );
        }
        for instance in instances {
            let actual = self.device.vvlan_counters(*instance)?;
            self.compare(
                &format!("V.VLAN instance {instance}"),
                &actual,
                |what| CounterAddr::vvlan(*instance, what),
                |reason| CounterAddr::vvlan_drop(*instance, reason),
            );
        }
        Ok(())
    }

    /// Compares what the flow cache and the tables have counted, as far as the trace tells it: per V.VLAN
    /// instance, per live flow entry, per table. Only right when nothing is inside the NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn compare_table_counters(
        &mut self,
        instances: &[u8],
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        let mut all = Vec::new();
        for instance in instances {
            for what in CacheTraffic::ALL {
                let name = format!("flow cache of V.VLAN instance {instance} {what}");
                all.push((name, CounterAddr::cache(*instance, *what)));
            }
        }
        let tables = &self.scoreboard.golden().model().tables;
        let mut handles: Vec<u16> = tables.flows().map(|(_, entry)| entry.handle).collect();
        handles.sort_unstable();
        for handle in handles {
            for what in [CacheTraffic::HitFrames, CacheTraffic::HitBytes] {
                let addr = CounterAddr::flow(handle, what);
                all.extend(addr.map(|addr| (format!("flow entry {handle} {what}"), addr)));
            }
        }
        for what in [LearnCounter::FlowEvents, LearnCounter::FlowSuppressed] {
            all.push((what.to_string(), CounterAddr::learn(what)));
        }
        for table in CountedTable::ALL {
            for what in TRACED {
                let addr = CounterAddr::table(*table, what);
                all.push((format!("table {table} {what}"), addr));
            }
        }
        for (name, addr) in all {
            // The firmware may be sweeping: what it does while a counter is read is on either side of it.
            self.drain(observer)?;
            let before = self.scoreboard.golden().counter(addr);
            let value = self.device.read_counter(addr)?;
            self.drain(observer)?;
            let after = self.scoreboard.golden().counter(addr);
            let now = self.now();
            let expected = value.clamp(before, after.max(before));
            self.scoreboard.compare(now, &name, expected, value);
        }
        Ok(())
    }

    /// Compares how many entries the tables hold with the golden model, which knows of dead ones until the
    /// NIC has swept them. Only right when nothing is inside the NIC.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn compare_occupancy(&mut self, observer: &mut dyn Observer) -> Result<(), Diagnostic> {
        for (counted, table) in [
            (CountedTable::Mac, Table::Mac),
            (CountedTable::Flow, Table::Flow),
        ] {
            let before = self.scoreboard.commands_total();
            let addr = CounterAddr::table(counted, TableCounter::Occupied);
            let value = self.device.read_counter(addr)?;
            self.drain(observer)?;
            if self.scoreboard.commands_total() == before {
                let now = self.now();
                self.scoreboard.occupied(now, table, value);
            }
        }
        Ok(())
    }

    /// Deletes some of the entries that the golden model has: the NIC must find each of them. Nothing may come in
    /// meanwhile.
    ///
    /// # Errors
    /// The NIC does not answer as it must.
    pub fn find_entries(
        &mut self,
        most: usize,
        observer: &mut dyn Observer,
    ) -> Result<(), Diagnostic> {
        self.drain(observer)?;
        let tables = &self.scoreboard.golden().model().tables;
        let macs = tables
            .mac_entries()
            .map(|(key, entry)| (entry.handle, Command::FdbDel(*key)));
        let flows = tables
            .flows()
            .map(|(key, entry)| (entry.handle, Command::FlowDel(*key)));
        for mut all in [macs.collect::<Vec<_>>(), flows.collect()] {
            all.sort_unstable_by_key(|(handle, _)| *handle);
            let apart = all.len().div_ceil(most).max(1);
            for (handle, delete) in all.into_iter().step_by(apart) {
                let answer = self.device.admin(&delete);
                self.drain(observer)?;
                let tables = &self.scoreboard.golden().model().tables;
                let still = match &delete {
                    Command::FdbDel(key) => tables.mac_row(key).is_some(),
                    Command::FlowDel(key) => tables.flow_entry(key).is_some(),
                    _ => false,
                };
                match answer {
                    Ok(_) => {}
                    // It may have aged since.
                    Err(Error::Admin { .. }) if !still => {}
                    Err(Error::Admin { reason, .. }) => {
                        let now = self.now();
                        let what = format!("{delete:?}, the entry of handle {handle}: {reason}");
                        self.scoreboard.compare(now, &what, 1, 0);
                    }
                    Err(error) => return Err(error.into()),
                }
            }
        }
        Ok(())
    }

    fn compare(
        &mut self,
        whose: &str,
        actual: &Counters,
        traffic: impl Fn(Traffic) -> CounterAddr,
        dropped: impl Fn(hairpin_abi::Reason) -> CounterAddr,
    ) {
        let now = self.now();
        let read = [
            actual.in_frames,
            actual.in_bytes,
            actual.out_frames,
            actual.out_bytes,
        ];
        for (what, value) in Traffic::ALL.iter().zip(read) {
            let expected = self.scoreboard.golden().counter(traffic(*what));
            self.scoreboard
                .compare(now, &format!("{whose} {what}"), expected, value);
        }
        for info in REASONS {
            if matches!(info.class, ReasonClass::Drop | ReasonClass::Loss) {
                let expected = self.scoreboard.golden().counter(dropped(info.reason));
                let value = actual.drops.get(info.name).copied().unwrap_or(0);
                self.scoreboard
                    .compare(now, &format!("{whose} {}", info.name), expected, value);
            }
        }
    }
}

fn seeds(rng: &mut Rng) -> [u32; 4] {
    std::array::from_fn(|_| rng.next() as u32)
}

/// A model that has stopped, as an error for a person.
#[allow(clippy::needless_pass_by_value, reason = "for map_err")]
pub(crate) fn stopped(error: ModelError) -> Diagnostic {
    let (code, help) = match &error {
        ModelError::Abi => ("model-stale", "run `cargo xtask build`"),
        ModelError::LeftOut(_) => ("model-left-out", "run `cargo xtask build`"),
        ModelError::Stopped(_) => ("design-stopped", "this is a defect of the NIC: report it"),
        ModelError::Path | ModelError::Frame { .. } => ("model", "check the arguments"),
    };
    Diagnostic::new(code, error.to_string()).help(help)
}
