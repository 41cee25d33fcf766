// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Messages, registers and resets, without frames.

use std::os::fd::{AsFd as _, AsRawFd as _};
use std::time::Duration;

use nix::sys::eventfd::{EfdFlags, EventFd};

use crate::client::{self, BAR0, CONFIG, Client, DEVICE_INFO, EVENTFDS, RESET, words};
use crate::server::Server;

/// "HPIN".
const MAGIC: u32 = 0x4e49_5048;
/// Where the virtio device status is, and the number of queues.
const STATUS: u64 = 0x14;
/// What the PF sets for VF 1: enabled, link, 4 queue pairs from 4 on, 16 vectors.
const VF1_WORDS: (u64, u32) = (0x8040, 0x1004_0403);

fn eventfd() -> EventFd {
    EventFd::from_flags(EfdFlags::EFD_NONBLOCK).unwrap()
}

#[test]
fn a_whole_conversation_with_pf_and_vf() {
    let server = Server::start("", None);
    let mut pf = Client::attach(&server.socket("pf0"));
    let info = pf.call(DEVICE_INFO, &words(&[16, 0, 0, 0]), &[]).unwrap();
    assert_eq!(info, words(&[16, 3, 9, 5]));
    assert_eq!(pf.get(CONFIG, 0, 4), 0x10f0_1af4);
    assert_eq!(pf.get(BAR0, 0, 4), MAGIC);
    // A scratch register takes bytes by themselves.
    pf.write(BAR0, 0x2c, &words(&[0])).unwrap();
    let scratch = (0x20..0x40).step_by(4).find(|&at| {
        pf.write(BAR0, at, &words(&[0x1234_5678])).unwrap();
        pf.get(BAR0, at, 4) == 0x1234_5678
    });
    let scratch = scratch.expect("a scratch register");
    pf.write(BAR0, scratch + 1, &[0xab]).unwrap();
    assert_eq!(pf.get(BAR0, scratch, 4), 0x1234_ab78);

    let mut vf = Client::attach(&server.socket("vf1"));
    assert_eq!(vf.get(CONFIG, 0, 4), 0x1041_1af4);
    assert_eq!(vf.get(BAR0, STATUS, 1), 0, "not enabled: zero");
    let (at, enabled) = VF1_WORDS;
    pf.write(BAR0, at + 4, &words(&[0x0000_0001, 1500 << 16 | 0x0200, 100_000]))
        .unwrap();
    pf.write(BAR0, at, &words(&[enabled])).unwrap();
    assert_eq!(pf.get(BAR0, at, 4), enabled);
    // ACKNOWLEDGE, DRIVER: a field of one byte in a word of others.
    vf.write(BAR0, STATUS, &[3]).unwrap();
    assert_eq!(vf.get(BAR0, STATUS, 1), 3);
    assert_eq!(pf.get(BAR0, at + 16, 1), 3, "the PF sees it too");
    assert_eq!(vf.read(BAR0, 0x200, 6).unwrap(), [2, 0, 0, 0, 0, 1], "MAC");

    // The message of a vector is programmed into the RTL's table, and not seen by the client.
    let fd = eventfd();
    vf.irqs(EVENTFDS, 0, 1, &[fd.as_fd()]).unwrap();
    assert_eq!(vf.read(BAR0, 0x2000, 4).unwrap(), [0; 4]);

    let file = tempfile::tempfile().unwrap();
    file.set_len(1 << 16).unwrap();
    vf.map(Some(file.as_fd()), 0, 1 << 32, 1 << 16).unwrap();
    vf.unmap(0, 1 << 32, 1 << 16).unwrap();

    vf.call(RESET, &[], &[]).unwrap();
    vf.write(CONFIG, 4, &[6, 0]).unwrap();
    assert_eq!(vf.get(BAR0, STATUS, 1), 0, "the reset has reached the RTL");
    vf.write(BAR0, STATUS, &[1]).unwrap();
    vf.write(CONFIG, 0x48, &[0, 0x80]).unwrap();
    vf.write(CONFIG, 4, &[6, 0]).unwrap();
    assert_eq!(vf.get(BAR0, STATUS, 1), 0, "and so has one from configuration space");
    // A client that is killed leaves a function that is reset.
    vf.write(BAR0, STATUS, &[1]).unwrap();
    drop(vf);
    let mut vf = Client::attach(&server.socket("vf1"));
    assert_eq!(vf.get(BAR0, STATUS, 1), 0);
    let stats = server.stop();
    assert_eq!(stats.scoreboard.mismatches, 0);
}

#[test]
fn the_pfs_interrupt_line_is_its_vector() {
    let server = Server::start("", None);
    let mut pf = Client::attach(&server.socket("pf0"));
    let fd = eventfd();
    pf.irqs(EVENTFDS, 0, 1, &[fd.as_fd()]).unwrap();
    assert_eq!(pf.irqs(EVENTFDS, 1, 1, &[fd.as_fd()]), Err(22), "it has one");
    pf.irqs(client::NONE, 0, 1, &[]).unwrap();
    assert_eq!(pf.get(BAR0, 0, 4), MAGIC);
    let mut polled = [nix::poll::PollFd::new(
        fd.as_fd(),
        nix::poll::PollFlags::POLLIN,
    )];
    assert_eq!(nix::poll::poll(&mut polled, 5000u16), Ok(1));
}

#[test]
fn the_client_of_another_crate_gets_along() {
    let server = Server::start("--vfs 1", None);
    let mut peer = vfio_user::Client::new(&server.socket("vf0")).unwrap();
    assert_eq!(peer.region(BAR0).map(|region| region.size), Some(0x4000));
    assert_eq!(peer.region(CONFIG).map(|region| region.size), Some(4096));
    assert_eq!(peer.region(1).map_or(0, |region| region.size), 0);
    let mut id = [0; 4];
    peer.region_read(CONFIG, 0, &mut id).unwrap();
    assert_eq!(id, [0xf4, 0x1a, 0x41, 0x10]);
    let mut bar = [0; 4];
    peer.region_read(BAR0, 0, &mut bar).unwrap();
    assert_eq!(bar, [0xff; 4], "Memory Space is off");
    peer.region_write(CONFIG, 4, &[6, 0]).unwrap();
    peer.region_read(BAR0, 0, &mut bar).unwrap();
    assert_ne!(bar, [0xff; 4]);
    assert_eq!(peer.get_irq_info(2).unwrap().count, 16);
    let fds: Vec<_> = (0..16).map(|_| eventfd()).collect();
    let numbers: Vec<_> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
    peer.set_irqs(2, EVENTFDS, 0, 16, &numbers).unwrap();
    let file = tempfile::tempfile().unwrap();
    file.set_len(8192).unwrap();
    peer.dma_map(4096, 0, 4096, file.as_raw_fd()).unwrap();
    peer.dma_unmap(0, 4096).unwrap();
    peer.reset().unwrap();
    peer.region_read(CONFIG, 4, &mut bar[..2]).unwrap();
    assert_eq!(bar[..2], [0, 0]);
    peer.shutdown().unwrap();
    // The VF that SR-IOV would have to bring first.
    let mut absent = Client::connect(&server.socket("vf1"));
    assert_eq!(absent.hello(), Err(19));
}

#[test]
fn an_idle_nic_stands_still() {
    let server = Server::start("", None);
    std::thread::sleep(Duration::from_secs(1));
    let stats = server.stop();
    // What it does after a reset, and then nothing: a second is 50,000 clocks and more.
    assert!(stats.cycles < 20_000, "{} cycles", stats.cycles);
}

#[test]
fn a_socket_that_is_served_is_left_alone_and_what_is_left_of_one_is_not() {
    let server = Server::start("", None);
    let text = |dir: &std::path::Path| {
        let args = hairpin_driver::cli::SimArgs {
            socket_dir: dir.to_owned(),
            ..args()
        };
        let error = hairpin_sim::host::serve(&args, |_| panic!("served")).unwrap_err();
        format!("{error:#}")
    };
    assert!(text(server.dir()).contains("another simulator serves this socket"));
    let mut pf = Client::attach(&server.socket("pf0"));
    assert_eq!(pf.get(BAR0, 0, 4), MAGIC, "and it still serves");

    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("vf3.sock"), "precious").unwrap();
    assert!(text(dir.path()).contains("this is not a socket"));
    let kept = std::fs::read_to_string(dir.path().join("vf3.sock")).unwrap();
    assert_eq!(kept, "precious");
}

fn args() -> hairpin_driver::cli::SimArgs {
    #[derive(clap::Parser)]
    struct Program {
        #[command(flatten)]
        sim: hairpin_driver::cli::SimArgs,
    }
    <Program as clap::Parser>::parse_from(["sim", "--socket-dir", "/nowhere"]).sim
}
