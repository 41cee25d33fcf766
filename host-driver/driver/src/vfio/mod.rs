// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A PCI function through the kernel's VFIO: real hardware, `pci/0000:01:00.0`.
//!
//! The function must be bound to `vfio-pci`, behind an IOMMU. BARs are mapped; memory is of large pages when
//! there are any. VFs of a PF that is bound to `vfio-pci` itself need its [`VfToken`].

mod sriov;
mod sys;

use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::atomic::{Ordering, fence};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;
use vfio_ioctls::{VfioContainer, VfioDevice, VfioError};
use vmm_sys_util::eventfd::{EFD_CLOEXEC, EFD_NONBLOCK, EventFd};

use crate::function::{BusAddresses, DmaMemory, Interrupt, PciFunction, Width, check_access};
use crate::memory::SharedMemory;
pub use sriov::{SriovError, set_vfs, vf_addresses};
use sys::MappedBar;

/// Regions of a PCI device in VFIO.
const BARS: u32 = 6;
const CONFIG: u32 = 7;
const MSIX: u32 = 2;
/// In the flags of a region.
const CAN_MAP: u32 = 1 << 2;

/// Where the kernel shows PCI functions.
const SYSFS: &str = "/sys/bus/pci/devices";

/// The address of a PCI function: domain, bus, device, function.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PciAddress {
    domain: u16,
    bus: u8,
    device: u8,
    function: u8,
}

impl fmt::Display for PciAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            domain,
            bus,
            device,
            function,
        } = self;
        write!(f, "{domain:04x}:{bus:02x}:{device:02x}.{function}")
    }
}

impl FromStr for PciAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parse = || {
            let (rest, function) = text.split_once('.')?;
            let mut parts = rest.split(':');
            let hex = |text: &str| u16::from_str_radix(text, 16).ok();
            let domain = hex(parts.next()?)?;
            let bus = u8::try_from(hex(parts.next()?)?).ok()?;
            let device = u8::try_from(hex(parts.next()?)?).ok()?;
            let function = function.parse().ok()?;
            let address = Self {
                domain,
                bus,
                device,
                function,
            };
            let legal = parts.next().is_none() && device < 32 && function < 8;
            (legal && address.to_string() == text.to_ascii_lowercase()).then_some(address)
        };
        parse().ok_or_else(|| {
            format!(
                "`{text}` is no PCI address: write domain, bus, device, function as 0000:01:00.0"
            )
        })
    }
}

/// The secret between the user of a PF and those of its VFs, a UUID.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct VfToken([u8; 16]);

impl fmt::Debug for VfToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("VfToken(..)")
    }
}

impl VfToken {
    fn to_uuid(self) -> String {
        let hex: String = self.0.iter().map(|byte| format!("{byte:02x}")).collect();
        let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|range| &hex[range]);
        parts.join("-")
    }
}

impl FromStr for VfToken {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut bytes = [0; 16];
        let hex: Vec<u32> = text.chars().filter_map(|c| c.to_digit(16)).collect();
        for (byte, digits) in bytes.iter_mut().zip(hex.as_chunks::<2>().0) {
            *byte = u8::try_from(digits[0] << 4 | digits[1]).unwrap_or(0);
        }
        let token = Self(bytes);
        if token.to_uuid() == text.to_ascii_lowercase() {
            return Ok(token);
        }
        Err("a VF token is a UUID, as `uuidgen` prints it".to_owned())
    }
}

/// Why a function cannot be used through VFIO.
#[derive(Debug, Error)]
pub enum Error {
    /// There is no such function.
    #[error("there is no PCI function {0}")]
    NoFunction(PciAddress),
    /// It is bound to another driver, or to none.
    #[error("{address} is bound to {}, not to vfio-pci", driver.as_deref().unwrap_or("no driver"))]
    NotBound {
        /// The function.
        address: PciAddress,
        /// Its driver.
        driver: Option<String>,
    },
    /// The kernel refuses.
    #[error("VFIO refuses {address}: {source}")]
    Vfio {
        /// The function.
        address: PciAddress,
        /// Why.
        source: VfioError,
    },
    /// A file of the kernel's cannot be used.
    #[error("cannot prepare {address}: {source}")]
    Files {
        /// The function.
        address: PciAddress,
        /// Why.
        source: io::Error,
    },
}

impl Error {
    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> String {
        match self {
            Self::NoFunction(_) => {
                "see `lspci -d 1af4:` for the addresses of NIC and VFs".to_owned()
            }
            Self::NotBound { address, .. } => format!(
                "bind it: `modprobe vfio-pci; echo vfio-pci > {SYSFS}/{address}/driver_override; \
                 echo {address} > /sys/bus/pci/drivers_probe` (unbind its driver first)"
            ),
            Self::Vfio { .. } | Self::Files { .. } => {
                "it needs an IOMMU (`intel_iommu=on`), access to \
                 /dev/vfio, and for a VF of a PF under vfio-pci its VF token"
                    .to_owned()
            }
        }
    }
}

/// A PCI function through VFIO.
pub struct Vfio {
    device: VfioDevice,
    inner: Arc<Inner>,
    bars: Vec<Option<MappedBar>>,
    interrupts: Mutex<Vec<EventFd>>,
    /// A name for the function that carries a token; it has to stay while the device is open.
    _link: Option<TokenLink>,
}

struct Inner {
    container: Arc<VfioContainer>,
    addresses: Mutex<BusAddresses>,
}

impl fmt::Debug for Vfio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Vfio")
            .field("bars", &self.bars)
            .finish_non_exhaustive()
    }
}

impl Vfio {
    /// Opens a function. `token` is for a VF of a PF that is under VFIO too.
    ///
    /// # Errors
    /// It is not there, not bound to `vfio-pci`, or refused.
    pub fn open(address: PciAddress, token: Option<VfToken>) -> Result<Self, Error> {
        let path = Path::new(SYSFS).join(address.to_string());
        if !path.exists() {
            return Err(Error::NoFunction(address));
        }
        let driver = fs::read_link(path.join("driver")).ok();
        let driver = driver.and_then(|link| Some(link.file_name()?.to_string_lossy().into_owned()));
        if driver.as_deref() != Some("vfio-pci") {
            return Err(Error::NotBound { address, driver });
        }
        let files = |source| Error::Files { address, source };
        let link = match token {
            Some(token) => Some(TokenLink::new(&path, address, token).map_err(files)?),
            None => None,
        };
        let path = link.as_ref().map_or(&path, |link| &link.path);
        let refused = |source| Error::Vfio { address, source };
        let container = Arc::new(VfioContainer::new(None).map_err(refused)?);
        let device = VfioDevice::new(path, container.clone(), true).map_err(refused)?;
        let bars = (0..BARS)
            .map(|bar| {
                let len = device.get_region_size(bar);
                let whole = device.get_region_flags(bar) & CAN_MAP != 0
                    && device.get_region_caps(bar).iter().all(|capability| {
                        !matches!(capability, vfio_ioctls::VfioRegionInfoCap::SparseMmap(_))
                    });
                // What cannot be mapped is read and written through the file.
                (whole && len > 0)
                    .then(|| MappedBar::new(&device, device.get_region_offset(bar), len).ok())
                    .flatten()
            })
            .collect();
        Ok(Self {
            device,
            inner: Arc::new(Inner {
                container,
                addresses: Mutex::default(),
            }),
            bars,
            interrupts: Mutex::default(),
            _link: link,
        })
    }

    /// Tells the kernel the secret that users of this PF's VFs have to know.
    ///
    /// # Errors
    /// The function has no VFs, or the kernel refuses.
    pub fn set_vf_token(&self, token: VfToken) -> io::Result<()> {
        sys::set_vf_token(&self.device, token.0)
    }

    /// Where a piece of a region is in the device's file.
    fn place(&self, region: u32, offset: u64, len: u64) -> io::Result<u64> {
        let end = offset.checked_add(len);
        if end.is_none_or(|end| end > self.device.get_region_size(region)) {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        Ok(self.device.get_region_offset(region) + offset)
    }

    fn read(&self, region: u32, offset: u64, data: &mut [u8]) -> io::Result<()> {
        let place = self.place(region, offset, data.len() as u64)?;
        let len = data.len();
        match rustix::io::pread(sys::file(&self.device), data, place)? {
            done if done == len => Ok(()),
            _ => Err(io::ErrorKind::UnexpectedEof.into()),
        }
    }

    fn write(&self, region: u32, offset: u64, data: &[u8]) -> io::Result<()> {
        let place = self.place(region, offset, data.len() as u64)?;
        match rustix::io::pwrite(sys::file(&self.device), data, place)? {
            done if done == data.len() => Ok(()),
            _ => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    fn mapped(&self, bar: u8) -> Option<&MappedBar> {
        self.bars.get(usize::from(bar))?.as_ref()
    }
}

impl PciFunction for Vfio {
    fn config_read(&self, offset: u16, data: &mut [u8]) -> io::Result<()> {
        self.read(CONFIG, offset.into(), data)
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> io::Result<()> {
        self.write(CONFIG, offset.into(), data)
    }

    fn bar_len(&self, bar: u8) -> u64 {
        if u32::from(bar) < BARS {
            self.device.get_region_size(bar.into())
        } else {
            0
        }
    }

    fn bar_read(&self, bar: u8, offset: u64, width: Width) -> io::Result<u32> {
        check_access(self.bar_len(bar), offset, width)?;
        if let Some(mapped) = self.mapped(bar) {
            return Ok(mapped.read(offset, width));
        }
        let mut data = [0; 4];
        self.read(bar.into(), offset, &mut data[..width as usize])?;
        Ok(u32::from_le_bytes(data))
    }

    fn bar_write(&self, bar: u8, offset: u64, width: Width, value: u32) -> io::Result<()> {
        check_access(self.bar_len(bar), offset, width)?;
        // What memory holds before what a register says about it.
        fence(Ordering::SeqCst);
        if let Some(mapped) = self.mapped(bar) {
            mapped.write(offset, width, value);
            return Ok(());
        }
        self.write(bar.into(), offset, &value.to_le_bytes()[..width as usize])
    }

    fn dma_memory(&self, len: usize) -> io::Result<DmaMemory> {
        let memory = Arc::new(SharedMemory::anonymous(len)?);
        let bus = self
            .inner
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(memory.len())?;
        sys::map_dma(&self.inner.container, bus, &memory)?;
        let mapped = Mapped {
            inner: Arc::clone(&self.inner),
            bus,
            memory: Arc::clone(&memory),
        };
        Ok(DmaMemory::new(memory, bus, Some(Arc::new(mapped))))
    }

    fn vectors(&self) -> u16 {
        let info = self.device.get_irq_info(MSIX);
        info.map_or(0, |info| u16::try_from(info.count).unwrap_or(u16::MAX))
    }

    fn interrupts(&self, count: u16) -> io::Result<Vec<Interrupt>> {
        if count > self.vectors() {
            return Err(io::Error::from(io::ErrorKind::InvalidInput));
        }
        let mut events = Vec::new();
        let mut interrupts = Vec::new();
        for _ in 0..count {
            // The crate wants its own type; both are the same event.
            let event = EventFd::new(EFD_NONBLOCK | EFD_CLOEXEC)?;
            let file = sys::event_file(&event).try_clone_to_owned()?;
            interrupts.push(Interrupt::from(file));
            events.push(event);
        }
        let mut current = (self.interrupts.lock()).unwrap_or_else(PoisonError::into_inner);
        if !current.is_empty() {
            self.device.disable_msix().map_err(io::Error::other)?;
        }
        self.device
            .enable_msix(events.iter().collect())
            .map_err(io::Error::other)?;
        *current = events;
        Ok(interrupts)
    }

    fn reset(&self) -> io::Result<()> {
        sys::reset(&self.device)
    }
}

/// Memory that devices have access to, until this is dropped.
struct Mapped {
    inner: Arc<Inner>,
    bus: u64,
    memory: Arc<SharedMemory>,
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let len = self.memory.len();
        if self.inner.container.vfio_dma_unmap(self.bus, len).is_err() {
            // Devices may still reach it: it must not become anything else.
            std::mem::forget(Arc::clone(&self.memory));
        }
    }
}

/// A link to a function whose name carries a token. The kernel takes tokens in the name of the device that is
/// opened, and `vfio-ioctls` takes that name from the path.
struct TokenLink {
    dir: PathBuf,
    path: PathBuf,
}

impl TokenLink {
    fn new(target: &Path, address: PciAddress, token: VfToken) -> io::Result<Self> {
        use std::os::unix::fs::DirBuilderExt;
        let dir = std::env::temp_dir().join(format!("hairpin-{}-{address}", std::process::id()));
        // Only for us: the name is a secret.
        fs::DirBuilder::new().mode(0o700).create(&dir)?;
        let path = dir.join(format!("{address} vf_token={}", token.to_uuid()));
        let link = Self { dir, path };
        std::os::unix::fs::symlink(target, &link.path)?;
        Ok(link)
    }
}

impl Drop for TokenLink {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_dir(&self.dir);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_one_spelling() {
        let address: PciAddress = "0000:01:1f.7".parse().unwrap();
        assert_eq!(address.to_string(), "0000:01:1f.7");
        assert!("ABCD:0e:00.0".parse::<PciAddress>().is_ok());
        for bad in [
            "",
            "01:00.0",
            "0000:01:20.0",
            "0000:01:00.8",
            "0000:1:0.0",
            "0000:01:00.0/",
            "0:0:0:0.0",
        ] {
            assert!(bad.parse::<PciAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn tokens_are_uuids() {
        let text = "00112233-4455-6677-8899-aabbccddeeff";
        let token: VfToken = text.parse().unwrap();
        assert_eq!(token.to_uuid(), text);
        assert!(!format!("{token:?}").contains("11"));
        for bad in [
            "",
            "0011223344556677-8899-aabbccddeeff",
            "g0112233-4455-6677-8899-aabbccddeeff",
        ] {
            assert!(bad.parse::<VfToken>().is_err(), "{bad}");
        }
    }

    #[test]
    fn a_token_goes_into_the_name() {
        let target = tempfile::tempdir().unwrap();
        let address = "0000:7f:00.1".parse().unwrap();
        let token = "00112233-4455-6677-8899-aabbccddeeff".parse().unwrap();
        let link = TokenLink::new(target.path(), address, token).unwrap();
        let name = link.path.file_name().unwrap();
        assert_eq!(
            name,
            "0000:7f:00.1 vf_token=00112233-4455-6677-8899-aabbccddeeff"
        );
        assert_eq!(
            fs::canonicalize(&link.path).unwrap(),
            fs::canonicalize(target.path()).unwrap()
        );
        let dir = link.dir.clone();
        drop(link);
        assert!(!dir.exists());
    }

    #[test]
    fn a_function_that_is_not_there_is_named() {
        let address = "ffff:ff:1f.7".parse().unwrap();
        let error = Vfio::open(address, None).unwrap_err();
        assert!(matches!(error, Error::NoFunction(_)), "{error}");
        assert!(error.help().contains("lspci"));
        let unbound = Error::NotBound {
            address,
            driver: Some("virtio-pci".to_owned()),
        };
        assert!(unbound.help().contains("ffff:ff:1f.7/driver_override"));
    }
}
