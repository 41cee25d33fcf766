// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Host driver of the Hairpin eSwitch.

pub mod capture;
mod diag;
mod json;
pub mod report;

pub use diag::{Diagnostic, ErrorDocument};
