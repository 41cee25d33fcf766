// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A NIC that is up: model, driver and scoreboard together.

mod compare;

use std::path::{Path, PathBuf};
use std::sync::MutexGuard;

use hairpin_driver::firmware::StartOptions;
use hairpin_driver::image::FirmwareImage;
use hairpin_driver::log::{LogLine, LogReader};
use hairpin_driver::{Device, Diagnostic};

use crate::golden::Golden;
use crate::model::{Bus, Cycle, Model, ModelError, Options, RunMode, Stop};
use crate::rng::Rng;
use crate::scoreboard::{Left, Scoreboard};
use crate::trace::{AppliedCommand, Decided, EventKind, Events, TraceError};
use crate::transport::InProcess;
use crate::vfs::Arrived;

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

/// Where the build leaves the firmware.
pub const FIRMWARE: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../.build/firmware/hairpin-nic.elf"
);

/// Looks at the frames that go in and come out.
pub trait Observer {
    /// The first beat of a queued frame went in.
    fn input(&mut self, cycle: Cycle, port: u8, id: u32);
    /// The bytes of a frame that a VF's rings sent, after [`Observer::input`].
    fn sent(&mut self, _cycle: Cycle, _port: u8, _id: u32, _bytes: &[u8]) {}
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
    core_ratio: u32,
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
        let mut nic = Self::cold_watched(options, fates, watchdog_cycles)?;
        nic.boot(image)?;
        Ok(nic)
    }

    /// Builds a NIC whose firmware is neither loaded nor started.
    ///
    /// # Errors
    /// The design stopped.
    pub fn cold(options: &Options, fates: bool) -> Result<Self, Diagnostic> {
        Self::cold_watched(options, fates, WATCHDOG)
    }

    fn cold_watched(
        options: &Options,
        fates: bool,
        watchdog_cycles: u32,
    ) -> Result<Self, Diagnostic> {
        let model = Model::new(options).map_err(stopped)?;
        let n_vf = u8::try_from(model.n_vf()).unwrap_or(64);
        let handle = InProcess::new(model);
        let device = Device::probe(handle.clone())?;
        let mut rng = Rng::part(options.seed, 0x5eed);
        let start = StartOptions {
            seeds: seeds(&mut rng),
            watchdog_cycles,
        };
        let mut golden = Golden::new(n_vf);
        let has = device.capabilities();
        golden.set_capacity(has.mac_entries.into(), has.flow_entries.into());
        Ok(Self {
            device,
            start,
            rng,
            scoreboard: Scoreboard::new(golden, fates),
            handle,
            core_ratio: options.core_ratio,
            log: None,
            lines: Vec::new(),
            buffer: Vec::new(),
        })
    }

    /// Does something that every run waits for, and that is not measured: the core's clock runs as fast as the
    /// datapath's meanwhile.
    ///
    /// # Errors
    /// What it fails with.
    pub fn quickly<T>(
        &mut self,
        work: impl FnOnce(&mut Self) -> Result<T, Diagnostic>,
    ) -> Result<T, Diagnostic> {
        self.model().set_core_ratio(1);
        let done = work(self);
        self.model().set_core_ratio(self.core_ratio);
        done
    }

    /// Loads and starts the firmware of a NIC that is cold, [quickly](Self::quickly).
    ///
    /// # Errors
    /// The firmware did not start.
    pub fn boot(&mut self, image: &FirmwareImage) -> Result<(), Diagnostic> {
        self.quickly(|nic| {
            nic.device.load_firmware(image)?;
            Ok(nic.device.start_firmware(image, nic.start)?)
        })?;
        self.log = LogReader::new(image);
        self.drain(&mut Blind)?;
        self.poll_log()
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
    pub fn model(&self) -> MutexGuard<'_, Model> {
        self.handle.model()
    }

    /// The NIC's time.
    #[must_use]
    pub fn now(&self) -> Cycle {
        self.model().now()
    }

    /// Starts our driver on these VFs, which the PF has set up; `bus` leads to its memory.
    ///
    /// # Errors
    /// A VF does not do as it should.
    pub fn open_vfs(&mut self, vfs: &[u8], bus: Bus) -> Result<(), Diagnostic> {
        self.handle.open_vfs(vfs, bus)
    }

    /// Has the driver of a VF send a frame when a cycle has come.
    pub fn send(&mut self, vf: u8, cycle: Cycle, bytes: Vec<u8>) {
        self.handle.vfs().send(vf, cycle, bytes);
    }

    /// Frames that wait for their time or for a place in a ring.
    #[must_use]
    pub fn queued(&self) -> u64 {
        let waiting = self.handle.vfs().waiting() as u64;
        self.model().status().queued + waiting
    }

    /// What has arrived in the receive buffers of the VFs since the last call; frames of a queue in their order.
    ///
    /// # Errors
    /// A VF broke the rules.
    pub fn take_arrived(&mut self) -> Result<Vec<Arrived>, Diagnostic> {
        self.handle.look()?;
        Ok(self.handle.vfs().take_arrived())
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
        self.handle.take_log(&mut self.buffer);
        for event in Events::new(&self.buffer) {
            let event = event.map_err(|e: TraceError| Diagnostic::new("trace", e.to_string()))?;
            let left = self.scoreboard.event(&event);
            match (&event.kind, left) {
                (EventKind::Input { port, id, sent }, _) => {
                    observer.input(event.cycle, *port, *id);
                    if let Some((bytes, _)) = sent {
                        observer.sent(event.cycle, *port, *id, bytes);
                    }
                }
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

    /// Runs for at most so many ticks, has all of it judged, and says why it came back.
    ///
    /// # Errors
    /// The design stopped.
    pub fn step(
        &mut self,
        ticks: u64,
        mode: RunMode,
        observer: &mut dyn Observer,
    ) -> Result<Stop, Diagnostic> {
        let until = self.now() + ticks;
        let stop = self.run(until, mode)?;
        self.drain(observer)?;
        Ok(stop)
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
            let queued = self.queued();
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
        self.handle.run(until, mode, LOG_LIMIT)
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
