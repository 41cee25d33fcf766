// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The jobs: a harness of `rtl-sim/formal`, its parameters, and how far it is proven.

/// How a job's properties are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Property directed reachability: for ever.
    Unbounded,
    /// Every behaviour of the first so many clocks.
    Bounded(u32),
}

/// One harness with one set of parameters.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) name: &'static str,
    /// The module, and the file it is in.
    pub(crate) top: &'static str,
    /// What is proven, in a line.
    pub(crate) what: &'static str,
    pub(crate) parameters: &'static [(&'static str, u32)],
    /// Macros that the RTL is read with.
    pub(crate) defines: &'static [(&'static str, u32)],
    pub(crate) method: Method,
    /// Within how many clocks a mutation must show, and what the `_C` properties promise must be reached.
    pub(crate) reach: u32,
    /// Assertions of the design that a tiny one cannot keep, by name.
    pub(crate) waived: &'static [&'static str],
}

pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "fifo",
        top: "fv_fifo",
        what: "hp_fifo, 4 entries: none lost, invented, changed or overtaken",
        parameters: &[("WIDTH", 2), ("DEPTH", 4)],
        defines: &[],
        method: Method::Unbounded,
        reach: 20,
        waived: &[],
    },
    Job {
        name: "deep-fifo",
        top: "fv_deep_fifo",
        what: "hp_deep_fifo, 8 entries: the same, and each shows within 4 clocks",
        parameters: &[("WIDTH", 1), ("DEPTH", 8)],
        defines: &[],
        method: Method::Unbounded,
        reach: 24,
        waived: &[],
    },
    Job {
        name: "spec-fifo",
        top: "fv_spec_fifo",
        what: "hp_spec_fifo, 8 entries: the same with commit and rollback",
        parameters: &[("WIDTH", 1), ("DEPTH", 8)],
        defines: &[],
        method: Method::Unbounded,
        reach: 24,
        waived: &[],
    },
    Job {
        name: "event-queue",
        top: "fv_event_queue",
        what: "hp_event_queue, 4 entries: every event is kept or counted as lost",
        parameters: &[("DEPTH", 4)],
        defines: &[],
        method: Method::Unbounded,
        reach: 20,
        waived: &[],
    },
    Job {
        name: "epochs",
        top: "fv_epochs",
        what: "hp_epochs and hp_tbl_sweep, epochs of 2 bits: what was invalidated never lives again",
        parameters: &[],
        defines: &[("HP_EPOCH_W", 2)],
        method: Method::Unbounded,
        reach: 20,
        waived: &[],
    },
    Job {
        name: "replicator",
        top: "fv_replicator",
        what: "hp_replicator, 2 beats, 2 vPorts: every copy is delivered whole or counted as lost",
        parameters: &[],
        defines: &[],
        method: Method::Bounded(17),
        reach: 17,
        // The buffer of two beats holds no frame of full length; the harness sends none.
        waived: &["Room_A"],
    },
    Job {
        name: "table-command",
        top: "fv_table",
        what: "hp_table, 4 banks of 2, in use: one insert, delete or lookup; every entry hits until it is deleted",
        parameters: &[("WALK", 0)],
        defines: &[("HP_ANY_RAM", 1)],
        method: Method::Bounded(80),
        reach: 80,
        // The entries it begins with were never taken from the free handles.
        waived: &["Give_A"],
    },
    Job {
        name: "table-walk",
        top: "fv_table",
        what: "hp_table, 4 banks of 2, all slots of a new key taken: no entry is lost while one moves",
        parameters: &[("WALK", 1)],
        defines: &[("HP_ANY_RAM", 1)],
        method: Method::Bounded(140),
        reach: 140,
        waived: &["Give_A"],
    },
];
