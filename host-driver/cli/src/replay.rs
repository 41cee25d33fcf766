// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `replay` and `sim` are done by `hairpin-sim`, which links the model of the NIC; this program links none.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use hairpin_driver::Diagnostic;
use hairpin_driver::cli::{ReplayArgs, SimArgs};

const SIMULATOR: &str = "hairpin-sim";

/// Plays captures.
pub(crate) fn run(mut args: ReplayArgs, json: bool) -> Result<(), Diagnostic> {
    args.json |= json;
    become_simulator("replay", args.to_args())
}

/// Serves the NIC's functions.
pub(crate) fn serve(mut args: SimArgs, json: bool) -> Result<(), Diagnostic> {
    args.json |= json;
    become_simulator("sim", args.to_args())
}

/// Becomes the simulator, so that its exit status is ours. Returns only if that failed.
fn become_simulator(command: &str, args: Vec<OsString>) -> Result<(), Diagnostic> {
    let program = find().ok_or_else(|| {
        Diagnostic::new(
            "no-simulator",
            format!("{SIMULATOR} is neither beside this program nor on PATH"),
        )
        .help("build it with `cargo xtask build`, or put it on PATH")
    })?;
    let error = Command::new(&program).arg(command).args(args).exec();
    Err(Diagnostic::new("no-simulator", format!("cannot run {SIMULATOR}: {error}")).file(program))
}

/// The simulator beside this program, else on PATH.
fn find() -> Option<PathBuf> {
    let own = env::current_exe()
        .ok()
        .and_then(|path| path.parent().map(PathBuf::from));
    let path = env::var_os("PATH").unwrap_or_default();
    own.into_iter()
        .chain(env::split_paths(&path))
        .map(|dir| dir.join(SIMULATOR))
        .find(|program| program.is_file())
}
