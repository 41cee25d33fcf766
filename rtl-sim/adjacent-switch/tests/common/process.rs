// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin-switch` as a process.

use std::path::Path;
use std::process::{Child, Command, Output};
use std::thread::sleep;
use std::time::Duration;

fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_hairpin-switch"));
    command.args(args);
    command
}

pub(crate) fn switch(args: &[&str]) -> Output {
    command(args).output().expect("the program runs")
}

pub(crate) fn json(output: &Output) -> serde_json::Value {
    serde_json::from_slice(&output.stdout).expect("JSON on stdout")
}

pub(crate) fn text(path: &Path) -> &str {
    path.to_str().expect("a plain path")
}

/// Ends the switch whatever the test does.
pub(crate) struct Running(Child);

impl Running {
    /// Starts a switch, and waits for its control socket.
    pub(crate) fn start(args: &[&str], control: &Path) -> Self {
        let mut running = Self(command(args).spawn().expect("the program runs"));
        while !control.exists() {
            assert!(running.0.try_wait().unwrap().is_none(), "the switch ended");
            sleep(Duration::from_millis(10));
        }
        running
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
