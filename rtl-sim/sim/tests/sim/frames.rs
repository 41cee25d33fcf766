// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames between VFs, with the driver's virtio-net on both sides.

use std::net::Shutdown;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use hairpin_driver::function::PciFunction;
use hairpin_driver::vfio_user::VfioUser;
use hairpin_driver::virtio::{Options, Vf};
use hairpin_driver::{Device, PfBar};

use crate::server::Server;

/// Longest time for anything.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

pub(crate) const CONFIG: &str = r#"
version = 1
[uplink]
vlan-mode = "piggy-back"
tpid = 0x8100
reflects = false
[[vvlan]]
id = 100
vlan = 10
mode = "veb"
[[vvlan]]
id = 200
vlan = 20
mode = "veb"
[[vport]]
name = "vf0"
vvlan = 100
mac = "02:00:00:00:0a:00"
spoofchk = true
[[vport]]
name = "vf1"
vvlan = 100
mac = "02:00:00:00:0a:01"
spoofchk = true
[[vport]]
name = "vf2"
vvlan = 200
mac = "02:00:00:00:0b:02"
spoofchk = true
"#;

pub(crate) const MACS: [[u8; 6]; 3] = [
    [2, 0, 0, 0, 0x0a, 0],
    [2, 0, 0, 0, 0x0a, 1],
    [2, 0, 0, 0, 0x0b, 2],
];

pub(crate) fn open(server: &Server, vf: usize) -> Vf {
    take(VfioUser::open(&server.socket(&format!("vf{vf}"))).unwrap())
}

pub(crate) fn take(function: VfioUser) -> Vf {
    take_with(function, &Options::default())
}

pub(crate) fn take_with(function: VfioUser, options: &Options) -> Vf {
    let function: Arc<dyn PciFunction> = Arc::new(function);
    let vf = Vf::open(function, options).unwrap();
    assert!(vf.info().link_up);
    vf
}

/// A frame of `len` bytes from one VF to another, with a number in it.
pub(crate) fn frame(from: usize, to: &[u8; 6], number: u32, len: usize) -> Vec<u8> {
    let mut bytes = to.to_vec();
    bytes.extend(MACS[from]);
    bytes.extend([0x12, 0x34]);
    bytes.extend(number.to_be_bytes());
    bytes.extend((bytes.len()..len).map(|at| (at as u32 + number) as u8));
    bytes
}

pub(crate) fn send(vf: &mut Vf, bytes: &[u8]) {
    let start = Instant::now();
    loop {
        if let Some(frame) = vf.pool().frame_of(bytes) {
            let mut frames = vec![frame];
            while !frames.is_empty() {
                vf.tx_batch(&mut frames).unwrap();
                assert!(start.elapsed() < LIMIT, "the queue stays full");
            }
            return;
        }
        assert!(start.elapsed() < LIMIT, "no buffer comes back");
        vf.tx_batch(&mut Vec::new()).unwrap();
    }
}

/// Waits for frames, asleep.
pub(crate) fn receive(vf: &mut Vf, count: usize) -> Vec<Vec<u8>> {
    let frames = receive_flagged(vf, count).into_iter();
    frames.map(|(bytes, _)| bytes).collect()
}

/// Likewise; and whether the checksum of each was verified.
pub(crate) fn receive_flagged(vf: &mut Vf, count: usize) -> Vec<(Vec<u8>, bool)> {
    let start = Instant::now();
    let (mut frames, mut seen) = (Vec::new(), Vec::new());
    while seen.len() < count {
        assert!(
            start.elapsed() < LIMIT,
            "{} of {count} frames came",
            seen.len()
        );
        vf.rx_batch(&mut frames, 64).unwrap();
        let came = frames.drain(..);
        seen.extend(came.map(|frame| (frame.to_vec(), frame.is_verified())));
        if seen.len() < count {
            vf.wait(&[], Duration::from_secs(1)).unwrap();
        }
    }
    seen
}

fn exchange(options: &str) {
    let server = Server::start(options, Some(CONFIG));
    let mut vfs: Vec<Vf> = (0..3).map(|vf| open(&server, vf)).collect();
    for (vf, mac) in vfs.iter().zip(MACS) {
        assert_eq!(vf.info().mac.map(|mac| mac.0), Some(mac));
    }
    let sent: Vec<_> = (0..64u32)
        .map(|n| frame(0, &MACS[1], n, 60 + 23 * n as usize))
        .collect();
    // As many at once as the NIC fetches buffers ahead.
    for frame in &sent {
        send(&mut vfs[0], frame);
    }
    assert_eq!(receive(&mut vfs[1], sent.len()), sent);
    let back = frame(1, &MACS[0], 1000, 1514);
    send(&mut vfs[1], &back);
    assert_eq!(receive(&mut vfs[0], 1), [back]);
    // To all of the tenant, and nobody else; another tenant's address is not there.
    let all = frame(0, &[0xff; 6], 2000, 100);
    send(&mut vfs[0], &all);
    send(&mut vfs[0], &frame(0, &MACS[2], 2001, 100));
    let last = frame(0, &MACS[1], 2002, 100);
    send(&mut vfs[0], &last);
    assert_eq!(receive(&mut vfs[1], 2), [all, last]);
    let mut frames = Vec::new();
    vfs[2].rx_batch(&mut frames, 1).unwrap();
    assert!(frames.is_empty(), "a frame of another tenant");
    for vf in &vfs {
        vf.check().unwrap();
    }
    drop(vfs);
    let stats = server.stop();
    assert_eq!(stats.ports["vf0"].in_frames, 67);
    assert_eq!(stats.ports["vf0"].out_frames, 1);
    assert_eq!(stats.ports["vf1"].in_frames, 1);
    assert_eq!(stats.ports["vf1"].out_frames, 66);
    assert_eq!(stats.ports["vf2"].out_frames, 0);
    // The broadcast, and the address that is not known here.
    assert_eq!(stats.ports["uplink"].out_frames, 2);
    assert_eq!(stats.scoreboard.mismatches, 0);
    assert!(stats.scoreboard.frames >= 68);
    for (name, function) in &stats.functions {
        assert_eq!(function.dma_faults, 0, "{name}");
    }
    assert!(stats.functions["vf1"].interrupts > 0);
}

#[test]
fn vfs_exchange_frames_and_tenants_do_not() {
    exchange("");
}

#[test]
fn slow_memory_that_is_seldom_ready_loses_nothing() {
    exchange("--dma-ready 40 --dma-read-latency 300 --dma-write-latency 200 --seed 5");
}

#[test]
fn a_vf_whose_client_is_killed_serves_the_next() {
    let server = Server::start("", Some(CONFIG));
    let mut receiver = open(&server, 1);
    for round in 0..3 {
        let stream = UnixStream::connect(server.socket("vf0")).unwrap();
        let line = stream.try_clone().unwrap();
        let mut sender = take(VfioUser::from_stream(stream, LIMIT).unwrap());
        let marked = frame(0, &MACS[1], round, 200);
        send(&mut sender, &marked);
        assert_eq!(receive(&mut receiver, 1), [marked]);
        for n in 0..40 {
            send(&mut sender, &frame(0, &[2, 9, 9, 9, 9, 9], n, 1500));
        }
        // Cut off while the rings are at work: the driver cannot even reset its device.
        line.shutdown(Shutdown::Both).unwrap();
    }
    // Nor has anybody else noticed.
    receiver.check().unwrap();
    let mut sender = open(&server, 0);
    let last = frame(0, &MACS[1], 99, 999);
    send(&mut sender, &last);
    assert_eq!(receive(&mut receiver, 1), [last]);
    drop((sender, receiver));
    assert_eq!(server.stop().scoreboard.mismatches, 0);
}

#[test]
fn the_driver_configures_the_nic_through_the_socket() {
    let server = Server::start("", None);
    let function = VfioUser::open(&server.socket("pf0")).unwrap();
    let function: Arc<dyn PciFunction> = Arc::new(function);
    function.enable().unwrap();
    let mut device = Device::probe(PfBar::new(function)).unwrap();
    assert!(device.capabilities().virtqueues);
    let status = device.vf_status(0).unwrap();
    assert_eq!((status.device_status, status.bad_queue), (0, None));
    assert!(device.set_vf(8, None).is_err(), "no such VF");
}
