// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `setup`: Debian packages, pinned Python tools, the firmware's Rust target.
//!
//! Each part first looks whether there is anything to do, which takes milliseconds.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::ctx::{Ctx, line, on_path, output, run, stage};

/// The target of the soft core.
pub(crate) const TARGET: &str = "riscv32imc-unknown-none-elf";

/// How much a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// All that build, demo, test and check use.
    Everything,
    /// That, and the synthesis tools.
    Synthesis,
    /// Python, Yosys and the solver only.
    Formal,
    /// callgrind only.
    Callgrind,
}

/// A Debian package and how to tell that what it brings is there, on any distribution.
struct Package {
    name: &'static str,
    present: fn() -> bool,
}

const PACKAGES: &[Package] = &[
    Package {
        name: "g++",
        present: || on_path("g++"),
    },
    Package {
        name: "iproute2",
        present: || on_path("ip"),
    },
    Package {
        name: "libpcap-dev",
        present: || Path::new("/usr/include/pcap.h").exists(),
    },
    Package {
        name: "make",
        present: || on_path("make"),
    },
    Package {
        name: "python3",
        present: || on_path("python3"),
    },
    Package {
        name: "python3-venv",
        present: python_makes_venvs,
    },
    Package {
        name: "tshark",
        present: || on_path("tshark"),
    },
    Package {
        name: "verilator",
        present: || on_path("verilator"),
    },
    Package {
        name: "zlib1g-dev",
        present: || Path::new("/usr/include/zlib.h").exists(),
    },
];

/// What the formal jobs use beside Python.
const ABC: Package = Package {
    name: "berkeley-abc",
    present: || on_path("berkeley-abc"),
};

/// What counts instructions.
const VALGRIND: Package = Package {
    name: "valgrind",
    present: || on_path("valgrind"),
};

/// What the example with network namespaces uses.
const NAMESPACES: &[Package] = &[
    Package {
        name: "curl",
        present: || on_path("curl"),
    },
    Package {
        name: "iperf3",
        present: || on_path("iperf3"),
    },
    Package {
        name: "iputils-ping",
        present: || on_path("ping"),
    },
];

/// Debian's own Rust, for machines where the server of `rustup` refuses the target.
const DEBIAN_RUST: &[&str] = &["cargo-web", "rust-web-src", "rustc-web"];

/// The command `setup`, and the first step of all others.
pub(crate) fn run_all(ctx: &Ctx, need: Need) -> Result<()> {
    if need == Need::Callgrind {
        return install([&VALGRIND]);
    }
    if need == Need::Formal {
        return stage("setup: the solver and Yosys", || {
            let python3 = PACKAGES.iter().filter(|p| p.name.starts_with("python3"));
            install(python3.chain([&ABC]))?;
            python(ctx, "requirements-formal.txt")
        });
    }
    stage("setup: system packages, Python tools, Rust target", || {
        install(PACKAGES)?;
        verilator_is_recent()?;
        python(ctx, "requirements.txt")?;
        if need == Need::Synthesis {
            python(ctx, "requirements-syn.txt")?;
        }
        rust_target(ctx)
    })
}

/// For the example with network namespaces, which needs root itself.
pub(crate) fn namespaces() -> Result<()> {
    if is_root()? {
        install(NAMESPACES)
    } else {
        Ok(())
    }
}

fn is_root() -> Result<bool> {
    Ok(output(Command::new("id").arg("-u"))?.trim() == "0")
}

/// Installs those that are not there.
fn install(packages: impl IntoIterator<Item = &'static Package>) -> Result<()> {
    let missing = packages.into_iter().filter(|package| !(package.present)());
    debian(&missing.map(|package| package.name).collect::<Vec<_>>())
}

/// Installs packages as root; without root says which command does it, and stops.
fn debian(packages: &[&str]) -> Result<()> {
    if packages.is_empty() {
        return Ok(());
    }
    let list = packages.join(" ");
    if !on_path("apt-get") {
        bail!("please install these first (Debian's names): {list}");
    }
    if !is_root()? {
        bail!(
            "some packages are missing; run this, then the same command again:\n\n    \
             sudo apt-get install --yes --no-install-recommends {list}\n"
        );
    }
    eprintln!("    installing {list}");
    run_quietly(Command::new("apt-get").args(["update", "--quiet"]))?;
    run_quietly(
        Command::new("apt-get")
            .env("DEBIAN_FRONTEND", "noninteractive")
            .args(["install", "--quiet", "--yes", "--no-install-recommends"])
            .args(packages),
    )
}

fn python_makes_venvs() -> bool {
    let mut command = Command::new("python3");
    command.args(["-c", "import ensurepip, venv"]);
    command.output().is_ok_and(|out| out.status.success())
}

/// Verilator 5.006 is what Debian 12 has; older ones know no timing.
fn verilator_is_recent() -> Result<()> {
    let text = output(Command::new("verilator").arg("--version"))?;
    let version = text.split_whitespace().nth(1).unwrap_or_default();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    let number = |part: &str| part.parse::<u32>().ok();
    let recent = (number(major), number(minor)) >= (Some(5), Some(6));
    if !recent {
        bail!(
            "Verilator 5.006 or later is needed, this is: {}",
            text.trim()
        );
    }
    Ok(())
}

/// Installs a list of pinned packages, each file checked against its hash, into the environment.
fn python(ctx: &Ctx, list: &str) -> Result<()> {
    let venv = ctx.build_dir().join("venv");
    let path = ctx.root.join("xtask").join(list);
    let wanted =
        fs::read_to_string(&path).with_context(|| format!("cannot read {}", path.display()))?;
    let stamp = venv.join(format!("installed-{list}"));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return Ok(());
    }
    if !venv.join("bin/pip").exists() {
        run_quietly(
            ctx.command("python3")
                .args(["-m", "venv", "--clear"])
                .arg(&venv),
        )?;
    }
    eprintln!("    installing xtask/{list}");
    run_quietly(
        ctx.command(ctx.venv_bin("python3"))
            .args([
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
            ])
            .args(["--require-hashes", "--requirement"])
            .arg(&path),
    )?;
    fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))
}

/// How the firmware is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirmwareRust {
    /// The pinned toolchain has the target.
    Rustup,
    /// Debian's compiler, with `core` built from its sources.
    Debian,
}

/// What `setup` arranged for the firmware.
pub(crate) fn firmware_rust(ctx: &Ctx) -> Result<FirmwareRust> {
    let sysroot = output(ctx.command("rustc").args(["--print", "sysroot"]))?;
    let installed = Path::new(sysroot.trim())
        .join("lib/rustlib")
        .join(TARGET)
        .is_dir();
    Ok(if installed {
        FirmwareRust::Rustup
    } else {
        FirmwareRust::Debian
    })
}

fn rust_target(ctx: &Ctx) -> Result<()> {
    if firmware_rust(ctx)? == FirmwareRust::Rustup || debian_rust_is_there() {
        return Ok(());
    }
    let mut add = ctx.command("rustup");
    add.args(["target", "add", TARGET]);
    eprintln!("    {}", line(&add));
    if run(&mut add).is_ok() {
        return Ok(());
    }
    eprintln!("    not to be had from rustup: taking Debian's compiler for the firmware");
    debian(DEBIAN_RUST)
}

fn debian_rust_is_there() -> bool {
    Path::new("/usr/bin/rustc").exists() && Path::new("/usr/lib/rustlib/src/rust/library").exists()
}

/// Runs an installer; what it said is shown only if it fails.
fn run_quietly(command: &mut Command) -> Result<()> {
    command.stdin(std::process::Stdio::null());
    output(command).map(drop)
}
