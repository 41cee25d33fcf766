// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What can go wrong with a VF.

use std::io;

use thiserror::Error;

use super::ring::RingError;
use crate::Diagnostic;

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
    /// A frame has no such place for a checksum.
    #[error("a frame of {len} bytes has no checksum at {start} + {offset}")]
    NoPlace {
        /// First byte that is summed.
        start: u16,
        /// The checksum's place, from there on.
        offset: u16,
        /// Bytes of the frame.
        len: usize,
    },
    /// A command on the control queue failed.
    #[error("the VF refused {request}")]
    Control {
        /// What was asked for.
        request: String,
    },
    /// A request that needs a feature which the VF does not offer.
    #[error("the VF offers no such request")]
    NotOffered,
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
            Error::NotSendable { .. } => ("vf-refused", "send shorter frames"),
            Error::Control { .. } | Error::NotOffered => (
                "vf-refused",
                "the PF decides about it: see `hairpin pool show` and `trust` in `hairpin port set --help`",
            ),
            _ => (
                "vf-protocol",
                "open the VF again; if that does not help, see what the PF says: `hairpin stats`",
            ),
        };
        Self::new(code, error.to_string()).help(help)
    }
}
