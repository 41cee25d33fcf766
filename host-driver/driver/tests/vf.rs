// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The VF driver over vfio-user, with a virtio-net device of this test at the other end of the socket.

#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/device_ring.rs"]
mod device_ring;
#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/served.rs"]
mod served;
#[path = "support/virtio_net.rs"]
mod virtio_net;

use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use device_ring::Random;
use hairpin_abi::MacAddr;
use hairpin_driver::Diagnostic;
use hairpin_driver::vfio_user::VfioUser;
use hairpin_driver::virtio::{Error, Features, Frame, Options, RingError, Vf};
use virtio_net::{ALL, CSUM, Cable, EVENT_IDX, Fault, MRG_RXBUF, MULTI, Net, complete};

const LONG: Duration = Duration::from_secs(20);

/// Takes a device into use that is served by a thread.
fn open(net: Net, options: &Options) -> Result<Vf, Error> {
    let (ours, theirs) = UnixStream::pair().unwrap();
    thread::spawn(|| served::serve(theirs, net));
    let function = VfioUser::from_stream(ours, LONG).unwrap();
    Vf::open(Arc::new(function), options)
}

fn cables() -> (Cable, Cable) {
    (Cable::default(), Cable::default())
}

fn random_frame(random: &mut Random, most: u64) -> Vec<u8> {
    let len = 60 + random.below(most - 59);
    (0..len).map(|_| random.next() as u8).collect()
}

/// Sends frames from one VF to another and compares them.
fn exchange(seed: u64, offered: u64, mtu: u16, vectors: u16, options: &Options) {
    println!("seed {seed}, features {offered:#x}, MTU {mtu}, {vectors} vectors");
    let mut random = Random::new(seed);
    let (there, back) = cables();
    let side = |out, input| {
        let mut net = Net::new(offered, out, input);
        (net.mtu, net.vectors) = (mtu, vectors);
        let doorbells = Arc::clone(&net.doorbells);
        (open(net, options).unwrap(), doorbells)
    };
    let (mut a, doorbells) = side(&there, &back);
    let (mut b, _) = side(&back, &there);
    let info = *a.info();
    assert_eq!(info.features, Features(offered));
    assert_eq!(info.mac, Some(MacAddr([2, 0, 0, 0, 0, 1])));
    assert_eq!((info.mtu, info.link_up), (Some(mtu), true));
    assert!(a.link_up().unwrap());
    assert_eq!(
        info.vectors,
        if options.interrupts {
            vectors.min(2)
        } else {
            0
        }
    );

    let total = 2_000;
    let most = 40.min(usize::from(options.entries) / 2);
    let (mut expected, mut sent, mut got) = (Vec::new(), 0, 0);
    let (mut to_send, mut received) = (Vec::new(), Vec::new());
    let start = Instant::now();
    while got < total {
        assert!(start.elapsed() < LONG, "{sent} sent, {got} received");
        // Not more than fit into the other's buffers, since nothing holds the sender back.
        while to_send.len() < 20 && sent < total && sent - got < most {
            let bytes = random_frame(&mut random, u64::from(mtu) + 14);
            let Some(frame) = a.pool().frame_of(&bytes) else {
                break;
            };
            to_send.push(frame);
            expected.push(bytes);
            sent += 1;
        }
        a.tx_batch(&mut to_send).unwrap();
        if random.chance(3) {
            b.wait(&[], Duration::from_millis(20)).unwrap();
        }
        b.rx_batch(&mut received, 1 + random.below(30) as usize)
            .unwrap();
        for frame in received.drain(..) {
            assert_eq!(frame.to_vec(), expected[got], "frame {got}");
            got += 1;
        }
    }
    // One doorbell for many frames.
    let rung = *doorbells.lock().unwrap();
    assert!(rung < total as u64, "{rung} doorbells for {total} frames");
    a.check().unwrap();
    a.pairs()[0].reclaim().unwrap();
}

#[test]
fn two_vfs_exchange_frames() {
    let options = Options::default();
    exchange(1, ALL, 1500, 3, &options);
    exchange(2, ALL & !EVENT_IDX, 1500, 2, &options);
    exchange(3, ALL & !MRG_RXBUF, 1500, 1, &options);
    exchange(4, ALL & !MRG_RXBUF, 9000, 0, &options);
    // Frames longer than a buffer, both ways.
    exchange(5, ALL, 9216, 3, &options);
    let few = Options {
        entries: 8,
        buffers: Some(64),
        interrupts: false,
        ..options
    };
    exchange(6, ALL & !EVENT_IDX, 200, 3, &few);
}

/// Sends frames that ask for checksums between others that do not.
fn ask_for_checksums(seed: u64, offered: u64) {
    println!("seed {seed}, features {offered:#x}");
    let mut random = Random::new(seed);
    let (there, back) = cables();
    let mut net = Net::new(offered, &there, &back);
    net.mtu = 9216;
    let sums = Arc::clone(&net.sums);
    let mut vf = open(net, &Options::default()).unwrap();
    let (mut expected, mut asked) = (Vec::new(), 0);
    let mut to_send = Vec::new();
    for n in 0..600 {
        // Frames of one buffer and of several, bytes of any kind and such that add to zero.
        let mut bytes = random_frame(&mut random, if n % 3 == 0 { 9216 } else { 300 });
        if n % 7 == 0 {
            bytes.fill(if n % 2 == 0 { 0xff } else { 0 });
        }
        let mut frame = vf.pool().frame_of(&bytes).unwrap();
        if random.chance(2) {
            let place = random.below(bytes.len() as u64 - 1) as usize;
            let start = random.below(place as u64 + 1) as usize;
            let (from, offset) = (start as u16, (place - start) as u16);
            frame.complete_checksum(from, offset).unwrap();
            complete(&mut bytes, start, place - start);
            asked += 1;
        }
        // One byte more is too far.
        let far = frame.complete_checksum(3, bytes.len() as u16 - 4);
        assert!(matches!(far, Err(Error::NoPlace { .. })), "{far:?}");
        assert!(frame.complete_checksum(u16::MAX, u16::MAX).is_err());
        expected.push(bytes);
        to_send.push(frame);
        let start = Instant::now();
        while to_send.len() >= 10 || (n == 599 && !to_send.is_empty()) {
            assert!(start.elapsed() < LONG);
            vf.tx_batch(&mut to_send).unwrap();
        }
    }
    let start = Instant::now();
    while there.lock().unwrap().len() < expected.len() {
        assert!(start.elapsed() < LONG);
        thread::sleep(Duration::from_millis(1));
    }
    for (n, bytes) in expected.iter().enumerate() {
        assert!(there.lock().unwrap()[n] == *bytes, "frame {n}");
    }
    let by_device = if offered & CSUM == 0 { 0 } else { asked };
    assert_eq!(*sums.lock().unwrap(), by_device);
    // A wish that was dropped with its frame, or was carried out, is not one of the next frame's.
    let mut kept: Vec<Frame> = std::iter::from_fn(|| vf.pool().frame_of(&[7; 100]))
        .take(200)
        .collect();
    for frame in &mut kept {
        frame.complete_checksum(14, 2).unwrap();
    }
    drop(kept);
    let mut plain: Vec<Frame> = std::iter::from_fn(|| vf.pool().frame_of(&[7; 100]))
        .take(200)
        .collect();
    let start = Instant::now();
    while !plain.is_empty() {
        assert!(start.elapsed() < LONG);
        vf.tx_batch(&mut plain).unwrap();
    }
    while there.lock().unwrap().len() < expected.len() + 200 {
        assert!(start.elapsed() < LONG);
        thread::sleep(Duration::from_millis(1));
    }
    assert!(
        there
            .lock()
            .unwrap()
            .iter()
            .skip(600)
            .all(|frame| *frame == [7; 100])
    );
    assert_eq!(*sums.lock().unwrap(), by_device);
}

#[test]
fn checksums_are_completed_by_the_device_or_else_by_the_driver() {
    ask_for_checksums(1, ALL | CSUM);
    ask_for_checksums(2, ALL);
}

#[test]
fn several_pairs_serve_several_threads() {
    let (there, back) = cables();
    let mut net = Net::new(ALL | MULTI, &there, &back);
    (net.pairs, net.vectors) = (4, 5);
    let options = Options {
        queue_pairs: 3,
        ..Options::default()
    };
    let mut vf = open(net, &options).unwrap();
    assert_eq!((vf.info().queue_pairs, vf.info().vectors), (3, 4));
    // Every pair sends and receives in a thread of its own.
    let total = 300;
    let received = Mutex::new(Vec::new());
    for n in 0..total {
        back.lock().unwrap().push_back(vec![n as u8; 60]);
    }
    thread::scope(|scope| {
        for (number, pair) in vf.pairs().iter_mut().enumerate() {
            let received = &received;
            scope.spawn(move || {
                let bytes = [number as u8; 100];
                let mut frames: Vec<Frame> = (0..50)
                    .map(|_| pair.pool().frame_of(&bytes).unwrap())
                    .collect();
                let start = Instant::now();
                let mut mine = 0;
                while mine < total / 3 || !frames.is_empty() {
                    assert!(start.elapsed() < LONG);
                    pair.tx_batch(&mut frames).unwrap();
                    let mut got = Vec::new();
                    mine += pair.rx_batch(&mut got, 10).unwrap();
                    received
                        .lock()
                        .unwrap()
                        .extend(got.iter().map(Frame::to_vec));
                }
            });
        }
    });
    assert_eq!(received.lock().unwrap().len(), total);
    let start = Instant::now();
    while there.lock().unwrap().len() < 150 {
        assert!(start.elapsed() < LONG);
        thread::sleep(Duration::from_millis(1));
    }
}

/// Opens a device with a fault from the start.
fn open_faulty(fault: Fault, offered: u64) -> Error {
    let (there, back) = cables();
    let net = Net::new(offered, &there, &back);
    *net.fault.lock().unwrap() = fault;
    open(net, &Options::default()).unwrap_err()
}

#[test]
fn a_device_that_cannot_be_used_says_why() {
    assert!(matches!(open_faulty(Fault::Gone, ALL), Error::Gone));
    let error = open_faulty(Fault::Features, ALL);
    assert!(matches!(error, Error::Features { .. }), "{error}");
    let error = open_faulty(Fault::None, ALL & !Features::VERSION_1.0);
    assert!(matches!(error, Error::Features { .. }), "{error}");
    let error = open_faulty(Fault::None, 0);
    assert!(matches!(error, Error::Disabled), "{error}");
    let error = open_faulty(Fault::NoQueues, ALL);
    assert!(
        matches!(error, Error::BadQueue { queue: 0, size: 0 }),
        "{error}"
    );
    let help = Diagnostic::from(error).help.unwrap();
    assert!(help.contains("hairpin apply"), "{help}");
    let error = open_faulty(Fault::Control, ALL | MULTI);
    assert!(
        matches!(error, Error::Control { ref request } if request.contains("1 queue pairs")),
        "{error}"
    );
}

/// What a device does wrong while it receives.
fn receive_faulty(fault: Fault) -> Error {
    let (there, back) = cables();
    let net = Net::new(ALL, &there, &back);
    let switch = Arc::clone(&net.fault);
    let mut vf = open(net, &Options::default()).unwrap();
    back.lock().unwrap().push_back(vec![1; 60]);
    let mut frames = Vec::new();
    let start = Instant::now();
    while vf.rx_batch(&mut frames, 8).unwrap() == 0 {
        assert!(start.elapsed() < LONG);
    }
    *switch.lock().unwrap() = fault;
    back.lock().unwrap().push_back(vec![2; 60]);
    let error = loop {
        assert!(start.elapsed() < LONG);
        if let Err(error) = vf
            .wait(&[], Duration::from_millis(50))
            .and_then(|_| vf.rx_batch(&mut frames, 8))
        {
            break error;
        }
    };
    assert_eq!(frames.len(), 1);
    let again = vf.rx_batch(&mut frames, 8);
    if let Error::Queue { source, .. } = &error {
        // Dead until it is opened again.
        assert!(matches!(again, Err(Error::Queue { source: same, .. }) if same == *source));
    }
    error
}

#[test]
fn a_device_that_breaks_the_rules_is_found_out() {
    let source = |fault| match receive_faulty(fault) {
        Error::Queue { queue: 0, source } => source,
        other => panic!("{other}"),
    };
    assert_eq!(source(Fault::BadId), RingError::BadUsedId { id: 999 });
    assert!(matches!(
        source(Fault::BadLength),
        RingError::BadUsedLength { len: 0x10_0000, .. }
    ));
    assert!(matches!(
        source(Fault::Short),
        RingError::BadUsedLength {
            len: 3,
            least: 26,
            ..
        }
    ));
    assert_eq!(
        source(Fault::BadCount),
        RingError::BadBufferCount {
            count: 77,
            there: 1
        }
    );
    assert!(matches!(receive_faulty(Fault::Gone), Error::Gone));
    assert!(matches!(
        receive_faulty(Fault::Quarantine),
        Error::NeedsReset
    ));
}

#[test]
fn frames_of_another_vf_are_refused() {
    let (there, back) = cables();
    let mut a = open(Net::new(ALL, &there, &back), &Options::default()).unwrap();
    let b = open(Net::new(ALL, &back, &there), &Options::default()).unwrap();
    let mut frames = vec![
        a.pool().frame_of(&[1; 60]).unwrap(),
        b.pool().frame_of(&[2; 60]).unwrap(),
    ];
    assert_eq!(a.tx_batch(&mut frames).unwrap(), 1);
    let error = a.tx_batch(&mut frames).unwrap_err();
    assert!(matches!(error, Error::NotSendable { len: 60 }), "{error}");
    assert_eq!(frames.len(), 1);
}

#[test]
fn a_simulator_that_ends_is_noticed() {
    let (there, back) = cables();
    let (ours, theirs) = UnixStream::pair().unwrap();
    let gone = theirs.try_clone().unwrap();
    let net = Net::new(ALL, &there, &back);
    thread::spawn(|| served::serve(theirs, net));
    let function = VfioUser::from_stream(ours, LONG).unwrap();
    let mut vf = Vf::open(Arc::new(function), &Options::default()).unwrap();
    gone.shutdown(std::net::Shutdown::Both).unwrap();
    let start = Instant::now();
    let error = loop {
        if let Err(error) = vf.wait(&[], Duration::from_millis(30)) {
            break error;
        }
        assert!(start.elapsed() < LONG);
    };
    assert!(matches!(error, Error::Gone), "{error}");
}
