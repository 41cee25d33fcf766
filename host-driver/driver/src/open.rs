// SPDX-License-Identifier: Apache-2.0 OR MIT

//! From the name of a device to the device.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use crate::function::PciFunction;
use crate::pf_bar::PfBar;
use crate::vfio::{PciAddress, VfToken, Vfio};
use crate::vfio_user::{self, VfioUser};
use crate::virtio::{Options, Vf};
use crate::{Device, Diagnostic};

/// Device IDs of PF and VFs; both have the vendor 0x1af4.
const PF: (u16, u16) = (0x1af4, 0x10f0);
const VF: (u16, u16) = (0x1af4, 0x1041);

/// The name of a PCI function.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// `pci/0000:01:00.0`: hardware, by the kernel's VFIO.
    Pci(PciAddress),
    /// `vfio-user/PATH`: the socket of a simulator.
    VfioUser(PathBuf),
}

impl FromStr for DeviceName {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('/') {
            Some(("pci", address)) => Ok(Self::Pci(address.parse()?)),
            Some(("vfio-user", path)) if !path.is_empty() => Ok(Self::VfioUser(path.into())),
            _ => Err(format!(
                "`{text}` names no device: write pci/0000:01:00.0 or vfio-user/PATH"
            )),
        }
    }
}

impl fmt::Display for DeviceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pci(address) => write!(f, "pci/{address}"),
            Self::VfioUser(path) => write!(f, "vfio-user/{}", path.display()),
        }
    }
}

impl DeviceName {
    /// The name of a VF. For a simulator it may be given by the folder of the sockets, or by the PF's.
    ///
    /// # Errors
    /// It is the socket of another VF.
    pub fn of_vf(self, vf: u8) -> Result<Self, Diagnostic> {
        let Self::VfioUser(path) = self else {
            return Ok(self);
        };
        let own = format!("vf{vf}.sock");
        if path.is_dir() {
            return Ok(Self::VfioUser(path.join(own)));
        }
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        if name == "pf0.sock" {
            return Ok(Self::VfioUser(path.with_file_name(own)));
        }
        let other = name
            .strip_prefix("vf")
            .and_then(|name| name.strip_suffix(".sock"));
        if name != own && other.is_some_and(|number| number.parse::<u8>().is_ok()) {
            let message = format!("vfio-user/{} is not vf{vf}", path.display());
            return Err(Diagnostic::new("usage", message)
                .field("--device")
                .help("name the folder of the sockets, and it is found there"));
        }
        Ok(Self::VfioUser(path))
    }

    /// Opens the function. `token` is the secret of a PF that is under VFIO: its VFs need it, and on the PF
    /// itself it is set.
    ///
    /// # Errors
    /// It is not there, or cannot be used; the error says what to do.
    pub fn open(&self, token: Option<VfToken>) -> Result<Arc<dyn PciFunction>, Diagnostic> {
        let error = |message: String, help: String| {
            Diagnostic::new("no-device", format!("cannot attach to {self}: {message}"))
                .field("--device")
                .help(help)
        };
        let function: Arc<dyn PciFunction> = match self {
            Self::VfioUser(path) => Arc::new(
                VfioUser::open(path)
                    .map_err(|cause| error(cause.to_string(), socket_help(path, &cause)))?,
            ),
            Self::Pci(address) => {
                let is_vf = Path::new("/sys/bus/pci/devices")
                    .join(address.to_string())
                    .join("physfn")
                    .exists();
                let vf_token = token.filter(|_| is_vf);
                let vfio = Vfio::open(*address, vf_token)
                    .map_err(|cause| error(cause.to_string(), cause.help()))?;
                if let Some(token) = token.filter(|_| !is_vf) {
                    vfio.set_vf_token(token).map_err(|cause| {
                        let help = "leave --vf-token out if it has no VFs; else load vfio-pci with \
                                    enable_sriov=1";
                        error(format!("it takes no VF token: {cause}"), help.to_owned())
                    })?;
                }
                Arc::new(vfio)
            }
        };
        Ok(function)
    }

    /// Opens a physical function and probes the NIC behind it.
    ///
    /// # Errors
    /// As [`DeviceName::open`], or it is not the PF of a NIC that this driver knows.
    pub fn open_pf(&self, token: Option<VfToken>) -> Result<Device<PfBar>, Diagnostic> {
        let function = self.open(token)?;
        let lost = |error| Diagnostic::from(crate::Error::from(error)).field("--device");
        match function.id().map_err(lost)? {
            PF => {}
            VF => {
                let message = format!("{self} is a VF of a NIC");
                return Err(Diagnostic::new("not-a-pf", message)
                    .field("--device")
                    .help("name the PF: vfio-user/DIR/pf0.sock, or the pci/ address with `10f0` in `lspci -n`"));
            }
            (vendor, device) => {
                let message = format!("{self} is {vendor:04x}:{device:04x}, not a Hairpin NIC");
                return Err(Diagnostic::new("not-hairpin", message)
                    .field("--device")
                    .help("name the physical function of a Hairpin NIC: 1af4:10f0"));
            }
        }
        function.enable().map_err(lost)?;
        Device::probe(PfBar::new(function))
            .map_err(|error| Diagnostic::from(error).field("--device"))
    }

    /// Opens a VF and takes it into use.
    ///
    /// # Errors
    /// As [`DeviceName::open`], or it is no VF, or not enabled.
    pub fn open_vf(&self, token: Option<VfToken>, options: &Options) -> Result<Vf, Diagnostic> {
        let function = self.open(token)?;
        Vf::open(function, options).map_err(|error| Diagnostic::from(error).field("--device"))
    }
}

/// What to do about a socket that leads nowhere.
fn socket_help(path: &Path, error: &vfio_user::Error) -> String {
    let dir = path.parent().unwrap_or(Path::new("")).display();
    match error {
        vfio_user::Error::Connect(_) => {
            format!("start the simulator: `hairpin sim --socket-dir {dir} --config nic.toml`")
        }
        vfio_user::Error::Silent { .. } => {
            "another program may be attached: a socket serves one at a time".to_owned()
        }
        _ => "use the driver and the simulator of one release".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_read_back() {
        for name in [
            "pci/0000:01:00.0",
            "vfio-user/run/pf0.sock",
            "vfio-user//tmp/x",
        ] {
            assert_eq!(name.parse::<DeviceName>().unwrap().to_string(), name);
        }
        for bad in [
            "",
            "pci",
            "pci/1:2",
            "vfio-user/",
            "vfio-user",
            "usb/1",
            "0000:01:00.0",
        ] {
            assert!(bad.parse::<DeviceName>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_vf_is_found_beside_its_pf() {
        let dir = tempfile::tempdir().unwrap();
        let of = |path: PathBuf| DeviceName::VfioUser(path).of_vf(3);
        let own = DeviceName::VfioUser(dir.path().join("vf3.sock"));
        for name in ["", "pf0.sock", "vf3.sock"] {
            assert_eq!(of(dir.path().join(name)).unwrap(), own, "{name}");
        }
        assert!(of(dir.path().join("vf1.sock")).is_err());
        let other = dir.path().join("anything");
        assert_eq!(of(other.clone()).unwrap(), DeviceName::VfioUser(other));
    }

    #[test]
    fn nobody_there_says_how_to_start_one() {
        let name: DeviceName = "vfio-user/nowhere/pf0.sock".parse().unwrap();
        let error = name.open_pf(None).unwrap_err();
        assert_eq!(error.code, "no-device");
        assert!(
            error
                .to_string()
                .contains("hairpin sim --socket-dir nowhere"),
            "{error}"
        );
        let name: DeviceName = "pci/ffff:ff:1f.7".parse().unwrap();
        assert!(name.open(None).unwrap_err().to_string().contains("lspci"));
    }
}
