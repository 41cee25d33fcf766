// SPDX-License-Identifier: Apache-2.0 OR MIT
//! QEMU, a stock Debian kernel and busybox, unpacked into `.build/vm/root`. Nothing is installed and nobody has to be
//! root: apt resolves and downloads with a state of its own, dpkg unpacks, QEMU runs with the libraries beside it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use crate::build::display;
use crate::ctx::{Ctx, on_path, output, stage};

/// The release that all packages are taken from.
const SUITE: &str = "trixie";
/// But for these, which come from its backports: the release's QEMU (10.0) cannot attach devices over vfio-user.
const BACKPORTS: &str = "src:qemu src:seabios";
const PACKAGES: [&str; 3] = ["busybox-static", "linux-image-amd64", "qemu-system-x86"];
/// The first QEMU with `vfio-user-pci`.
const QEMU_NEEDED: (u32, u32) = (10, 1);
/// Signs the packages.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// Says where to download from, where the machine's apt does not know any Debian.
const MIRROR: &str = "HAIRPIN_DEBIAN_MIRROR";

/// What was unpacked.
#[derive(Debug)]
pub(crate) struct Kit {
    /// `.build/vm`.
    pub(crate) dir: PathBuf,
    /// Version of the guests' kernel, as `uname -r` prints it.
    pub(crate) kernel: String,
}

impl Kit {
    /// The script that starts QEMU.
    pub(crate) fn qemu(&self) -> PathBuf {
        self.dir.join("qemu")
    }

    /// The guests' kernel, as Debian's package has it.
    pub(crate) fn vmlinuz(&self) -> PathBuf {
        self.dir.join("vmlinuz")
    }

    /// Where the kernel's modules are.
    pub(crate) fn modules(&self) -> PathBuf {
        self.root().join("usr/lib/modules").join(&self.kernel)
    }

    /// A statically linked busybox, which runs here as well as in a guest.
    pub(crate) fn busybox(&self) -> PathBuf {
        self.root().join("usr/bin/busybox")
    }

    fn root(&self) -> PathBuf {
        self.dir.join("root")
    }
}

/// Downloads and unpacks what is not there yet.
pub(crate) fn kit(ctx: &Ctx) -> Result<Kit> {
    let dir = ctx.build_dir().join("vm");
    let stamp = dir.join("installed");
    let wanted = format!("{SUITE}; {BACKPORTS}; {}\n", PACKAGES.join(" "));
    if fs::read_to_string(&stamp).is_ok_and(|installed| installed == wanted) {
        return found(dir);
    }
    stage("vm: QEMU, Debian's kernel and busybox", || {
        for program in ["apt-get", "dpkg-deb"] {
            ensure!(
                on_path(program),
                "{program} is needed: virtual machines are made of Debian's packages"
            );
        }
        ensure!(
            Path::new(KEYRING).exists(),
            "{KEYRING} is missing; run this, then the same command again:\n\n    \
             sudo apt-get install --yes debian-archive-keyring\n"
        );
        let apt = Apt::new(&dir.join("apt"))?;
        eprintln!(
            "    downloading {} and what they need, 150 MB",
            PACKAGES.join(", ")
        );
        apt.get(&["update", "--quiet"])?;
        let install = ["install", "--quiet", "--yes", "--download-only"];
        apt.get(&[&install[..], &PACKAGES[..]].concat())?;
        eprintln!("    unpacking into {}", display(ctx, &dir.join("root")));
        unpack(&apt.archives(), &dir)?;
        fs::remove_dir_all(&apt.dir)?;
        let kit = found(dir)?;
        qemu_is_recent(&kit)?;
        fs::write(&stamp, &wanted)?;
        Ok(kit)
    })
}

fn found(dir: PathBuf) -> Result<Kit> {
    let modules = dir.join("root/usr/lib/modules");
    let mut kernels = Vec::new();
    for entry in
        fs::read_dir(&modules).with_context(|| format!("cannot read {}", modules.display()))?
    {
        kernels.push(entry?.file_name().to_string_lossy().into_owned());
    }
    let [kernel] = &kernels[..] else {
        bail!(
            "one kernel was expected in {}: {kernels:?}",
            modules.display()
        );
    };
    Ok(Kit {
        kernel: kernel.clone(),
        dir,
    })
}

/// apt with its own lists, cache and empty list of installed packages.
struct Apt {
    dir: PathBuf,
}

impl Apt {
    fn new(dir: &Path) -> Result<Self> {
        for part in ["state/lists/partial", "cache/archives/partial"] {
            fs::create_dir_all(dir.join(part))?;
        }
        let at = dir.display();
        let source = format!("deb [arch=amd64 signed-by={KEYRING}] {}", mirror()?);
        let files = [
            ("state/status", String::new()),
            (
                "sources.list",
                format!("{source} {SUITE} main\n{source} {SUITE}-backports main\n"),
            ),
            (
                "preferences",
                format!(
                    "Package: {BACKPORTS}\nPin: release n={SUITE}-backports\nPin-Priority: 990\n"
                ),
            ),
            (
                "apt.conf",
                format!(
                    "Dir::State \"{at}/state\"; Dir::State::status \"{at}/state/status\"; Dir::Cache \"{at}/cache\";\n\
                     Dir::Etc::SourceList \"{at}/sources.list\"; Dir::Etc::SourceParts \"/dev/null\";\n\
                     Dir::Etc::Preferences \"{at}/preferences\"; Dir::Etc::PreferencesParts \"/dev/null\";\n\
                     APT::Architecture \"amd64\"; APT::Architectures {{ \"amd64\"; }};\n\
                     APT::Install-Recommends \"false\"; APT::Sandbox::User \"root\"; Acquire::Languages \"none\";\n\
                     Debug::NoLocking \"true\";\n"
                ),
            ),
        ];
        for (name, text) in files {
            fs::write(dir.join(name), text)?;
        }
        Ok(Self {
            dir: dir.to_path_buf(),
        })
    }

    fn get(&self, args: &[&str]) -> Result<()> {
        let mut command = Command::new("apt-get");
        command
            .env("APT_CONFIG", self.dir.join("apt.conf"))
            .env("LC_ALL", "C")
            .args(args);
        output(&mut command).map(drop)
    }

    fn archives(&self) -> PathBuf {
        self.dir.join("cache/archives")
    }
}

/// Debian's mirror that the machine's own apt uses.
fn mirror() -> Result<String> {
    if let Ok(mirror) = std::env::var(MIRROR) {
        return Ok(mirror);
    }
    let mut command = Command::new("apt-get");
    command.args([
        "indextargets",
        "--format",
        "$(LABEL) $(COMPONENT) $(REPO_URI)",
        "Created-By: Packages",
    ]);
    let known = output(&mut command)?;
    let debian = known
        .lines()
        .find_map(|line| line.strip_prefix("Debian main "));
    debian.map(str::to_owned).with_context(|| {
        format!(
            "apt knows no Debian mirror: set {MIRROR} to the address of one, or run `apt-get update` \
             first if it should know one"
        )
    })
}

/// Unpacks all packages to `root`, and puts beside it what a person may want to use.
fn unpack(archives: &Path, dir: &Path) -> Result<()> {
    let (part, root) = (dir.join("root.part"), dir.join("root"));
    for old in [&part, &root] {
        if old.exists() {
            fs::remove_dir_all(old).with_context(|| format!("cannot remove {}", old.display()))?;
        }
    }
    fs::create_dir_all(&part)?;
    let mut debs: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(archives)? {
        debs.push(entry?.path());
    }
    debs.retain(|path| path.extension().is_some_and(|end| end == "deb"));
    debs.sort();
    let mut versions = String::new();
    for deb in &debs {
        output(
            Command::new("dpkg-deb")
                .arg("--extract")
                .arg(deb)
                .arg(&part),
        )?;
        let name = deb.file_stem().unwrap_or_default().to_string_lossy();
        versions += &format!("{}\n", name.replace("%3a", ":"));
    }
    // QEMU finds its files relative to the program that was started, which is the loader.
    fs::copy(
        part.join("usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2"),
        part.join("usr/bin/ld.so"),
    )
    .context("no dynamic loader among the packages")?;
    let boot = part.join("boot");
    let mut kernels = fs::read_dir(&boot)
        .with_context(|| format!("cannot read {}", boot.display()))?
        .flatten();
    let kernel = kernels.find(|entry| entry.file_name().to_string_lossy().starts_with("vmlinuz-"));
    fs::copy(
        kernel.context("no kernel among the packages")?.path(),
        dir.join("vmlinuz"),
    )?;
    let qemu = dir.join("qemu");
    fs::write(&qemu, START_QEMU)?;
    fs::set_permissions(&qemu, fs::Permissions::from_mode(0o755))?;
    fs::write(dir.join("versions"), versions)?;
    fs::rename(&part, &root)?;
    Ok(())
}

const START_QEMU: &str = r#"#!/bin/sh
# QEMU of Debian's packages, with the libraries and firmware that were unpacked beside it.
usr=$(dirname "$(readlink -f "$0")")/root/usr
exec "$usr/bin/ld.so" --library-path "$usr/lib/x86_64-linux-gnu" "$usr/bin/qemu-system-x86_64" \
  -L "$usr/share/qemu" -L "$usr/share/seabios" "$@"
"#;

fn qemu_is_recent(kit: &Kit) -> Result<()> {
    let text = output(Command::new(kit.qemu()).arg("--version"))?;
    let version = text.split_whitespace().nth(3).unwrap_or_default();
    let mut numbers = version.split('.').map(|part| part.parse::<u32>().ok());
    let recent = match (numbers.next().flatten(), numbers.next().flatten()) {
        (Some(major), Some(minor)) => (major, minor) >= QEMU_NEEDED,
        _ => false,
    };
    ensure!(
        recent,
        "QEMU {}.{} or later is needed, this is: {}",
        QEMU_NEEDED.0,
        QEMU_NEEDED.1,
        text.trim()
    );
    eprintln!(
        "    QEMU {version}, Linux {}; all versions: {}",
        kit.kernel,
        kit.dir.join("versions").display()
    );
    Ok(())
}
