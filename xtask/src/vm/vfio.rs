// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The kernel's VFIO: a guest with an emulated IOMMU has the PF and two VFs as a host has them, and `hairpin` in it
//! drives all three.

use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::fetch::Kit;
use super::guest::{Guest, Plan, served_function};
use super::image::{self, Contents};
use super::nic::Nic;
use crate::ctx::{Ctx, run};
use crate::tally::Tally;

/// VFs that the guest has beside the PF.
const VFS: usize = 2;
const CONFIG: &str = "examples/vms/nic.toml";
/// Loading firmware through a register takes a while in a simulation.
const APPLY: Duration = Duration::from_secs(300);

type Step = fn(&mut World<'_>) -> Result<()>;

const STEPS: [(&str, Step); 8] = [
    ("vfio: each function is alone in its IOMMU group", groups),
    ("vfio: vfio-pci takes the functions", bind),
    ("vfio: `hairpin dev info` reads the PF", info),
    (
        "vfio: `hairpin apply` loads firmware and configuration",
        apply,
    ),
    (
        "vfio: `hairpin tap` bridges both VFs; pings and a file pass",
        traffic,
    ),
    (
        "vfio: a driver that is killed leaves a VF that works again",
        killed,
    ),
    ("vfio: the PF has counted what passed", counted),
    (
        "vfio: DMA to what is not mapped: the guest's IOMMU tells, the queue stops, the PF says so",
        stray,
    ),
];

/// Runs everything.
pub(super) fn run_all(ctx: &Ctx, kit: &Kit, tally: &mut Tally) {
    super::play(
        tally,
        "vfio: a guest with an IOMMU, the PF and VFs starts",
        || World::start(ctx, kit),
        STEPS,
    );
}

struct World<'a> {
    guest: Guest,
    nic: Nic<'a>,
}

/// What is in the image of guests that run `hairpin`.
pub(super) fn contents(ctx: &Ctx) -> Result<Contents> {
    let mut contents = Contents {
        modules: vec!["vfio_pci", "vfio_iommu_type1", "tun"],
        files: vec![
            ("bin/hairpin-nic.elf".to_owned(), ctx.firmware_elf()),
            ("nic.toml".to_owned(), ctx.root.join(CONFIG)),
        ],
    };
    contents.program("bin/hairpin", &ctx.sim_bin("hairpin"))?;
    Ok(contents)
}

/// A machine with QEMU's IOMMU, set up as vfio-user needs it.
pub(super) fn plan<'a>(
    image: &'a std::path::Path,
    name: &'a str,
    devices: Vec<String>,
) -> Plan<'a> {
    let iommu = ["-device", "intel-iommu,intremap=on,caching-mode=on"];
    Plan {
        name,
        image,
        memory_mib: 512,
        cpus: 1,
        kernel: "intel_iommu=on",
        qemu: iommu
            .map(str::to_owned)
            .into_iter()
            .chain(devices)
            .collect(),
    }
}

/// A line that gives a function to vfio-pci and says whose it is then. The kernel has virtio-pci built in, which has
/// taken the VFs by itself.
pub(super) fn give_to_vfio(address: &str) -> String {
    format!(
        "cd /sys/bus/pci/devices/{address} && echo vfio-pci >driver_override && \
         if [ -e driver ]; then echo {address} >driver/unbind; fi && \
         echo {address} >/sys/bus/pci/drivers_probe && basename $(readlink driver)"
    )
}

impl super::World for World<'_> {
    fn nic(&self) -> &Nic<'_> {
        &self.nic
    }
}

impl<'a> World<'a> {
    fn start(ctx: &'a Ctx, kit: &Kit) -> Result<Self> {
        let logs = kit.dir.join("vfio");
        run(ctx
            .cargo()
            .args(["build", "--quiet", "--profile", "sim"])
            .args(["--package", "hairpin-driver", "--example", "stray"]))?;
        let mut contents = contents(ctx)?;
        contents.program("bin/stray", &ctx.target("sim/examples/stray"))?;
        let image = image::make(ctx, kit, "vfio", &contents)?;
        // Without a configuration: the NIC is as after power-on, the rest is the driver's business.
        let nic = Nic::start(ctx, &logs, None, &["--report-faults"])?;
        let mut devices = served_function(1, &nic.pf());
        for vf in 0..VFS {
            devices.extend(served_function(2 + vf, &nic.vf(vf)));
        }
        let mut guest = Guest::start(kit, &logs, &plan(&image, "host", devices))?;
        guest.wait()?;
        Ok(Self { guest, nic })
    }

    /// Runs a line where the interface of a VF is: each has a network namespace of its own, so that what the
    /// two send each other passes the NIC.
    fn at(&mut self, vf: usize, line: &str) -> Result<String> {
        self.guest.run(&at(vf, line))
    }

    /// Bridges a VF, and gives the interface an address.
    fn tap(&mut self, vf: usize) -> Result<()> {
        let device = address(1 + vf);
        self.guest.run(&format!(
            "unshare -n sh -c 'hairpin tap vf{vf} --name tap{vf} -d pci/{device} & echo $! >/tmp/pid{vf}; wait' \
             >/tmp/tap{vf} 2>&1 & true"
        ))?;
        let there = at(vf, &format!("ip link show tap{vf}"));
        let wait = format!(
            "for i in $(seq 100); do sleep 0.3; {there} >/dev/null 2>&1 && exit 0; done; exit 1"
        );
        let (status, _) = self.guest.attempt(&wait, Duration::from_secs(120))?;
        if status != 0 {
            let said = self.guest.run(&format!("cat /tmp/tap{vf}"))?;
            anyhow::bail!("hairpin tap vf{vf} makes no interface: {said}");
        }
        let own = vf + 1;
        self.at(
            vf,
            &format!("ip addr add 10.0.0.{own}/24 dev tap{vf} && ip link set tap{vf} up"),
        )
        .map(drop)
    }
}

fn at(vf: usize, line: &str) -> String {
    format!("nsenter -t $(cat /tmp/pid{vf}) -n sh -c '{line}'")
}

/// The function behind a root port: bus numbers go up with the ports.
fn address(index: usize) -> String {
    format!("0000:{:02x}:00.0", index + 1)
}

fn groups(world: &mut World<'_>) -> Result<()> {
    for index in 0..=VFS {
        let address = address(index);
        let said = world.guest.run(&format!(
            "ls /sys/bus/pci/devices/{address}/iommu_group/devices"
        ))?;
        ensure!(said == address, "in the group of {address}: {said}");
    }
    Ok(())
}

fn bind(world: &mut World<'_>) -> Result<()> {
    for index in 0..=VFS {
        let address = address(index);
        let said = world
            .guest
            .run(&format!("{} && cat vendor device", give_to_vfio(&address)))?;
        let facts: Vec<_> = said.lines().collect();
        let device = if index == 0 { "0x10f0" } else { "0x1041" };
        ensure!(
            facts == ["vfio-pci", "0x1af4", device],
            "{address}: {facts:?}"
        );
    }
    Ok(())
}

/// Runs `hairpin` on the PF and reads the document that it prints.
fn document(world: &mut World<'_>, what: &str) -> Result<Value> {
    let line = format!("hairpin -d pci/{} --json {what}", address(0));
    let text = world.guest.run(&line)?;
    serde_json::from_str(&text).with_context(|| format!("{line}: {text}"))
}

fn info(world: &mut World<'_>) -> Result<()> {
    let info = document(world, "dev info")?;
    let vfs = info
        .pointer("/device/capabilities/vfs")
        .and_then(Value::as_u64);
    ensure!(vfs.is_some_and(|vfs| vfs >= 2), "VFs are missing: {info}");
    Ok(())
}

fn apply(world: &mut World<'_>) -> Result<()> {
    let line = format!("hairpin -d pci/{} apply --config /nic.toml", address(0));
    let (status, said) = world.guest.attempt(&line, APPLY)?;
    ensure!(status == 0, "`{line}` ended with status {status}: {said}");
    let health = document(world, "health show")?;
    let run = health.pointer("/health/run").and_then(Value::as_str);
    ensure!(
        run == Some("running"),
        "the firmware does not run: {health}"
    );
    let ports = document(world, "port show")?.to_string();
    ensure!(
        ports.contains("02:00:00:00:0a:01"),
        "the configuration is not in: {ports}"
    );
    Ok(())
}

fn traffic(world: &mut World<'_>) -> Result<()> {
    for vf in 0..VFS {
        world.tap(vf)?;
        world.at(vf, &format!("mkdir -p /srv/{vf} && head -c 100000 /dev/urandom >/srv/{vf}/file && httpd -h /srv/{vf}"))?;
    }
    exchange(world)
}

/// Pings and files both ways.
fn exchange(world: &mut World<'_>) -> Result<()> {
    for (from, to) in [(0, 1), (1, 0)] {
        let peer = to + 1;
        for size in [0, 1472] {
            let said = world.at(from, &format!("ping -c 3 -W 20 -s {size} 10.0.0.{peer}"))?;
            ensure!(
                said.contains("3 packets received, 0% packet loss"),
                "vf{from}: {said}"
            );
        }
        let sent = world.guest.run(&format!("sha256sum </srv/{to}/file"))?;
        let line = at(
            from,
            &format!("wget -q -T 60 -O - http://10.0.0.{peer}/file | sha256sum"),
        );
        let (status, came) = world.guest.attempt(&line, Duration::from_secs(300))?;
        ensure!(
            status == 0 && sent == came,
            "the file of vf{to} is {sent}, but {came} arrived"
        );
    }
    Ok(())
}

fn killed(world: &mut World<'_>) -> Result<()> {
    world.at(1, "ping -i 0.01 10.0.0.1 >/dev/null 2>&1 & true")?;
    world.guest.run("kill -9 $(cat /tmp/pid0)")?;
    world.guest.run("killall httpd")?;
    world.tap(0)?;
    for vf in 0..VFS {
        world.at(vf, &format!("httpd -h /srv/{vf}"))?;
    }
    world.guest.run("killall ping")?;
    exchange(world)
}

fn counted(world: &mut World<'_>) -> Result<()> {
    let stats = document(world, "stats")?;
    for vf in 0..VFS {
        for way in ["in_frames", "out_frames"] {
            let frames = stats
                .pointer(&format!("/ports/vf{vf}/{way}"))
                .and_then(Value::as_u64);
            ensure!(
                frames.is_some_and(|frames| frames > 200),
                "{way} of vf{vf}: {frames:?}"
            );
        }
    }
    Ok(())
}

fn stray(world: &mut World<'_>) -> Result<()> {
    let (vf, device) = (1, address(2));
    world.guest.run(&format!("kill $(cat /tmp/pid{vf})"))?;
    world.guest.run("mkfifo /tmp/hold")?;
    world.guest.run(&format!(
        "sh -c 'sleep 600 >/tmp/hold & stray pci/{device} </tmp/hold >/tmp/stray 2>&1' & \
         for i in $(seq 200); do sleep 0.3; grep -q reset /tmp/stray && break; done"
    ))?;
    let said = world.guest.run("cat /tmp/stray")?;
    ensure!(said == "device status 0x4f: needs a reset", "{said}");
    let pools = document(world, "pool show vf1")?;
    let bad = pools.pointer("/pools/0/bad_queue").cloned();
    let want = serde_json::json!({"queue": 1, "reason": "read"});
    ensure!(bad == Some(want), "the PF says: {pools}");
    let log = world.guest.run("dmesg | grep DMAR.*Read || true")?;
    let told = log
        .lines()
        .find(|line| line.contains(&device[5..]) && line.contains("0x3fdead0000"));
    let told = told.with_context(|| format!("the guest's kernel has told: {log}"))?;
    eprintln!("    {told}");
    Ok(())
}
