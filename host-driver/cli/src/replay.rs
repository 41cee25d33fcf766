// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `replay` is done by `hairpin-sim`, which links the model of the NIC; this program links none.

use std::env;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use hairpin_driver::Diagnostic;
use hairpin_driver::cli::ReplayArgs;

const SIMULATOR: &str = "hairpin-sim";

/// Becomes the simulator, so that its exit status is ours. Returns only if that failed.
pub(crate) fn run(mut args: ReplayArgs, json: bool) -> Result<(), Diagnostic> {
    args.json |= json;
    let program = find().ok_or_else(|| {
        Diagnostic::new(
            "no-simulator",
            format!("{SIMULATOR} is neither beside this program nor on PATH"),
        )
        .help("build it with `cargo xtask build`, or put it on PATH")
    })?;
    let error = Command::new(&program)
        .arg("replay")
        .args(args.to_args())
        .exec();
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
