// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A PCI function that another process serves over a socket: the simulator, `vfio-user/PATH`.
//!
//! The client of the vfio-user protocol, as far as a driver needs it. Memory is shared by file, so that the
//! device reaches it by itself; registers are messages, of some ten microseconds each.

mod client;
mod message;

use std::fmt;
use std::io;
use std::os::fd::AsFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::function::{BusAddresses, DmaMemory, Interrupt, PciFunction, Width, check_access};
use crate::memory::SharedMemory;

use client::Client;
pub use client::Error;
pub use message::Command;
use message::{Body, Fields};

/// How long an answer may take. A simulator under load takes a while for a reset.
pub const TIMEOUT: Duration = Duration::from_secs(30);

/// Regions of a PCI function: six BARs, the ROM, configuration space.
const BARS: u8 = 6;
const CONFIG: u32 = 7;
/// The interrupt of MSI-X.
const MSIX: u32 = 2;
/// Most vectors of MSI-X.
const MOST_VECTORS: u32 = 2048;

const FLAG_RESET: u32 = 1 << 0;
const FLAG_PCI: u32 = 1 << 1;
const READABLE_AND_WRITABLE: u32 = 0b11;
/// Data are event files, and the action is to raise them.
const SET_EVENT_FILES: u32 = 1 << 2 | 1 << 5;

/// A PCI function behind a socket.
pub struct VfioUser {
    inner: Arc<Inner>,
    bars: [u64; BARS as usize],
    config: u64,
    vectors: u16,
    can_reset: bool,
}

struct Inner {
    client: Mutex<Client>,
    addresses: Mutex<BusAddresses>,
}

impl fmt::Debug for VfioUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VfioUser")
            .field("bars", &self.bars)
            .field("vectors", &self.vectors)
            .finish_non_exhaustive()
    }
}

impl VfioUser {
    /// Connects to a socket.
    ///
    /// # Errors
    /// Nobody listens there, or who does is no PCI function.
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::new(Client::connect(path, TIMEOUT)?)
    }

    /// The function at the other end of a connection. `timeout` is for each answer.
    ///
    /// # Errors
    /// Who is there is no PCI function.
    pub fn from_stream(stream: UnixStream, timeout: Duration) -> Result<Self, Error> {
        Self::new(Client::new(stream, timeout)?)
    }

    fn new(mut client: Client) -> Result<Self, Error> {
        let command = Command::DeviceInfo;
        let body = Body::sized(16, 0).u32(0).u32(0);
        let answer = client.call_sized(command, &body.0, &[], 16)?;
        let [_, flags, regions, irqs] = words(&answer);
        if flags & FLAG_PCI == 0 {
            return Err(Error::Missing("PCI registers"));
        }
        if regions <= CONFIG {
            return Err(Error::Missing("configuration space"));
        }
        let mut bars = [0; BARS as usize];
        for (bar, len) in (0..).zip(&mut bars) {
            *len = region_len(&mut client, bar)?;
        }
        let config = region_len(&mut client, CONFIG)?;
        if config < 256 {
            return Err(Error::Missing("configuration space"));
        }
        let vectors = if irqs > MSIX {
            let body = Body::sized(16, 0).u32(MSIX).u32(0);
            let answer = client.call_sized(Command::IrqInfo, &body.0, &[], 16)?;
            let [.., index, count] = words::<4>(&answer);
            if index != MSIX || count > MOST_VECTORS {
                return Err(client.malformed(Command::IrqInfo, "so many vectors cannot be"));
            }
            count
        } else {
            0
        };
        Ok(Self {
            inner: Arc::new(Inner {
                client: Mutex::new(client),
                addresses: Mutex::default(),
            }),
            bars,
            config,
            vectors: u16::try_from(vectors).unwrap_or(0),
            can_reset: flags & FLAG_RESET != 0,
        })
    }
}

impl Inner {
    /// The connection. One that another thread left in the middle of a message has been given up.
    fn client(&self) -> MutexGuard<'_, Client> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), Error> {
        let command = Command::RegionRead;
        let count = data.len() as u32;
        let asked = Body::default().u64(offset).u32(region).u32(count).0;
        let mut client = self.client();
        let answer = client.call_sized(command, &asked, &[], asked.len() + data.len())?;
        match answer.strip_prefix(&asked[..]) {
            Some(answer) => data.copy_from_slice(answer),
            None => return Err(client.malformed(command, "it is about another place")),
        }
        Ok(())
    }

    fn write(&self, region: u32, offset: u64, data: &[u8]) -> Result<(), Error> {
        let command = Command::RegionWrite;
        let count = data.len() as u32;
        let asked = Body::default().u64(offset).u32(region).u32(count);
        let place = asked.0.clone();
        let mut client = self.client();
        let answer = client.call_sized(command, &asked.bytes(data).0, &[], place.len())?;
        if answer != place {
            return Err(client.malformed(command, "it is about another place"));
        }
        Ok(())
    }
}

impl PciFunction for VfioUser {
    fn config_read(&self, offset: u16, data: &mut [u8]) -> io::Result<()> {
        check_config(self.config, offset, data.len())?;
        Ok(self.inner.read(CONFIG, offset.into(), data)?)
    }

    fn config_write(&self, offset: u16, data: &[u8]) -> io::Result<()> {
        check_config(self.config, offset, data.len())?;
        Ok(self.inner.write(CONFIG, offset.into(), data)?)
    }

    fn bar_len(&self, bar: u8) -> u64 {
        self.bars.get(usize::from(bar)).copied().unwrap_or(0)
    }

    fn bar_read(&self, bar: u8, offset: u64, width: Width) -> io::Result<u32> {
        check_access(self.bar_len(bar), offset, width)?;
        let mut data = [0; 4];
        self.inner
            .read(bar.into(), offset, &mut data[..width as usize])?;
        Ok(u32::from_le_bytes(data))
    }

    fn bar_write(&self, bar: u8, offset: u64, width: Width, value: u32) -> io::Result<()> {
        check_access(self.bar_len(bar), offset, width)?;
        let data = value.to_le_bytes();
        Ok(self
            .inner
            .write(bar.into(), offset, &data[..width as usize])?)
    }

    fn dma_memory(&self, len: usize) -> io::Result<DmaMemory> {
        let (memory, fd) = SharedMemory::with_fd(len)?;
        let bus = self
            .inner
            .addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take(memory.len())?;
        let size = memory.len() as u64;
        let body = Body::sized(32, READABLE_AND_WRITABLE)
            .u64(0)
            .u64(bus)
            .u64(size);
        self.inner
            .client()
            .call_sized(Command::DmaMap, &body.0, &[fd.as_fd()], 0)?;
        let mapped = Mapped {
            inner: Arc::clone(&self.inner),
            bus,
            size,
        };
        Ok(DmaMemory::new(
            Arc::new(memory),
            bus,
            Some(Arc::new(mapped)),
        ))
    }

    fn vectors(&self) -> u16 {
        self.vectors
    }

    fn interrupts(&self, count: u16) -> io::Result<Vec<Interrupt>> {
        if count > self.vectors {
            return Err(Error::Missing("so many MSI-X vectors").into());
        }
        let interrupts: Vec<Interrupt> = (0..count)
            .map(|_| Interrupt::new())
            .collect::<io::Result<_>>()?;
        let mut client = self.inner.client();
        let chunk = client.max_fds();
        if chunk == 0 {
            return Err(Error::Missing("way to take an event file").into());
        }
        for (number, chunk) in interrupts.chunks(chunk).enumerate() {
            let files: Vec<_> = chunk.iter().map(AsFd::as_fd).collect();
            let body = Body::sized(20, SET_EVENT_FILES)
                .u32(MSIX)
                .u32((number * client.max_fds()) as u32)
                .u32(files.len() as u32);
            client.call_sized(Command::SetIrqs, &body.0, &files, 0)?;
        }
        Ok(interrupts)
    }

    fn reset(&self) -> io::Result<()> {
        if !self.can_reset {
            return Err(Error::Missing("reset").into());
        }
        self.inner
            .client()
            .call_sized(Command::Reset, &[], &[], 0)?;
        Ok(())
    }
}

/// Memory that the device has access to, until this is dropped.
struct Mapped {
    inner: Arc<Inner>,
    bus: u64,
    size: u64,
}

impl Drop for Mapped {
    fn drop(&mut self) {
        let body = Body::sized(24, 0).u64(self.bus).u64(self.size);
        // A device that is gone has no access either.
        let _ = self.inner.client().call(Command::DmaUnmap, &body.0, &[]);
    }
}

/// Bytes of a region that can be read and written, else 0.
fn region_len(client: &mut Client, index: u32) -> Result<u64, Error> {
    let command = Command::RegionInfo;
    let body = Body::sized(32, 0).u32(index).u32(0).u64(0).u64(0);
    let answer = client.call(command, &body.0, &[])?;
    let mut fields = Fields(&answer);
    // Behind the structure may be capabilities, which do not concern us.
    let mut word = || fields.u32();
    let (Some(_), Some(flags), Some(found), Some(_)) = (word(), word(), word(), word()) else {
        return Err(client.malformed(command, "its length"));
    };
    let Some(len) = fields.u64() else {
        return Err(client.malformed(command, "its length"));
    };
    if found != index {
        return Err(client.malformed(command, "it is about another region"));
    }
    let usable = flags & READABLE_AND_WRITABLE == READABLE_AND_WRITABLE;
    Ok(if usable { len } else { 0 })
}

/// Words of an answer whose length was checked.
fn words<const N: usize>(answer: &[u8]) -> [u32; N] {
    let mut fields = Fields(answer);
    std::array::from_fn(|_| fields.u32().unwrap_or(0))
}

fn check_config(len: u64, offset: u16, count: usize) -> io::Result<()> {
    let end = u64::from(offset).checked_add(count as u64);
    if end.is_some_and(|end| end <= len) {
        return Ok(());
    }
    Err(io::Error::new(
        io::ErrorKind::InvalidInput,
        format!("{offset:#x} is outside configuration space"),
    ))
}
