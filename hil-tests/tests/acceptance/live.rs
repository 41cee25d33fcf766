// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A live card: `hairpin sim` serves it, and commands change and show it through its socket. Which queue frames then
//! come out of is asked in `rtl-sim/sim/tests/sim/steering.rs`.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use libtest_mimic::Trial;
use serde_json::{Value, json};

use crate::program::{Run, demo_file, find, fresh, hairpin};
use crate::refusal::error_code;
use crate::{schema, test};

pub(crate) fn tests() -> Vec<Trial> {
    vec![
        test(
            "live: pools, filters and RSS are what was asked for",
            steering_is_shown,
        ),
        test(
            "live: what is wrong is refused with one error, and changes nothing",
            wrong_is_refused,
        ),
        test("live: top and stats look at the card", looks),
        test(
            "live: a configured card is configured anew only when told to",
            apply,
        ),
    ]
}

/// A served card, until dropped.
struct Card {
    child: Child,
    device: String,
}

impl Card {
    fn start(name: &str) -> Result<Self> {
        let dir = fresh(name)?;
        let child = Command::new(find("hairpin")?)
            .arg("sim")
            .arg("--socket-dir")
            .arg(&dir)
            .arg("--config")
            .arg(demo_file("nic.toml"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let socket = dir.join("pf0.sock");
        let mut card = Self {
            child,
            device: format!("vfio-user/{}", socket.display()),
        };
        let start = Instant::now();
        while !socket.exists() {
            ensure!(card.child.try_wait()?.is_none(), "the simulator ended");
            ensure!(
                start.elapsed() < Duration::from_secs(300),
                "it never serves"
            );
            sleep(Duration::from_millis(20));
        }
        Ok(card)
    }

    fn run(&self, words: &str) -> Result<Run> {
        let device = ["--device", &self.device];
        hairpin(device.into_iter().chain(words.split_whitespace()))
    }

    /// A document of a schema.
    fn json(&self, name: &str, words: &str) -> Result<Value> {
        let run = self.run(&format!("--json {words}"))?.ok();
        let document = run.with_context(|| words.to_owned())?.json()?;
        schema::validate(name, &document)?;
        Ok(document)
    }

    /// All that can be changed here.
    fn state(&self) -> Result<[Value; 4]> {
        Ok([
            self.json("pool-show", "pool show")?,
            self.json("filter-show", "filter show")?,
            self.json("rss-show", "rss show vf0")?,
            self.json("rss-show", "rss show vf1")?,
        ])
    }
}

impl Drop for Card {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn steering_is_shown() -> Result<()> {
    let card = Card::start("live-steering")?;
    let before = card.state()?;
    ensure!(before[0]["pools"][0]["pairs"] == 4, "{}", before[0]);
    ensure!(before[2]["rss"]["default"] == true, "{}", before[2]);

    card.run("pool set vf0 pairs 2 vectors 3")?.ok()?;
    let pool = &card.json("pool-show", "pool show vf0")?["pools"][0];
    ensure!(
        (&pool["pairs"], &pool["vectors"], &pool["mac"])
            == (&json!(2), &json!(3), &json!("02:00:00:00:0a:00")),
        "{pool}"
    );
    card.run("pool set vf0 pairs 4 vectors 16")?.ok()?;

    let added = card.json(
        "filter-show",
        "filter add vf0 queue 2 priority 5 src 10.0.0.0/8 dst 10.1.2.3 proto tcp dport 443",
    )?;
    let web = json!({"index": 0, "vf": "vf0", "queue": 2, "priority": 5, "family": "ipv4",
        "src": "10.0.0.0/8", "dst": "10.1.2.3", "proto": 6, "sport": null, "dport": 443});
    ensure!(added["five_tuple"] == json!([web]), "{added}");
    card.run("filter add vf1 queue 1 ethertype 0x88f7 index 3")?
        .ok()?;
    let all = card.json("filter-show", "filter show")?;
    let time = json!({"index": 3, "vf": "vf1", "queue": 1, "ethertype": 0x88f7});
    ensure!(all["five_tuple"] == json!([web]), "{all}");
    ensure!(all["ethertype"] == json!([time]), "{all}");
    let text = card.run("filter show")?.ok()?.stdout;
    ensure!(text.contains("tcp") && text.contains("0x88f7"), "{text}");

    card.run("rss set vf1 queues 3,1 types tcp4,ipv4 priority 5:2")?
        .ok()?;
    let rss = &card.json("rss-show", "rss show vf1")?["rss"];
    ensure!(rss["types"] == json!(["ipv4", "tcp4"]), "{rss}");
    let turns = (0..128).map(|index| if index % 2 == 0 { 3 } else { 1 });
    ensure!(rss["table"] == json!(turns.collect::<Vec<_>>()), "{rss}");

    for undo in ["filter del 0", "filter del ethertype 3", "rss del vf1"] {
        card.run(undo)?.ok()?;
    }
    ensure!(card.state()? == before, "something is left");
    Ok(())
}

fn wrong_is_refused() -> Result<()> {
    let card = Card::start("live-wrong")?;
    card.run("filter add vf0 queue 1 ethertype arp index 0")?
        .ok()?;
    let before = card.state()?;
    for (words, code, field) in [
        ("pool set vf0 pairs 400", "usage", "pool set: pairs"),
        ("pool set vf9 pairs 1", "no-vf", ""),
        ("pool set vf0 pairs 33", "bad-pool", "pairs"),
        ("pool set vf0 colour 3", "usage", "pool set: colour"),
        (
            "filter add vf0 queue 9x ethertype 5",
            "usage",
            "filter add: queue",
        ),
        ("filter add vf0 ethertype arp", "usage", "filter add: queue"),
        (
            "filter add vf0 queue 1 ethertype arp index 99",
            "no-filter",
            "index",
        ),
        (
            "filter add vf0 queue 1 src 10.0.0.0/40",
            "usage",
            "filter add: src",
        ),
        (
            "filter add vf0 queue 1 src 10.0.0.1 dst ::1",
            "usage",
            "filter add: dst",
        ),
        ("filter del 7", "not-found", "index"),
        ("rss set vf0 key 00:11", "usage", "rss set: key"),
        ("rss set vf0 queues 1,2,900", "usage", "rss set: queues"),
        ("rss show vf44", "no-vf", ""),
    ] {
        let run = card.run(words)?;
        ensure!([1, 2].contains(&run.status), "{words}: {run:?}");
        ensure!(run.stdout.is_empty(), "{words}: {run:?}");
        ensure!(
            run.stderr.matches("error:").count() == 1,
            "{words}: {run:?}"
        );
        ensure!(run.stderr.contains("help:"), "{words}: {run:?}");
        let document = card.run(&format!("--json {words}"))?.json()?;
        error_code(&document, code).with_context(|| words.to_owned())?;
        let found = document["error"]["field"].as_str().unwrap_or_default();
        ensure!(found == field, "{words}: {document}");
    }
    ensure!(card.state()? == before, "something was changed");
    Ok(())
}

fn looks() -> Result<()> {
    let card = Card::start("live-looks")?;
    let run = card.run("--json top --count 2 --interval 0.01")?.ok()?;
    let looks: Vec<Value> = (run.stdout.lines())
        .map(serde_json::from_str)
        .collect::<std::result::Result<_, _>>()?;
    ensure!(looks.len() == 2, "{}", run.stdout);
    for look in &looks {
        schema::validate("top", look)?;
        ensure!(look["ports"]["vf0"]["in_frames"] == 0, "{look}");
    }
    let text = card
        .run("top --batch --count 1 --interval 0.01")?
        .ok()?
        .stdout;
    ensure!(text.contains("vf0") && text.contains("uplink"), "{text}");
    let stats = card.json("stats", "stats")?;
    // The addresses of the configuration.
    ensure!(
        stats["tables"]["mac"]["entries"] == 4,
        "{}",
        stats["tables"]
    );
    Ok(())
}

fn apply() -> Result<()> {
    let card = Card::start("live-apply")?;
    let config = fresh("live-apply-config")?.join("nic.toml");
    let demo = std::fs::read_to_string(demo_file("nic.toml"))?;
    std::fs::write(&config, demo.replace("\nvlan = 20\n", "\nvlan = 21\n"))?;
    let with =
        |path: &Path, more: &str| card.run(&format!("apply --config {} {more}", path.display()));
    let vlan = || -> Result<Value> {
        let shown = card.json("vvlan-show", "vvlan show 200")?;
        Ok(shown["vvlans"][0]["vlan"].clone())
    };
    let run = with(&config, "--json")?;
    ensure!(run.status == 1, "{run:?}");
    ensure!(vlan()? == 20);
    with(&config, "--dry-run --replace")?.ok()?;
    ensure!(vlan()? == 20, "--dry-run changes it");
    with(&config, "--replace")?.ok()?;
    ensure!(vlan()? == 21);
    // Queues, filters and hashes too; what was set by hand goes.
    card.run("filter add vf1 queue 1 ethertype arp")?.ok()?;
    let steering = "\n[[filter]]\nvport = \"vf0\"\nqueue = 3\nproto = \"udp\"\n\
                    [[rss]]\nvport = \"vf2\"\nqueues = [2]\ntypes = \"ipv6\"\n";
    std::fs::write(&config, format!("{demo}{steering}"))?;
    with(&config, "--replace")?.ok()?;
    let [_, filters, _, _] = card.state()?;
    ensure!(filters["ethertype"] == json!([]), "{filters}");
    ensure!(
        filters["five_tuple"][0]["proto"] == 17 && filters["five_tuple"][1].is_null(),
        "{filters}"
    );
    let rss = &card.json("rss-show", "rss show vf2")?["rss"];
    ensure!(
        rss["table"] == json!(vec![2; 128]) && rss["types"] == json!(["ipv6"]),
        "{rss}"
    );
    std::fs::write(
        &config,
        format!("{demo}{}", steering.replace("queue = 3", "queue = 4")),
    )?;
    let run = with(&config, "--replace")?;
    ensure!(
        run.status == 1 && run.stderr.contains("filter[0].queue"),
        "{run:?}"
    );
    ensure!(card.json("filter-show", "filter show")? == filters);
    std::fs::write(&config, demo.replace("\nvlan = 20\n", "\nvlan = 9999\n"))?;
    let run = with(&config, "--replace")?;
    ensure!(
        run.status == 1 && run.stderr.contains("vvlan[1].vlan"),
        "{run:?}"
    );
    ensure!(vlan()? == 20, "a wrong configuration changes it");
    Ok(())
}
