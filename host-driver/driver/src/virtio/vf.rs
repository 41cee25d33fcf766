// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The device: negotiation, queues, waiting.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use hairpin_abi::MacAddr;
use thiserror::Error;

use super::HEADER;
use super::pool::{Frame, Pool};
use super::queue::QueuePair;
use super::registers::{Features, Registers, status};
use super::ring::{Ring, RingError, RingLayout, Segment};
use crate::Diagnostic;
use crate::function::{DmaMemory, Interrupt, PciFunction, wait_readable};

/// Descriptors that the device takes in a chain.
const MOST_SEGMENTS: usize = 32;
/// Bytes of a buffer, unless frames can be longer and must be in one.
const BUFFER: usize = 2048;
/// How long a command on the control queue may take.
const CONTROL: Duration = Duration::from_secs(5);
/// Time between two looks at a device without interrupts.
const LOOK: Duration = Duration::from_micros(200);
/// Time between two looks at the status of a device that is waited for.
const CHECK: Duration = Duration::from_millis(100);

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
}

impl Default for Options {
    fn default() -> Self {
        Self {
            queue_pairs: 1,
            entries: 256,
            buffers: None,
            interrupts: true,
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

/// Why a VF cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// An access failed.
    #[error("access to the VF failed: {0}")]
    Access(#[source] io::Error),
    /// Nobody answers any more.
    #[error("the VF is gone: nobody answers, or with all ones only")]
    Gone,
    /// It is another device.
    #[error("not a virtio-net device: {vendor:04x}:{device:04x}, expected 1af4:1041")]
    NotVirtioNet {
        /// Vendor.
        vendor: u16,
        /// Device.
        device: u16,
    },
    /// A part of its registers cannot be used.
    #[error("the VF has no usable {what} registers")]
    BadCapability {
        /// Which.
        what: &'static str,
    },
    /// The PF has not enabled it: it offers nothing.
    #[error("the VF is not enabled")]
    Disabled,
    /// It does not keep to virtio 1, or did not accept what it had offered.
    #[error(
        "the VF does not agree on features: it offers {offered:#x}, {accepted:#x} was asked for"
    )]
    Features {
        /// What it offers.
        offered: u64,
        /// What we accepted.
        accepted: u64,
    },
    /// A queue has a size that cannot be.
    #[error("queue {queue} of the VF has {size} entries")]
    BadQueue {
        /// The queue.
        queue: u16,
        /// Its size.
        size: u16,
    },
    /// It does not take a vector.
    #[error("the VF does not take MSI-X vector {vector}")]
    NoVector {
        /// The vector.
        vector: u16,
    },
    /// A reset does not end.
    #[error("the reset of the VF does not end")]
    ResetStuck,
    /// It found a fault in a queue.
    #[error("the VF needs a reset: it found a fault in a queue")]
    NeedsReset,
    /// A queue is dead.
    #[error("queue {queue} of the VF broke the rules: {source}")]
    Queue {
        /// The queue.
        queue: u16,
        /// What was wrong.
        source: RingError,
    },
    /// A command on the control queue failed.
    #[error("the VF refused to use {pairs} queue pairs")]
    Control {
        /// How many were asked for.
        pairs: u16,
    },
    /// A frame that this VF cannot send.
    #[error("a frame of {len} bytes cannot be sent: too long, or made for another VF")]
    NotSendable {
        /// Its length.
        len: usize,
    },
}

impl From<io::Error> for Error {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotConnected => Self::Gone,
            _ => Self::Access(error),
        }
    }
}

impl From<Error> for Diagnostic {
    fn from(error: Error) -> Self {
        let (code, help) = match &error {
            Error::Access(_) | Error::Gone => (
                "device-gone",
                "check that the NIC, or its simulator, still runs, then attach again",
            ),
            Error::NotVirtioNet { .. } => (
                "not-a-vf",
                "name a VF: vfio-user/DIR/vf0.sock, or a pci/ address that `lspci -d 1af4:1041` shows",
            ),
            Error::Disabled | Error::BadQueue { .. } => (
                "vf-disabled",
                "the PF has to enable the VF and give it queue pairs: `hairpin apply` does",
            ),
            Error::Control { .. } | Error::NotSendable { .. } => {
                ("vf-refused", "use fewer queue pairs, or shorter frames")
            }
            _ => (
                "vf-protocol",
                "open the VF again; if that does not help, see what the PF says: `hairpin stats`",
            ),
        };
        Self::new(code, error.to_string()).help(help)
    }
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
    /// The control queue, which lives as long as the device.
    _control: Option<Ring<()>>,
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
        let features = negotiate(&registers)?;
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
            _control: None,
        };
        if let Some(control) = control {
            vf._control = Some(control.use_pairs(&vf.registers, info.queue_pairs)?);
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
fn negotiate(registers: &Registers) -> Result<Features, Error> {
    let wanted = Features::VERSION_1
        | Features::ACCESS_PLATFORM
        | Features::EVENT_IDX
        | Features::MRG_RXBUF
        | Features::MAC
        | Features::STATUS
        | Features::MTU;
    let several = Features::MQ | Features::CTRL_VQ;
    let offered = registers.offered()?;
    if offered == Features::default() {
        return Err(Error::Disabled);
    }
    let mut accepted = offered & wanted;
    if offered.has(several) {
        accepted = accepted | several;
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

/// What the queues are made from.
struct Queues<'a> {
    registers: &'a Registers,
    options: &'a Options,
    info: &'a Info,
    offered_pairs: u16,
}

impl Queues<'_> {
    fn make(&self) -> Result<(Vec<QueuePair>, Option<Control>), Error> {
        let numbers: Vec<u16> = (0..2 * self.info.queue_pairs).collect();
        let control = self
            .info
            .features
            .has(Features::MQ)
            .then(|| self.offered_pairs.saturating_mul(2));
        let count = self.registers.queues()?;
        let mut layouts = Vec::new();
        let mut end = 0;
        for queue in numbers.iter().copied().chain(control) {
            let size = if queue < count {
                self.registers.queue_size(queue)?
            } else {
                0
            };
            if !size.is_power_of_two() || size > super::ring::MOST_ENTRIES {
                return Err(Error::BadQueue { queue, size });
            }
            let wanted = self.options.entries.max(2);
            let most = wanted.checked_next_power_of_two().unwrap_or(1 << 15);
            let size = size.min(most);
            let layout = RingLayout::new(end, size);
            end = layout.end();
            layouts.push((queue, layout, size));
        }
        // Behind the rings is a command of the control queue.
        let memory = self.registers.function().dma_memory(end + Control::LEN)?;
        let control = match control {
            Some(_) => layouts
                .pop()
                .map(|(queue, layout, size)| self.control(&memory, queue, layout, size, end)),
            None => None,
        };
        let mut pairs = Vec::new();
        for (number, layouts) in (0..).zip(layouts.chunks_exact(2)) {
            pairs.push(self.pair(&memory, number, layouts)?);
        }
        Ok((pairs, control.transpose()?))
    }

    fn pair(
        &self,
        memory: &DmaMemory,
        number: u16,
        layouts: &[(u16, RingLayout, u16)],
    ) -> Result<QueuePair, Error> {
        let features = self.info.features;
        let event_idx = features.has(Features::EVENT_IDX);
        let mergeable = features.has(Features::MRG_RXBUF);
        // Ethernet header, a VLAN tag, and the packet.
        let frame = HEADER + 18 + usize::from(self.info.mtu.unwrap_or(1500));
        let len = if mergeable { BUFFER } else { BUFFER.max(frame) };
        let entries: usize = layouts.iter().map(|(.., size)| usize::from(*size)).sum();
        let buffers = self.options.buffers.unwrap_or(2 * entries).max(2);
        let function = self.registers.function();
        let pool = Pool::new(function.dma_memory(buffers * len)?, len);
        // A vector per pair if there are enough, else the last one for the rest.
        let vector = (self.info.vectors > 0).then(|| (number + 1).min(self.info.vectors - 1));
        let [rx, tx] = [layouts[0], layouts[1]];
        let rx_ring = Ring::new(memory.clone(), rx.1, rx.2, event_idx);
        let tx_ring = Ring::new(memory.clone(), tx.1, tx.2, event_idx);
        let doorbells = (
            self.registers
                .enable_queue(rx.0, rx.2, vector, rx_ring.addresses())?,
            self.registers
                .enable_queue(tx.0, tx.2, vector, tx_ring.addresses())?,
        );
        Ok(QueuePair {
            registers: self.registers.clone(),
            pool,
            number,
            longest: MOST_SEGMENTS.min(tx.2.into()),
            rx: rx_ring,
            tx: tx_ring,
            doorbells,
            mergeable,
            segments: Vec::with_capacity(MOST_SEGMENTS),
        })
    }

    fn control(
        &self,
        memory: &DmaMemory,
        queue: u16,
        layout: RingLayout,
        size: u16,
        command: usize,
    ) -> Result<Control, Error> {
        let event_idx = self.info.features.has(Features::EVENT_IDX);
        let ring = Ring::new(memory.clone(), layout, size, event_idx);
        let doorbell = self
            .registers
            .enable_queue(queue, size, None, ring.addresses())?;
        Ok(Control {
            ring,
            doorbell,
            memory: memory.clone(),
            command,
            queue,
        })
    }
}

/// The control queue, of which one command is needed.
struct Control {
    ring: Ring<()>,
    doorbell: super::registers::Doorbell,
    memory: DmaMemory,
    /// Where the command is in the memory.
    command: usize,
    queue: u16,
}

impl Control {
    /// Bytes of a command and its answer, with room between.
    const LEN: usize = 16;
    /// `VIRTIO_NET_CTRL_MQ`, `VQ_PAIRS_SET`.
    const CLASS_AND_COMMAND: u16 = 4;
    const ANSWER: usize = 8;

    /// Tells the device how many queue pairs to use.
    fn use_pairs(mut self, registers: &Registers, pairs: u16) -> Result<Ring<()>, Error> {
        let (memory, at) = (self.memory.memory(), self.command);
        memory.store16(at, Self::CLASS_AND_COMMAND, Ordering::Relaxed);
        memory.store16(at + 2, pairs, Ordering::Relaxed);
        memory.write(at + Self::ANSWER, &[0xff]);
        let segment = |offset, len, writable| Segment {
            bus: self.memory.bus(at + offset),
            len,
            writable,
        };
        let chain = [segment(0, 4, false), segment(Self::ANSWER, 1, true)];
        let (refused, queue) = (Error::Control { pairs }, self.queue);
        if self.ring.add(&chain, ()).is_err() {
            return Err(refused);
        }
        if self.ring.publish() {
            registers.ring(self.doorbell)?;
        }
        let start = Instant::now();
        let failed = |source| Error::Queue { queue, source };
        while self.ring.pop().map_err(failed)?.is_none() {
            if start.elapsed() > CONTROL {
                return Err(refused);
            }
            thread::sleep(LOOK);
        }
        let mut answer = [0xff];
        memory.read(at + Self::ANSWER, &mut answer);
        if answer == [0] {
            Ok(self.ring)
        } else {
            Err(refused)
        }
    }
}
