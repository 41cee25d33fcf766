// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `sim`: the NIC as PCI functions, each served on a vfio-user socket.
//!
//! ```text
//!  client (QEMU, our driver) ── socket ── session ── jobs ──► engine ── Nic (model, golden model)
//!     │                     one thread a function                 │  one thread, this one
//!     └─ memory, eventfds ──► iommu, vectors ◄── bus master ──────┘
//! ```
//!
//! | Module | Does |
//! |---|---|
//! | `protocol` | messages: bytes to values, checked |
//! | `session` | answers one client |
//! | `config_space` | PCI configuration space |
//! | `iommu` | what a function may touch of its client's memory |
//! | `function` | what the threads share of a function |
//! | `engine` | the thread of the NIC |
//! | `uplink` | where the wire leads to |
//! | `sys`, `sigbus` | system calls |
//!
//! A client is an outsider: whatever it sends, or takes away, is its own function's trouble only.

pub(crate) mod config_space;
mod engine;
mod function;
mod iommu;
mod line;
mod protocol;
mod session;
mod sigbus;
mod socket;
mod stats;
mod sys;
mod uplink;

use std::fs;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Result, bail};
use hairpin_driver::Diagnostic;
use hairpin_driver::cli::SimArgs;
use hairpin_driver::config::{Config, Plan};
use hairpin_driver::image::FirmwareImage;
use nix::sys::signal::{SigSet, Signal};

use crate::model::{Bus, Level, Options, Variant};
use crate::nic::{Nic, read_firmware};
use config_space::Kind;
use engine::{Engine, Job, Machine, Ports};
use function::{Function, Memories};
use socket::Socket;
pub use stats::Stats;
use uplink::Uplink;

/// Ends [`serve`] from another thread.
#[derive(Clone, Debug)]
pub struct Stopper(Engine);

impl Stopper {
    /// Ends it.
    pub fn stop(&self) {
        // It may have ended by itself.
        let _ = self.0.post(Job::Stop);
    }
}

/// Serves until SIGINT or SIGTERM.
///
/// # Errors
/// A [`Diagnostic`] for what is wrong with the arguments; otherwise what is wrong with the NIC.
pub fn run(args: &SimArgs) -> Result<()> {
    let mut signals = SigSet::empty();
    signals.add(Signal::SIGINT);
    signals.add(Signal::SIGTERM);
    // Before any thread starts: all of them inherit it.
    signals.thread_block()?;
    serve(args, |stopper| {
        let names = "pf0, vf0 …";
        eprintln!(
            "serving {names} in {}; stop with Ctrl-C",
            args.socket_dir.display()
        );
        thread::spawn(move || {
            let _ = signals.wait();
            stopper.stop();
        });
    })?;
    Ok(())
}

/// Serves until it is stopped. `ready` is called when clients may come.
///
/// # Errors
/// A [`Diagnostic`] for what is wrong with the arguments; otherwise what is wrong with the NIC.
pub fn serve(args: &SimArgs, ready: impl FnOnce(Stopper)) -> Result<Stats> {
    let setup = match &args.config {
        Some(path) => Some((
            Config::read(path)?,
            read_firmware(args.firmware.as_deref())?,
        )),
        None => None,
    };
    let uplink = Uplink::open(&args.uplink)?;
    let mut nic = Nic::cold(&options(args), false)?;
    let vfs = nic.device.capabilities().vfs;
    let always = args.vfs.unwrap_or(vfs);
    if always > vfs {
        let message = format!("the NIC has {vfs} VFs");
        return Err(Diagnostic::new("too-many-vfs", message)
            .field("--vfs")
            .help(format!("use 0 to {vfs}"))
            .into());
    }
    // Clients may connect from here on, and wait.
    let sockets = socket::bind(&args.socket_dir, vfs)?;
    let functions = functions(vfs, always, args.report_faults)?;
    nic.model()
        .set_host(Box::new(Memories(Arc::clone(&functions))), bus(args));
    if let Some((config, image)) = &setup {
        configure(&mut nic, config, image)?;
    }

    let (engine, jobs) = Engine::new();
    let ports = Ports::new(uplink, vfs.into());
    let mut machine = Machine::new(nic, functions, ports, jobs, setup.is_some());
    let threads = Threads::start(&machine, sockets, &engine, always)?;
    ready(Stopper(engine));
    let result = machine.run();
    let Machine {
        mut nic,
        functions,
        mut ports,
        jobs,
        ..
    } = machine;
    // Whoever waits for an answer learns that none will come.
    drop(jobs);
    threads.end(&functions);
    ports.uplink.finish()?;
    result?;

    let stats = Stats::new(&mut nic, &functions, &ports);
    if let Some(path) = &args.stats_json {
        fs::write(path, serde_json::to_string_pretty(&stats)? + "\n").map_err(|e| {
            Diagnostic::new("out-unwritable", format!("cannot write: {e}"))
                .field("--stats-json")
                .file(path)
                .help("name a file in a folder that exists and that you may write")
        })?;
    }
    if stats.scoreboard.mismatches != 0 {
        eprintln!(
            "seed {}: {} mismatches",
            args.seed, stats.scoreboard.mismatches
        );
        for mismatch in nic.scoreboard.mismatches() {
            eprintln!("{mismatch}");
        }
        bail!("the NIC does not do what its golden model does");
    }
    Ok(stats)
}

fn options(args: &SimArgs) -> Options {
    Options {
        variant: Variant::Check,
        seed: args.seed,
        core_ratio: args.core_ratio,
        rings: true,
        ..Options::default()
    }
}

fn bus(args: &SimArgs) -> Bus {
    let always = args.dma_ready >= 100;
    let level = args.dma_ready * Level::ALWAYS.0 / 100;
    Bus {
        read_latency: args.dma_read_latency,
        write_latency: args.dma_write_latency,
        ready: if always { Level::ALWAYS } else { Level(level) },
        hold: 8,
        seed: args.seed,
    }
}

/// The PF, then the VFs.
fn functions(vfs: u8, always: u8, reports: bool) -> Result<Arc<[Function]>> {
    let pf = Kind::Pf { vfs: vfs.into() };
    let mut all = vec![Function::new(0, pf, true, reports)?];
    for vf in 0..vfs {
        all.push(Function::new(vf + 1, Kind::Vf, vf < always, reports)?);
    }
    Ok(all.into())
}

/// Starts the firmware, applies the configuration, and gives every VF that has a vPort its share of the queues.
fn configure(nic: &mut Nic, config: &Config, image: &FirmwareImage) -> Result<(), Diagnostic> {
    nic.boot(image)?;
    let plan = Plan::new(config, nic.device.capabilities())?;
    nic.device.apply(&plan)?;
    let vfs = nic.device.plan_vfs(config)?;
    nic.device.set_up_vfs(&vfs)?;
    nic.drain(&mut crate::nic::Blind)?;
    nic.poll_log()
}

/// The threads beside that of the NIC.
struct Threads {
    sockets: Vec<JoinHandle<()>>,
    uplink: Option<JoinHandle<()>>,
    stop: Arc<nix::sys::eventfd::EventFd>,
}

impl Threads {
    fn start(machine: &Machine, sockets: Vec<Socket>, engine: &Engine, always: u8) -> Result<Self> {
        let stop = Arc::new(sys::waker()?);
        let uplink = machine
            .ports
            .uplink
            .listen(engine.clone(), Arc::clone(&stop))?;
        let mut threads = Vec::new();
        for (number, socket) in sockets.into_iter().enumerate() {
            let functions = Arc::clone(&machine.functions);
            let engine = engine.clone();
            let name = functions[number].name();
            let thread = thread::Builder::new().name(name);
            threads.push(thread.spawn(move || socket.serve(&functions, number, &engine, always))?);
        }
        Ok(Self {
            sockets: threads,
            uplink,
            stop,
        })
    }

    fn end(self, functions: &[Function]) {
        let _ = self.stop.write(1);
        functions.iter().for_each(Function::stop);
        for thread in self.sockets.into_iter().chain(self.uplink) {
            // What a thread had to say of its own failure it has said.
            let _ = thread.join();
        }
    }
}
