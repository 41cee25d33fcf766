// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A driver that gives its VF an address that it never mapped, as a buffer to send. The IOMMU has to refuse the read
//! and tell, the VF to need a reset, the PF to know why: `cargo xtask test --vm` looks at all three.
//!
//! `stray DEVICE` holds the VF until its standard input ends, so that the PF can be asked about it.

use std::error::Error;
use std::io::{self, Read as _};
use std::sync::atomic::Ordering;
use std::thread;
use std::time::{Duration, Instant};

use hairpin_driver::DeviceName;
use hairpin_driver::function::{PciFunction, Width};

/// In no mapping of ours.
const NOWHERE: u64 = 0x3f_dead_0000;
/// The transmit queue, and its entries.
const QUEUE: u32 = 1;
const ENTRIES: u32 = 8;
/// Where its rings are in the memory.
const RINGS: [usize; 3] = [0, 0x1000, 0x2000];
const PATIENCE: Duration = Duration::from_secs(60);

/// Registers of BAR 0 (docs/src/architecture/virtio.md; virtio 1.2, 4.1.4.3).
const FEATURE_SELECT: u64 = 0x08;
const FEATURES: u64 = 0x0c;
const STATUS: u64 = 0x14;
const QUEUE_SELECT: u64 = 0x16;
const QUEUE_SIZE: u64 = 0x18;
const QUEUE_ENABLE: u64 = 0x1c;
const QUEUE_ADDRESSES: u64 = 0x20;
const NOTIFY: u64 = 0x1000;
const NEEDS_RESET: u32 = 0x40;

fn write(function: &dyn PciFunction, at: u64, width: Width, value: u32) -> io::Result<()> {
    function.bar_write(0, at, width, value)
}

fn status(function: &dyn PciFunction) -> io::Result<u32> {
    function.bar_read(0, STATUS, Width::Byte)
}

/// Waits until bits of the status are so.
fn wait(function: &dyn PciFunction, mask: u32, want: u32) -> Result<u32, Box<dyn Error>> {
    let start = Instant::now();
    loop {
        let now = status(function)?;
        if now & mask == want {
            return Ok(now);
        }
        if start.elapsed() > PATIENCE {
            return Err(format!("the device status stays {now:#04x}").into());
        }
        thread::sleep(Duration::from_millis(10));
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let name = std::env::args().nth(1).ok_or("usage: stray DEVICE")?;
    let function = name.parse::<DeviceName>()?.open(None)?;
    let function = function.as_ref();
    function.enable()?;
    write(function, STATUS, Width::Byte, 0)?;
    wait(function, 0xff, 0)?;
    write(function, STATUS, Width::Byte, 3)?;
    // VERSION_1 and ACCESS_PLATFORM.
    for (half, features) in [(0, 0), (1, 3)] {
        write(function, FEATURE_SELECT, Width::Word, half)?;
        write(function, FEATURES, Width::Word, features)?;
    }
    write(function, STATUS, Width::Byte, 11)?;

    let rings = function.dma_memory(0x3000)?;
    let memory = rings.memory();
    memory.write(0, &NOWHERE.to_le_bytes());
    memory.write(8, &[100, 0, 0, 0, 0, 0, 0, 0]);
    // The available ring: no flags, one entry, descriptor 0.
    memory.store16(RINGS[1] + 2, 1, Ordering::Release);
    write(function, QUEUE_SELECT, Width::Half, QUEUE)?;
    write(function, QUEUE_SIZE, Width::Half, ENTRIES)?;
    for (at, ring) in (QUEUE_ADDRESSES..).step_by(8).zip(RINGS) {
        let bus = rings.bus(ring);
        write(function, at, Width::Word, bus as u32)?;
        write(function, at + 4, Width::Word, (bus >> 32) as u32)?;
    }
    write(function, QUEUE_ENABLE, Width::Half, 1)?;
    write(function, STATUS, Width::Byte, 15)?;
    write(function, NOTIFY + 4 * u64::from(QUEUE), Width::Half, QUEUE)?;
    let now = wait(function, NEEDS_RESET, NEEDS_RESET)?;
    println!("device status {now:#04x}: needs a reset");
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
