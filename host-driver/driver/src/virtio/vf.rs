// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The device: negotiation, queues, waiting.

use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hairpin_abi::MacAddr;

use super::control::{Control, Request};
use super::error::Error;
use super::pool::{Frame, Pool};
use super::queue::QueuePair;
use super::registers::{Features, Registers, status};
use super::setup::Queues;
use crate::function::{Interrupt, PciFunction, wait_readable};

/// Time between two looks at a device without interrupts.
pub(super) const LOOK: Duration = Duration::from_micros(200);
/// Time between two looks at the status of a device that is waited for.
const CHECK: Duration = Duration::from_millis(100);

/// `VIRTIO_NET_S_ANNOUNCE`.
const ANNOUNCE: u8 = 2;

/// How a VF is to be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Most queue pairs; the device may have fewer.
    pub queue_pairs: u16,
    /// Most entries of a queue, a power of two; the device may have fewer.
    pub entries: u16,
    /// Buffers per queue pair; by default two for every entry of its queues.
    pub buffers: Option<usize>,
    /// Whether it is ever waited for: else the device is never asked for interrupts.
    pub interrupts: bool,
    /// Whether the device drops frames whose first VLAN was not asked for with [`Vf::set_vlan`], if it can; else every
    /// VLAN is received that the PF lets through.
    pub vlan_filter: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_pairs: 1,
            entries: 256,
            buffers: None,
            interrupts: true,
            vlan_filter: false,
        }
    }
}

/// What a VF is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Info {
    /// What device and driver agreed on.
    pub features: Features,
    /// Its address, if it has one.
    pub mac: Option<MacAddr>,
    /// The longest packet, if it says so.
    pub mtu: Option<u16>,
    /// Whether it had a link when it was opened.
    pub link_up: bool,
    /// Queue pairs in use.
    pub queue_pairs: u16,
    /// Vectors in use; 0 is polling only.
    pub vectors: u16,
}

/// What ended a wait.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wake {
    /// A queue may have something.
    pub queues: bool,
    /// The device configuration may have changed.
    pub config: bool,
    /// Which of the caller's files can be read.
    pub files: Vec<bool>,
}

/// A VF that is in use. Dropping it resets the device.
#[derive(Debug)]
pub struct Vf {
    registers: Registers,
    info: Info,
    pairs: Vec<QueuePair>,
    interrupts: Vec<Interrupt>,
    checked: Instant,
    control: Option<Control>,
}

impl Drop for Vf {
    fn drop(&mut self) {
        // One that is gone uses no memory of ours either.
        let _ = self.registers.reset();
    }
}

impl Vf {
    /// Resets a VF and takes it into use.
    ///
    /// # Errors
    /// It is no virtio-net device, is not enabled, or does not keep to the rules.
    pub fn open(function: Arc<dyn PciFunction>, options: &Options) -> Result<Self, Error> {
        function.enable()?;
        let registers = Registers::find(function)?;
        registers.reset()?;
        let result = Self::set_up(registers.clone(), options);
        if result.is_err() {
            // So that the device keeps still, and the PF sees why.
            let _ = registers.set_status(status::FAILED);
        }
        result
    }

    fn set_up(registers: Registers, options: &Options) -> Result<Self, Error> {
        let mut state = status::ACKNOWLEDGE | status::DRIVER;
        registers.set_status(state)?;
        let features = negotiate(&registers, options)?;
        state |= status::FEATURES_OK;
        registers.set_status(state)?;
        if registers.status()? & status::FEATURES_OK == 0 {
            return Err(Error::Features {
                offered: registers.offered()?.0,
                accepted: features.0,
            });
        }
        let mut info = read_info(&registers, features)?;
        let offered_pairs = info.queue_pairs;
        info.queue_pairs = offered_pairs.min(options.queue_pairs.max(1));

        let interrupts = connect(&registers, options, &mut info)?;
        let (mut pairs, control) = Queues {
            registers: &registers,
            options,
            info: &info,
            offered_pairs,
        }
        .make()?;
        registers.set_status(state | status::DRIVER_OK)?;
        for pair in &mut pairs {
            pair.refill()?;
        }
        let mut vf = Self {
            registers,
            info,
            pairs,
            interrupts,
            checked: Instant::now(),
            control,
        };
        if features.has(Features::MQ) {
            vf.ask(Features::MQ, Request::Pairs(info.queue_pairs))?;
        }
        Ok(vf)
    }

    /// What the VF is.
    #[must_use]
    pub fn info(&self) -> &Info {
        &self.info
    }

    /// Its queue pairs, to be used by different threads.
    pub fn pairs(&mut self) -> &mut [QueuePair] {
        &mut self.pairs
    }

    /// Buffers of the first queue pair.
    #[must_use]
    pub fn pool(&self) -> &Pool {
        &self.pairs[0].pool
    }

    /// Receives with the first queue pair: see [`QueuePair::rx_batch`].
    ///
    /// # Errors
    /// See there.
    pub fn rx_batch(&mut self, frames: &mut Vec<Frame>, most: usize) -> Result<usize, Error> {
        self.pairs[0].rx_batch(frames, most)
    }

    /// Sends with the first queue pair: see [`QueuePair::tx_batch`].
    ///
    /// # Errors
    /// See there.
    pub fn tx_batch(&mut self, frames: &mut Vec<Frame>) -> Result<usize, Error> {
        self.pairs[0].tx_batch(frames)
    }

    /// Whether the device is still there and sees no fault.
    ///
    /// # Errors
    /// It is gone, or needs a reset.
    pub fn check(&self) -> Result<(), Error> {
        match self.registers.status()? {
            state if state & status::NEEDS_RESET != 0 => Err(Error::NeedsReset),
            state if state & status::DRIVER_OK == 0 => Err(Error::NeedsReset),
            _ => Ok(()),
        }
    }

    /// Whether it has a link now.
    ///
    /// # Errors
    /// The device is gone.
    pub fn link_up(&self) -> Result<bool, Error> {
        Ok(read_info(&self.registers, self.info.features)?.link_up)
    }

    /// Makes this its address, until it is opened again. One that is not its own needs `trust` of the PF.
    ///
    /// # Errors
    /// The NIC refuses it, or has no control queue; the device is gone.
    pub fn set_mac(&mut self, mac: MacAddr) -> Result<(), Error> {
        self.ask(Features::CTRL_MAC_ADDR, Request::Mac(mac))
    }

    /// Makes these its addresses beside the first one, in the place of those before. They need `trust` of the PF.
    ///
    /// # Errors
    /// As [`set_mac`](Self::set_mac); then the ones before hold.
    pub fn set_more_macs(&mut self, macs: &[MacAddr]) -> Result<(), Error> {
        self.ask(Features::CTRL_RX, Request::Macs(macs))
    }

    /// Whether it gets unicast frames from the uplink that nobody in its V.VLAN takes. On, it needs `trust`.
    ///
    /// # Errors
    /// As [`set_mac`](Self::set_mac).
    pub fn set_promiscuous(&mut self, on: bool) -> Result<(), Error> {
        self.ask(Features::CTRL_RX, Request::Promiscuous(on))
    }

    /// Whether it gets the frames of every group in its V.VLAN. On, it needs `trust`.
    ///
    /// # Errors
    /// As [`set_mac`](Self::set_mac).
    pub fn set_all_multicast(&mut self, on: bool) -> Result<(), Error> {
        self.ask(Features::CTRL_RX, Request::AllMulticast(on))
    }

    /// Whether it gets frames of a VLAN, 1 to 4094; at first of none. Promiscuous mode gets all of them.
    ///
    /// # Errors
    /// As [`set_mac`](Self::set_mac); it was opened without [`Options::vlan_filter`].
    pub fn set_vlan(&mut self, vlan: u16, on: bool) -> Result<(), Error> {
        self.ask(Features::CTRL_VLAN, Request::Vlan(vlan, on))
    }

    /// Whether the PF wants it to announce itself, with gratuitous ARP for instance: see
    /// [`announced`](Self::announced).
    ///
    /// # Errors
    /// The device is gone.
    pub fn is_to_announce(&self) -> Result<bool, Error> {
        let announce = self.info.features.has(Features::GUEST_ANNOUNCE);
        let [.., status, _, _, _, _, _] = self.registers.config()?;
        Ok(announce && status & ANNOUNCE != 0)
    }

    /// Says that it has announced itself.
    ///
    /// # Errors
    /// As [`set_mac`](Self::set_mac).
    pub fn announced(&mut self) -> Result<(), Error> {
        self.ask(Features::GUEST_ANNOUNCE, Request::Announced)
    }

    fn ask(&mut self, needs: Features, request: Request<'_>) -> Result<(), Error> {
        let accepted = self.info.features.has(needs);
        let control = self.control.as_mut().filter(|_| accepted);
        control
            .ok_or(Error::NotOffered)?
            .ask(&self.registers, request)
    }

    /// Sleeps until a queue may have something, one of `files` can be read, or the time is over. Now and then
    /// it looks after the device.
    ///
    /// # Errors
    /// The device is gone, needs a reset, or broke the rules.
    pub fn wait(&mut self, files: &[BorrowedFd<'_>], timeout: Duration) -> Result<Wake, Error> {
        let (mut pending, blocked) = (false, self.interrupts.is_empty());
        for pair in &mut self.pairs {
            pending |= pair
                .rx
                .enable_events()
                .map_err(|error| pair.rx_error(error))?;
            // Of what was sent only a full queue waits to hear.
            if usize::from(pair.tx.room()) < pair.longest {
                let queue = 2 * pair.number + 1;
                let full = pair.tx.enable_events();
                pending |= full.map_err(|source| Error::Queue { queue, source })?;
            }
        }
        let timeout = match (pending, blocked) {
            (true, _) => Duration::ZERO,
            (false, true) => timeout.min(LOOK),
            (false, false) => timeout,
        };
        let own = self.interrupts.iter().map(AsFd::as_fd);
        let all: Vec<BorrowedFd<'_>> = own.chain(files.iter().copied()).collect();
        let mut ready = wait_readable(&all, timeout)?;
        for pair in &mut self.pairs {
            pair.rx.disable_events();
            pair.tx.disable_events();
        }
        let files = ready.split_off(self.interrupts.len());
        for interrupt in &self.interrupts {
            interrupt.take()?;
        }
        let config = ready.first().is_some_and(|ready| *ready);
        // A single vector is for everything.
        let shared = config && ready.len() == 1;
        let queues = pending || blocked || shared || ready.iter().skip(1).any(|ready| *ready);
        if config || self.checked.elapsed() > CHECK {
            self.check()?;
            self.checked = Instant::now();
        }
        Ok(Wake {
            queues,
            config,
            files,
        })
    }
}

/// What we can use of what is offered.
fn negotiate(registers: &Registers, options: &Options) -> Result<Features, Error> {
    let wanted = Features::VERSION_1
        | Features::ACCESS_PLATFORM
        | Features::EVENT_IDX
        | Features::CSUM
        | Features::GUEST_CSUM
        | Features::MRG_RXBUF
        | Features::MAC
        | Features::STATUS
        | Features::MTU;
    let mut asking =
        Features::CTRL_RX | Features::GUEST_ANNOUNCE | Features::MQ | Features::CTRL_MAC_ADDR;
    if options.vlan_filter {
        asking = asking | Features::CTRL_VLAN;
    }
    let offered = registers.offered()?;
    if offered == Features::default() {
        return Err(Error::Disabled);
    }
    let mut accepted = offered & wanted;
    if offered.has(Features::CTRL_VQ) {
        accepted = accepted | Features::CTRL_VQ | (offered & asking);
    }
    if !offered.has(Features::VERSION_1) {
        return Err(Error::Features {
            offered: offered.0,
            accepted: accepted.0,
        });
    }
    registers.accept(accepted)?;
    Ok(accepted)
}

fn read_info(registers: &Registers, features: Features) -> Result<Info, Error> {
    let [
        a,
        b,
        c,
        d,
        e,
        f,
        status,
        _,
        pairs_low,
        pairs_high,
        mtu_low,
        mtu_high,
    ] = registers.config()?;
    let pairs = u16::from_le_bytes([pairs_low, pairs_high]);
    let mac = MacAddr([a, b, c, d, e, f]);
    Ok(Info {
        features,
        mac: (features.has(Features::MAC)).then_some(mac),
        mtu: (features.has(Features::MTU)).then_some(u16::from_le_bytes([mtu_low, mtu_high])),
        link_up: !features.has(Features::STATUS) || status & 1 != 0,
        queue_pairs: if features.has(Features::MQ) {
            pairs.clamp(1, 0x8000)
        } else {
            1
        },
        vectors: 0,
    })
}

/// Connects vectors: the first for the configuration, then one per queue pair, as far as there are any.
fn connect(
    registers: &Registers,
    options: &Options,
    info: &mut Info,
) -> Result<Vec<Interrupt>, Error> {
    let function = registers.function();
    info.vectors = function.vectors().min(1 + info.queue_pairs);
    if !options.interrupts {
        info.vectors = 0;
    }
    if info.vectors == 0 {
        return Ok(Vec::new());
    }
    let interrupts = function.interrupts(info.vectors)?;
    registers.set_config_vector(0)?;
    Ok(interrupts)
}
