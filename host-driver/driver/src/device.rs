// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A probed NIC.

use std::fmt;

use hairpin_abi::MAX_VF;
use hairpin_regs::{Bus, BusIo, MAP_HASH, pf_on};
use serde::{Deserialize, Serialize};

use crate::error::Error;
use crate::transport::{Transport, TransportBus};

/// `HPIN`, the first register.
const MAGIC: u32 = 0x4e49_5048;

/// Clocks between two polls of a register that hardware answers within a few.
const POLL_CYCLES: u32 = 16;
/// Polls until hardware that answers within a few clocks counts as dead.
const POLL_LIMIT: u32 = 4096;

/// What a NIC is and how large it was built.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct DeviceInfo {
    /// Version of the register map, `major.minor`.
    pub version: String,
    /// Hash of the register map, 16 hexadecimal digits.
    pub map_hash: String,
    /// Build of the hardware, 8 hexadecimal digits.
    pub build_id: String,
    /// What it has room for.
    pub capabilities: Capabilities,
}

/// What a NIC has room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Capabilities {
    /// Virtual functions, hence vPorts.
    pub vfs: u8,
    /// Queue pairs.
    pub queue_pairs: u8,
    /// Bytes per clock of the datapath.
    pub data_bytes: u16,
    /// Entries of the address table.
    pub mac_entries: u16,
    /// V.VLANs.
    pub vvlans: u8,
    /// Multicast groups.
    pub groups: u16,
    /// Whether there is a flow cache.
    pub flow_cache: bool,
    /// Entries of the flow cache; 0 when there is none.
    #[serde(default)]
    pub flow_entries: u16,
    /// Whether there are virtqueues.
    pub virtqueues: bool,
}

/// A NIC that was probed and speaks our register map.
pub struct Device<T> {
    pub(crate) bus: TransportBus<T>,
    info: DeviceInfo,
}

impl<T> fmt::Debug for Device<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Device")
            .field("info", &self.info)
            .finish_non_exhaustive()
    }
}

impl<T: Transport> Device<T> {
    /// Checks what is behind a transport. Reads only.
    ///
    /// # Errors
    /// Nobody answers, it is not a Hairpin NIC, or it has another register map.
    pub fn probe(transport: T) -> Result<Self, Error> {
        let bus = TransportBus::new(transport);
        let io = BusIo::new(&bus);
        let regs = pf_on(&io);
        let id = regs.id();
        let magic = id.magic().try_read()?.value();
        if magic != MAGIC {
            return Err(Error::NotHairpin {
                found: magic,
                expected: MAGIC,
            });
        }
        let device = join(
            id.map_hash_lo().try_read()?.value(),
            id.map_hash_hi().try_read()?.value(),
        );
        if device != MAP_HASH {
            return Err(Error::MapMismatch {
                device,
                driver: MAP_HASH,
            });
        }
        let version = id.version().try_read()?;
        let (cap0, cap1, cap2) = (
            id.cap0().try_read()?,
            id.cap1().try_read()?,
            id.cap2().try_read()?,
        );
        let info = DeviceInfo {
            version: format!("{}.{}", version.major(), version.minor()),
            map_hash: format!("{device:016x}"),
            build_id: format!("{:08x}", id.build_id().try_read()?.value()),
            capabilities: Capabilities {
                vfs: cap0.n_vf(),
                queue_pairs: cap0.n_qp(),
                data_bytes: cap0.data_bytes(),
                mac_entries: cap1.mac_capacity(),
                vvlans: cap1.vvlan_instances(),
                groups: 1 << cap1.group_log2(),
                flow_cache: cap2.flow_cache(),
                flow_entries: id.cap3().try_read()?.flow_capacity(),
                virtqueues: cap2.virtqueues(),
            },
        };
        check_capabilities(&info.capabilities)?;
        Ok(Self { bus, info })
    }

    /// What the NIC is.
    pub fn info(&self) -> &DeviceInfo {
        &self.info
    }

    /// What the NIC has room for.
    pub fn capabilities(&self) -> &Capabilities {
        &self.info.capabilities
    }

    /// The transport, for what only it can do.
    pub fn transport_mut(&mut self) -> &mut T {
        self.bus.get_mut()
    }

    /// Gives the transport back.
    pub fn into_transport(self) -> T {
        self.bus.into_inner()
    }

    /// Ticks of the datapath clock.
    ///
    /// # Errors
    /// The registers cannot be reached.
    pub fn time(&mut self) -> Result<u64, Error> {
        let io = self.io();
        let port = pf_on(&io).port();
        // Reading the low half latches the high one.
        let low = port.time_lo().try_read()?.value();
        Ok(join(low, port.time_hi().try_read()?.value()))
    }

    /// Whether the uplink has a link.
    ///
    /// # Errors
    /// The registers cannot be reached.
    pub fn uplink_up(&mut self) -> Result<bool, Error> {
        Ok(pf_on(&self.io()).port().uplink_status().try_read()?.up())
    }

    /// The typed registers' view of the bus.
    pub(crate) fn io(&self) -> BusIo<&TransportBus<T>> {
        BusIo::new(&self.bus)
    }

    /// Polls until hardware that needs only a few clocks is done.
    pub(crate) fn poll(
        &self,
        what: &'static str,
        done: impl FnMut() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        self.poll_slowly(what, POLL_CYCLES, POLL_LIMIT, done)
    }

    /// Polls every `step` clocks, at most `limit` times.
    pub(crate) fn poll_slowly(
        &self,
        what: &'static str,
        step: u32,
        limit: u32,
        mut done: impl FnMut() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        for _ in 0..limit {
            if done()? {
                return Ok(());
            }
            self.bus.wait(step)?;
        }
        Err(Error::Timeout {
            what,
            cycles: u64::from(step) * u64::from(limit),
        })
    }

    /// Writes consecutive words from `offset` on.
    pub(crate) fn write_words(&self, offset: u32, words: &[u32]) -> Result<(), Error> {
        for (address, word) in (offset..).step_by(4).zip(words) {
            self.bus.write32(address, *word)?;
        }
        Ok(())
    }

    /// Reads consecutive words from `offset` on.
    pub(crate) fn read_words<const N: usize>(&self, offset: u32) -> Result<[u32; N], Error> {
        let mut words = [0; N];
        self.read_into(offset, &mut words)?;
        Ok(words)
    }

    /// Fills a slice with consecutive words from `offset` on.
    pub(crate) fn read_into(&self, offset: u32, words: &mut [u32]) -> Result<(), Error> {
        for (address, word) in (offset..).step_by(4).zip(words) {
            *word = self.bus.read32(address)?;
        }
        Ok(())
    }
}

/// The byte offset of a register in the BAR.
pub(crate) fn offset_of<R>(pointer: *mut R) -> u32 {
    u32::try_from(pointer.addr()).unwrap_or(u32::MAX)
}

/// Two halves of a 64-bit value.
pub(crate) fn join(low: u32, high: u32) -> u64 {
    u64::from(high) << 32 | u64::from(low)
}

/// Refuses capabilities that the driver could not work with.
fn check_capabilities(capabilities: &Capabilities) -> Result<(), Error> {
    let bad = |what, value: u32| Err(Error::BadCapability { what, value });
    match capabilities {
        c if c.vfs == 0 || usize::from(c.vfs) > MAX_VF => bad("CAP0.n_vf", c.vfs.into()),
        c if !c.data_bytes.is_power_of_two() => bad("CAP0.data_bytes", c.data_bytes.into()),
        c if c.mac_entries == 0 => bad("CAP1.mac_capacity", c.mac_entries.into()),
        c if c.flow_cache && c.flow_entries == 0 => bad("CAP3.flow_capacity", 0),
        c if c.vvlans == 0 => bad("CAP1.vvlan_instances", c.vvlans.into()),
        c if c.groups > 256 => bad("CAP1.group_log2", c.groups.into()),
        _ => Ok(()),
    }
}
