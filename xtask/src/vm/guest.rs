// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A running guest: QEMU, its console in a file, its commands over the second serial port.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

use super::fetch::Kit;

/// Until a guest obeys. It takes some seconds; on a machine with much else to do, minutes.
const BOOT: Duration = Duration::from_secs(600);
/// Until a command has ended, unless it was given more.
const COMMAND: Duration = Duration::from_secs(300);
/// Lines of a log that a failure shows.
const SHOWN: usize = 40;

/// What a guest is made of.
#[derive(Debug)]
pub(crate) struct Plan<'a> {
    pub(crate) name: &'a str,
    /// Its first file system.
    pub(crate) image: &'a Path,
    pub(crate) memory_mib: u32,
    pub(crate) cpus: u32,
    /// More of the kernel's command line.
    pub(crate) kernel: &'a str,
    /// More of QEMU's: its devices.
    pub(crate) qemu: Vec<String>,
}

/// Until the NIC has answered QEMU, whose own limit of 5 s is short for a simulation beside other work.
const ANSWER_MS: u32 = 120_000;

/// Arguments that attach a served function as the only device of a root port of its own.
pub(crate) fn served_function(index: usize, socket: &Path) -> Vec<String> {
    let device = serde_json::json!({
        "driver": "vfio-user-pci", "bus": format!("port{index}"),
        "socket": { "type": "unix", "path": socket }, "x-msg-timeout": ANSWER_MS,
    });
    let port = format!("pcie-root-port,id=port{index},chassis={index}");
    ["-device".into(), port, "-device".into(), device.to_string()].into()
}

/// No device but those that are asked for.
const QEMU: &str = "-nodefaults -display none -no-reboot -cpu max";

/// On an emulated processor of a busy machine time runs unevenly: the kernel must not take that for broken hardware.
const KERNEL: &str = "console=ttyS0 panic=-1 mitigations=off no_timer_check nowatchdog";

/// QEMU with all but the serial ports. Its q35 has the PCI Express ports that functions are attached to; the memory
/// is shared with the NIC, which reads and writes it.
pub(crate) fn command(kit: &Kit, plan: &Plan<'_>) -> Command {
    let (memory, cpus) = (plan.memory_mib, plan.cpus);
    let backend = format!("memory-backend-memfd,id=memory,size={memory}M,share=on");
    let kernel = format!("{KERNEL} {}", plan.kernel);
    let mut qemu = Command::new(kit.qemu());
    qemu.args(QEMU.split(' '));
    qemu.args(["-machine", "q35,accel=tcg,memory-backend=memory"]);
    qemu.args(["-object", &backend]);
    qemu.args(["-m", &memory.to_string(), "-smp", &cpus.to_string()]);
    qemu.arg("-kernel").arg(kit.vmlinuz());
    qemu.arg("-initrd").arg(plan.image);
    qemu.args(["-append", &kernel]).args(&plan.qemu);
    qemu
}

/// A guest that runs; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Guest {
    pub(crate) name: String,
    child: Child,
    commands: ChildStdin,
    lines: Receiver<String>,
    console: PathBuf,
    errors: PathBuf,
    booted: bool,
    /// The line that was begun last.
    begun: String,
}

impl Guest {
    /// Starts a guest; [`Guest::wait`] waits for it. Its logs go to `logs`.
    pub(crate) fn start(kit: &Kit, logs: &Path, plan: &Plan<'_>) -> Result<Self> {
        fs::create_dir_all(logs)?;
        let console = logs.join(format!("{}.console", plan.name));
        let errors = logs.join(format!("{}.qemu", plan.name));
        let plan = Plan {
            kernel: &format!("commands {}", plan.kernel),
            qemu: plan.qemu.clone(),
            ..*plan
        };
        let mut qemu = command(kit, &plan);
        qemu.args(["-serial", &format!("file:{}", console.display())]);
        qemu.args(["-serial", "stdio"]);
        qemu.stdin(Stdio::piped()).stdout(Stdio::piped());
        qemu.stderr(File::create(&errors)?);
        let mut child = qemu
            .spawn()
            .with_context(|| format!("cannot run {}", kit.qemu().display()))?;
        let commands = child.stdin.take().context("no standard input")?;
        let output = child.stdout.take().context("no standard output")?;
        let (sender, lines) = channel();
        thread::spawn(move || {
            for line in BufReader::new(output).split(b'\n').map_while(Result::ok) {
                let line = String::from_utf8_lossy(&line).trim_end().to_owned();
                if sender.send(line).is_err() {
                    break;
                }
            }
        });
        Ok(Self {
            name: plan.name.to_owned(),
            child,
            commands,
            lines,
            console,
            errors,
            booted: false,
            begun: String::new(),
        })
    }

    /// Waits until the guest obeys.
    pub(crate) fn wait(&mut self) -> Result<()> {
        let end = Instant::now() + BOOT;
        while !self.booted {
            self.booted = self.line(end, "boot")? == "guest is ready";
        }
        Ok(())
    }

    /// Runs a line of shell; an error unless its status is zero.
    pub(crate) fn run(&mut self, line: &str) -> Result<String> {
        let (status, said) = self.attempt(line, COMMAND)?;
        if status != 0 {
            self.show_logs();
            bail!("{}: `{line}` ended with status {status}: {said}", self.name);
        }
        Ok(said)
    }

    /// Runs a line of shell; returns its status and what it said.
    pub(crate) fn attempt(&mut self, line: &str, limit: Duration) -> Result<(i32, String)> {
        self.begin(line)?;
        self.end(limit)
    }

    /// Starts a line of shell, for [`Guest::end`] to wait for.
    pub(crate) fn begin(&mut self, line: &str) -> Result<()> {
        ensure!(!line.contains('\n'), "a command is one line: {line}");
        line.clone_into(&mut self.begun);
        let sent = writeln!(self.commands, "{}:{line}", line.len());
        let sent = sent.and_then(|()| self.commands.flush());
        if sent.is_err() {
            self.show_logs();
            bail!("{} has ended", self.name);
        }
        Ok(())
    }

    /// Waits for the line that was begun.
    pub(crate) fn end(&mut self, limit: Duration) -> Result<(i32, String)> {
        let end = Instant::now() + limit;
        let mut said = Vec::new();
        loop {
            let text = self.line(end, &self.begun)?;
            if text == "say again" {
                // Nothing of it was done.
                thread::sleep(Duration::from_millis(200));
                self.lines.try_iter().for_each(drop);
                self.begin(&self.begun.clone())?;
                continue;
            }
            if let Some(status) = text
                .strip_prefix("status ")
                .and_then(|text| text.parse().ok())
            {
                return Ok((status, said.join("\n").trim().to_owned()));
            }
            said.push(text);
        }
    }

    fn line(&self, end: Instant, doing: &str) -> Result<String> {
        let left = end.saturating_duration_since(Instant::now());
        self.lines.recv_timeout(left).map_err(|error| {
            let what = match error {
                RecvTimeoutError::Timeout => "gave no answer in time",
                RecvTimeoutError::Disconnected => "has ended",
            };
            self.show_logs();
            anyhow::anyhow!("{} {what}, at `{doing}`", self.name)
        })
    }

    /// Prints what QEMU said and the end of the console.
    fn show_logs(&self) {
        for log in [&self.errors, &self.console] {
            show_log(log);
        }
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Prints the last lines of a file.
pub(crate) fn show_log(path: &Path) {
    let text = fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<_> = text.lines().collect();
    let shown = &all[all.len().saturating_sub(SHOWN)..];
    eprintln!(
        "--- {}, {} of {} lines",
        path.display(),
        shown.len(),
        all.len()
    );
    for line in shown {
        eprintln!("{line}");
    }
    eprintln!("---");
}
