// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The vfio-user client against a server that is scripted: good answers, and every kind of bad ones.

#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/device_ring.rs"]
mod device_ring;
#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/served.rs"]
mod served;

use std::io::{ErrorKind, Write};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use device_ring::Random;
use hairpin_driver::function::{PciFunction, Width, wait_readable};
use hairpin_driver::memory::SharedMemory;
use hairpin_driver::vfio_user::{Error, VfioUser};
use served::{INVALID, Served, read_exact, serve};

const LONG: Duration = Duration::from_secs(20);

/// What a function was asked for.
#[derive(Default)]
struct Seen {
    mapped: Vec<(u64, u64, OwnedFd)>,
    unmapped: Vec<(u64, u64)>,
    vectors: Vec<OwnedFd>,
    resets: usize,
}

/// Plain registers.
struct Plain {
    seen: Arc<Mutex<Seen>>,
    bar: Vec<u8>,
    config: Vec<u8>,
}

impl Plain {
    fn bytes(&mut self, region: u32) -> Result<&mut Vec<u8>, u32> {
        match region {
            0 => Ok(&mut self.bar),
            7 => Ok(&mut self.config),
            _ => Err(INVALID),
        }
    }
}

impl Served for Plain {
    fn region(&self, index: u32) -> u64 {
        match index {
            0 => self.bar.len() as u64,
            7 => self.config.len() as u64,
            _ => 0,
        }
    }
    fn read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), u32> {
        let at = offset as usize;
        if at == 0x40 {
            return Err(INVALID);
        }
        data.copy_from_slice(&self.bytes(region)?[at..at + data.len()]);
        Ok(())
    }
    fn write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), u32> {
        let at = offset as usize;
        self.bytes(region)?[at..at + data.len()].copy_from_slice(data);
        Ok(())
    }
    fn vectors(&self) -> u32 {
        5
    }
    fn map(&mut self, bus: u64, len: u64, file: OwnedFd) {
        self.seen.lock().unwrap().mapped.push((bus, len, file));
    }
    fn unmap(&mut self, bus: u64, len: u64) {
        self.seen.lock().unwrap().unmapped.push((bus, len));
    }
    fn irqs(&mut self, start: u32, files: Vec<OwnedFd>) {
        let vectors = &mut self.seen.lock().unwrap().vectors;
        assert_eq!(start as usize, vectors.len());
        vectors.extend(files);
    }
    fn reset(&mut self) {
        self.seen.lock().unwrap().resets += 1;
    }
}

#[test]
fn registers_memory_interrupts_and_reset() {
    let seen = Arc::new(Mutex::new(Seen::default()));
    let (ours, theirs) = UnixStream::pair().unwrap();
    let plain = Plain {
        seen: Arc::clone(&seen),
        bar: (0..=255).collect(),
        config: vec![0x5a; 256],
    };
    let server = thread::spawn(|| serve(theirs, plain));
    let function = VfioUser::from_stream(ours, LONG).unwrap();

    assert_eq!((function.bar_len(0), function.bar_len(1)), (256, 0));
    assert_eq!(function.bar_read(0, 5, Width::Byte).unwrap(), 5);
    assert_eq!(function.bar_read(0, 6, Width::Half).unwrap(), 0x0706);
    assert_eq!(function.bar_read(0, 8, Width::Word).unwrap(), 0x0b0a_0908);
    function.bar_write(0, 9, Width::Byte, 0xee).unwrap();
    assert_eq!(function.bar_read(0, 8, Width::Word).unwrap(), 0x0b0a_ee08);
    for (bar, offset, width) in [
        (0, 254, Width::Word),
        (0, 1, Width::Half),
        (0, 256, Width::Byte),
        (0, u64::MAX, Width::Byte),
        (1, 0, Width::Byte),
        (200, 0, Width::Byte),
    ] {
        let error = function.bar_read(bar, offset, width).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
    }
    // An error number is an error, and no end.
    let error = function.bar_read(0, 0x40, Width::Word).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidInput);
    assert!(error.to_string().contains("REGION_READ failed"), "{error}");

    let mut id = [0; 4];
    function.config_write(0, &[1, 2]).unwrap();
    function.config_read(0, &mut id).unwrap();
    assert_eq!(id, [1, 2, 0x5a, 0x5a]);
    assert!(function.config_read(254, &mut id).is_err());

    // Memory is the same on both sides, and at different addresses.
    let first = function.dma_memory(5000).unwrap();
    let second = function.dma_memory(1).unwrap();
    assert!(second.bus(0) >= first.bus(8192) || first.bus(0) >= second.bus(4096));
    first.memory().store32(4096, 0xcafe_f00d, Ordering::Relaxed);
    {
        let seen = seen.lock().unwrap();
        let (bus, len, file) = &seen.mapped[0];
        assert_eq!((*bus, *len), (first.bus(0), 8192));
        let theirs = SharedMemory::map(file, 8192).unwrap();
        assert_eq!(theirs.load32(4096, Ordering::Relaxed), 0xcafe_f00d);
    }
    let (bus, clone) = (second.bus(0), second.clone());
    drop(second);
    assert!(seen.lock().unwrap().unmapped.is_empty());
    drop(clone);
    assert_eq!(seen.lock().unwrap().unmapped, [(bus, 4096)]);

    // Five vectors, two files in a message.
    let interrupts = function.interrupts(5).unwrap();
    assert!(function.interrupts(6).is_err());
    rustix::io::write(&seen.lock().unwrap().vectors[3], &1u64.to_ne_bytes()).unwrap();
    let files: Vec<_> = interrupts.iter().map(std::os::fd::AsFd::as_fd).collect();
    let ready = wait_readable(&files, LONG).unwrap();
    assert_eq!(ready, [false, false, false, true, false]);
    assert!(interrupts[3].take().unwrap() && !interrupts[3].take().unwrap());

    function.reset().unwrap();
    assert_eq!(seen.lock().unwrap().resets, 1);
    drop((function, first));
    server.join().unwrap();
    assert_eq!(seen.lock().unwrap().unmapped.len(), 2);
}

/// Answers the first commands of a client well, then with bytes of the test's choice.
fn scripted(well: usize, bad: impl FnOnce(&mut UnixStream, &[u8]) + Send + 'static) -> UnixStream {
    let (ours, mut theirs) = UnixStream::pair().unwrap();
    thread::spawn(move || {
        for _ in 0..well {
            let request = request(&mut theirs);
            let answer = good(&request);
            theirs.write_all(&answer).unwrap();
        }
        let request = request(&mut theirs);
        bad(&mut theirs, &request);
        // Whatever else comes is not answered.
        thread::sleep(Duration::from_secs(2));
    });
    ours
}

fn request(stream: &mut UnixStream) -> Vec<u8> {
    let mut message = read_exact(stream, 16);
    let size = u32::from_ne_bytes(message[4..8].try_into().unwrap()) as usize;
    message.extend(read_exact(stream, size - 16));
    message
}

fn message(request: &[u8], flags: u32, errno: u32, body: &[u8]) -> Vec<u8> {
    let size = 16 + body.len() as u32;
    [
        &request[..4],
        &size.to_ne_bytes(),
        &flags.to_ne_bytes(),
        &errno.to_ne_bytes(),
        body,
    ]
    .concat()
}

/// A good answer to what `VfioUser::from_stream` asks.
fn good(request: &[u8]) -> Vec<u8> {
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect::<Vec<_>>()
    };
    let body = match request[2] {
        1 => b"\0\0\x01\0{}\0".to_vec(),
        4 => words(&[16, 3, 9, 5]),
        5 => {
            let index = u32::from_ne_bytes(request[24..28].try_into().unwrap());
            words(&[32, 3, index, 0, 4096, 0, 0, 0])
        }
        7 => words(&[16, 1, 2, 3]),
        9 => [&request[16..32], &[7; 4][..]].concat(),
        _ => Vec::new(),
    };
    message(request, 1, 0, &body)
}

/// Makes an answer to a request.
type Answer = fn(&[u8]) -> Vec<u8>;

/// Commands of `VfioUser::from_stream`: VERSION, DEVICE_INFO, seven REGION_INFO, IRQ_INFO.
const START: usize = 10;

fn open(stream: UnixStream) -> Result<VfioUser, Error> {
    VfioUser::from_stream(stream, Duration::from_millis(200))
}

#[test]
fn malformed_answers_are_errors() {
    let bad: &[(usize, &str, Answer)] = &[
        (0, "too short", |r| message(r, 1, 0, &[0, 0, 1])),
        (0, "version", |r| message(r, 1, 0, b"\x01\0\0\0{}\0")),
        (0, "capabilities", |r| {
            message(r, 1, 0, b"\0\0\0\0{\"capabilities\":7}\0")
        }),
        (0, "capabilities", |r| {
            message(r, 1, 0, b"\0\0\0\0{{{{\xff\0")
        }),
        (0, "its size", |r| {
            [&r[..4], &15u32.to_ne_bytes(), &[1, 0, 0, 0, 0, 0, 0, 0]].concat()
        }),
        (0, "its size", |r| {
            [&r[..4], &u32::MAX.to_ne_bytes(), &[1, 0, 0, 0, 0, 0, 0, 0]].concat()
        }),
        (1, "its length", |r| message(r, 1, 0, &[3; 12])),
        (1, "its length", |r| message(r, 1, 0, &[3; 20])),
        (1, "no PCI", |r| message(r, 1, 0, &[0; 16])),
        (1, "no configuration space", |r| {
            message(r, 1, 0, &[16, 0, 0, 0, 3, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0])
        }),
        (1, "another command", |r| {
            let mut answer = good(r);
            answer[0] ^= 1;
            answer
        }),
        (1, "another command", |r| {
            let mut answer = good(r);
            answer[2] = 5;
            answer
        }),
        (2, "another region", |r| {
            let mut answer = good(r);
            answer[24] = 3;
            answer
        }),
        (2, "its length", |r| message(r, 1, 0, &[0; 23])),
        (8, "no configuration space", |r| {
            let mut answer = good(r);
            answer[32..40].copy_from_slice(&64u64.to_ne_bytes());
            answer
        }),
        (9, "so many vectors", |r| {
            let mut answer = good(r);
            answer[28..32].copy_from_slice(&u32::MAX.to_ne_bytes());
            answer
        }),
        (3, "failed", |r| message(r, 0x21, 5, &[])),
    ];
    for (well, text, bad) in bad {
        let stream = scripted(*well, move |stream, request| {
            stream.write_all(&bad(request)).unwrap();
        });
        let error = open(stream).unwrap_err().to_string();
        assert!(error.contains(text), "{error}, not {text}");
    }
}

/// A function whose connection answers the first read with these bytes.
fn read_with(bad: impl FnOnce(&mut UnixStream, &[u8]) + Send + 'static) -> (VfioUser, String) {
    let function = open(scripted(START, bad)).unwrap();
    let error = function.bar_read(0, 0, Width::Word).unwrap_err();
    (function, error.to_string())
}

#[test]
fn after_nonsense_the_connection_is_given_up() {
    let wrong: [Answer; 4] = [
        |r| message(r, 1, 0, &[&r[16..32], &[1, 2, 3][..]].concat()),
        |r| message(r, 1, 0, &[&r[16..32], &[1, 2, 3, 4, 5][..]].concat()),
        |r| message(r, 1, 0, &[&[9; 16], &[1, 2, 3, 4][..]].concat()),
        |r| message(r, 1, 0, &[]),
    ];
    for bad in wrong {
        let (function, error) = read_with(move |stream, r| stream.write_all(&bad(r)).unwrap());
        assert!(error.contains("makes no sense"), "{error}");
        let error = function.bar_read(0, 0, Width::Word).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::NotConnected);
        assert!(function.dma_memory(1).is_err() && function.reset().is_err());
    }
}

#[test]
fn silence_and_drips_end_in_time() {
    let start = Instant::now();
    let (_, error) = read_with(|_, _| {});
    assert!(
        error.contains("no answer to REGION_READ within 200 ms"),
        "{error}"
    );
    let (_, error) = read_with(|stream, request| {
        let answer = message(request, 1, 0, &[0; 4000]);
        for byte in answer {
            thread::sleep(Duration::from_millis(20));
            if stream.write_all(&[byte]).is_err() {
                return;
            }
        }
    });
    assert!(error.contains("no answer"), "{error}");
    let (_, error) = read_with(|stream, request| {
        stream
            .write_all(&message(request, 1, 0, &[0; 20])[..30])
            .unwrap();
        stream.shutdown(std::net::Shutdown::Both).unwrap();
    });
    assert!(error.contains("broke"), "{error}");
    assert!(
        start.elapsed() < Duration::from_secs(5),
        "{:?}",
        start.elapsed()
    );
}

#[test]
fn commands_of_the_server_are_refused() {
    // A DMA_READ, which a server sends that was given no file; then the answer.
    let function = open(scripted(START, |stream, r| {
        let mut command = message(r, 0, 0, &[0; 16]);
        command[..4].copy_from_slice(&[0x34, 0x12, 11, 0]);
        stream.write_all(&command).unwrap();
        let refusal = read_exact(stream, 16);
        assert_eq!(refusal[..4], command[..4]);
        assert_eq!(refusal[8..], [0x21, 0, 0, 0, 95, 0, 0, 0]);
        // One that wants no answer.
        command[8] = 0x10;
        stream.write_all(&command).unwrap();
        stream.write_all(&good(r)).unwrap();
    }))
    .unwrap();
    assert_eq!(function.bar_read(0, 0, Width::Word).unwrap(), 0x0707_0707);
    // One that only asks is given up.
    let (_, error) = read_with(|stream, r| {
        for _ in 0..100 {
            let mut command = message(r, 0x10, 0, &[]);
            command[2] = 12;
            if stream.write_all(&command).is_err() {
                break;
            }
        }
    });
    assert!(error.contains("asks instead of answering"), "{error}");
}

#[test]
fn random_answers_never_panic() {
    let mut opened = 0;
    for seed in 1..=300 {
        let mut random = Random::new(seed);
        let well = random.below(START as u64 + 1) as usize;
        let stream = scripted(well, move |stream, request| {
            let mut answer = good(request);
            for _ in 0..=random.below(3) {
                let at = random.below(answer.len() as u64) as usize;
                answer[at] = random.next() as u8;
            }
            if random.chance(4) {
                answer.truncate(random.below(answer.len() as u64) as usize);
            }
            let _ = stream.write_all(&answer);
            let _ = stream.shutdown(std::net::Shutdown::Both);
        });
        if let Ok(function) = open(stream) {
            let _ = function.bar_read(0, 0, Width::Word);
            opened += 1;
        }
    }
    println!("seeds 1 to 300: {opened} were opened");
    assert!(opened > 0 && opened < 300);
}

#[test]
fn nobody_there_is_an_error() {
    let error = VfioUser::open("/nonexistent/vf0.sock".as_ref()).unwrap_err();
    assert!(matches!(error, Error::Connect(_)), "{error}");
}
