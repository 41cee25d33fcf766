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
    pub(crate) method: Method,
    /// Within how many clocks a mutation must show, and what the `_C` properties promise must be reached.
    pub(crate) reach: u32,
    /// Assertions of the design that a tiny one cannot keep, by name.
    pub(crate) waived: &'static [&'static str],
}

pub(crate) const JOBS: &[Job] = &[Job {
    name: "fifo",
    top: "fv_fifo",
    what: "hp_fifo, 4 entries: none lost, invented, changed or overtaken",
    parameters: &[("WIDTH", 2), ("DEPTH", 4)],
    method: Method::Unbounded,
    reach: 20,
    waived: &[],
}];
