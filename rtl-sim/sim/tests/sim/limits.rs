// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a VF may send and how often it interrupts, through the whole NIC. Time is that of the NIC; no bound depends on
//! how fast the host is.

use std::sync::Arc;
use std::time::Instant;

use hairpin_abi::counter::{CounterAddr, Traffic};
use hairpin_abi::{PortId, VPort};
use hairpin_driver::edit::{EditCommand, PortEdit};
use hairpin_driver::function::PciFunction;
use hairpin_driver::steer::PoolEdit;
use hairpin_driver::vfio_user::VfioUser;
use hairpin_driver::virtio::Vf;
use hairpin_driver::{Device, PfBar};

use crate::frames::{CONFIG, LIMIT, MACS, frame, open, receive, send};
use crate::server::Server;

/// Clocks per second.
const CLOCK: u64 = 156_250_000;
/// Length of the frames of VFs that are limited.
const LEN: usize = 1514;

fn pf(server: &Server) -> Device<PfBar> {
    let function: Arc<dyn PciFunction> = Arc::new(VfioUser::open(&server.socket("pf0")).unwrap());
    function.enable().unwrap();
    Device::probe(PfBar::new(function)).unwrap()
}

fn words(words: &str) -> Vec<String> {
    words.split(' ').map(str::to_owned).collect()
}

fn port_set(pf: &mut Device<PfBar>, port: &str, text: &str) {
    let edit = EditCommand::Port(PortEdit::Set {
        port: port.to_owned(),
        words: words(text),
    });
    pf.edit(&edit.edit().unwrap()).unwrap();
}

/// VF 2 is in the tenant of the others.
fn one_tenant(more: &str) -> String {
    let text = CONFIG.replace("name = \"vf2\"\nvvlan = 200", "name = \"vf2\"\nvvlan = 100");
    text.replace(
        "mac = \"02:00:00:00:0a:00\"\n",
        &format!("mac = \"02:00:00:00:0a:00\"\n{more}"),
    )
}

/// Posts so many frames at once, from a number on.
fn post(vf: &mut Vf, from: usize, numbers: std::ops::Range<u32>) {
    let pool = vf.pool();
    let mut frames: Vec<_> = numbers
        .map(|number| pool.frame_of(&frame(from, &MACS[1], number, LEN)).unwrap())
        .collect();
    let all = frames.len();
    assert_eq!(vf.tx_batch(&mut frames).unwrap(), all);
}

/// Bytes that VF 0 has sent, and two moments between which that was so.
fn sent(pf: &mut Device<PfBar>) -> (u64, u64, u64) {
    let before = pf.time().unwrap();
    let port = PortId::VPort(VPort::new(0).unwrap());
    let bytes = pf.read_counter(CounterAddr::port(port, Traffic::InBytes));
    let bytes = bytes.unwrap();
    (bytes, before, pf.time().unwrap())
}

#[test]
fn a_vf_gets_its_rate_and_slows_no_other() {
    const RATE: u64 = 1000;
    let server = Server::start("", Some(&one_tenant("max-tx-rate = 500\n")));
    let mut pf = pf(&server);
    let mut vfs: Vec<Vf> = (0..3).map(|vf| open(&server, vf)).collect();
    // nic.toml and `port set` reach the NIC, and only the VF that was meant.
    let limits = |pf: &mut Device<PfBar>| -> Vec<_> {
        let ports = pf.port_states().unwrap();
        ports[..3].iter().map(|port| port.max_tx_rate).collect()
    };
    assert_eq!(limits(&mut pf), [Some(500), None, None]);
    port_set(&mut pf, "vf0", "max-tx-rate 1000");
    assert_eq!(limits(&mut pf), [Some(1000), None, None]);

    // Both have all their frames in their rings; VF 0 was first.
    post(&mut vfs[0], 0, 0..120);
    post(&mut vfs[2], 2, 1000..1060);
    let number = |bytes: &Vec<u8>| u32::from_be_bytes(bytes[14..18].try_into().unwrap());
    let mut seen = Vec::new();
    let last = loop {
        if let Some(last) = seen.iter().position(|frame| number(frame) == 1059) {
            break last;
        }
        seen.extend(receive(&mut vfs[1], 1));
    };
    let limited = last + 1 - 60;
    // The bucket, what is granted ahead of it, and a few while the host took its time.
    assert!(limited < 50, "VF 2 waited for {limited} frames of VF 0");

    // When what was granted ahead is paid for, frames that are in the ring go out at the rate: to two frames, and to the
    // clocks that reading the counter takes.
    let wait = |pf: &mut Device<PfBar>, done: &dyn Fn((u64, u64, u64)) -> bool| {
        let start = Instant::now();
        loop {
            let now = sent(pf);
            if done(now) {
                return now;
            }
            assert!(start.elapsed() < LIMIT, "{} bytes, and no more", now.0);
        }
    };
    let (bytes, from, until) = wait(&mut pf, &|(bytes, ..)| bytes >= 50 * LEN as u64);
    let (more, later, end) = wait(&mut pf, &|(_, now, _)| now > from + 60_000);
    let earned = |clocks: u64| clocks * RATE * 1_000_000 / 8 / CLOCK;
    let got = more - bytes;
    let (least, most) = (earned(later - until), earned(end - from));
    let slack = 2 * LEN as u64;
    assert!(more < 120 * LEN as u64, "the ring was empty: {more} bytes");
    assert!(
        got + slack >= least && got <= most + slack,
        "{got} bytes in {} to {} clocks, {least} to {most} expected",
        later - until,
        end - from
    );
    println!(
        "max-tx-rate {RATE}: {got} bytes, {least} to {most} expected; {limited} frames before VF 2 was done"
    );

    // Without a limit the rest is gone at once.
    port_set(&mut pf, "vf0", "max-tx-rate 0");
    assert_eq!(limits(&mut pf), [None; 3]);
    receive(&mut vfs[1], 180 - seen.len());
    let (bytes, ..) = sent(&mut pf);
    assert_eq!(bytes, 120 * LEN as u64);
    drop(vfs);
    assert_eq!(server.stop().scoreboard.mismatches, 0);
}

/// Waits for a frame by interrupts alone.
fn hear(vf: &mut Vf) -> Vec<u8> {
    let start = Instant::now();
    let mut frames = Vec::new();
    loop {
        if vf.rx_batch(&mut frames, 1).unwrap() == 1 {
            return frames[0].to_vec();
        }
        let wake = vf.wait(&[], LIMIT).unwrap();
        assert!(wake.queues && start.elapsed() < LIMIT, "no interrupt came");
    }
}

/// Frames to VF 1: so many one by one, then many at once. All are heard of. The clocks that this took.
fn talk(server: &Server, pf: &mut Device<PfBar>, frames: u32) -> u64 {
    let (mut sender, mut receiver) = (open(server, 0), open(server, 1));
    let from = pf.time().unwrap();
    for number in 0..frames {
        let bytes = frame(0, &MACS[1], number, 100);
        send(&mut sender, &bytes);
        assert_eq!(hear(&mut receiver), bytes);
    }
    for number in 0..40 {
        send(&mut sender, &frame(0, &MACS[1], 100 + number, 100));
    }
    for number in 0..40 {
        assert_eq!(hear(&mut receiver), frame(0, &MACS[1], 100 + number, 100));
    }
    pf.time().unwrap() - from
}

#[test]
fn interrupts_keep_their_distance_and_none_is_lost() {
    const FRAMES: u32 = 12;
    const GAP_US: u64 = 50;
    // The first, and one for the configuration.
    let most = |clocks: u64| clocks / (GAP_US * CLOCK / 1_000_000) + 2;

    let server = Server::start("", Some(CONFIG));
    let clocks = talk(&server, &mut pf(&server), FRAMES);
    let free = server.stop().functions["vf1"].interrupts;
    assert!(free > most(clocks), "{free} interrupts in {clocks} clocks");

    let server = Server::start("", Some(CONFIG));
    let mut device = pf(&server);
    let pool = PoolEdit::Set {
        vf: "vf1".to_owned(),
        words: words(&format!("interrupt-gap-us {GAP_US}")),
        force: false,
    };
    device.steer(&pool.edit().unwrap()).unwrap();
    let states = device.pool_states().unwrap();
    assert_eq!([0, 1].map(|vf: usize| states[vf].interrupt_gap_us), [0, 50]);
    let slow = talk(&server, &mut device, FRAMES);
    let stats = server.stop();
    let few = stats.functions["vf1"].interrupts;
    assert!(few <= most(slow), "{few} interrupts in {slow} clocks");
    assert_eq!(stats.scoreboard.mismatches, 0);
    println!(
        "without a gap {free} interrupts in {clocks} clocks; with {GAP_US} µs {few} in {slow}"
    );
}
