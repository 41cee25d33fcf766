// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A firmware that hangs.

use libtest_mimic::Trial;

pub(crate) fn tests() -> Vec<Trial> {
    Vec::new()
}
