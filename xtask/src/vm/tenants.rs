// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Two tenants, two guests each, a VF of one NIC per guest, the same IP addresses in both tenants. The guests run
//! Debian's kernel with its own virtio_net and know nothing of Hairpin.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};

use super::fetch::Kit;
use super::guest::{Guest, Plan, served_function};
use super::nic::Nic;
use crate::ctx::Ctx;
use crate::tally::Tally;

/// Names of the guests; each has the VF of its place.
const NAMES: [&str; 4] = ["a0", "a1", "b0", "b1"];
/// Their addresses, as `examples/vms/nic.toml` gives them.
const MACS: [&str; 4] = [
    "02:00:00:00:0a:00",
    "02:00:00:00:0a:01",
    "02:00:00:00:0b:00",
    "02:00:00:00:0b:01",
];
/// Their processors. virtio_net uses as many queue pairs, if the NIC offers them.
const PROCESSORS: [u32; 4] = [2, 2, 1, 1];
/// The guests of a tenant.
const A: [usize; 2] = [0, 1];
const B: [usize; 2] = [2, 3];
const CONFIG: &str = "examples/vms/nic.toml";
/// Sizes of ICMP payloads: the smallest frame, one that needs no padding, the largest of MTU 1500.
const SIZES_V4: [u32; 3] = [0, 56, 1472];
const SIZES_V6: [u32; 3] = [0, 56, 1452];
/// Bytes of the files that guests fetch from one another.
const FILES: [u32; 3] = [1, 1461, 300_000];
/// Until a transfer is done: the NIC is a simulation.
const TRANSFER: Duration = Duration::from_secs(300);

type Step = fn(&mut World<'_>) -> Result<()>;

/// What is tried, in this order; later steps build on earlier ones.
const STEPS: [(&str, Step); 15] = [
    (
        "vms: each guest has its own virtio_net on 1af4:1041, with the address of nic.toml",
        identity,
    ),
    (
        "vms: tenant A: pings, IPv4, smallest to largest frame",
        |world| pings(world, A, 4),
    ),
    (
        "vms: tenant A: pings, IPv6, smallest to largest frame",
        |world| pings(world, A, 6),
    ),
    (
        "vms: tenant A: files over TCP, one way after the other, equal at both ends",
        |world| files(world, A),
    ),
    (
        "vms: tenant A: files over TCP, both ways at once",
        |world| files_at_once(world, A),
    ),
    (
        "vms: tenant A: two processors, two queue pairs, frames on both",
        queues,
    ),
    ("vms: tenant B has not heard one frame of that", silence),
    (
        "vms: tenant B: the same addresses, its own files, and A hears nothing",
        tenant_b,
    ),
    (
        "vms: a frame to an address of the other tenant does not get there",
        across,
    ),
    (
        "vms: a trusted guest takes another address and listens, one that is not may not",
        trust,
    ),
    ("vms: guests and NIC have counted the same", conservation),
    (
        "vms: guests take the VLANs that they have interfaces of, and verified checksums",
        vlans,
    ),
    ("vms: the driver is unloaded and loaded again", reload),
    (
        "vms: a guest is killed under traffic, its VF serves the next one",
        killed,
    ),
    (
        "vms: the golden model agrees with every decision, no guest's memory was missed",
        opinion,
    ),
];

/// Runs everything.
pub(super) fn run_all(ctx: &Ctx, kit: &Kit, tally: &mut Tally) {
    super::play(
        tally,
        "vms: four guests on one NIC start",
        || World::start(ctx, kit),
        STEPS,
    );
}

/// The NIC and its guests.
struct World<'a> {
    kit: &'a Kit,
    logs: PathBuf,
    image: PathBuf,
    guests: Vec<Guest>,
    nic: Nic<'a>,
}

impl super::World for World<'_> {
    fn nic(&self) -> &Nic<'_> {
        &self.nic
    }
}

impl<'a> World<'a> {
    fn start(ctx: &'a Ctx, kit: &'a Kit) -> Result<Self> {
        let logs = kit.dir.join("vms");
        let image = super::guest_image(ctx, kit)?;
        let nic = Nic::start(ctx, &logs, Some(Path::new(CONFIG)), &[])?;
        let mut world = Self {
            kit,
            logs,
            image,
            guests: Vec::new(),
            nic,
        };
        for vf in 0..NAMES.len() {
            let guest = world.boot(vf)?;
            world.guests.push(guest);
        }
        for vf in 0..NAMES.len() {
            world.guests[vf].wait()?;
            world.set_up(vf)?;
        }
        Ok(world)
    }

    fn boot(&self, vf: usize) -> Result<Guest> {
        let plan = Plan {
            name: NAMES[vf],
            image: &self.image,
            memory_mib: 256,
            cpus: PROCESSORS[vf],
            kernel: "",
            qemu: served_function(1, &self.nic.vf(vf)),
        };
        Guest::start(self.kit, &self.logs, &plan)
    }

    /// Addresses, and files that others can fetch. Nothing is sent by that, nor by what the kernel does of itself.
    fn set_up(&mut self, vf: usize) -> Result<()> {
        let (guest, own) = (&mut self.guests[vf], vf % 2 + 1);
        guest.run("echo 1 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6; ip link set eth0 up")?;
        guest.run(&format!("ip addr add 10.0.0.{own}/24 dev eth0"))?;
        guest.run("timeout 30 sh -c 'until grep -q 1 /sys/class/net/eth0/carrier; do usleep 100000; done'")?;
        for size in FILES {
            guest.run(&format!(
                "mkdir -p /srv; head -c {size} /dev/urandom >/srv/{size}"
            ))?;
        }
        guest.run("httpd -h /srv").map(drop)
    }

    /// Frames that a guest's kernel has counted: received, sent.
    fn counted(&mut self, vf: usize) -> Result<[u64; 2]> {
        let text =
            self.guests[vf].run("cd /sys/class/net/eth0/statistics; cat rx_packets tx_packets")?;
        let mut numbers = text.lines().map(str::parse);
        let mut next = || {
            numbers
                .next()
                .context("a counter is missing")?
                .context("not a number")
        };
        Ok([next()?, next()?])
    }

    fn received(&mut self, tenant: [usize; 2]) -> Result<[u64; 2]> {
        Ok([self.counted(tenant[0])?[0], self.counted(tenant[1])?[0]])
    }

    /// Both ends fetch all files of the other; true if `command` ran well everywhere and the files are equal.
    fn compare(&mut self, tenant: [usize; 2]) -> Result<()> {
        for (from, to) in [(0, 1), (1, 0)] {
            for size in FILES {
                let sent = self.guests[tenant[from]].run(&format!("sha256sum </srv/{size}"))?;
                let came = self.guests[tenant[to]].run(&format!("sha256sum </tmp/{size}"))?;
                let name = NAMES[tenant[from]];
                ensure!(
                    sent == came,
                    "file {size} of {name} is {sent}, but {came} arrived"
                );
            }
        }
        Ok(())
    }
}

fn identity(world: &mut World<'_>) -> Result<()> {
    for ((guest, mac), processors) in world.guests.iter_mut().zip(MACS).zip(PROCESSORS) {
        let device = "/sys/class/net/eth0/device";
        let said = guest.run(&format!(
            "basename $(readlink {device}/driver); cat {device}/../vendor {device}/../device \
             /sys/class/net/eth0/address /sys/class/net/eth0/mtu; uname -r; ls -d /sys/class/net/eth0/queues/rx* | wc -l"
        ))?;
        let facts: Vec<_> = said.lines().collect();
        let kernel = world.kit.kernel.as_str();
        ensure!(
            facts[..6] == ["virtio_net", "0x1af4", "0x1041", mac, "1500", kernel],
            "{}: driver, vendor, device, address, MTU, kernel are {facts:?}",
            guest.name
        );
        ensure!(
            facts[6] == processors.to_string(),
            "{}: {processors} processors, {} receive queues",
            guest.name,
            facts[6]
        );
        eprintln!("    {}: {mac}, {} receive queue(s)", guest.name, facts[6]);
    }
    Ok(())
}

fn pings(world: &mut World<'_>, tenant: [usize; 2], version: u32) -> Result<()> {
    let (sizes, net) = if version == 4 {
        (SIZES_V4, "10.0.0.")
    } else {
        (SIZES_V6, "fd00::")
    };
    for (from, to) in [(tenant[0], 2), (tenant[1], 1)] {
        if version == 6 {
            for vf in tenant {
                let own = vf % 2 + 1;
                world.guests[vf].run("echo 0 >/proc/sys/net/ipv6/conf/eth0/disable_ipv6")?;
                world.guests[vf].run(&format!("ip addr replace fd00::{own}/64 dev eth0"))?;
            }
        }
        for size in sizes {
            let guest = &mut world.guests[from];
            let said = guest.run(&format!("ping -c 5 -i 0.2 -W 20 -s {size} {net}{to}"))?;
            ensure!(
                said.contains("5 packets received, 0% packet loss"),
                "{}: {said}",
                guest.name
            );
            let times = said
                .lines()
                .find(|line| line.contains("min/avg/max"))
                .unwrap_or("no times");
            eprintln!("    {} to {net}{to}, {size} bytes: {times}", guest.name);
        }
    }
    Ok(())
}

/// A line that fetches the files of the other guest of a tenant.
fn fetch(to: usize) -> String {
    let address = if to.is_multiple_of(2) {
        "10.0.0.2"
    } else {
        "10.0.0.1"
    };
    let mut line = "cd /tmp; rm -f [0-9]*; true".to_owned();
    for size in FILES {
        line += &format!(" && wget -q -T 60 -O {size} http://{address}/{size}");
    }
    line
}

fn fetched(name: &str, outcome: &(i32, String), start: Instant) -> Result<()> {
    let (status, said) = outcome;
    ensure!(
        *status == 0,
        "{name}: wget ended with status {status}: {said}"
    );
    let seconds = start.elapsed().as_secs_f64();
    let bytes = f64::from(FILES.iter().sum::<u32>());
    eprintln!(
        "    {name}: {bytes} bytes in {seconds:.1} s, {:.2} Mb/s",
        bytes * 8e-6 / seconds
    );
    Ok(())
}

fn files(world: &mut World<'_>, tenant: [usize; 2]) -> Result<()> {
    for to in tenant {
        let start = Instant::now();
        let outcome = world.guests[to].attempt(&fetch(to), TRANSFER)?;
        fetched(NAMES[to], &outcome, start)?;
    }
    world.compare(tenant)
}

fn files_at_once(world: &mut World<'_>, tenant: [usize; 2]) -> Result<()> {
    let start = Instant::now();
    for to in tenant {
        world.guests[to].begin(&fetch(to))?;
    }
    for to in tenant {
        let outcome = world.guests[to].end(TRANSFER)?;
        fetched(NAMES[to], &outcome, start)?;
    }
    world.compare(tenant)
}

/// Interrupts that each receive queue of a guest has had.
fn interrupts(guest: &mut Guest) -> Result<Vec<u64>> {
    let said = guest.run("awk '/virtio[0-9]*-input/ {print $2 + $3}' /proc/interrupts")?;
    said.lines()
        .map(|line| line.trim().parse().context("not a number of interrupts"))
        .collect()
}

/// Every connection is a flow of its own; the NIC spreads them.
fn queues(world: &mut World<'_>) -> Result<()> {
    for (guest, peer) in [(A[0], 2), (A[1], 1)] {
        let guest = &mut world.guests[guest];
        let before = interrupts(guest)?;
        guest.run(&format!(
            "for i in $(seq 16); do wget -q -T 60 -O /dev/null http://10.0.0.{peer}/1461 || exit 1; done"
        ))?;
        let after = interrupts(guest)?;
        let heard: Vec<_> = before
            .iter()
            .zip(&after)
            .map(|(old, new)| new - old)
            .collect();
        ensure!(
            heard.len() >= 2 && heard[..2].iter().all(|count| *count > 0),
            "{}: {heard:?} interrupts of the receive queues",
            guest.name
        );
        eprintln!(
            "    {}: {heard:?} interrupts of the receive queues",
            guest.name
        );
    }
    Ok(())
}

/// Frames that the NIC has handed to a VF, and taken from it.
fn on_nic(world: &World<'_>, vf: usize) -> Result<[u64; 2]> {
    let stats = world.nic.stats(&format!("vf{vf}"))?;
    let count = |name: &str| {
        let value = stats.get(name).and_then(serde_json::Value::as_u64);
        value.with_context(|| format!("no {name} of vf{vf} in {stats}"))
    };
    Ok([count("out_frames")?, count("in_frames")?])
}

fn silence(world: &mut World<'_>) -> Result<()> {
    for vf in B {
        let (guest, nic) = (world.counted(vf)?, on_nic(world, vf)?);
        ensure!(
            guest == [0, 0],
            "{} has received and sent {guest:?} frames",
            NAMES[vf]
        );
        ensure!(
            nic == [0, 0],
            "the NIC has counted {nic:?} frames to and from vf{vf}"
        );
    }
    Ok(())
}

fn tenant_b(world: &mut World<'_>) -> Result<()> {
    let before = world.received(A)?;
    pings(world, B, 4)?;
    pings(world, B, 6)?;
    files(world, B)?;
    let after = world.received(A)?;
    ensure!(
        before == after,
        "A has received {before:?} frames before, {after:?} afterwards"
    );
    let heard = world.received(B)?;
    ensure!(
        heard.iter().all(|frames| *frames > 100),
        "B has received {heard:?} frames only"
    );
    Ok(())
}

fn across(world: &mut World<'_>) -> Result<()> {
    for (from, to) in [(B[0], A[0]), (A[1], B[1])] {
        let tenant = if A.contains(&to) { A } else { B };
        let (before, sent) = (world.received(tenant)?, on_nic(world, from)?[1]);
        let line = format!("arp -s 10.0.0.9 {} && ! ping -c 3 -W 2 10.0.0.9", MACS[to]);
        let said = world.guests[from].run(&line)?;
        ensure!(
            said.contains("3 packets transmitted, 0 packets received"),
            "{}: {said}",
            NAMES[from]
        );
        // An address that nobody has is asked for by broadcast.
        world.guests[from].run("! ping -c 2 -W 2 10.0.0.8")?;
        let (after, sent) = (world.received(tenant)?, on_nic(world, from)?[1] - sent);
        ensure!(sent >= 5, "{} has sent {sent} frames only", NAMES[from]);
        ensure!(
            before == after,
            "the other tenant had received {before:?} frames, now {after:?}"
        );
    }
    Ok(())
}

fn trust(world: &mut World<'_>) -> Result<()> {
    const NEW: &str = "02:00:00:00:0c:01";
    let [plain, trusted] = B;
    let address = "cat /sys/class/net/eth0/address";
    world.guests[plain].run(&format!("! ip link set eth0 address {NEW}"))?;
    let kept = world.guests[plain].run(address)?;
    ensure!(kept == MACS[plain], "{} has {kept}", NAMES[plain]);
    for mac in [NEW, MACS[trusted]] {
        let guest = &mut world.guests[trusted];
        guest.run(&format!("ip link set eth0 address {mac}"))?;
        let has = guest.run(address)?;
        ensure!(has == mac, "{} has {has}", guest.name);
        world.guests[plain].run("ip neigh flush dev eth0")?;
        for (from, to) in [(plain, 2), (trusted, 1)] {
            let said = world.guests[from].run(&format!("ping -c 3 -W 20 10.0.0.{to}"))?;
            ensure!(
                said.contains("3 packets received, 0% packet loss"),
                "{}, with {mac}: {said}",
                NAMES[from]
            );
        }
    }
    for (vf, refusals) in [(plain, "1"), (trusted, "0")] {
        let guest = &mut world.guests[vf];
        guest.run("ip link set eth0 promisc on")?;
        // The kernel asks when it has time; a refusal comes late on a slow machine.
        let said = guest.run(&format!(
            "timeout 60 sh -c \"until dmesg | grep -c 'Failed to enable promisc' | grep {refusals}; do sleep 1; done\""
        ))?;
        ensure!(said == refusals, "{}: {said} refusals", guest.name);
        guest.run("ip link set eth0 promisc off")?;
    }
    Ok(())
}

fn conservation(world: &mut World<'_>) -> Result<()> {
    for (vf, name) in NAMES.iter().enumerate() {
        let (guest, nic) = (world.counted(vf)?, on_nic(world, vf)?);
        ensure!(
            guest == nic,
            "{name} has received and sent {guest:?} frames, the NIC has counted {nic:?}"
        );
        eprintln!(
            "    {name}: {} frames received, {} sent",
            guest[0], guest[1]
        );
    }
    Ok(())
}

/// Interfaces of VLANs come and go; the NIC drops what a guest has none for.
fn vlans(world: &mut World<'_>) -> Result<()> {
    const VLAN: u32 = 7;
    let [left, right] = B;
    for vf in B {
        // Bits 1 and 19: GUEST_CSUM and CTRL_VLAN.
        let features = world.guests[vf].run("cat /sys/class/net/eth0/device/features")?;
        let bit = |at| features.as_bytes().get(at) == Some(&b'1');
        ensure!(bit(1) && bit(19), "{}: {features}", NAMES[vf]);
        let own = vf % 2 + 1;
        world.guests[vf].run(&format!(
            "ip link add link eth0 name eth0.{VLAN} type vlan id {VLAN} && ip link set eth0.{VLAN} up && \
             ip addr add 10.0.{VLAN}.{own}/24 dev eth0.{VLAN}"
        ))?;
    }
    let ping = format!("ping -c 3 -W 20 10.0.{VLAN}.2");
    let said = world.guests[left].run(&ping)?;
    ensure!(
        said.contains("3 packets received, 0% packet loss"),
        "in a VLAN: {said}"
    );
    let filtered = |world: &World<'_>| {
        let pool = world.nic.pool(&format!("vf{right}"))?;
        let count = pool.get("filtered").and_then(serde_json::Value::as_u64);
        count.context("no count of frames of other VLANs")
    };
    let before = filtered(world)?;
    world.guests[right].run(&format!("ip link del eth0.{VLAN}"))?;
    world.guests[left].run(&format!("ip neigh flush dev eth0.{VLAN}; ! {ping}"))?;
    let after = filtered(world)?;
    ensure!(
        before == 0 && after >= 3,
        "{before} frames of another VLAN were dropped, then {after}"
    );
    pings(world, B, 4)
}

fn reload(world: &mut World<'_>) -> Result<()> {
    world.guests[0].run("rmmod virtio_net && ! test -e /sys/class/net/eth0")?;
    world.guests[0].run("insmod /lib/modules/virtio_net.ko && test -e /sys/class/net/eth0")?;
    world.guests[0].run("killall httpd")?;
    world.set_up(0)?;
    pings(world, A, 4)?;
    files(world, A)
}

fn killed(world: &mut World<'_>) -> Result<()> {
    let (victim, peer) = (A[1], A[0]);
    world.guests[peer].run("ping -i 0.01 10.0.0.2 >/dev/null 2>&1 & true")?;
    world.guests[victim]
        .begin("while wget -q -O - http://10.0.0.1/300000 >/dev/null; do :; done")?;
    std::thread::sleep(Duration::from_secs(1));
    drop(world.guests.remove(victim));
    let fresh = world.boot(victim)?;
    world.guests.insert(victim, fresh);
    // The others go on meanwhile.
    pings(world, B, 4)?;
    world.guests[victim].wait()?;
    world.set_up(victim)?;
    world.guests[peer].run("killall ping")?;
    pings(world, A, 4)?;
    files(world, A)
}

fn opinion(world: &mut World<'_>) -> Result<()> {
    let stats = world.nic.finish()?;
    let count = |pointer: &str| {
        let value = stats.pointer(pointer).and_then(serde_json::Value::as_u64);
        value.with_context(|| format!("no {pointer} in {stats}"))
    };
    let (frames, mismatches) = (
        count("/scoreboard/frames")?,
        count("/scoreboard/mismatches")?,
    );
    ensure!(
        mismatches == 0 && frames > 2000,
        "{mismatches} mismatches in {frames} frames"
    );
    // The guest of vf1 was killed with buffers in the NIC's hands.
    for vf in [0, 2, 3] {
        let faults = count(&format!("/functions/vf{vf}/dma_faults"))?;
        ensure!(
            faults == 0,
            "vf{vf} has accessed {faults} times what is no memory of its guest"
        );
    }
    let (reads, writes) = (count("/dma/reads")?, count("/dma/writes")?);
    eprintln!("    {frames} frames, {reads} reads and {writes} writes of guests' memory");
    Ok(())
}
