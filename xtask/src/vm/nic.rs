// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The simulated NIC that serves its functions to guests: `hairpin sim` and its sockets.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

use super::guest::show_log;
use crate::ctx::{Ctx, output, run};

/// Until clients may come: its firmware has to be loaded and started, which takes a second or two, or much longer on
/// a machine with much else to do.
const START: Duration = Duration::from_secs(600);
/// What it prints then.
const SERVING: &str = "serving ";
/// Until it has ended.
const END: Duration = Duration::from_secs(120);
/// What it writes then.
const STATS: &str = "stats.json";

/// A NIC that runs; dropping it ends it.
#[derive(Debug)]
pub(crate) struct Nic<'a> {
    ctx: &'a Ctx,
    child: Child,
    dir: PathBuf,
    log: PathBuf,
}

impl<'a> Nic<'a> {
    /// Starts the simulator and waits until it serves. Sockets and log go to `dir`. Without a
    /// configuration it is for a driver of the PF to start.
    pub(crate) fn start(
        ctx: &'a Ctx,
        dir: &Path,
        config: Option<&Path>,
        more: &[&str],
    ) -> Result<Self> {
        let sockets = dir.join("sockets");
        if sockets.exists() {
            fs::remove_dir_all(&sockets)?;
        }
        fs::create_dir_all(&sockets)?;
        let log = dir.join("nic.log");
        let file = File::create(&log)?;
        let mut command = ctx.command(ctx.sim_bin("hairpin"));
        command
            .arg("sim")
            .arg("--socket-dir")
            .arg(&sockets)
            .arg("--stats-json")
            .arg(dir.join(STATS))
            .arg("--firmware")
            .arg(ctx.firmware_elf())
            .args(more)
            .stdin(Stdio::null())
            .stdout(file.try_clone()?)
            .stderr(file);
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        let child = command.spawn().context("cannot run hairpin")?;
        let mut nic = Self {
            ctx,
            child,
            dir: dir.to_path_buf(),
            log,
        };
        let end = Instant::now() + START;
        while !fs::read_to_string(&nic.log)?.contains(SERVING) {
            if let Some(status) = nic.child.try_wait()? {
                nic.show_log();
                bail!("hairpin sim ended with {status}");
            }
            if Instant::now() > end {
                nic.show_log();
                bail!("hairpin sim serves nothing yet");
            }
            sleep(Duration::from_millis(50));
        }
        Ok(nic)
    }

    /// The PF's socket.
    pub(crate) fn pf(&self) -> PathBuf {
        self.dir.join("sockets/pf0.sock")
    }

    /// A VF's socket.
    pub(crate) fn vf(&self, vf: usize) -> PathBuf {
        self.dir.join(format!("sockets/vf{vf}.sock"))
    }

    /// What `hairpin stats` says of a port.
    pub(crate) fn stats(&self, port: &str) -> Result<Value> {
        let stats = self.hairpin(&["stats", port])?;
        let port = stats.get("ports").and_then(|ports| ports.get(port));
        port.cloned()
            .with_context(|| format!("the port is missing: {stats}"))
    }

    /// What `hairpin pool show` says of a VF.
    pub(crate) fn pool(&self, vf: &str) -> Result<Value> {
        let shown = self.hairpin(&["pool", "show", vf])?;
        shown
            .pointer("/pools/0")
            .cloned()
            .with_context(|| format!("the VF is missing: {shown}"))
    }

    fn hairpin(&self, arguments: &[&str]) -> Result<Value> {
        let mut command = self.ctx.command(self.ctx.sim_bin("hairpin"));
        command
            .arg("--device")
            .arg(format!("vfio-user/{}", self.pf().display()));
        let text = output(command.arg("--json").args(arguments))?;
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
    }

    /// Ends the simulator, whose exit status is its golden model's opinion; returns what it has counted.
    pub(crate) fn finish(&mut self) -> Result<Value> {
        let terminate = format!("kill -TERM {}", self.child.id());
        run(Command::new("sh").args(["-c", &terminate]))?;
        let end = Instant::now() + END;
        let status = loop {
            match self.child.try_wait()? {
                Some(status) => break status,
                None if Instant::now() > end => bail!("hairpin sim does not end"),
                None => sleep(Duration::from_millis(50)),
            }
        };
        ensure!(status.success(), "hairpin sim ended with {status}");
        let text = fs::read_to_string(self.dir.join(STATS))?;
        serde_json::from_str(&text).with_context(|| format!("not JSON: {text}"))
    }

    /// Prints the end of what the simulator printed.
    pub(crate) fn show_log(&self) {
        show_log(&self.log);
    }
}

impl Drop for Nic<'_> {
    fn drop(&mut self) {
        // Both fail only if it has ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
