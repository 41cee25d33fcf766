// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Sessions against a NIC that only writes down what it is asked.

use std::os::fd::BorrowedFd;
use std::path::PathBuf;
use std::sync::Mutex;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::*;
use crate::host::config_space::Kind;
use crate::rng::Rng;

#[path = "../../../tests/sim/client.rs"]
#[allow(dead_code, reason = "shared with the test of the whole")]
mod client;

use client::{BAR0, CONFIG, Client, DMA_MAP, EVENTFDS, NONE, SET_IRQS, map_body, words};

const EINVAL: i32 = 22;

/// Jobs, as text.
type Asked = Arc<Mutex<Vec<String>>>;

/// A served VF or PF.
struct Rig {
    path: PathBuf,
    functions: Arc<[Function]>,
    asked: Asked,
    threads: Vec<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Rig {
    /// Serves one function of a NIC with two VFs, of which one is there.
    fn new(number: usize) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut sockets = crate::host::socket::bind(dir.path(), 2).unwrap();
        let socket = sockets.remove(number);
        let pf = Function::new(0, Kind::Pf { vfs: 2 }, true, false).unwrap();
        let vfs = [1, 2].map(|n| Function::new(n, Kind::Vf, n == 1, false).unwrap());
        let functions: Arc<[Function]> = std::iter::once(pf).chain(vfs).collect();
        let (engine, jobs) = Engine::new();
        let asked = Asked::default();
        let log = Arc::clone(&asked);
        let nic = thread::spawn(move || {
            for job in jobs {
                let line = match &job {
                    Job::Read { function, addr, .. } => format!("read {function} {addr:#x}"),
                    Job::Reset { vf, .. } => format!("reset {vf}"),
                    other => format!("{other:x?}"),
                };
                log.lock().unwrap().push(line);
                match job {
                    Job::Read { addr, reply, .. } => {
                        reply
                            .send(u32::from_le_bytes(
                                [0, 1, 2, 3].map(|at| (addr as u8).wrapping_add(at)),
                            ))
                            .unwrap();
                    }
                    Job::Reset { reply, .. } => reply.send(0).unwrap(),
                    _ => {}
                }
            }
        });
        let served = Arc::clone(&functions);
        let server = thread::spawn(move || socket.serve(&served, number, &engine, 1));
        Self {
            path: dir
                .path()
                .join(["pf0.sock", "vf0.sock", "vf1.sock"][number]),
            functions,
            asked,
            threads: vec![server, nic],
            _dir: dir,
        }
    }

    fn function(&self) -> &Function {
        let name = self.path.file_stem().unwrap().to_str().unwrap();
        self.functions.iter().find(|f| f.name() == name).unwrap()
    }

    fn take_asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }

    /// Waits until the NIC was asked this; says what else it was asked before.
    fn wait_for(&self, last: &str) -> Vec<String> {
        let mut all = Vec::new();
        for _ in 0..5000 {
            all.extend(self.take_asked());
            if all.last().is_some_and(|line| line == last) {
                return all;
            }
            thread::sleep(Duration::from_millis(1));
        }
        panic!("never asked {last}, but {all:#?}");
    }

    /// A function still works.
    fn check(&self) {
        let mut client = Client::attach(&self.path);
        assert_eq!(client.get(CONFIG, 0, 2), 0x1af4);
    }
}

impl Drop for Rig {
    fn drop(&mut self) {
        self.functions.iter().for_each(Function::stop);
        for thread in self.threads.drain(..) {
            let ended = thread.join();
            assert!(
                ended.is_ok() || thread::panicking(),
                "a thread has panicked"
            );
        }
    }
}

fn eventfds(n: usize) -> Vec<nix::sys::eventfd::EventFd> {
    (0..n).map(|_| sys::waker().unwrap()).collect()
}

fn borrow(fds: &[nix::sys::eventfd::EventFd]) -> Vec<BorrowedFd<'_>> {
    fds.iter().map(|fd| fd.as_fd()).collect()
}

/// Whether an eventfd is signalled within a moment, or ever.
fn signalled(fd: &nix::sys::eventfd::EventFd, limit: u16) -> bool {
    sys::readable([fd.as_fd()], Some(limit)).unwrap()[0] && fd.read().is_ok()
}

#[test]
fn nothing_is_answered_before_the_version() {
    let rig = Rig::new(1);
    for command in [2, 4, 5, 7, 8, 9, 10, 13, 99] {
        let mut client = Client::connect(&rig.path);
        let reply = client.call(command, &[0; 32], &[]);
        assert!(reply.is_err(), "command {command}");
        assert!(client.is_closed(), "command {command}");
    }
    let mut client = Client::connect(&rig.path);
    client.ask(1, &[9, 0, 0, 0], &[]);
    assert!(client.reply().unwrap().is_err() && client.is_closed());
    rig.check();
}

#[test]
fn a_second_version_and_unknown_commands_are_answered_and_the_stream_goes_on() {
    let rig = Rig::new(1);
    let mut client = Client::attach(&rig.path);
    assert_eq!(client.hello(), Err(EINVAL));
    for command in [0, 6, 11, 12, 14, 15, 1000] {
        assert_eq!(
            client.call(command, &[0xab; 333], &[]),
            Err(95),
            "{command}"
        );
    }
    // Neither a command nor a reply.
    let odd = client.header(4, 16, 2);
    client.send(&odd, &[]);
    assert_eq!(client.reply(), Some(Err(EINVAL)));
    assert_eq!(client.get(CONFIG, 0, 4), 0x1041_1af4);
    // A message in single bytes, and one that wants no reply.
    let mut whole = client.header(9, 32, 0);
    whole.extend([0, 0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 4, 0, 0, 0]);
    for byte in &whole {
        client.send(&[*byte], &[]);
    }
    assert_eq!(client.reply().unwrap().unwrap().len(), 20);
    let mut silent = client.header(13, 16, 0x10);
    silent.extend(client.header(4, 32, 0));
    silent.extend(words(&[16, 0, 0, 0]));
    client.send(&silent, &[]);
    assert_eq!(client.reply().unwrap().unwrap(), words(&[16, 3, 9, 5]));
}

#[test]
fn a_broken_stream_closes_only_that_client() {
    let rig = Rig::new(1);
    for (size, flags) in [(0, 0), (15, 0), (0x20_0000, 0), (u32::MAX, 0), (16, 1)] {
        let mut client = Client::attach(&rig.path);
        let broken = client.header(4, size, flags);
        client.send(&broken, &[]);
        assert!(client.is_closed(), "size {size} flags {flags}");
    }
    // Gone in the middle of a header, and of a body.
    for len in [7, 16, 20] {
        let mut client = Client::attach(&rig.path);
        let mut cut = client.header(2, 48, 0);
        cut.extend([0; 32]);
        client.send(&cut[..len], &[]);
    }
    rig.check();
}

/// Commands of every number with anything in them: each has one reply, or ends its connection and nothing else.
#[test]
fn random_messages_are_answered_and_the_function_goes_on() {
    let seed = 5;
    println!("seed {seed}");
    let mut rng = Rng::new(seed);
    let rig = Rig::new(1);
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let event = sys::waker().unwrap();
    let mut client = Client::attach(&rig.path);
    let (mut done, mut refused, mut closed) = (0, 0, 0);
    for _ in 0..5000 {
        let mut body = vec![0; rng.below(64)];
        rng.fill(&mut body);
        // Small numbers reach deeper, as do bodies that know their length.
        for byte in &mut body {
            if rng.percent(80) {
                *byte &= 0x27;
            }
        }
        let len = body.len() as u32;
        if let Some(argsz) = body.first_chunk_mut()
            && rng.percent(70)
        {
            *argsz = len.to_le_bytes();
        }
        let mut fds = Vec::new();
        while rng.percent(20) && fds.len() < 9 {
            fds.push(if rng.percent(50) {
                file.as_fd()
            } else {
                event.as_fd()
            });
        }
        client.ask(rng.below(16) as u16, &body, &fds);
        match client.reply() {
            Some(Ok(_)) => done += 1,
            Some(Err(_)) => refused += 1,
            None => {
                closed += 1;
                client = Client::attach(&rig.path);
            }
        }
    }
    println!("{done} done, {refused} refused, {closed} connections closed");
    assert!(done > 100 && refused > 100);
    drop(client);
    rig.check();
}

#[test]
fn regions_end_where_they_end() {
    let rig = Rig::new(1);
    let mut client = Client::attach(&rig.path);
    for (region, offset, count) in [
        (BAR0, 0x4000, 1),
        (BAR0, 0x3ffd, 4),
        (BAR0, u64::MAX, 1),
        (BAR0, u64::MAX - 3, 8),
        (BAR0, 0, 0),
        (CONFIG, 4096, 1),
        (CONFIG, 4095, 2),
        (1, 0, 4),
        (8, 0, 4),
        (9, 0, 4),
        (u32::MAX, 0, 4),
    ] {
        let read = client.read(region, offset, count);
        assert_eq!(read, Err(EINVAL), "{region} {offset:#x} {count}");
        let data = vec![0; count as usize];
        assert_eq!(client.write(region, offset, &data), Err(EINVAL));
    }
    assert!(client.read(BAR0, 0, 0x4000).is_ok());
    assert!(client.read(CONFIG, 0, 4096).is_ok());
    let info =
        |client: &mut Client, region| client.call(5, &words(&[32, 0, region, 0, 0, 0, 0, 0]), &[]);
    let bar0 = words(&[32, 3, 0, 0, 0x4000, 0, 0, 0]);
    assert_eq!(info(&mut client, 0).unwrap(), bar0);
    assert_eq!(info(&mut client, 8).unwrap()[..8], words(&[32, 0]));
    assert_eq!(info(&mut client, 9), Err(EINVAL));
    let irqs = |client: &mut Client, index| client.call(7, &words(&[16, 0, index, 0]), &[]);
    assert_eq!(irqs(&mut client, 2).unwrap(), words(&[16, 1, 2, 16]));
    assert_eq!(irqs(&mut client, 0).unwrap(), words(&[16, 0, 0, 0]));
    assert_eq!(irqs(&mut client, 5), Err(EINVAL));
}

#[test]
fn bar_accesses_become_words_with_strobes_and_the_table_is_the_clients() {
    let rig = Rig::new(1);
    let mut client = Client::connect(&rig.path);
    client.hello().unwrap();
    rig.take_asked();
    // Memory Space is off.
    assert_eq!(client.read(BAR0, 0x14, 4).unwrap(), [0xff; 4]);
    client.write(BAR0, 0x14, &[1]).unwrap();
    assert_eq!(rig.take_asked(), [""; 0]);
    client.write(CONFIG, 4, &[2, 0]).unwrap();
    rig.take_asked();
    assert_eq!(client.read(BAR0, 0x15, 2).unwrap(), [0x15, 0x16]);
    assert_eq!(
        client.read(BAR0, 0x16, 4).unwrap(),
        [0x16, 0x17, 0x18, 0x19]
    );
    assert_eq!(
        rig.take_asked(),
        ["read 1 0x14", "read 1 0x14", "read 1 0x18"]
    );
    client.write(BAR0, 0x1002, &[0xaa, 0xbb, 0xcc]).unwrap();
    client.read(BAR0, 0, 4).unwrap();
    assert_eq!(
        rig.take_asked(),
        [
            "Write { function: 1, addr: 1000, value: bbaa0000, strobes: c }",
            "Write { function: 1, addr: 1004, value: cc, strobes: 1 }",
            "read 1 0x0"
        ]
    );
    client.write(BAR0, 0x2004, &[1, 2, 3, 4]).unwrap();
    client.write(BAR0, 0x3000, &[1, 2, 3, 4]).unwrap();
    assert_eq!(client.read(BAR0, 0x2003, 6).unwrap(), [0, 1, 2, 3, 4, 0]);
    assert_eq!(client.read(BAR0, 0x3000, 4).unwrap(), [0; 4]);
    assert_eq!(rig.take_asked(), [""; 0]);
    // The other way to a register, through configuration space.
    let at = 0x90 + 16 + 20 + 16 + 16;
    assert_eq!(client.get(CONFIG, at + 3, 1), 5);
    client.write(CONFIG, at + 8, &words(&[0x12, 2])).unwrap();
    assert_eq!(client.read(CONFIG, at + 16, 2).unwrap(), [0x12, 0x13]);
    client.write(CONFIG, at + 16, &[7, 8]).unwrap();
    client.read(BAR0, 0, 4).unwrap();
    assert_eq!(
        rig.take_asked()[1..2],
        ["Write { function: 1, addr: 10, value: 8070000, strobes: c }"]
    );
}

#[test]
fn vectors_come_and_go_with_their_eventfds() {
    let rig = Rig::new(1);
    let mut client = Client::attach(&rig.path);
    client.get(BAR0, 0, 4);
    rig.take_asked();
    let fds = eventfds(3);
    client.irqs(EVENTFDS, 2, 3, &borrow(&fds)).unwrap();
    rig.function().raise(3);
    assert!(signalled(&fds[1], 5000));
    assert!(!signalled(&fds[0], 0) && !signalled(&fds[2], 0));
    client.get(BAR0, 0, 4);
    assert_eq!(
        rig.take_asked()[..4],
        [
            "Vector { vf: 0, vector: 2, on: true }",
            "Vector { vf: 0, vector: 3, on: true }",
            "Vector { vf: 0, vector: 4, on: true }",
            "Msix { vf: 0, enabled: true, masked: false }"
        ]
    );
    // A reset of the function leaves them with the client.
    client.call(client::RESET, &[], &[]).unwrap();
    let asked = rig.wait_for("Vector { vf: 0, vector: 4, on: true }");
    assert!(asked.contains(&"reset 0".to_owned()));
    // Triggered by the client itself.
    client.irqs(NONE, 4, 1, &[]).unwrap();
    assert!(signalled(&fds[2], 5000));
    // One that cannot be raised any higher holds nobody up.
    fds[0].write(u64::MAX - 1).unwrap();
    rig.function().raise(2);
    client.get(CONFIG, 0, 4);
    // Taken away: count, and no descriptors.
    client.irqs(EVENTFDS, 2, 1, &[]).unwrap();
    client.irqs(NONE, 0, 0, &[]).unwrap();
    rig.function().raise(3);
    client.get(CONFIG, 0, 4);
    assert!(!signalled(&fds[1], 50));
    rig.function().raise(31);
    rig.function().raise(u32::MAX);
    client.get(CONFIG, 0, 4);
}

#[test]
fn interrupts_that_make_no_sense_are_refused() {
    let rig = Rig::new(1);
    let mut client = Client::attach(&rig.path);
    let fds = eventfds(17);
    let fds = borrow(&fds);
    for (flags, start, count, fds) in [
        (EVENTFDS, 0, 17, &fds[..0]),
        (EVENTFDS, 16, 1, &fds[..1]),
        (EVENTFDS, u32::MAX, 1, &fds[..1]),
        (EVENTFDS, 0, 2, &fds[..1]),
        (EVENTFDS, 0, 1, &fds[..2]),
        (EVENTFDS, 0, 0, &fds[..1]),
        (EVENTFDS, 0, 16, &fds[..17]),
        (NONE, 0, 1, &fds[..1]),
        (0x09, 0, 1, &fds[..0]),
        (0x11, 0, 1, &fds[..0]),
    ] {
        let reply = client.irqs(flags, start, count, fds);
        assert_eq!(
            reply,
            Err(EINVAL),
            "{flags:#x} {start} {count} {}",
            fds.len()
        );
    }
    let pipe = UnixStream::pair().unwrap();
    let reply = client.irqs(EVENTFDS, 0, 1, &[pipe.0.as_fd()]);
    assert_eq!(reply, Err(EINVAL), "not an eventfd");
    let reply = client.call(SET_IRQS, &words(&[20, EVENTFDS, 0, 0, 1]), &fds[..1]);
    assert_eq!(reply, Err(EINVAL), "INTx has no vector");
    assert_eq!(client.irqs(EVENTFDS, 0, 16, &fds[..16]), Ok(Vec::new()));
}

#[test]
fn memory_is_checked_and_goes_with_the_client() {
    let rig = Rig::new(1);
    let mut client = Client::attach(&rig.path);
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    let fd = file.as_fd();
    assert_eq!(client.map(Some(fd), 0, 0x1000, 0x1000), Ok(Vec::new()));
    assert_eq!(client.map(Some(fd), 0, 0x1000, 0x1000), Err(17), "overlap");
    assert_eq!(client.map(Some(fd), 0, 0x2001, 0x1000), Err(EINVAL));
    assert_eq!(
        client.map(Some(fd), 0, u64::MAX - 0xfff, 0x2000),
        Err(EINVAL)
    );
    let two = client.call(DMA_MAP, &map_body(3, 0, 0x8000, 0x1000), &[fd, fd]);
    assert_eq!(two, Err(EINVAL));
    let odd = client.call(DMA_MAP, &map_body(7, 0, 0x8000, 0x1000), &[fd]);
    assert_eq!(odd, Err(EINVAL));
    let stray = client.call(4, &words(&[16, 0, 0, 0]), &[fd]);
    assert_eq!(stray, Err(EINVAL), "a descriptor where none belongs");
    let read = |rig: &Rig| rig.function().iommu().read(0x1000, &mut [0; 4]).is_ok();
    assert!(read(&rig));
    let unmapped = client.unmap(0, 0x100_0000, 1 << 50);
    assert_eq!(unmapped.map(|reply| reply.len()), Ok(24));
    assert!(read(&rig));
    drop(client);
    // The next client is served when all of the last one is gone.
    let mut next = Client::attach(&rig.path);
    assert!(!read(&rig));
    next.map(Some(fd), 0, 0x1000, 0x1000).unwrap();
    next.unmap(2, 0, 0).unwrap();
    assert!(!read(&rig));
}

#[test]
fn a_reset_clears_the_function_and_keeps_its_memory() {
    let rig = Rig::new(1);
    let mut client = Client::attach(&rig.path);
    let file = tempfile::tempfile().unwrap();
    file.set_len(4096).unwrap();
    client.map(Some(file.as_fd()), 0, 0, 4096).unwrap();
    client.write(CONFIG, 0x10, &words(&[0xfebf_0000])).unwrap();
    rig.take_asked();
    // Initiate Function Level Reset.
    client.write(CONFIG, 0x48, &[0, 0x80]).unwrap();
    assert!(rig.take_asked().contains(&"reset 0".to_owned()));
    assert_eq!(client.get(CONFIG, 4, 2), 0);
    assert_eq!(client.get(CONFIG, 0x10, 4), 0);
    assert!(rig.function().iommu().read(0, &mut [0]).is_ok());
    assert_eq!(client.call(client::RESET, &[0], &[]), Err(EINVAL));
}

#[test]
fn one_client_at_a_time() {
    let rig = Rig::new(1);
    let mut first = Client::attach(&rig.path);
    let mut second = Client::connect(&rig.path);
    assert!(second.is_closed());
    assert_eq!(first.get(CONFIG, 0, 2), 0x1af4);
}

#[test]
fn a_vf_that_is_not_there_says_so_and_one_that_goes_closes() {
    let rig = Rig::new(2);
    let mut client = Client::connect(&rig.path);
    assert_eq!(client.hello(), Err(19));
    assert!(client.is_closed());
    rig.function().set_live(true);
    let mut client = Client::attach(&rig.path);
    rig.function().set_live(false);
    assert!(client.is_closed());
}

#[test]
fn sriov_brings_vfs_and_takes_them_away() {
    let rig = Rig::new(0);
    let mut client = Client::attach(&rig.path);
    let there = || [1, 2].map(|n: usize| rig.functions[n].is_live());
    client.write(CONFIG, 0x110, &[2, 0]).unwrap();
    assert_eq!(there(), [true, false]);
    client.write(CONFIG, 0x108, &[1, 0]).unwrap();
    assert_eq!(there(), [true, true]);
    client.call(client::RESET, &[], &[]).unwrap();
    assert_eq!(there(), [true, false], "those of the start stay");
}

/// Where the memory is that only the client reaches.
const AWAY: u64 = 0x7000_0000;

/// A client with such memory, which may be read and written.
fn away(rig: &Rig) -> Client {
    let mut client = Client::attach(&rig.path);
    client.map(None, 0, AWAY, 0x2000).unwrap();
    client
}

/// Reads and writes the function's memory, as the NIC does, while the client does something.
fn access<T>(rig: &Rig, write: bool, client: impl FnOnce() -> T) -> (Option<[u8; 4]>, T) {
    thread::scope(|scope| {
        let nic = scope.spawn(|| {
            let mut memories = crate::host::function::Memories(Arc::clone(&rig.functions));
            let mut data = [9, 8, 7, 6];
            let number = rig.function().number;
            let result = if write {
                crate::model::HostMemory::write(&mut memories, number, AWAY + 8, &data)
            } else {
                crate::model::HostMemory::read(&mut memories, number, AWAY + 8, &mut data)
            };
            result.ok().map(|()| data)
        });
        let did = client();
        (nic.join().unwrap(), did)
    })
}

/// The head of a question about four bytes.
fn head() -> Vec<u8> {
    [AWAY + 8, 4]
        .iter()
        .flat_map(|word| word.to_le_bytes())
        .collect()
}

#[test]
fn memory_without_a_descriptor_is_asked_for() {
    let rig = Rig::new(1);
    let mut client = away(&rig);
    let (got, ()) = access(&rig, false, || {
        let (id, command, body) = client.question();
        assert_eq!((command, body), (11, head()));
        client.answer(id, command, 1, &[head(), vec![1, 2, 3, 4]].concat());
    });
    assert_eq!(got, Some([1, 2, 3, 4]));
    let (wrote, ()) = access(&rig, true, || {
        let (id, command, body) = client.question();
        assert_eq!((command, body), (12, [head(), vec![9, 8, 7, 6]].concat()));
        // What the client asks meanwhile is answered, before or after its own answer.
        client.ask(
            9,
            &[&0u64.to_le_bytes()[..], &words(&[CONFIG, 2])].concat(),
            &[],
        );
        client.answer(id, command, 1, &head());
        let reply = client.reply().unwrap().unwrap();
        assert_eq!(reply[16..], [0xf4, 0x1a]);
    });
    assert!(wrote.is_some());
    // The client may say no, and goes on.
    let (got, ()) = access(&rig, false, || {
        let (id, command, _) = client.question();
        client.answer(id, command, 0x21, &[]);
    });
    assert_eq!((got, rig.function().iommu().faults()), (None, 1));
    assert_eq!(client.get(CONFIG, 0, 2), 0x1af4);
}

/// What a client answers wrongly: number added to the id, command, flags, body.
type Wrong = (u16, u16, u32, Vec<u8>);

#[test]
fn a_wrong_answer_about_memory_ends_its_client_and_nothing_else() {
    let rig = Rig::new(1);
    let data = [head(), vec![1, 2, 3, 4]].concat();
    let wrong: [Wrong; 6] = [
        (1, 11, 1, data.clone()),
        (0, 12, 1, data.clone()),
        (0, 11, 1, head()),
        (0, 11, 1, Vec::new()),
        (0, 11, 1, [data.clone(), vec![5]].concat()),
        (0, 11, 1, [vec![0; 16], vec![1, 2, 3, 4]].concat()),
    ];
    for (add, command, flags, body) in wrong {
        let mut client = away(&rig);
        let (got, ()) = access(&rig, false, || {
            let (id, _, _) = client.question();
            client.answer(id.wrapping_add(add), command, flags, &body);
        });
        assert_eq!(got, None, "{command} {body:?}");
        assert!(client.is_closed());
        drop(client);
        rig.check();
    }
    // One that says nothing, one that asks without end, one that goes, one that is gone.
    let mut client = away(&rig);
    assert_eq!(access(&rig, false, || client.question()).0, None);
    assert!(client.is_closed());
    let mut client = away(&rig);
    let (got, ()) = access(&rig, true, || {
        client.question();
        let read = [&0u64.to_le_bytes()[..], &words(&[CONFIG, 2])].concat();
        (0..100).for_each(|_| client.ask(9, &read, &[]));
    });
    assert_eq!(got, None);
    drop(client);
    let mut client = away(&rig);
    let (got, ()) = access(&rig, false, || {
        client.question();
        drop(client);
    });
    assert_eq!(got, None);
    assert_eq!(access(&rig, false, || ()).0, None);
    rig.check();
    // An answer that nobody asked for.
    let mut client = away(&rig);
    client.answer(1, 11, 1, &data);
    assert!(client.is_closed());
    drop(client);
    rig.check();
}
