// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Turns the RTL into the libraries that `hairpin-sim` links.
//!
//! Each variant is Verilated under its own prefix, compiled with the C++ shim of
//! `rtl-sim/sim/cpp`, and archived as `.build/model/libhairpin_<variant>.a`; the Verilated runtime
//! they share is `libhairpin_runtime.a`. A key over every source, flag and the Verilator version
//! lies beside each archive, so that an unchanged model costs nothing.

use std::ffi::OsStr;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use anyhow::{Context, Result, bail, ensure};

/// One way to build the model.
#[derive(Clone, Copy)]
struct Variant {
    name: &'static str,
    verilator: &'static [&'static str],
    /// Bits of `hp_api.flags`: 1 assertions, 2 waves, 4 small tables.
    flags: u32,
    optimise: &'static str,
}

/// Tables so small that they are full before a test ends, that all of their banks are in use, and that
/// keys which differ little meet in one slot.
const SMALL: [&str; 2] = ["-GMAC_DEPTH=64", "-GFLOW_DEPTH=16"];
/// `hp_api.flags` of a model with them.
const SMALL_FLAG: u32 = 4;

const VARIANTS: [Variant; 4] = [
    // Everything random at power-up, every assertion on: tests and replays.
    Variant {
        name: "check",
        verilator: &["--assert", "--x-assign", "unique", "--x-initial", "unique"],
        flags: 1,
        optimise: "-O2",
    },
    // `check` with small tables.
    Variant {
        name: "small",
        verilator: &["--assert", "--x-assign", "unique", "--x-initial", "unique"],
        flags: 1 | SMALL_FLAG,
        optimise: "-O2",
    },
    // No assertions: benchmarks.
    Variant {
        name: "fast",
        verilator: &["--x-assign", "fast", "--x-initial", "fast"],
        flags: 0,
        optimise: "-O3",
    },
    // `check` with waves, for the second run of a seed that failed.
    Variant {
        name: "trace",
        verilator: &[
            "--assert",
            "--x-assign",
            "unique",
            "--x-initial",
            "unique",
            "--trace-fst",
            "--trace-structs",
        ],
        flags: 3,
        optimise: "-O1",
    },
];

/// Says which tables the model with waves has: `small`, or anything else for those of `check`.
const WAVES_OF: &str = "HAIRPIN_WAVES";

impl Variant {
    /// The variant as this build wants it.
    fn wanted(mut self) -> Self {
        if self.name == "trace" && std::env::var_os(WAVES_OF).is_some_and(|of| of == "small") {
            self.flags |= SMALL_FLAG;
        }
        self
    }

    /// Sizes that are not those of the RTL.
    fn sizes(&self) -> &'static [&'static str] {
        if self.flags & SMALL_FLAG == 0 {
            &[]
        } else {
            &SMALL
        }
    }

    /// Name of the Verilated class.
    fn top(&self) -> String {
        format!("hp_{}", self.name)
    }
}

/// The variant that replays run on.
const REPLAY: &str = "check";

/// RTL that changes from build to build: quick to compile, with small tables.
const CHANGED: Variant = Variant {
    name: "check",
    verilator: &["--assert", "--x-assign", "unique", "--x-initial", "unique"],
    flags: 1 | SMALL_FLAG,
    optimise: "-O1",
};

/// Width of the streams and number of VFs of the models.
const DATA_W: u32 = 512;
const N_VF: u32 = 8;

/// Flags that every variant shares.
const COMMON: [&str; 12] = [
    "--cc",
    "-O3",
    "--top-module",
    "hp_sim_top",
    "-Wno-lint",
    "-Wno-style",
    "--no-timing",
    "--output-split",
    "20000",
    // Verilator 5.006 forgets to declare the counter of a loop over the words that an assertion samples.
    "--reloop-limit",
    "64",
    "-DHP_SIMULATION",
];

/// What a model is made of, and where it goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place<'a> {
    /// Top of the checkout.
    pub(crate) root: &'a Path,
    /// Root of the Ibex sources (the `system_verilog` folder of `pythondata_cpu_ibex`).
    pub(crate) ibex: &'a Path,
    /// The NIC's own sources.
    pub(crate) rtl: &'a Path,
    /// Folder of the archives.
    pub(crate) out: &'a Path,
}

/// Which models a command needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Models {
    /// All of them.
    All,
    /// That of replays. The others stay as they are if they are current, and are left out if not.
    Replay,
}

/// Builds whatever is missing or out of date in `.build/model`.
///
/// `ibex` is the root of the Ibex sources (the `system_verilog` folder of `pythondata_cpu_ibex`).
///
/// # Errors
/// A missing tool or source, or the output of the tool that failed.
pub(crate) fn build_models(root: &Path, ibex: &Path, models: Models) -> Result<()> {
    let (rtl, out) = (root.join("rtl-sim/rtl"), root.join(".build/model"));
    let step = Step::new(Place {
        root,
        ibex,
        rtl: &rtl,
        out: &out,
    })?;
    let _lock = step.lock()?;
    let base = step.key()?;
    step.fresh("runtime", &base, || step.runtime())?;
    for variant in VARIANTS.map(Variant::wanted) {
        let mut key = base.clone();
        let Variant {
            verilator,
            flags,
            optimise,
            ..
        } = variant;
        key.add(format!("{verilator:?} {flags} {optimise} {:?}", variant.sizes()).as_bytes());
        if models == Models::All || variant.name == REPLAY || step.is_fresh(variant.name, &key) {
            step.fresh(variant.name, &key, || step.variant(&variant))?;
        } else {
            key.add(b"left out");
            step.fresh(variant.name, &key, || step.left_out(&variant))?;
        }
    }
    Ok(())
}

/// Builds the model of RTL that changes a little from call to call, quickly: one variant stands in for
/// all, and only C++ that differs from the last call's is compiled.
///
/// # Errors
/// As [`build_models`].
pub(crate) fn build_changed(place: Place<'_>) -> Result<()> {
    let step = Step::new(place)?;
    let _lock = step.lock()?;
    let mut base = Key::new();
    base.add(step.version.as_bytes());
    step.add_sources(&mut base, &["rtl-sim/sim/cpp".as_ref()])?;
    step.fresh("runtime", &base, || step.runtime())?;

    let verilated = place.out.join("verilated");
    clean(&verilated)?;
    step.verilate(&CHANGED, &verilated)?;
    let dir = place.out.join(CHANGED.name);
    update(&verilated, &dir)?;
    step.compile(&CHANGED, &dir)?;
    let shim = place.out.join("hp_shim.o");
    step.shim(&CHANGED, &dir, &shim)?;
    let mut objects = objects_in(&dir)?;
    objects.push(shim);
    step.pack(CHANGED.name, &objects)?;
    for variant in VARIANTS.iter().filter(|v| v.name != CHANGED.name) {
        step.fresh(variant.name, &base, || step.stand_in(variant, &CHANGED))?;
    }
    Ok(())
}

/// The entry point of a model.
fn declaration(name: &str) -> String {
    format!("extern \"C\" const hp_api* hairpin_model_{name}()")
}

struct Step<'a> {
    place: Place<'a>,
    version: String,
    include: PathBuf,
}

impl<'a> Step<'a> {
    fn new(place: Place<'a>) -> Result<Self> {
        ensure!(
            place.ibex.is_dir(),
            "no Ibex sources at {}: run `cargo xtask setup`",
            place.ibex.display()
        );
        let out = place.out;
        fs::create_dir_all(out).with_context(|| format!("creating {}", out.display()))?;
        let version = output(Command::new("verilator").arg("--version"))
            .context("running verilator: run `cargo xtask setup`")?;
        let verilator_root =
            output(Command::new("verilator").args(["--getenv", "VERILATOR_ROOT"]))?;
        Ok(Self {
            place,
            version,
            include: Path::new(verilator_root.trim()).join("include"),
        })
    }

    /// Two builds at once would take each other's files away.
    fn lock(&self) -> Result<fs::File> {
        let lock = fs::File::create(self.place.out.join("lock"))?;
        lock.lock()
            .context("waiting for another build of the model")?;
        Ok(lock)
    }

    /// A key over all that goes into every variant.
    fn key(&self) -> Result<Key> {
        let Place { ibex, rtl, .. } = self.place;
        let mut base = Key::new();
        base.add(self.version.as_bytes());
        base.add(format!("{COMMON:?} {DATA_W} {N_VF}").as_bytes());
        base.add(ibex.as_os_str().as_encoded_bytes());
        self.add_sources(
            &mut base,
            &[rtl, "rtl-sim/sim/cpp".as_ref(), "rtl-sim/sim/sv".as_ref()],
        )?;

        // Pinned by set-up: names and sizes tell one release from another.
        let mut third_party = Vec::new();
        collect(ibex, &mut third_party)?;
        third_party.sort();
        for path in &third_party {
            base.add(path.as_os_str().as_encoded_bytes());
            base.add(&fs::metadata(path)?.len().to_le_bytes());
        }
        Ok(base)
    }

    /// Adds every source in these folders of the checkout.
    fn add_sources(&self, key: &mut Key, folders: &[&Path]) -> Result<()> {
        let mut sources = Vec::new();
        for folder in folders {
            collect(&self.place.root.join(folder), &mut sources)?;
        }
        sources.sort();
        for path in &sources {
            key.add(path.as_os_str().as_encoded_bytes());
            key.add(&fs::read(path).with_context(|| format!("reading {}", path.display()))?);
        }
        Ok(())
    }

    /// Runs `build` unless the archive of that name was built from the same sources.
    fn fresh(&self, name: &str, key: &Key, build: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.is_fresh(name, key) {
            return Ok(());
        }
        let stamp = self.stamp(name);
        eprint!("model: {name} … ");
        let start = Instant::now();
        // A broken build must not look current to the next one.
        let _ = fs::remove_file(&stamp);
        build().with_context(|| format!("building the `{name}` model"))?;
        fs::write(&stamp, key.text())?;
        eprintln!("{:.1} s", start.elapsed().as_secs_f64());
        Ok(())
    }

    /// Whether the archive of that name was built from the same sources.
    fn is_fresh(&self, name: &str, key: &Key) -> bool {
        let built = fs::read_to_string(self.stamp(name));
        self.archive(name).exists() && built.is_ok_and(|old| old == key.text())
    }

    fn stamp(&self, name: &str) -> PathBuf {
        self.place.out.join(format!("{name}.key"))
    }

    fn archive(&self, name: &str) -> PathBuf {
        self.place.out.join(format!("libhairpin_{name}.a"))
    }

    fn cpp(&self) -> PathBuf {
        self.place.root.join("rtl-sim/sim/cpp")
    }

    fn compiler(&self, optimise: &str) -> Command {
        let mut c = Command::new("c++");
        c.args(["-std=c++17", "-fPIC", "-DVM_TRACE=1", "-DVM_TRACE_FST=1"])
            .args(["-DVL_USER_FINISH", "-DVL_USER_STOP", "-DVL_USER_FATAL"])
            .arg("-include")
            .arg(self.cpp().join("hp_vl.h"))
            .arg(optimise)
            .arg("-I")
            .arg(self.cpp())
            .arg("-isystem")
            .arg(&self.include)
            .arg("-isystem")
            .arg(self.include.join("vltstd"));
        c
    }

    fn runtime(&self) -> Result<()> {
        let dir = self.place.out.join("runtime");
        clean(&dir)?;
        let mut objects = Vec::new();
        for source in [
            self.include.join("verilated.cpp"),
            self.include.join("verilated_threads.cpp"),
            self.include.join("verilated_fst_c.cpp"),
            self.cpp().join("hp_runtime.cpp"),
        ] {
            let object = dir
                .join(source.file_name().unwrap_or_default())
                .with_extension("o");
            output(
                self.compiler("-O2")
                    .arg("-c")
                    .arg(&source)
                    .arg("-o")
                    .arg(&object),
            )?;
            objects.push(object);
        }
        self.pack("runtime", &objects)
    }

    fn variant(&self, variant: &Variant) -> Result<()> {
        let dir = self.place.out.join(variant.name);
        clean(&dir)?;
        self.verilate(variant, &dir)?;
        self.compile(variant, &dir)?;
        self.shim(variant, &dir, &dir.join("hp_shim.o"))?;
        self.pack(variant.name, &objects_in(&dir)?)
    }

    /// RTL to C++ in `dir`.
    fn verilate(&self, variant: &Variant, dir: &Path) -> Result<()> {
        let Place {
            root, ibex, rtl, ..
        } = self.place;
        output(
            Command::new("verilator")
                .current_dir(root)
                .env("HAIRPIN_IBEX", ibex)
                .env("HAIRPIN_RTL", rtl)
                .args(COMMON)
                .args(variant.verilator)
                .args(variant.sizes())
                .arg(format!("-GDATA_W={DATA_W}"))
                .arg(format!("-GN_VF={N_VF}"))
                .arg("--prefix")
                .arg(variant.top())
                .arg("-Mdir")
                .arg(dir)
                .arg("-f")
                .arg(rtl.join("ibex/ibex.f"))
                .arg("-f")
                .arg(rtl.join("hairpin.f"))
                .arg("rtl-sim/sim/sv/hp_sim_top.sv"),
        )?;
        Ok(())
    }

    /// C++ in `dir` to objects beside it.
    fn compile(&self, variant: &Variant, dir: &Path) -> Result<()> {
        let top = variant.top();
        let flags = format!("-fPIC -include {}", self.cpp().join("hp_vl.h").display());
        output(
            Command::new("make")
                .arg("-C")
                .arg(dir)
                .arg("-j2")
                .arg("-f")
                .arg(format!("{top}.mk"))
                .arg(format!("OPT_FAST={}", variant.optimise))
                .arg("OPT_SLOW=-O0")
                .arg(format!("OPT_GLOBAL={}", variant.optimise))
                .arg(format!("CXXFLAGS={flags}"))
                .arg(format!("{top}__ALL.a")),
        )?;
        Ok(())
    }

    /// The archive of a variant that is not there.
    fn left_out(&self, variant: &Variant) -> Result<()> {
        self.entry(variant, "nullptr", "")
    }

    /// The archive of a variant that is another one in truth.
    fn stand_in(&self, variant: &Variant, other: &Variant) -> Result<()> {
        let declared = format!("{};\n", declaration(other.name));
        let model = format!("hairpin_model_{}()", other.name);
        self.entry(variant, &model, &declared)
    }

    /// An archive that has nothing but the entry point of a variant.
    fn entry(&self, variant: &Variant, model: &str, declared: &str) -> Result<()> {
        let source = self.place.out.join(format!("{}.cpp", variant.name));
        let object = source.with_extension("o");
        let text = format!(
            "#include \"hp_shim.h\"\n{declared}{} {{ return {model}; }}\n",
            declaration(variant.name)
        );
        fs::write(&source, text).with_context(|| format!("writing {}", source.display()))?;
        output(
            self.compiler("-O1")
                .arg("-c")
                .arg(&source)
                .arg("-o")
                .arg(&object),
        )?;
        self.pack(variant.name, &[object])
    }

    /// The C interface of the model in `dir`.
    fn shim(&self, variant: &Variant, dir: &Path, object: &Path) -> Result<()> {
        let (name, top) = (variant.name, variant.top());
        output(
            self.compiler(variant.optimise)
                .args(["-Wall", "-Wextra", "-Werror"])
                .arg("-isystem")
                .arg(dir)
                .arg(format!("-DHP_TOP={top}"))
                .arg(format!("-DHP_TOP_H=\"{top}.h\""))
                .arg(format!("-Dhp_model=hp_model_{name}_t"))
                .arg(format!("-DHP_ENTRY=hairpin_model_{name}"))
                .arg(format!("-DHP_FLAGS={}", variant.flags))
                .arg(format!("-DHP_DATA_W={DATA_W}"))
                .arg(format!("-DHP_N_VF={N_VF}"))
                .arg("-c")
                .arg(self.cpp().join("hp_shim.cpp"))
                .arg("-o")
                .arg(object),
        )?;
        Ok(())
    }

    fn pack(&self, name: &str, objects: &[PathBuf]) -> Result<()> {
        let archive = self.archive(name);
        if archive.exists() {
            fs::remove_file(&archive)?;
        }
        output(Command::new("ar").arg("rcs").arg(&archive).args(objects))?;
        Ok(())
    }
}

fn clean(dir: &Path) -> Result<()> {
    if dir.exists() {
        fs::remove_dir_all(dir).with_context(|| format!("removing {}", dir.display()))?;
    }
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))
}

/// The objects in `dir`.
fn objects_in(dir: &Path) -> Result<Vec<PathBuf>> {
    let mut objects = Vec::new();
    for entry in fs::read_dir(dir)? {
        let path = entry?.path();
        if path.extension() == Some(OsStr::new("o")) {
            objects.push(path);
        }
    }
    objects.sort();
    Ok(objects)
}

/// Makes `to` hold the files of `from` and the objects made of them. Files that are the same
/// already keep their time stamps, so that `make` leaves their objects alone.
fn update(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("creating {}", to.display()))?;
    for entry in fs::read_dir(to)? {
        let path = entry?.path();
        let source = from.join(path.file_name().unwrap_or_default());
        if !source.exists() && !source.with_extension("cpp").exists() {
            fs::remove_file(&path).with_context(|| format!("removing {}", path.display()))?;
        }
    }
    for entry in fs::read_dir(from)? {
        let source = entry?.path();
        let path = to.join(source.file_name().unwrap_or_default());
        let text = fs::read(&source).with_context(|| format!("reading {}", source.display()))?;
        if fs::read(&path).ok().as_ref() != Some(&text) {
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
    }
    Ok(())
}

/// Every source below `dir`.
fn collect(dir: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs::read_dir(dir).with_context(|| format!("reading {}", dir.display()))? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else if path
            .extension()
            .and_then(OsStr::to_str)
            .is_some_and(|e| ["sv", "svh", "v", "vh", "f", "vlt", "cpp", "h"].contains(&e))
        {
            into.push(path);
        }
    }
    Ok(())
}

/// Runs a command to its end and returns what it printed; its whole output is the error.
fn output(command: &mut Command) -> Result<String> {
    let program = command.get_program().to_string_lossy().into_owned();
    let out = command
        .output()
        .with_context(|| format!("cannot run {program}"))?;
    let text = String::from_utf8_lossy(&out.stdout).into_owned();
    if !out.status.success() {
        bail!(
            "{program} failed ({})\n{text}{}",
            out.status,
            String::from_utf8_lossy(&out.stderr)
        );
    }
    Ok(text)
}

/// FNV-1a, twice with different offsets: tells changed sources, guards against nothing else.
#[derive(Clone)]
struct Key([u64; 2]);

impl Key {
    fn new() -> Self {
        Self([0xcbf2_9ce4_8422_2325, 0x6c62_272e_07bb_0142])
    }

    fn add(&mut self, bytes: &[u8]) {
        for (lane, hash) in self.0.iter_mut().enumerate() {
            for &b in bytes.iter().chain(&(bytes.len() as u64).to_le_bytes()) {
                *hash = (*hash ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01b3);
                *hash = hash.rotate_left(lane as u32 * 7);
            }
        }
    }

    fn text(&self) -> String {
        let mut text = String::new();
        for hash in self.0 {
            let _ = write!(text, "{hash:016x}");
        }
        text
    }
}
