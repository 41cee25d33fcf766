// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The jobs: a harness of `rtl-sim/formal`, its parameters, and how far it is proven.

/// How a job's properties are decided.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Method {
    /// Property directed reachability: for ever.
    Unbounded,
    /// Every behaviour of the first so many clocks.
    Bounded(u32),
    /// The same to find what there is: without merging what is equal first, and with ABC's own solver, not Glucose. With
    /// either Debian's ABC died in the cases of `table-walk`, not every time.
    Reached(u32),
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
    /// Files beside the harness that stand in for modules of the RTL.
    pub(crate) files: &'static [&'static str],
    /// The design's registers and memories begin with any values, but for these; `x` is any, too. The harness
    /// has to assume and to assert them.
    pub(crate) begin: Option<&'static [(&'static str, &'static str)]>,
    pub(crate) method: Method,
    /// Within how many clocks a mutation must show, and what the `_C` properties promise must be reached.
    pub(crate) reach: u32,
    /// Assertions of the design that a tiny one cannot keep, by name.
    pub(crate) waived: &'static [&'static str],
}

/// Where the engine of a table is at rest, and nothing on its way. A job of its steps takes 16 clocks more than
/// the longest step: so long until the last lookup that began in it is judged.
macro_rules! at_rest {
    ($state:literal) => {
        &[
            ("u_dut.u_maint.st_q", $state),
            ("u_dut.u_maint.timer_q", "10'd1"),
            ("u_dut.u_handles.since_q", "3'd7"),
            ("u_dut.u_maint.last_q", "1'b0"),
            ("u_dut.b_we", "4'd0"),
            ("u_dut.act_en", "1'b0"),
            ("u_dut.act_we", "1'b0"),
            ("u_dut.stash_push", "1'b0"),
            ("u_dut.stash_clear", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.act_en_q", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.act_we_q", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.gen_bank[0].b_we_q", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.gen_bank[1].b_we_q", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.gen_bank[2].b_we_q", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.gen_bank[3].b_we_q", "1'b0"),
            ("u_dut.gen_copy[0].u_lookup.warm_q", "4'd6"),
            ("u_dut.u_maint.gave_q", "10'd0"),
            ("u_dut.u_maint.u_find.load_q", "1'b0"),
            ("u_dut.u_maint.u_find.scan_q", "2'd0"),
            ("u_dut.u_maint.u_find.valid_q", "1'b0"),
            ("u_dut.u_maint.u_find.match_q", "1'b0"),
            ("u_dut.chg_insert_o", "1'b0"),
            ("u_dut.chg_delete_o", "1'b0"),
            ("u_dut.chg_aged_o", "1'b0"),
            ("u_dut.chg_update_o", "1'b0"),
            ("u_dut.chg_dead_o", "1'b0"),
        ]
    };
}

/// A job without anything special.
const PLAIN: Job = Job {
    name: "",
    top: "",
    what: "",
    parameters: &[],
    defines: &[],
    files: &[],
    begin: None,
    method: Method::Unbounded,
    reach: 0,
    waived: &[],
};

/// The table with any hash and any order of handles.
const TABLE: Job = Job {
    top: "fv_table",
    files: &["any_hash.sv", "any_handles.sv"],
    ..PLAIN
};

/// A step of the table, from anything in its RAMs.
const STEP: Job = Job {
    defines: &[("HP_ANY_RAM", 1)],
    ..TABLE
};

pub(crate) const JOBS: &[Job] = &[
    Job {
        name: "fifo",
        top: "fv_fifo",
        what: "hp_fifo, 4 entries: none lost, invented, changed or overtaken",
        parameters: &[("WIDTH", 2), ("DEPTH", 4)],
        method: Method::Unbounded,
        reach: 20,
        ..PLAIN
    },
    Job {
        name: "deep-fifo",
        top: "fv_deep_fifo",
        what: "hp_deep_fifo, 8 entries: the same, and each shows within 4 clocks",
        parameters: &[("WIDTH", 1), ("DEPTH", 8)],
        method: Method::Unbounded,
        reach: 24,
        ..PLAIN
    },
    Job {
        name: "spec-fifo",
        top: "fv_spec_fifo",
        what: "hp_spec_fifo, 8 entries: the same with commit and rollback",
        parameters: &[("WIDTH", 1), ("DEPTH", 8)],
        method: Method::Unbounded,
        reach: 24,
        ..PLAIN
    },
    Job {
        name: "event-queue",
        top: "fv_event_queue",
        what: "hp_event_queue, 4 entries: every event is kept or counted as lost",
        parameters: &[("DEPTH", 4)],
        method: Method::Unbounded,
        reach: 20,
        ..PLAIN
    },
    Job {
        name: "epochs",
        top: "fv_epochs",
        what: "hp_epochs and hp_tbl_sweep, epochs of 2 bits: what was invalidated never lives again",
        defines: &[("HP_EPOCH_W", 2)],
        method: Method::Unbounded,
        reach: 20,
        ..PLAIN
    },
    Job {
        name: "replicator",
        top: "fv_replicator",
        what: "hp_replicator, 2 beats, 2 vPorts: every copy is delivered whole or counted as lost",
        method: Method::Bounded(17),
        reach: 17,
        // The buffer of two beats holds no frame of full length; the harness sends none.
        waived: &["Room_A"],
        ..PLAIN
    },
    Job {
        name: "handles",
        top: "fv_handles",
        what: "hp_table_handles, 4 handles: what it offers is free",
        parameters: &[("COUNT", 4)],
        method: Method::Unbounded,
        reach: 40,
        ..PLAIN
    },
    Job {
        name: "table-new",
        what: "hp_table, 4 banks of 2: after a reset: what holds at rest",
        parameters: &[("STEP", 6), ("STEP_CLOCKS", 9)],
        method: Method::Bounded(26),
        reach: 26,
        ..TABLE
    },
    Job {
        name: "table-insert",
        what: "hp_table, 4 banks of 2: a search and an update, or a new key until it waits for room",
        parameters: &[("STEP", 0), ("STEP_CLOCKS", 50)],
        begin: Some(at_rest!("25'b0000000000000000000000010")),
        method: Method::Bounded(66),
        reach: 66,
        ..STEP
    },
    Job {
        name: "table-place",
        what: "hp_table, 4 banks of 2: a new entry, or none for want of room",
        parameters: &[("STEP", 1), ("STEP_CLOCKS", 16)],
        begin: Some(at_rest!("25'b0000000000100000000000000")),
        method: Method::Bounded(32),
        reach: 32,
        ..STEP
    },
    Job {
        name: "table-delete",
        what: "hp_table, 4 banks of 2: a delete",
        parameters: &[("STEP", 2), ("STEP_CLOCKS", 50)],
        begin: Some(at_rest!("25'b0000000000000000000000010")),
        method: Method::Bounded(66),
        reach: 66,
        ..STEP
    },
    Job {
        name: "table-lookup",
        what: "hp_table, 4 banks of 2: a lookup or a read",
        parameters: &[("STEP", 3), ("STEP_CLOCKS", 39)],
        begin: Some(at_rest!("25'b0000000000000000000000010")),
        method: Method::Bounded(55),
        reach: 55,
        ..STEP
    },
    Job {
        name: "table-walk",
        what: "hp_table, 4 banks of 2: a step of the walk",
        parameters: &[("STEP", 4), ("STEP_CLOCKS", 44)],
        begin: Some(at_rest!("25'b0000000000x000000000000x0")),
        method: Method::Bounded(60),
        reach: 60,
        ..STEP
    },
    Job {
        name: "table-sweep",
        what: "hp_table, 4 banks of 2: a step of the sweep, or none at all",
        parameters: &[("STEP", 5), ("STEP_CLOCKS", 32)],
        begin: Some(at_rest!("25'b00000000000000000000000xx")),
        method: Method::Bounded(48),
        reach: 48,
        ..STEP
    },
];
