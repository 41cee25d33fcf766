// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The firmware image that a command needs.

use std::env;
use std::path::PathBuf;

use hairpin_driver::Diagnostic;
use hairpin_driver::image::FirmwareImage;

const IMAGE: &str = "hairpin-nic.elf";
/// Where the build leaves it.
const BUILT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../.build/firmware/hairpin-nic.elf"
);

/// Reads the image that was named, or else the one beside this program or of this build.
pub(crate) fn read(named: Option<PathBuf>) -> Result<(PathBuf, FirmwareImage), Diagnostic> {
    let beside = || {
        let dir = env::current_exe().ok()?.parent()?.to_owned();
        [dir.join(IMAGE), PathBuf::from(BUILT)]
            .into_iter()
            .find(|path| path.is_file())
    };
    let path = named.or_else(beside).ok_or_else(|| {
        Diagnostic::new(
            "no-firmware",
            format!("there is no {IMAGE} beside this program"),
        )
        .field("--firmware")
        .help("build it with `cargo xtask build`, or name one: --firmware ELF")
    })?;
    let image = FirmwareImage::read(&path).map_err(|error| error.into_diagnostic(&path))?;
    Ok((path, image))
}
