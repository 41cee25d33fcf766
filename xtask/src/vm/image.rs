// SPDX-License-Identifier: Apache-2.0 OR MIT
//! First file systems of guests: busybox, modules of the stock kernel, `hil-tests/vm/init.sh`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};

use super::cpio::Cpio;
use super::fetch::Kit;
use crate::ctx::{Ctx, output};

/// What goes into an image beside busybox and the init script.
#[derive(Debug, Default)]
pub(crate) struct Contents {
    /// Modules that the guest loads; those that they need come along.
    pub(crate) modules: Vec<&'static str>,
    /// Files: path in the guest, without leading slash, and where it comes from.
    pub(crate) files: Vec<(String, PathBuf)>,
}

impl Contents {
    /// Adds a program of this machine and the libraries that it is linked with.
    pub(crate) fn program(&mut self, path: &str, from: &Path) -> Result<()> {
        self.files.push((path.to_owned(), from.to_path_buf()));
        let text = output(Command::new("ldd").arg(from))?;
        for library in libraries(&text)? {
            self.files
                .push((library.trim_start_matches('/').to_owned(), library.into()));
        }
        Ok(())
    }
}

/// The files in what `ldd` says.
fn libraries(ldd: &str) -> Result<Vec<&str>> {
    let mut found = Vec::new();
    for line in ldd.lines().map(str::trim) {
        ensure!(!line.contains("not found"), "a library is missing: {line}");
        let file = line
            .split(" => ")
            .last()
            .and_then(|rest| rest.split(" (").next());
        found.extend(file.filter(|file| file.starts_with('/')));
    }
    Ok(found)
}

/// Writes an image to `.build/vm/NAME.cpio`.
pub(crate) fn make(ctx: &Ctx, kit: &Kit, name: &str, contents: &Contents) -> Result<PathBuf> {
    let mut cpio = Cpio::default();
    let mut add = |path: &str, from: &Path| {
        let bytes = fs::read(from).with_context(|| format!("cannot read {}", from.display()))?;
        cpio.file(path, &bytes)
    };
    add("init", &ctx.root.join("hil-tests/vm/init.sh"))?;
    add("bin/busybox", &kit.busybox())?;
    for (path, from) in &contents.files {
        add(path, from)?;
    }
    let mut order = String::new();
    for (module, bytes) in Modules::find(kit)?.closure(&contents.modules)? {
        cpio.file(&format!("lib/modules/{module}.ko"), &bytes)?;
        order += &format!("{module}\n");
    }
    cpio.file("modules", order.as_bytes())?;
    let path = kit.dir.join(format!("{name}.cpio"));
    fs::write(&path, cpio.finish()?).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

/// The modules of the kernel's package.
struct Modules<'a> {
    kit: &'a Kit,
    files: BTreeMap<String, PathBuf>,
    builtin: BTreeSet<String>,
}

impl<'a> Modules<'a> {
    fn find(kit: &'a Kit) -> Result<Self> {
        let top = kit.modules();
        let mut files = BTreeMap::new();
        let mut directories = vec![top.join("kernel")];
        while let Some(directory) = directories.pop() {
            let entries = fs::read_dir(&directory);
            for entry in entries.with_context(|| format!("cannot read {}", directory.display()))? {
                let path = entry?.path();
                if path.is_dir() {
                    directories.push(path);
                } else if let Some(name) = module_name(&path.to_string_lossy()) {
                    files.insert(name, path);
                }
            }
        }
        let builtin = fs::read_to_string(top.join("modules.builtin"))?;
        let builtin = builtin.lines().filter_map(module_name).collect();
        Ok(Self {
            kit,
            files,
            builtin,
        })
    }

    /// These modules and what they need, in the order in which they can be loaded.
    fn closure(&self, wanted: &[&str]) -> Result<Vec<(String, Vec<u8>)>> {
        let mut found = Vec::new();
        let mut known = BTreeSet::new();
        for module in wanted {
            self.visit(module, &mut known, &mut found)?;
        }
        Ok(found)
    }

    fn visit(
        &self,
        module: &str,
        known: &mut BTreeSet<String>,
        found: &mut Vec<(String, Vec<u8>)>,
    ) -> Result<()> {
        if self.builtin.contains(module) || !known.insert(module.to_owned()) {
            return Ok(());
        }
        let path = self.files.get(module);
        let path = path.with_context(|| format!("the kernel has no module {module}"))?;
        let mut xzcat = Command::new(self.kit.busybox());
        let out = xzcat
            .arg("xzcat")
            .arg(path)
            .output()
            .context("cannot run busybox")?;
        if !out.status.success() {
            bail!(
                "cannot unpack {}: {}",
                path.display(),
                String::from_utf8_lossy(&out.stderr)
            );
        }
        for needed in depends(&out.stdout) {
            self.visit(&needed, known, found)?;
        }
        found.push((module.to_owned(), out.stdout));
        Ok(())
    }
}

/// The name by which the kernel knows a module's file.
fn module_name(path: &str) -> Option<String> {
    let file = path.rsplit('/').next()?;
    let (name, end) = file.split_once(".ko")?;
    matches!(end, "" | ".xz").then(|| name.replace('-', "_"))
}

/// What a module says that it needs: a string `depends=a,b` among its information.
fn depends(module: &[u8]) -> Vec<String> {
    const KEY: &[u8] = b"\0depends=";
    let Some(at) = module.windows(KEY.len()).position(|window| window == KEY) else {
        return Vec::new();
    };
    let list = module[at + KEY.len()..]
        .split(|byte| *byte == 0)
        .next()
        .unwrap_or_default();
    let names = String::from_utf8_lossy(list);
    names
        .split(',')
        .filter(|name| !name.is_empty())
        .map(|name| name.replace('-', "_"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::{depends, libraries, module_name};

    #[test]
    fn modules_are_named_and_need_others() {
        assert_eq!(
            module_name("kernel/drivers/vfio/pci/vfio-pci.ko.xz").unwrap(),
            "vfio_pci"
        );
        assert_eq!(module_name("kernel/net/failover.ko").unwrap(), "failover");
        assert_eq!(module_name("modules.order"), None);
        let module = b"ELF\0license=GPL\0depends=virtio-ring,virtio\0name=x\0";
        assert_eq!(depends(module), ["virtio_ring", "virtio"]);
        assert!(depends(b"\0depends=\0name=x\0").is_empty());
        assert!(depends(b"\0name=x\0").is_empty());
    }

    #[test]
    fn reads_what_ldd_says() {
        let text = "\tlinux-vdso.so.1 (0x7f)\n\tlibc.so.6 => /lib/libc.so.6 (0x7f)\n\t/lib64/ld.so (0x7f)\n";
        assert_eq!(libraries(text).unwrap(), ["/lib/libc.so.6", "/lib64/ld.so"]);
        assert!(libraries("\tlibz.so.1 => not found\n").is_err());
        assert!(libraries("\tstatically linked\n").unwrap().is_empty());
    }
}
