// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What the NIC's wire leads to.

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Read as _, Write as _};
use std::os::fd::AsFd as _;
use std::sync::Arc;
use std::thread::JoinHandle;

use hairpin_driver::Diagnostic;
use hairpin_driver::capture::{CaptureWriter, Timestamp};
use hairpin_driver::cli::UplinkTo;
use nix::sys::eventfd::EventFd;

use super::engine::{Engine, Job};
use super::sys;
use crate::model::Cycle;

/// Longest frame on the wire, tags included.
const MAX_FRAME: usize = 9216 + 8;
/// Shortest; shorter ones are padded, as a port that sends them does.
const MIN_FRAME: usize = 60;
/// Picoseconds of a clock at 156.25 MHz.
const PICOSECONDS: u128 = 6400;

/// Where frames go that leave by the uplink.
#[derive(Debug)]
pub(super) struct Uplink {
    to: To,
    dropped: u64,
}

#[derive(Debug)]
enum To {
    Nowhere,
    Tap(Arc<File>),
    Capture(Option<CaptureWriter<BufWriter<File>>>),
}

impl Uplink {
    /// Opens it.
    pub(super) fn open(to: &UplinkTo) -> Result<Self, Diagnostic> {
        let to = match to {
            UplinkTo::None => To::Nowhere,
            UplinkTo::Tap(name) => {
                let tap = sys::open_tap(name).map_err(|e| {
                    Diagnostic::new(
                        "tap-unusable",
                        format!("cannot open the TAP interface {name}: {e}"),
                    )
                    .field("--uplink")
                    .help("run as root, or make it yours: ip tuntap add mode tap user $USER NAME")
                })?;
                To::Tap(Arc::new(tap))
            }
            UplinkTo::Pcap(path) => {
                let capture = CaptureWriter::create(path).map_err(|e| {
                    Diagnostic::new("out-unwritable", format!("cannot write: {e}"))
                        .field("--uplink")
                        .file(path)
                        .help("name a file in a folder that exists and that you may write")
                })?;
                To::Capture(Some(capture))
            }
        };
        Ok(Self { to, dropped: 0 })
    }

    /// Frames that went nowhere.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    /// A frame has left the NIC. One that cannot be taken at once is lost, as on a wire.
    pub(super) fn send(&mut self, cycle: Cycle, bytes: &[u8]) {
        let sent = match &mut self.to {
            To::Nowhere => false,
            To::Tap(tap) => matches!((&**tap).write(bytes), Ok(n) if n == bytes.len()),
            To::Capture(capture) => {
                let nanos = u128::from(cycle) * PICOSECONDS / 1000;
                let time = Timestamp {
                    nanos: u64::try_from(nanos).unwrap_or(u64::MAX),
                };
                let written = capture.as_mut().map(|capture| capture.write(time, bytes));
                if let Some(Err(error)) = &written {
                    eprintln!("uplink: cannot write the capture: {error}; no more frames go there");
                    *capture = None;
                }
                matches!(written, Some(Ok(())))
            }
        };
        self.dropped += u64::from(!sent);
    }

    /// Writes what is left.
    pub(super) fn finish(&mut self) -> std::io::Result<()> {
        if let To::Capture(capture) = &mut self.to
            && let Some(capture) = capture.take()
        {
            capture.finish()?;
        }
        Ok(())
    }

    /// Starts what brings frames from outside, if anything does; it ends when `stop` is signalled.
    pub(super) fn listen(
        &self,
        engine: Engine,
        stop: Arc<EventFd>,
    ) -> std::io::Result<Option<JoinHandle<()>>> {
        let To::Tap(tap) = &self.to else {
            return Ok(None);
        };
        let tap = Arc::clone(tap);
        let thread = std::thread::Builder::new().name("uplink".to_owned());
        Ok(Some(thread.spawn(move || take(&tap, &engine, &stop))?))
    }
}

fn take(tap: &File, engine: &Engine, stop: &EventFd) {
    let mut buffer = [0; MAX_FRAME + 1];
    loop {
        match sys::readable([tap.as_fd(), stop.as_fd()], None) {
            Ok([_, true]) => return,
            Ok([true, _]) => {}
            Ok(_) => continue,
            Err(error) => return eprintln!("uplink: {error}; no more frames come in"),
        }
        let len = match (&*tap).read(&mut buffer) {
            Ok(len) => len,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                continue;
            }
            Err(error) => return eprintln!("uplink: {error}; no more frames come in"),
        };
        if len == 0 || len > MAX_FRAME {
            continue;
        }
        let mut frame = buffer[..len].to_vec();
        frame.resize(len.max(MIN_FRAME), 0);
        if engine.post(Job::Frame(frame)).is_err() {
            return;
        }
    }
}
