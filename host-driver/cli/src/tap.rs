// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `tap`: a VF as an interface of the kernel, by our own driver.

use std::io::{self, Write};
use std::os::fd::AsFd;
use std::time::{Duration, Instant};

use hairpin_driver::virtio::{Frame, Info, Options, Vf};
use hairpin_driver::{DeviceName, Diagnostic};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

use crate::args::{Global, TapArgs};
use crate::nic;

/// Frames moved at once.
const BATCH: usize = 64;
/// Frames from the kernel that wait for the VF.
const WAITING: usize = 256;
/// The longest frame.
const FRAME: usize = 9216;
/// Longest sleep.
const SLEEP: Duration = Duration::from_millis(200);

/// Runs until somebody ends it.
pub(crate) fn run(args: &TapArgs, global: &Global) -> Result<(), Diagnostic> {
    let name = nic::name(global)?.of_vf(args.vf)?;
    let mut vf = name.open_vf(global.vf_token, &Options::default())?;
    let tap = open(&args.name, vf.info(), &format!("vf{}", args.vf), &name)?;
    if !global.json {
        let _ = writeln!(
            io::stderr(),
            "{}: bridged to vf{} of {name}",
            args.name,
            args.vf
        );
    }
    let end = args
        .seconds
        .map(|seconds| Instant::now() + Duration::from_secs(seconds));
    bridge(&mut vf, &tap, end)
}

fn open(name: &str, info: &Info, vf: &str, device: &DeviceName) -> Result<SyncDevice, Diagnostic> {
    let mut builder = DeviceBuilder::new().name(name).layer(Layer::L2);
    if let Some(mac) = info.mac {
        // The NIC lets no other source address out.
        builder = builder.mac_addr(mac.0);
    }
    if let Some(mtu) = info.mtu {
        builder = builder.mtu(mtu);
    }
    let device = builder.build_sync().map_err(|error| {
        Diagnostic::new(
            "no-tap",
            format!("cannot make the interface {name}: {error}"),
        )
        .field("--name")
        .help(format!(
            "it needs CAP_NET_ADMIN: sudo hairpin tap {vf} --name {name} -d {device}"
        ))
    })?;
    device
        .set_nonblocking(true)
        .map_err(|error| tap_error(&error))?;
    Ok(device)
}

/// Moves frames both ways.
fn bridge(vf: &mut Vf, tap: &SyncDevice, end: Option<Instant>) -> Result<(), Diagnostic> {
    let mut received = Vec::with_capacity(BATCH);
    let mut sending: Vec<Frame> = Vec::with_capacity(WAITING);
    let mut buffer = vec![0; FRAME];
    loop {
        let left = end.map(|end| end.saturating_duration_since(Instant::now()));
        if left.is_some_and(|left| left.is_zero()) {
            return Ok(());
        }
        // Nothing more is taken from the kernel when the VF does not get rid of it.
        let from_tap = sending.len() < WAITING && fill(vf, tap, &mut sending, &mut buffer)?;
        let sent = vf.tx_batch(&mut sending)?;
        let to_tap = vf.rx_batch(&mut received, BATCH)?;
        for frame in received.drain(..) {
            let len = frame.read(0, &mut buffer);
            match tap.send(&buffer[..len]) {
                Ok(_) => {}
                // A full or closed interface loses frames, as a wire does.
                Err(error) if is_busy(&error) => {}
                Err(error) => return Err(tap_error(&error)),
            }
        }
        if from_tap || sent > 0 || to_tap > 0 {
            continue;
        }
        let sleep = left.map_or(SLEEP, |left| left.min(SLEEP));
        let files = [tap.as_fd()];
        let files = if sending.len() < WAITING {
            &files[..]
        } else {
            &[]
        };
        vf.wait(files, sleep)?;
    }
}

/// Takes frames from the kernel; true if there were any.
fn fill(
    vf: &Vf,
    tap: &SyncDevice,
    sending: &mut Vec<Frame>,
    buffer: &mut [u8],
) -> Result<bool, Diagnostic> {
    let before = sending.len();
    for _ in 0..BATCH {
        match tap.recv(buffer) {
            // Without a buffer it is lost, as at any full queue.
            Ok(len) => sending.extend(vf.pool().frame_of(buffer.get(..len).unwrap_or(&[]))),
            Err(error) if is_busy(&error) => break,
            Err(error) => return Err(tap_error(&error)),
        }
    }
    Ok(sending.len() > before)
}

/// Whether it is only a matter of time: nothing there, no room, or the interface is down.
fn is_busy(error: &io::Error) -> bool {
    const EIO: i32 = 5;
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    ) || error.raw_os_error() == Some(EIO)
}

fn tap_error(error: &io::Error) -> Diagnostic {
    Diagnostic::new("tap", format!("the interface cannot be used: {error}"))
        .help("somebody may have removed it; start again")
}
