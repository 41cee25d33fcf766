// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The driver's side of a split virtqueue against a device that keeps to the rules, and one that does not.
//! Plain memory only, so that it runs under Miri (of which weak memory emulation of May 2026 fails on accesses
//! of two widths, and is switched off):
//!
//! ```sh
//! MIRIFLAGS="-Zmiri-disable-isolation -Zmiri-disable-weak-memory-emulation" \
//!     cargo +nightly miri test -p hairpin-driver --test ring
//! ```
//!
//! Memory that is mapped, and the devices of the other tests, are for AddressSanitizer, with the stable compiler:
//!
//! ```sh
//! RUSTC_BOOTSTRAP=1 RUSTFLAGS=-Zsanitizer=address cargo test -p hairpin-driver --all-features --tests \
//!     --target x86_64-unknown-linux-gnu --target-dir target/asan
//! ```

#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/device_ring.rs"]
mod device_ring;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use device_ring::{Bus, DeviceRing, Random};
use hairpin_driver::function::DmaMemory;
use hairpin_driver::memory::SharedMemory;
use hairpin_driver::virtio::{Pool, Ring, RingError, RingLayout, Segment};

/// Where the device knows the memory.
const BUS: u64 = 0x12_3456_7000;

/// Work that Miri can do in the same time.
const fn rounds(native: u64, miri: u64) -> u64 {
    if cfg!(miri) { miri } else { native }
}

fn pair<T: Copy + Default>(size: u16, event_idx: bool) -> (Ring<T>, DeviceRing) {
    let layout = RingLayout::new(0, size);
    let memory = Arc::new(SharedMemory::local(layout.end()));
    let dma = DmaMemory::new(Arc::clone(&memory), BUS, None);
    let ring = Ring::new(dma, layout, size, event_idx);
    let bus = Bus(vec![(BUS, memory)]);
    let device = DeviceRing::new(bus, ring.addresses(), size, event_idx);
    (ring, device)
}

/// A chain of random length: pieces to read, then pieces to write.
fn chain(random: &mut Random, most: u16) -> Vec<Segment> {
    let count = 1 + random.below(u64::from(most.min(5)));
    let readable = random.below(count + 1);
    (0..count)
        .map(|n| Segment {
            bus: random.next(),
            len: 1 + random.below(4096) as u32,
            writable: n >= readable,
        })
        .collect()
}

/// A driver and a device that sleep when there is nothing to do. Whoever sleeps must be woken.
fn run_well(seed: u64, size: u16, event_idx: bool, chains: u64) {
    println!("seed {seed}, {size} entries, EVENT_IDX {event_idx}");
    let mut random = Random::new(seed);
    let (mut ring, mut device) = pair::<u64>(size, event_idx);
    let mut given: HashMap<u64, (Vec<Segment>, u32)> = HashMap::new();
    let mut order = VecDeque::new();
    let mut held = Vec::new();
    let mut used = VecDeque::new();
    let (mut next, mut done) = (0, 0);
    let (mut device_sleeps, mut driver_sleeps) = (true, false);
    let (mut notified, mut interrupted) = (0u64, 0u64);
    while done < chains {
        match random.below(4) {
            // The driver adds some and shows them.
            0 => {
                for _ in 0..random.below(6) {
                    let segments = chain(&mut random, size);
                    let fits = segments.len() <= ring.room().into();
                    assert_eq!(ring.add(&segments, next).is_ok(), fits);
                    if fits {
                        let room = segments.iter().filter(|s| s.writable).map(|s| s.len).sum();
                        given.insert(next, (segments, room));
                        order.push_back(next);
                        next += 1;
                    }
                }
                if ring.publish() {
                    device_sleeps = false;
                    notified += 1;
                }
            }
            // The device takes what there is, and goes to sleep.
            1 if !device_sleeps => {
                device.disarm();
                for _ in 0..random.below(8) {
                    let Some((head, descriptors)) = device.take() else {
                        device_sleeps = !device.arm();
                        break;
                    };
                    let token = order.pop_front().expect("only what was given");
                    let expected = &given[&token].0;
                    let same = descriptors
                        .iter()
                        .map(|(bus, len, writable)| (*bus, *len, *writable))
                        .eq(expected.iter().map(|s| (s.bus, s.len, s.writable)));
                    assert!(same, "{descriptors:?} for {expected:?}");
                    held.push((token, head));
                }
            }
            // It finishes some of them, in any order.
            2 if !held.is_empty() => {
                for _ in 0..=random.below(4) {
                    if held.is_empty() {
                        break;
                    }
                    let (token, head) = held.swap_remove(random.below(held.len() as u64) as usize);
                    let len = random.below(u64::from(given[&token].1) + 1) as u32;
                    device.put(head, len);
                    used.push_back((token, len));
                }
                if device.show() {
                    driver_sleeps = false;
                    interrupted += 1;
                }
            }
            // The driver takes them back, and goes to sleep.
            3 if !driver_sleeps => {
                ring.disable_events();
                for _ in 0..random.below(8) {
                    let Some(back) = ring.pop().unwrap() else {
                        driver_sleeps = !ring.enable_events().unwrap();
                        break;
                    };
                    assert_eq!(used.pop_front(), Some((back.token, back.len)));
                    given.remove(&back.token);
                    done += 1;
                }
            }
            _ => {}
        }
        assert_eq!(usize::from(ring.outstanding()), given.len());
        // Nobody sleeps over something that was shown to him.
        assert!(!(device_sleeps && held.is_empty() && used.is_empty() && shown(&device)));
        assert!(!driver_sleeps || used.is_empty() || unshown(&device));
    }
    // Events are suppressed while the other side is awake.
    assert!(
        chains < 1_000 || notified < next && interrupted < done,
        "{notified}, {interrupted}"
    );
}

/// Whether the driver has shown the device something that it has not taken.
fn shown(device: &DeviceRing) -> bool {
    device.clone().take().is_some()
}

/// Whether the device has put something that it has not shown.
fn unshown(device: &DeviceRing) -> bool {
    let mut bytes = [0; 2];
    let (start, memory) = &device.bus.0[0];
    memory.read((device.addresses[2] + 2 - start) as usize, &mut bytes);
    u16::from_le_bytes(bytes) != device.put
}

#[test]
fn a_good_device_and_the_driver_agree_and_wake_each_other() {
    for (seed, size) in (1..).zip([1, 4, 64, 256]) {
        for event_idx in [false, true] {
            // Over the end of the 16-bit indexes.
            run_well(seed, size, event_idx, rounds(70_000, 40));
        }
    }
}

#[test]
fn indexes_wrap() {
    // As above, one at a time, so that every index is seen on both sides.
    for event_idx in [false, true] {
        let (mut ring, mut device) = pair::<u32>(8, event_idx);
        let segment = Segment {
            bus: 64,
            len: 10,
            writable: true,
        };
        for n in 0..rounds(66_000, 30) as u32 {
            ring.add(&[segment], n).unwrap();
            assert!(ring.publish());
            let (head, _) = device.take().unwrap();
            assert!(!device.arm());
            assert!(!ring.enable_events().unwrap());
            device.put(head, n % 11);
            assert!(device.show());
            let used = ring.pop().unwrap().unwrap();
            assert_eq!((used.token, used.len), (n, n % 11));
            assert_eq!(ring.pop(), Ok(None));
        }
    }
}

#[test]
fn every_lie_has_its_error_and_kills_the_queue() {
    let segment = |writable| Segment {
        bus: 0,
        len: 100,
        writable,
    };
    let lie = |tell: &dyn Fn(&mut DeviceRing, u16)| {
        let (mut ring, mut device) = pair::<u8>(4, false);
        ring.add(&[segment(true)], 1).unwrap();
        ring.add(&[segment(true)], 2).unwrap();
        let _ = ring.publish();
        let (head, _) = device.take().unwrap();
        tell(&mut device, head);
        let error = loop {
            match ring.pop() {
                Ok(used) => assert!(used.is_some(), "the lie was not noticed"),
                Err(error) => break error,
            }
        };
        // Dead, whatever the device does now.
        device.forge_index(0);
        assert_eq!(ring.pop(), Err(error));
        assert_eq!(ring.enable_events(), Err(error));
        assert_eq!(ring.dead(), Some(error));
        error
    };
    for index in [3, u16::MAX, 0x8000] {
        let bad = RingError::BadUsedIndex {
            index,
            last: 0,
            outstanding: 2,
        };
        assert_eq!(lie(&|device, _| device.forge_index(index)), bad);
    }
    for id in [3, 4, 77, u32::MAX, 1 << 16] {
        let forged = lie(&|device, _| {
            device.forge_entry(0, id, 5);
            device.forge_index(1);
        });
        assert_eq!(forged, RingError::BadUsedId { id });
    }
    let twice = lie(&|device, head| {
        device.put(head, 5);
        device.put(head, 5);
        device.show();
    });
    assert!(matches!(twice, RingError::BadUsedId { .. }));
    for len in [101, u32::MAX] {
        let bad = RingError::BadUsedLength {
            len,
            least: 0,
            most: 100,
        };
        let forged = lie(&|device, head| {
            device.put(head, len);
            device.show();
        });
        assert_eq!(forged, bad);
    }
}

/// A piece of memory for a token.
fn piece(token: u64, writable: bool) -> Segment {
    Segment {
        bus: token << 8,
        len: 100,
        writable,
    }
}

/// A token comes back from the device.
fn gone(with_device: &mut Vec<u64>, token: u64, seed: u64) {
    let at = with_device.iter().position(|other| *other == token);
    with_device.swap_remove(at.unwrap_or_else(|| panic!("seed {seed}: {token} came back twice")));
}

/// What a device has taken, to be finished in order, or not.
struct Work {
    held: VecDeque<(u64, u16)>,
    order: u64,
}

impl Work {
    /// Takes what there is and finishes some: tokens and lengths as they go back.
    fn turn(
        &mut self,
        random: &mut Random,
        device: &mut DeviceRing,
        writable: bool,
    ) -> Vec<(u64, u32)> {
        while let Some((head, chain)) = device.take() {
            let (bus, len, writes) = chain[0];
            assert_eq!((bus & 0xff, len, writes), (0, 100, writable));
            self.held.push_back((bus >> 8, head));
        }
        let mut back = Vec::new();
        for _ in 0..random.below(self.held.len() as u64 + 1) {
            let in_order = random.below(1000) < self.order;
            let at = if in_order {
                0
            } else {
                random.below(self.held.len() as u64)
            };
            let (token, head) = self.held.remove(at as usize).unwrap();
            let len = random.below(101) as u32;
            device.put(head, len);
            back.push((token, len));
        }
        device.show();
        back
    }
}

#[test]
fn what_is_sent_in_batches_comes_back_in_any_order() {
    for (seed, size) in (1..).zip([1, 2, 8, 64]) {
        for order in [1000, 990, 0] {
            let mut random = Random::new(seed);
            let (mut ring, mut device) = pair::<u64>(size, seed % 2 == 0);
            let held = VecDeque::new();
            let (mut next, mut work) = (0, Work { held, order });
            while next < rounds(if order == 1000 { 70_000 } else { 10_000 }, 100) {
                let room = u64::from(ring.room());
                let tokens = next..next + random.below(room + 1);
                next = tokens.end;
                if tokens.end == tokens.start + 2 && random.chance(4) {
                    // Two pieces, so that the ring is not straight.
                    let pieces = [piece(tokens.start, false); 2];
                    ring.add(&pieces, tokens.start).unwrap();
                } else {
                    ring.add_all(&mut tokens.collect(), |token| Some(piece(*token, false)));
                }
                let _ = ring.publish();
                let back = work.turn(&mut random, &mut device, false);
                let mut done = Vec::new();
                ring.take_back(&mut done, |token, done| done.push(token))
                    .unwrap();
                assert!(
                    done.iter().eq(back.iter().map(|(token, _)| token)),
                    "seed {seed}"
                );
                assert_eq!(usize::from(ring.outstanding()), work.held.len());
            }
        }
    }
}

#[test]
fn what_is_received_is_exchanged_or_taken_one_by_one() {
    for (seed, size) in (1..).zip([1, 2, 8, 64]) {
        for order in [1000, 998, 0] {
            let mut random = Random::new(seed);
            let (mut ring, mut device) = pair::<u64>(size, seed % 2 == 0);
            let held = VecDeque::new();
            let (mut next, mut work) = (0, Work { held, order });
            let mut exchanged = 0;
            while next < rounds(if order == 1000 { 70_000 } else { 10_000 }, 100) {
                // Mostly full.
                let room = u64::from(ring.room());
                let tokens = next..next + if random.chance(20) { room / 2 } else { room };
                next = tokens.end;
                ring.add_all(&mut tokens.collect(), |token| Some(piece(*token, true)));
                let _ = ring.publish();
                let back = work.turn(&mut random, &mut device, true);

                let there = ring.exchangeable().unwrap();
                assert!(there == 0 || usize::from(there) == back.len());
                let mut spare: Vec<u64> = (next..next + u64::from(there)).collect();
                next += u64::from(there);
                let (mut out, mut lens) = (Vec::new(), Vec::new());
                let accept = |_: &mut u64, len| {
                    lens.extend((len != 7).then_some(len));
                    len != 7
                };
                let bus = |token: &u64| token << 8;
                let count = ring.exchange(there, accept, &mut spare, bus, &mut out);
                exchanged += u64::from(count);
                assert_eq!(out.len(), usize::from(count));
                ring.pop_while(|used| {
                    out.push(used.token);
                    lens.push(used.len);
                    true
                })
                .unwrap();
                assert!(out.into_iter().zip(lens).eq(back), "seed {seed}");
                assert_eq!(
                    usize::from(ring.outstanding()),
                    work.held.len() + usize::from(count)
                );
            }
            assert!(exchanged > 0 || cfg!(miri) || order == 0);
        }
    }
}

#[test]
fn a_lie_to_a_batch_is_left_for_the_look_at_each() {
    for (entry, good, bad) in [
        // The next one, one that the device does not have yet or any more, none.
        ((1, 5), 3, None),
        ((0, 5), 1, Some(RingError::BadUsedId { id: 0 })),
        ((9, 5), 1, Some(RingError::BadUsedId { id: 9 })),
        (
            (1 << 16 | 1, 5),
            1,
            Some(RingError::BadUsedId { id: 1 << 16 | 1 }),
        ),
    ] {
        let (mut ring, device) = pair::<u64>(4, true);
        ring.add_all(&mut (10..14).collect(), |token| Some(piece(*token, false)));
        assert_eq!(ring.room(), 0);
        for (slot, (id, len)) in (0..).zip([(0, u32::MAX), entry, (2, 0)]) {
            device.forge_entry(slot, id, len);
        }
        device.forge_index(3);
        assert_eq!(ring.exchangeable(), Ok(3));
        let mut done = Vec::new();
        let result = ring.take_back(&mut done, |token, done| done.push(token));
        assert_eq!(result.err(), bad);
        assert_eq!(done, (10..10 + good).collect::<Vec<_>>());
        assert_eq!((ring.dead(), ring.exchangeable().err()), (bad, bad));
    }
}

/// Random nonsense from a device: errors, never a panic, and no token twice.
#[test]
fn a_hostile_device_gets_errors() {
    let mut dead = 0;
    let seeds = rounds(3_000, 8);
    for seed in 1..=seeds {
        let mut random = Random::new(seed);
        let size = 1 << random.below(6);
        let (mut ring, device) = pair::<u64>(size, random.chance(2));
        let mut with_device = Vec::new();
        let mut next = 0;
        for _ in 0..rounds(200, 60) {
            match random.below(12) {
                0 | 1 => {
                    let segments = chain(&mut random, size);
                    if ring.add(&segments, next).is_ok() {
                        with_device.push(next);
                    }
                    next += 1;
                    let _ = ring.publish();
                }
                2 => device.forge_index(device.put.wrapping_add(random.below(4) as u16)),
                3 => device
                    .forge_index([0, u16::MAX, random.next() as u16][random.below(3) as usize]),
                4 => {
                    let id = [
                        random.below(u64::from(size) + 1),
                        random.next(),
                        0xffff_ffff,
                    ];
                    let len = [random.below(4096), random.next(), 0xffff_ffff];
                    let pick = random.below(3) as usize;
                    let slot = random.next() as u16;
                    device.forge_entry(slot, id[pick] as u32, len[random.below(3) as usize] as u32);
                }
                5 => device.scribble(random.below(device.len() / 2) * 2, random.next() as u16),
                6 => {
                    for offset in (0..device.len() - 1).step_by(2) {
                        device.scribble(offset, u16::MAX);
                    }
                }
                7 => drop(ring.enable_events()),
                8 => {
                    let room = u64::from(ring.room());
                    let tokens = next..next + random.below(room + 2);
                    next = tokens.end;
                    with_device.extend(tokens.clone().take(room as usize));
                    ring.add_all(&mut tokens.collect(), |token| Some(piece(*token, true)));
                    assert!(!ring.publish() || room > 0);
                }
                9 => {
                    let mut done = Vec::new();
                    let _ = ring.take_back(&mut done, |token, done| done.push(token));
                    done.iter()
                        .for_each(|token| gone(&mut with_device, *token, seed));
                }
                10 => {
                    let there = ring.exchangeable().unwrap_or(0);
                    let mut spare: Vec<u64> = (next..next + u64::from(there)).collect();
                    let (mut out, new) = (Vec::new(), spare.clone());
                    next += u64::from(there);
                    let accept = |_: &mut u64, len| len <= 100;
                    let bus = |token: &u64| piece(*token, true).bus;
                    let count = ring.exchange(there, accept, &mut spare, bus, &mut out);
                    let given = new.len() - spare.len();
                    assert_eq!([out.len(), given], [usize::from(count); 2]);
                    out.iter()
                        .for_each(|token| gone(&mut with_device, *token, seed));
                    with_device.extend(&new[spare.len()..]);
                }
                _ => {
                    while let Ok(Some(used)) = ring.pop() {
                        gone(&mut with_device, used.token, seed);
                    }
                }
            }
            assert!(
                ring.outstanding() <= size && ring.room() <= size,
                "seed {seed}"
            );
        }
        dead += u64::from(ring.dead().is_some());
    }
    println!("{dead} of {seeds} queues died");
    assert!(dead * 10 > seeds * 9);
}

#[test]
fn a_device_that_writes_at_the_same_time_is_survived() {
    let (mut ring, device) = pair::<u64>(16, true);
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut random = Random::new(7);
            while !stop.load(Ordering::Relaxed) {
                let slot = random.next() as u16;
                device.forge_entry(slot, random.below(20) as u32, random.below(200) as u32);
                device.forge_index(random.below(4) as u16);
            }
        });
        let (mut errors, mut token) = (0, 0);
        let start = std::time::Instant::now();
        while errors < rounds(200, 3) && start.elapsed().as_secs() < 60 {
            let segment = Segment {
                bus: 0,
                len: 100,
                writable: true,
            };
            token += 1;
            let _ = ring.add(&[segment], token);
            let _ = ring.publish();
            match ring.pop() {
                Ok(Some(used)) => assert!(used.len <= 100),
                Ok(None) => std::thread::yield_now(),
                Err(_) => {
                    errors += 1;
                    ring = again(&device);
                }
            }
        }
        stop.store(true, Ordering::Relaxed);
        assert!(errors > 0);
    });
}

/// A new driver on the same memory.
fn again(device: &DeviceRing) -> Ring<u64> {
    let (bus, memory) = &device.bus.0[0];
    let dma = DmaMemory::new(Arc::clone(memory), *bus, None);
    Ring::new(
        dma,
        RingLayout::new(0, device.size),
        device.size,
        device.event_idx,
    )
}

#[test]
fn frames_hold_what_was_written_and_buffers_come_back() {
    let memory = Arc::new(SharedMemory::local(4096));
    let pool = Pool::new(DmaMemory::new(memory, BUS, None), 96);
    assert_eq!(pool.free(), 42);
    let mut random = Random::new(3);
    for len in (1..400usize).step_by(if cfg!(miri) { 37 } else { 1 }) {
        let bytes: Vec<u8> = (0..len).map(|_| random.next() as u8).collect();
        let frame = pool.frame_of(&bytes).unwrap();
        assert_eq!(42 - pool.free(), (len + 12).div_ceil(96));
        assert_eq!(frame.to_vec(), bytes);
        let pieces: Vec<u8> = frame
            .pieces()
            .flatten()
            .map(|byte| byte.load(Ordering::Relaxed))
            .collect();
        assert_eq!(pieces, bytes);
        let (from, mut part) = (random.below(len as u64) as usize, [0; 50]);
        let count = frame.read(from, &mut part);
        assert_eq!(part[..count], bytes[from..(from + 50).min(len)]);
        assert_eq!(frame.write(len, &[1]), 0);
        drop(frame);
        assert_eq!(pool.free(), 42);
    }
    assert!(pool.frame(0).is_none());
    assert!(pool.frame(42 * 96 - 11).is_none());
    assert!(pool.frame(usize::MAX).is_none());
    let all: Vec<_> = std::iter::from_fn(|| pool.frame(84)).collect();
    assert_eq!((all.len(), pool.free()), (42, 0));
}
