// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong pools of addresses and their errors.

/// Code, field, line and text behind [`BASE`](crate::cases::BASE).
pub(crate) const WRONG_POOLS: &[(&str, &str, usize, &str)] = &[
    (
        "no-mac-pool",
        "vport[1].mac",
        15,
        "[[vport]]\nname = \"vf1\"\nvvlan = 1\nmac = \"auto\"\n",
    ),
    ("missing-key", "mac-pool.base", 12, "[mac-pool]\nseed = 1\n"),
    (
        "group-mac",
        "mac-pool.base",
        13,
        "[mac-pool]\nbase = \"01:00:00:00:00:01\"\n",
    ),
    (
        "bad-seed",
        "mac-pool.seed",
        14,
        "[mac-pool]\nbase = \"00:1b:21:00:00:01\"\nseed = -1\n",
    ),
];
