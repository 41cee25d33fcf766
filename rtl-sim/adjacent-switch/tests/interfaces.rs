// SPDX-License-Identifier: Apache-2.0 OR MIT

//! `hairpin-switch` on network interfaces: two veth pairs, in a network namespace of their own.

#[path = "common/process.rs"]
mod process;

use std::process::Command;
use std::time::{Duration, Instant};

use pcap::{Active, Capture, Direction};
use process::{Running, json, switch, text};

/// A local experimental EtherType that no kernel speaks.
const TYPE: [u8; 2] = [0x88, 0xb5];

const RULES: &str = "
version = 1
tpid = 0x88a8
[[port]]
name = \"a\"
[[port]]
name = \"b\"
[[rule]]
name = \"not-twenty\"
vlan = 20
action = \"deny\"
";

fn wire(interface: &str) -> Capture<Active> {
    let capture = Capture::from_device(interface).unwrap();
    let mut capture = capture.immediate_mode(true).timeout(100).open().unwrap();
    capture.direction(Direction::In).unwrap();
    capture = capture.setnonblock().unwrap();
    capture
}

/// A frame with tags, as it is on the wire.
fn frame(to: u8, from: u8, tags: &[[u8; 4]], last: u8) -> Vec<u8> {
    let mut frame = vec![2, 0, 0, 0, 0, to, 2, 0, 0, 0, 0, from];
    frame.extend(tags.iter().flatten());
    frame.extend(TYPE);
    frame.resize(frame.len() + 50, 0);
    frame.push(last);
    frame
}

/// The next frame of this test: what the kernel sends by itself is none.
fn next(wire: &mut Capture<Active>) -> Vec<u8> {
    let end = Instant::now() + Duration::from_secs(30);
    while Instant::now() < end {
        match wire.next_packet() {
            Ok(packet) if packet.data.windows(2).any(|two| two == TYPE) => {
                return packet.data.to_vec();
            }
            Ok(_) => {}
            Err(_) => std::thread::sleep(Duration::from_millis(1)),
        }
    }
    panic!("no frame came in 30 s");
}

/// Runs the test below in a namespace, where it may make interfaces.
#[test]
fn on_interfaces() {
    let in_namespace = |program: &str, args: &[&str]| {
        let mut command = Command::new("unshare");
        command.args(["-rn", program]).args(args).output()
    };
    if !in_namespace("true", &[]).is_ok_and(|output| output.status.success()) {
        eprintln!("skipped: this system makes no network namespace (`unshare -rn true`)");
        return;
    }
    let me = std::env::current_exe().unwrap();
    let args = ["--ignored", "--exact", "inside_a_namespace", "--nocapture"];
    let output = in_namespace(text(&me), &args).unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&said)
    );
}

#[test]
#[ignore = "needs a namespace: `on_interfaces` runs it in one"]
fn inside_a_namespace() {
    for command in [
        "link add a0 type veth peer name a1",
        "link add b0 type veth peer name b1",
        "link set a0 up",
        "link set a1 up",
        "link set b0 up",
        "link set b1 up",
    ] {
        let status = Command::new("ip").args(command.split(' ')).status();
        assert!(status.unwrap().success(), "ip {command}");
    }
    let dir = tempfile::tempdir().unwrap();
    let (rules, socket) = (dir.path().join("rules.toml"), dir.path().join("control"));
    std::fs::write(&rules, RULES).unwrap();
    let run = ["--json", "run", text(&rules)];
    for (links, code) in [
        (["--interface", "a=none"].as_slice(), "no-interface"),
        (&["--interface", "c=a1"], "unknown-port"),
        (&["--interface", "a=a1", "--tap", "a=t0"], "port-twice"),
    ] {
        let output = switch(&[&run, links].concat());
        assert_eq!(json(&output)["error"]["code"], code);
    }

    let links = ["--interface", "a=a1", "--interface", "b=b1"];
    let control = ["--control", text(&socket)];
    let _running = Running::start(&[&run, links.as_slice(), &control].concat(), &socket);
    let (mut a, mut b) = (wire("a0"), wire("b0"));
    let (outer, inner) = ([0x88, 0xa8, 0x60, 10], [0x81, 0, 0, 100]);
    let sent = [
        frame(0xb, 0xa, &[], 1),
        frame(0xb, 0xa, &[outer, inner], 2),
        frame(0xb, 0xa, &[inner], 3),
    ];
    let denied = frame(0xb, 0xa, &[[0x88, 0xa8, 0, 20], inner], 4);
    for frame in &sent {
        a.sendpacket(denied.clone()).unwrap();
        a.sendpacket(frame.clone()).unwrap();
        // As it was sent, with the tags that the kernel takes out on the way.
        assert_eq!(next(&mut b), *frame);
    }
    let answer = frame(0xa, 0xb, &[outer, inner], 5);
    b.sendpacket(answer.clone()).unwrap();
    assert_eq!(next(&mut a), answer);

    let stats = json(&switch(&[&["stats"], control.as_slice()].concat()));
    let denied = &stats["ports"]["a"]["denied"];
    assert_eq!(*denied, 3, "{stats}");
}
