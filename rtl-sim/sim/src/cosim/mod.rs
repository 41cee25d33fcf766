// SPDX-License-Identifier: Apache-2.0 OR MIT
//! `cosim`: random configurations, random frames, changes in mid-traffic.

pub mod frames;
