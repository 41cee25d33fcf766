// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Where things are, and how programs are run.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;
use std::{env, fs};

use anyhow::{Context as _, Result, bail};

/// Paths of one checkout.
#[derive(Debug)]
pub(crate) struct Ctx {
    /// Top of the repository.
    pub(crate) root: PathBuf,
}

impl Ctx {
    /// The checkout this program was started in.
    pub(crate) fn find() -> Result<Self> {
        let dir =
            env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&dir)
            .parent()
            .context("xtask has no parent directory")?;
        Ok(Self {
            root: root.to_path_buf(),
        })
    }

    /// Everything generated that cargo does not keep itself.
    pub(crate) fn build_dir(&self) -> PathBuf {
        self.root.join(".build")
    }

    /// A program of the Python environment.
    pub(crate) fn venv_bin(&self, name: &str) -> PathBuf {
        self.build_dir().join("venv/bin").join(name)
    }

    /// Where cargo puts the programs of profile `sim`.
    pub(crate) fn sim_bin(&self, name: &str) -> PathBuf {
        self.target("sim").join(name)
    }

    /// A path below the folder that Cargo builds in.
    pub(crate) fn target(&self, path: &str) -> PathBuf {
        let target = env::var_os("CARGO_TARGET_DIR").map_or_else(|| "target".into(), PathBuf::from);
        self.root.join(target).join(path)
    }

    /// The firmware image that [`crate::build::firmware`] leaves.
    pub(crate) fn firmware_elf(&self) -> PathBuf {
        self.build_dir().join("firmware/hairpin-nic.elf")
    }

    /// Sources of the soft core inside the Python environment.
    pub(crate) fn ibex(&self) -> Result<PathBuf> {
        let lib = self.build_dir().join("venv/lib");
        let found = fs::read_dir(&lib)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| {
                entry
                    .path()
                    .join("site-packages/pythondata_cpu_ibex/system_verilog")
            });
        found
            .into_iter()
            .find(|path| path.is_dir())
            .with_context(|| {
                format!(
                    "no soft core sources below {}: run `cargo xtask setup`",
                    lib.display()
                )
            })
    }

    /// A command that runs at the top of the checkout and knows where the RTL's file lists point.
    pub(crate) fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(&self.root)
            .env("HAIRPIN_RTL", self.root.join("rtl-sim/rtl"));
        if let Ok(ibex) = self.ibex() {
            command.env("HAIRPIN_IBEX", ibex);
        }
        command
    }

    /// `cargo` at the top of the checkout.
    pub(crate) fn cargo(&self) -> Command {
        self.command("cargo")
    }
}

/// Runs `f` as a stage: says what it does, then how long it took.
pub(crate) fn stage<T>(name: &str, f: impl FnOnce() -> Result<T>) -> Result<T> {
    eprintln!("==> {name}");
    let start = Instant::now();
    let result = f();
    let outcome = if result.is_ok() { "done" } else { "FAILED" };
    eprintln!(
        "    {outcome} in {:.1} s: {name}",
        start.elapsed().as_secs_f64()
    );
    result
}

/// Runs a command to its end; an error names it.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command
        .status()
        .with_context(|| format!("cannot run {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Runs a command and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let out = command
        .output()
        .with_context(|| format!("cannot run {}", line(command)))?;
    if !out.status.success() {
        let stderr = String::from_utf8_lossy(&out.stderr);
        bail!("{} ended with {}:\n{stderr}", line(command), out.status);
    }
    Ok(String::from_utf8_lossy(&out.stdout).into_owned())
}

/// The command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let mut text = command.get_program().to_string_lossy().into_owned();
    for arg in command.get_args() {
        text.push(' ');
        text.push_str(&arg.to_string_lossy());
    }
    text
}

/// Whether a program of this name is on `PATH`.
pub(crate) fn on_path(program: &str) -> bool {
    env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|dir| dir.join(program).is_file()))
}
