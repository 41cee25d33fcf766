// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The programs, and folders for what they write.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

/// Top of the checkout.
pub(crate) fn root() -> &'static Path {
    let own = Path::new(env!("CARGO_MANIFEST_DIR"));
    own.parent().unwrap_or(own)
}

/// A file of the demo.
pub(crate) fn demo_file(name: &str) -> PathBuf {
    root().join("examples/demo").join(name)
}

/// A folder of this name that is there and empty.
pub(crate) fn fresh(name: &str) -> Result<PathBuf> {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("acceptance")
        .join(name);
    if dir.exists() {
        fs::remove_dir_all(&dir).with_context(|| format!("{}", dir.display()))?;
    }
    fs::create_dir_all(&dir).with_context(|| format!("{}", dir.display()))?;
    Ok(dir)
}

/// Every file below a folder with its content, and every folder with nothing.
pub(crate) fn contents(dir: &Path) -> Result<BTreeMap<PathBuf, Option<Vec<u8>>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(dir).with_context(|| format!("{}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            found.extend(contents(&path)?);
            found.insert(path, None);
        } else {
            let bytes = fs::read(&path)?;
            found.insert(path, Some(bytes));
        }
    }
    Ok(found)
}

/// How a program ended and what it said.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Run {
    /// Fails unless the program was content.
    pub(crate) fn ok(self) -> Result<Self> {
        ensure!(
            self.status == 0,
            "exit status {}: {}",
            self.status,
            self.stderr
        );
        Ok(self)
    }

    /// What was printed, as one line of JSON.
    pub(crate) fn json(&self) -> Result<Value> {
        ensure!(
            self.stdout.lines().count() == 1,
            "not one line: {:?}",
            self.stdout
        );
        serde_json::from_str(&self.stdout).with_context(|| format!("not JSON: {}", self.stdout))
    }
}

/// Runs `hairpin`, without anything of the caller's environment that it listens to.
pub(crate) fn hairpin<A: AsRef<OsStr>>(args: impl IntoIterator<Item = A>) -> Result<Run> {
    let program = find("hairpin")?;
    find("hairpin-sim")?;
    let output = Command::new(&program)
        .args(args)
        .env_remove("HAIRPIN_DEVICE")
        .env_remove("HAIRPIN_REPORT")
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("cannot run {}", program.display()))?;
    Ok(Run {
        status: output.status.code().context("ended by a signal")?,
        stdout: String::from_utf8(output.stdout)?,
        stderr: String::from_utf8(output.stderr)?,
    })
}

pub(crate) fn find(name: &str) -> Result<PathBuf> {
    let dir = env::var_os("HAIRPIN_BIN_DIR").map_or_else(
        || {
            let target =
                env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
            root().join(target).join("sim")
        },
        PathBuf::from,
    );
    let program = dir.join(name);
    if !program.is_file() {
        bail!(
            "no {}: build it with `cargo xtask build`, or set HAIRPIN_BIN_DIR",
            program.display()
        );
    }
    Ok(program)
}

/// The arguments of a replay.
#[derive(Clone, Debug)]
pub(crate) struct Replay(Vec<OsString>);

impl Replay {
    pub(crate) fn new(config: &Path, out: &Path) -> Self {
        let args = [
            "replay".as_ref(),
            "--config".as_ref(),
            config.as_os_str(),
            "--out".as_ref(),
            out.as_ref(),
        ];
        Self(args.map(OsStr::to_owned).to_vec())
    }

    /// Plays a capture into a port.
    pub(crate) fn input(mut self, port: &str, file: &Path) -> Self {
        let mut value = OsString::from(format!("{port}="));
        value.push(file);
        self.0.extend(["--in".into(), value]);
        self
    }

    pub(crate) fn arg(mut self, arg: impl Into<OsString>) -> Self {
        self.0.push(arg.into());
        self
    }

    pub(crate) fn run(&self) -> Result<Run> {
        hairpin(&self.0)
    }
}
