// SPDX-License-Identifier: Apache-2.0 OR MIT
//! VFs with nothing of ours on the host's side: crate `virtio-drivers` over the client of crate `vfio_user`.

mod memory;
mod transport;

use std::os::fd::AsFd as _;
use std::time::Instant;

use nix::poll::{PollFd, PollFlags, poll};
use nix::sys::eventfd::EventFd;
use virtio_drivers::Error;
use virtio_drivers::device::net::{TxBuffer, VirtIONet, VirtIONetRaw};

use crate::frames::{CONFIG, LIMIT, MACS, frame};
use crate::server::Server;
use memory::{Host, Memory};
use transport::Registers;

/// Entries of a queue.
const ENTRIES: usize = 64;
/// Bytes of a receive buffer.
const BUFFER: usize = 2048;
/// Bytes before a frame.
const HEADER: usize = 12;
/// Lengths of frames: around a beat of the datapath, a page of DMA, and the MTU.
const LENGTHS: [usize; 14] = [
    60, 61, 63, 64, 65, 127, 128, 256, 511, 1024, 1499, 1500, 1513, 1514,
];

/// A VF with the crate's driver of whole buffers.
struct Vf<const NUMBER: usize> {
    net: VirtIONet<Host<NUMBER>, Registers, ENTRIES>,
    events: [EventFd; 2],
}

impl<const NUMBER: usize> Vf<NUMBER> {
    /// VF `NUMBER`.
    fn open(server: &Server) -> Self {
        let socket = server.socket(&format!("vf{NUMBER}"));
        let (registers, events) = Registers::open(&socket, NUMBER);
        let net = VirtIONet::new(registers, BUFFER).unwrap();
        assert_eq!(net.mac_address(), MACS[NUMBER]);
        Self { net, events }
    }

    fn send(&mut self, bytes: &[u8]) {
        assert!(self.net.can_send());
        self.net.send(TxBuffer::from(bytes)).unwrap();
    }

    /// The next frame, waited for asleep.
    fn receive(&mut self) -> Vec<u8> {
        let start = Instant::now();
        loop {
            match self.net.receive() {
                Ok(buffer) => {
                    let bytes = buffer.packet().to_vec();
                    self.net.recycle_rx_buffer(buffer).unwrap();
                    return bytes;
                }
                Err(Error::NotReady) => sleep(&self.events[0]),
                Err(error) => panic!("{error}"),
            }
            assert!(start.elapsed() < LIMIT, "no frame comes");
        }
    }
}

/// Sleeps until a vector is raised, or a little.
fn sleep(event: &EventFd) {
    let mut files = [PollFd::new(event.as_fd(), PollFlags::POLLIN)];
    poll(&mut files, 200u16).unwrap();
    // Without an event there is nothing to take.
    let _ = event.read();
}

#[test]
fn virtio_drivers_drives_vfs_and_tenants_stay_apart() {
    let server = Server::start("", Some(CONFIG));
    let mut a = Vf::<0>::open(&server);
    let mut b = Vf::<1>::open(&server);
    let mut other = Vf::<2>::open(&server);
    for (number, len) in (0..).zip(LENGTHS) {
        let there = frame(0, &MACS[1], number, len);
        a.send(&there);
        assert_eq!(b.receive(), there);
        let back = frame(1, &MACS[0], 100 + number, len);
        b.send(&back);
        assert_eq!(a.receive(), back);
    }
    // A short frame arrives as long as the shortest one.
    let mut short = frame(0, &MACS[1], 200, 42);
    a.send(&short);
    short.resize(60, 0);
    assert_eq!(b.receive(), short);
    // To all of the tenant; to an address of another; and from there.
    let all = frame(0, &[0xff; 6], 300, 100);
    a.send(&all);
    a.send(&frame(0, &MACS[2], 301, 100));
    other.send(&frame(2, &[0xff; 6], 302, 100));
    other.send(&frame(2, &MACS[0], 303, 100));
    let (to_b, to_a) = (frame(0, &MACS[1], 304, 100), frame(1, &MACS[0], 305, 100));
    a.send(&to_b);
    b.send(&to_a);
    assert_eq!([b.receive(), b.receive()], [all, to_b]);
    assert_eq!(a.receive(), to_a);
    assert!(!a.net.can_recv() && !b.net.can_recv());
    assert!(!other.net.can_recv(), "a frame of another tenant");
    drop((a, b, other));
    let stats = server.stop();
    let count = LENGTHS.len() as u64;
    let frames = |port: &str| {
        let port = &stats.ports[port];
        (port.in_frames, port.out_frames)
    };
    assert_eq!(frames("vf0"), (count + 4, count + 1));
    assert_eq!(frames("vf1"), (count + 1, count + 3));
    assert_eq!(frames("vf2"), (2, 0));
    assert_eq!(stats.scoreboard.mismatches, 0);
    for (name, function) in &stats.functions {
        assert_eq!(function.dma_faults, 0, "{name}");
        assert_eq!((function.no_buffer, function.refused), (0, 0), "{name}");
    }
    assert!(stats.functions["vf0"].interrupts > 0 && stats.functions["vf1"].interrupts > 0);
}

/// A driver of bare queues, on VF `vf`.
fn raw<const NUMBER: usize>(
    server: &Server,
    vf: usize,
) -> (VirtIONetRaw<Host<NUMBER>, Registers, ENTRIES>, [EventFd; 2]) {
    let (registers, events) = Registers::open(&server.socket(&format!("vf{vf}")), NUMBER);
    (VirtIONetRaw::new(registers).unwrap(), events)
}

#[test]
fn virtio_drivers_keeps_many_frames_in_flight() {
    let server = Server::start(
        "--dma-read-latency 200 --dma-ready 60 --seed 3",
        Some(CONFIG),
    );
    let (mut a, _events) = raw::<4>(&server, 0);
    let (mut b, [event, _]) = raw::<5>(&server, 1);
    let mut received = 0;
    for round in 0..4u32 {
        let mut buffers = vec![[0; BUFFER]; 40];
        let mut given = vec![usize::MAX; ENTRIES];
        for (at, buffer) in buffers.iter_mut().enumerate() {
            // SAFETY: it stays where it is until it is completed.
            let token = unsafe { b.receive_begin(buffer) }.unwrap();
            given[usize::from(token)] = at;
        }
        let sent: Vec<Vec<u8>> = (0..buffers.len() as u32)
            .map(|n| {
                let number = round * 100 + n;
                let mut bytes = vec![0; HEADER];
                assert_eq!(a.fill_buffer_header(&mut bytes), Ok(HEADER));
                bytes.extend(frame(
                    0,
                    &MACS[1],
                    number,
                    60 + (number as usize * 37) % 1455,
                ));
                bytes
            })
            .collect();
        // SAFETY: they stay where they are until they are completed.
        let tokens: Vec<_> = (sent.iter())
            .map(|bytes| unsafe { a.transmit_begin(bytes) }.unwrap())
            .collect();
        let start = Instant::now();
        for bytes in &sent {
            let token = loop {
                match b.poll_receive() {
                    Some(token) => break token,
                    None => sleep(&event),
                }
                assert!(start.elapsed() < LIMIT, "no frame comes");
            };
            let buffer = &mut buffers[given[usize::from(token)]];
            // SAFETY: the buffer that was given with this token.
            let (header, len) = unsafe { b.receive_complete(token, buffer) }.unwrap();
            assert_eq!((header, len + HEADER), (HEADER, bytes.len()));
            assert_eq!(buffer[header..][..len], bytes[HEADER..]);
            // `num_buffers`, the only field that is not zero.
            assert_eq!(buffer[..HEADER], [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0]);
            received += 1;
        }
        for (token, bytes) in tokens.into_iter().zip(&sent) {
            while a.poll_transmit().is_none() {
                assert!(start.elapsed() < LIMIT, "a frame stays in the queue");
            }
            // SAFETY: the buffer that was sent with this token.
            unsafe { a.transmit_complete(token, bytes) }.unwrap();
        }
    }
    drop((a, b));
    let left = [4, 5].map(|number| Memory::of(number).taken());
    assert_eq!(left, [0, 0], "pages stay with a device that was reset");
    let stats = server.stop();
    assert_eq!(stats.ports["vf1"].out_frames, received);
    assert_eq!(stats.scoreboard.mismatches, 0);
    assert_eq!(stats.functions["vf1"].dma_faults, 0);
}
