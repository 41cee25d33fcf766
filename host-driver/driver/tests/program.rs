// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The example of the guide's page "Program the PF from Rust", run on a NIC of plain memory behind a socket.

#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/elf.rs"]
mod elf;
#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/nic.rs"]
mod nic;
#[allow(
    dead_code,
    unreachable_pub,
    missing_docs,
    reason = "a program of its own"
)]
#[path = "../examples/program.rs"]
mod program;
#[allow(dead_code, reason = "other test binaries use the rest")]
#[path = "support/served.rs"]
mod served;
#[path = "support/served_nic.rs"]
mod served_nic;

use std::path::Path;

use hairpin_abi::{PortRow, RowWords};
use nic::{FakeNic, macs};
use served_nic::ServedNic;

fn config() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/nic.toml"))
}

#[test]
fn the_example_does_what_the_page_says() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("pf0.sock");
    let served = ServedNic::new(FakeNic::default());
    let clone = served.clone();
    served::listen(&socket, move || clone.clone());
    let device = format!("vfio-user/{}", socket.display());
    let lines = program::program(&device, config()).unwrap();
    // The counters of this NIC are their own addresses.
    assert!(
        lines.iter().any(|line| line.starts_with("vf7: ")),
        "{lines:?}"
    );

    let nic = served.nic.lock().unwrap();
    let row =
        |port| PortRow::from_words(&nic.ports.get(&port).copied().unwrap_or(RowWords::default()));
    assert!(row(0).enabled && !row(1).enabled);
    let moved = |row: &hairpin_abi::MacRow| row.key.mac.to_string() == "02:00:00:00:0a:07";
    assert_eq!(macs(&nic).iter().filter(|row| moved(row)).count(), 1);
}

#[test]
fn the_example_says_what_is_wrong() {
    let error = program::program("pf0", config()).unwrap_err();
    assert!(error.to_string().contains("vfio-user/PATH"), "{error}");
    let error = program::program("vfio-user/none/pf0.sock", config()).unwrap_err();
    assert!(
        error.to_string().contains("help: start the simulator"),
        "{error}"
    );
}

#[test]
fn the_page_shows_the_example() {
    let page = include_str!("../../../docs/src/guide/program.md");
    let code = include_str!("../examples/program.rs");
    let (_, code) = code.split_once("\n\n").unwrap();
    let shown = page.split("```rust,no_run\n").nth(1).unwrap();
    let (shown, _) = shown.split_once("```\n").unwrap();
    assert_eq!(shown, code);
}
