// SPDX-License-Identifier: Apache-2.0 OR MIT

//! VFs of a PF, by sysfs.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{PciAddress, SYSFS};

/// Why VFs cannot be made.
#[derive(Debug, Error)]
pub enum SriovError {
    /// The function has no VFs.
    #[error("{0} has no VFs")]
    NoVfs(PciAddress),
    /// It has not so many.
    #[error("{address} has {total} VFs, not {wanted}")]
    TooMany {
        /// The PF.
        address: PciAddress,
        /// VFs that it can have.
        total: u16,
        /// VFs that were asked for.
        wanted: u16,
    },
    /// The kernel refuses.
    #[error("cannot change the VFs of {address}: {source}")]
    Refused {
        /// The PF.
        address: PciAddress,
        /// Why.
        source: io::Error,
    },
}

/// Makes so many VFs of a PF; 0 removes them.
///
/// # Errors
/// It has not so many, or the kernel refuses; it has no VFs then, or those it had.
pub fn set_vfs(pf: PciAddress, count: u16) -> Result<(), SriovError> {
    set_vfs_in(Path::new(SYSFS), pf, count)
}

/// The addresses of the VFs that a PF has now.
///
/// # Errors
/// It has none, or sysfs cannot be read.
pub fn vf_addresses(pf: PciAddress) -> Result<Vec<PciAddress>, SriovError> {
    vf_addresses_in(Path::new(SYSFS), pf)
}

fn read(dir: &Path, name: &str) -> Option<u16> {
    fs::read_to_string(dir.join(name)).ok()?.trim().parse().ok()
}

fn folder(sysfs: &Path, pf: PciAddress) -> PathBuf {
    sysfs.join(pf.to_string())
}

fn set_vfs_in(sysfs: &Path, address: PciAddress, wanted: u16) -> Result<(), SriovError> {
    let dir = folder(sysfs, address);
    let total = read(&dir, "sriov_totalvfs").ok_or(SriovError::NoVfs(address))?;
    if wanted > total {
        return Err(SriovError::TooMany {
            address,
            total,
            wanted,
        });
    }
    let now = read(&dir, "sriov_numvfs").unwrap_or(0);
    let write = |count: u16| {
        fs::write(dir.join("sriov_numvfs"), count.to_string())
            .map_err(|source| SriovError::Refused { address, source })
    };
    if now == wanted {
        return Ok(());
    }
    // From some to others there is only a way over none.
    if now != 0 {
        write(0)?;
    }
    if wanted != 0 { write(wanted) } else { Ok(()) }
}

fn vf_addresses_in(sysfs: &Path, pf: PciAddress) -> Result<Vec<PciAddress>, SriovError> {
    let dir = folder(sysfs, pf);
    let count = read(&dir, "sriov_numvfs").ok_or(SriovError::NoVfs(pf))?;
    let address = |number| {
        let link = fs::read_link(dir.join(format!("virtfn{number}")))?;
        let name = link
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        name.parse().map_err(io::Error::other)
    };
    (0..count)
        .map(address)
        .collect::<io::Result<_>>()
        .map_err(|source| SriovError::Refused {
            address: pf,
            source,
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vfs_are_made_and_found() {
        let sysfs = tempfile::tempdir().unwrap();
        let pf: PciAddress = "0000:01:00.0".parse().unwrap();
        let dir = sysfs.path().join("0000:01:00.0");
        fs::create_dir(&dir).unwrap();
        let none = set_vfs_in(sysfs.path(), pf, 2).unwrap_err();
        assert!(matches!(none, SriovError::NoVfs(_)), "{none}");
        fs::write(dir.join("sriov_totalvfs"), "8\n").unwrap();
        fs::write(dir.join("sriov_numvfs"), "0\n").unwrap();
        let many = set_vfs_in(sysfs.path(), pf, 9).unwrap_err();
        assert_eq!(many.to_string(), "0000:01:00.0 has 8 VFs, not 9");
        set_vfs_in(sysfs.path(), pf, 2).unwrap();
        assert_eq!(read(&dir, "sriov_numvfs"), Some(2));
        assert!(vf_addresses_in(sysfs.path(), pf).is_err());
        for vf in 0..2 {
            let target = format!("../0000:01:00.{}", vf + 1);
            std::os::unix::fs::symlink(target, dir.join(format!("virtfn{vf}"))).unwrap();
        }
        let vfs = vf_addresses_in(sysfs.path(), pf).unwrap();
        assert_eq!(
            vfs.iter().map(PciAddress::to_string).collect::<Vec<_>>(),
            ["0000:01:00.1", "0000:01:00.2"]
        );
    }
}
