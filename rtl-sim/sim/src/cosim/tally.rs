// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What a run of the co-simulation came to.

use std::collections::{BTreeMap, HashMap};

use hairpin_abi::counter::{CountedTable, CounterAddr, LearnCounter, TableCounter};
use hairpin_abi::reason::ReasonInfo;
use hairpin_abi::{Op, REASONS, ReasonClass, Scope, Status, Table};
use hairpin_driver::Diagnostic;

use super::beyond::{Beyond, Reached};
use super::churn::Churn;
use super::{Players, Watch};
use crate::checker::Rule;
use crate::model::Cycle;
use crate::nic::Nic;

/// What the tables count and a long run has to reach.
const COUNTED: [TableCounter; 4] = [
    TableCounter::Failed,
    TableCounter::Moves,
    TableCounter::Aged,
    TableCounter::Swept,
];

/// What one configuration, or all of them, came to.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    frames: u64,
    outputs: u64,
    losses: u64,
    clocks: u64,
    changes: u64,
    refused: BTreeMap<(String, String), u64>,
    crashes: u64,
    pub(super) small: u64,
    hits: u64,
    /// Frames that asked the flow cache.
    asked: u64,
    /// Frames that taught: those that the firmware got a copy of, and the others.
    taught: (u64, u64),
    /// Configurations with the adjacent switch, and frames that were switched by what it taught.
    switches: u64,
    short_cuts: u64,
    /// What happened between NIC and switch, by its name.
    beyond: Reached,
    /// Configurations in which the auditor found something.
    violated: u64,
    commands: BTreeMap<(u8, u8, u8), u64>,
    /// What happened to the tables, by its name; what did not is there with a zero.
    pub(super) reached: BTreeMap<String, u64>,
    mismatches: u64,
    rules: HashMap<Rule, u64>,
    reasons: Vec<u64>,
    /// The first difference, for a person, and when it was.
    pub(super) first: Option<(Cycle, String)>,
    /// The NIC stopped before the end.
    pub(super) stopped: bool,
}

impl Tally {
    pub(super) fn add(&mut self, other: &Self) {
        self.frames += other.frames;
        self.outputs += other.outputs;
        self.losses += other.losses;
        self.clocks += other.clocks;
        self.changes += other.changes;
        for (why, count) in &other.refused {
            *self.refused.entry(why.clone()).or_default() += count;
        }
        self.crashes += other.crashes;
        self.small += other.small;
        self.hits += other.hits;
        self.asked += other.asked;
        self.taught.0 += other.taught.0;
        self.taught.1 += other.taught.1;
        self.switches += other.switches;
        self.short_cuts += other.short_cuts;
        self.violated += other.violated;
        for (what, count) in &other.beyond {
            *self.beyond.entry(what).or_default() += count;
        }
        for (command, count) in &other.commands {
            *self.commands.entry(*command).or_default() += count;
        }
        for (what, count) in &other.reached {
            *self.reached.entry(what.clone()).or_default() += count;
        }
        self.mismatches += other.mismatches;
        for (rule, count) in &other.rules {
            *self.rules.entry(*rule).or_default() += count;
        }
        self.reasons.resize(64, 0);
        for (sum, count) in self.reasons.iter_mut().zip(&other.reasons) {
            *sum += count;
        }
    }

    /// What should have happened to the tables and never did.
    pub(super) fn unreached(&self) -> Vec<&str> {
        let tables = self.reached.iter().map(|(what, n)| (what.as_str(), n));
        let beyond = self.beyond.iter().map(|(what, n)| (*what, n));
        let short_cuts = ("frames switched by what was learned", &self.short_cuts);
        let all = tables.chain(beyond).chain([short_cuts]);
        all.filter(|(_, n)| **n == 0)
            .map(|(what, _)| what)
            .collect()
    }

    fn rule(&self, rule: Rule) -> u64 {
        self.rules.get(&rule).copied().unwrap_or(0)
    }

    pub(super) fn failed(&self) -> bool {
        self.stopped
            || self.mismatches != 0
            || self.violated != 0
            || self.rules.values().any(|count| *count != 0)
    }
}

pub(super) fn text(seed: u64, configs: u64, t: &Tally) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    let _ = writeln!(
        text,
        "seed {seed}: {configs} configurations ({} with small tables), {} frames in, {} out, {} lost, \
         {} changes ({} refused), {} crashes of the firmware, {} clocks",
        t.small,
        t.frames,
        t.outputs,
        t.losses,
        t.changes,
        t.refused.values().sum::<u64>(),
        t.crashes,
        t.clocks
    );
    let refused: Vec<_> = t
        .refused
        .iter()
        .map(|((command, reason), count)| format!("{command} {reason} {count}"))
        .collect();
    let _ = writeln!(text, "refused: {}", refused.join(", "));
    let _ = writeln!(
        text,
        "{} frames hit a flow entry, of {} that asked the flow cache; {} taught a flow, {} one again",
        t.hits, t.asked, t.taught.0, t.taught.1
    );
    let beyond: Vec<_> = t
        .beyond
        .iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    let _ = writeln!(
        text,
        "adjacent switch in {} configurations: {} frames switched by what was learned; {}; {} configurations \
         in which the auditor found a violation",
        t.switches,
        t.short_cuts,
        beyond.join(", "),
        t.violated
    );
    let mut by_table: BTreeMap<Table, Vec<String>> = BTreeMap::new();
    for ((op, table, status), count) in &t.commands {
        if let (Some(op), Some(table), Some(status)) = (
            Op::from_code(*op),
            Table::from_code(*table),
            Status::from_code(*status),
        ) {
            let line = by_table.entry(table).or_default();
            line.push(format!("{op} {status} {count}"));
        }
    }
    for (table, commands) in by_table {
        let _ = writeln!(text, "table {table}: {}", commands.join(", "));
    }
    let reached: Vec<_> = t
        .reached
        .iter()
        .map(|(what, count)| format!("{what} {count}"))
        .collect();
    let _ = writeln!(text, "tables: {}", reached.join(", "));
    let _ = writeln!(
        text,
        "{} mismatches, {} leaks, {} duplicates, {} echoes, {} wrong tags, {} altered, {} strangers, \
         {} taught wrongly",
        t.mismatches,
        t.rule(Rule::Leak),
        t.rule(Rule::Duplicate),
        t.rule(Rule::Echo),
        t.rule(Rule::Tags),
        t.rule(Rule::Altered),
        t.rule(Rule::Stranger),
        t.rule(Rule::Taught)
    );
    let count = |code: u8| t.reasons.get(usize::from(code)).copied().unwrap_or(0);
    let (reached, missed): (Vec<&ReasonInfo>, Vec<&ReasonInfo>) =
        REASONS.iter().partition(|r| count(r.code) != 0);
    for class in [
        ReasonClass::Deliver,
        ReasonClass::Punt,
        ReasonClass::Drop,
        ReasonClass::Loss,
    ] {
        let names: Vec<_> = reached
            .iter()
            .filter(|r| r.class == class)
            .map(|r| format!("{} {}", r.name, count(r.code)))
            .collect();
        let _ = writeln!(text, "{}: {}", class.name(), names.join(", "));
    }
    let names: Vec<_> = missed.iter().map(|r| r.name).collect();
    let _ = writeln!(
        text,
        "reasons reached: {} of {}; not reached: {}",
        reached.len(),
        REASONS.len(),
        if names.is_empty() {
            "none".to_owned()
        } else {
            names.join(", ")
        }
    );
    text
}

pub(super) fn tally(nic: &Nic, watch: &Watch, players: &Players) -> Tally {
    let (churn, beyond) = (&players.churn, players.outside.0.as_ref());
    let s = &nic.scoreboard;
    let rules = [
        Rule::Leak,
        Rule::Duplicate,
        Rule::Echo,
        Rule::Tags,
        Rule::Altered,
        Rule::Stranger,
        Rule::Taught,
    ];
    let difference = s.mismatches().first().map(|m| (m.cycle, m.to_string()));
    let violation = watch
        .checker
        .violations()
        .first()
        .map(|v| (v.cycle, v.to_string()));
    let audited = beyond.and_then(|beyond| beyond.found.clone());
    Tally {
        frames: s.decided(),
        outputs: s.outputs(),
        losses: s.losses(),
        clocks: nic.model().status().clocks,
        changes: churn.done,
        refused: churn.refused.clone(),
        crashes: churn.crashes,
        small: 0,
        hits: s.hits(),
        asked: s.asked(),
        taught: s.taught(),
        switches: u64::from(beyond.is_some()),
        short_cuts: s.learned_hits(),
        beyond: beyond.map(Beyond::reached).unwrap_or_default(),
        violated: u64::from(audited.is_some()),
        commands: s.commands().clone(),
        reached: BTreeMap::new(),
        mismatches: s.mismatch_count() + watch.confused,
        rules: rules.map(|rule| (rule, watch.checker.count(rule))).into(),
        reasons: s.reasons().to_vec(),
        first: difference
            .into_iter()
            .chain(violation)
            .chain(audited)
            .min_by_key(|(cycle, _)| *cycle),
        stopped: false,
    }
}

/// What happened to the tables.
///
/// # Errors
/// The NIC cannot be reached.
pub(super) fn reached(nic: &mut Nic, churn: &Churn) -> Result<BTreeMap<String, u64>, Diagnostic> {
    let mut all = BTreeMap::new();
    for table in CountedTable::ALL {
        for what in COUNTED {
            let count = nic.device.read_counter(CounterAddr::table(*table, what))?;
            all.insert(format!("{table} {what}"), count);
        }
    }
    for what in LearnCounter::ALL
        .iter()
        .filter(|what| **what != LearnCounter::NoSlot)
    {
        let count = nic.device.read_counter(CounterAddr::learn(*what))?;
        all.insert(what.to_string(), count);
    }
    for table in [Table::Mac, Table::Flow] {
        for scope in Scope::ALL {
            let count = nic.scoreboard.invalidations(table, *scope);
            all.insert(format!("{table} invalidate {scope}"), count);
        }
    }
    all.insert("addresses moved".to_owned(), nic.scoreboard.moved());
    all.insert("crashes".to_owned(), churn.crashes);
    Ok(all)
}
