// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A VF whose client shares no memory: a go-between keeps the descriptors, and serves the memory by message.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{IoSliceMut, Read as _};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, AsRawFd as _, FromRawFd as _, OwnedFd};
use std::os::unix::fs::FileExt as _;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use hairpin_driver::vfio_user::VfioUser;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, recvmsg};

use crate::client::{Client, DMA_MAP};
use crate::frames::{CONFIG, LIMIT, MACS, frame, open, receive, send, take};
use crate::server::Server;

const DMA_READ: u16 = 11;
const DMA_WRITE: u16 = 12;

/// A whole message and its descriptors; `None` at the end.
fn message(mut stream: &UnixStream) -> Option<(Vec<u8>, Vec<OwnedFd>)> {
    let mut bytes = vec![0; 16];
    let mut space = nix::cmsg_space!([i32; 16]);
    let mut parts = [IoSliceMut::new(&mut bytes)];
    let fd = stream.as_raw_fd();
    let received = recvmsg::<()>(fd, &mut parts, Some(&mut space), MsgFlags::empty()).ok()?;
    let mut fds = Vec::new();
    for part in received.cmsgs().unwrap() {
        if let ControlMessageOwned::ScmRights(numbers) = part {
            // SAFETY: the kernel has just made them, and nobody else has them.
            fds.extend(
                numbers
                    .into_iter()
                    .map(|n| unsafe { OwnedFd::from_raw_fd(n) }),
            );
        }
    }
    let have = received.bytes;
    if have == 0 {
        return None;
    }
    stream.read_exact(&mut bytes[have..]).ok()?;
    let size = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
    bytes.resize(size, 0);
    stream.read_exact(&mut bytes[16..]).ok()?;
    Some((bytes, fds))
}

fn half(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().unwrap())
}

/// What the client has mapped: by address, file and offset in it.
type Maps = Mutex<BTreeMap<u64, (File, u64)>>;

/// A connection to a VF that carries no descriptor of memory; counts the questions about it.
fn go_between(server: &Server, vf: usize, questions: &Arc<AtomicU64>) -> UnixStream {
    let (driver, here) = UnixStream::pair().unwrap();
    let there = UnixStream::connect(server.socket(&format!("vf{vf}"))).unwrap();
    let maps = Arc::new(Maps::default());
    let to_server = Arc::new(Mutex::new(Client::new(there.try_clone().unwrap())));
    let (from_driver, kept, out) = (
        here.try_clone().unwrap(),
        Arc::clone(&maps),
        Arc::clone(&to_server),
    );
    thread::spawn(move || {
        while let Some((bytes, mut fds)) = message(&from_driver) {
            if half(&bytes, 2) == DMA_MAP {
                let file = fds.pop().expect("the driver shares its memory");
                let map = (File::from(file), long(&bytes, 24));
                kept.lock().unwrap().insert(long(&bytes, 32), map);
            }
            let fds: Vec<_> = fds.iter().map(|fd| fd.as_fd()).collect();
            out.lock().unwrap().send(&bytes, &fds);
        }
        let client = out.lock().unwrap();
        let _ = client.stream.shutdown(Shutdown::Both);
    });
    let questions = Arc::clone(questions);
    thread::spawn(move || {
        let mut to_driver = Client::new(here);
        while let Some((bytes, _)) = message(&there) {
            let command = half(&bytes, 2);
            if bytes[8] & 0xf != 0 || ![DMA_READ, DMA_WRITE].contains(&command) {
                to_driver.send(&bytes, &[]);
                continue;
            }
            questions.fetch_add(1, Ordering::Relaxed);
            let (address, count) = (long(&bytes, 16), long(&bytes, 24) as usize);
            let maps = maps.lock().unwrap();
            let (start, (file, offset)) = maps.range(..=address).next_back().unwrap();
            let at = offset + address - start;
            let mut body = bytes[16..32].to_vec();
            if command == DMA_READ {
                let mut data = vec![0; count];
                file.read_exact_at(&mut data, at).unwrap();
                body.extend(data);
            } else {
                assert_eq!(bytes.len(), 32 + count);
                file.write_all_at(&bytes[32..], at).unwrap();
            }
            let mut server = to_server.lock().unwrap();
            server.answer(half(&bytes, 0), command, 1, &body);
        }
    });
    driver
}

#[test]
fn a_vf_whose_memory_comes_by_message_is_like_any_other() {
    let server = Server::start("", Some(CONFIG));
    let questions = Arc::new(AtomicU64::new(0));
    let stream = go_between(&server, 0, &questions);
    let mut away = take(VfioUser::from_stream(stream, LIMIT).unwrap());
    let mut near = open(&server, 1);
    for (number, len) in (0..).zip([60, 61, 64, 200, 1024, 1514]) {
        let there = frame(0, &MACS[1], number, len);
        send(&mut away, &there);
        assert_eq!(receive(&mut near, 1), [there]);
        let back = frame(1, &MACS[0], 100 + number, len);
        send(&mut near, &back);
        assert_eq!(receive(&mut away, 1), [back]);
    }
    away.check().unwrap();
    assert!(questions.load(Ordering::Relaxed) > 50);
    drop((away, near));
    let stats = server.stop();
    assert_eq!(stats.scoreboard.mismatches, 0);
    assert_eq!(stats.ports["vf0"].in_frames, 6);
    assert_eq!(stats.ports["vf0"].out_frames, 6);
    assert_eq!(stats.functions["vf0"].dma_faults, 0);
}
