// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A VF: a virtio-net device over PCI (virtio 1.2) with split rings, driven by polling.
//!
//! ```text
//!  Frame ─► tx_batch ─► Ring ─► doorbell, one per batch     Pool ─► Ring ─► rx_batch ─► Frame
//!    ▲                    │                                  ▲                             │
//!    └──── Pool ◄─────────┘  when the device is done         └──────── dropped ◄───────────┘
//! ```
//!
//! | Module | Does |
//! |---|---|
//! | `ring` | one queue: pure logic over shared memory; `ring::batch`: many chains at once |
//! | `pool` | buffers and frames |
//! | `registers` | capabilities and the common configuration |
//! | `vf` | the device: negotiation, batches, waiting |
//! | `setup` | its queues |
//! | `queue` | a queue pair |
//! | `control` | the control queue |
//!
//! The loop reads no register: it looks at memory, and rings a doorbell only if the device asked for it. What
//! the device writes is checked, and a queue that got nonsense is dead until the VF is opened again.
//!
//! ```no_run
//! use std::sync::Arc;
//! use hairpin_driver::vfio_user::VfioUser;
//! use hairpin_driver::virtio::{Options, Vf};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let function = VfioUser::open("vf0.sock".as_ref())?;
//! let mut vf = Vf::open(Arc::new(function), &Options::default())?;
//! let mut frames = Vec::new();
//! loop {
//!     // What came in goes out again, without a copy.
//!     vf.rx_batch(&mut frames, 32)?;
//!     vf.tx_batch(&mut frames)?;
//! }
//! # }
//! ```

mod control;
mod error;
mod pool;
mod queue;
mod registers;
mod ring;
mod setup;
mod vf;

pub use error::Error;
pub use pool::{Frame, Pool};
pub use queue::QueuePair;
pub use registers::Features;
pub use ring::{Ring, RingError, RingLayout, Segment, Used};
pub use vf::{Info, Options, Vf, Wake};

/// Bytes of `virtio_net_hdr`, `num_buffers` included.
pub const HEADER: usize = 12;
