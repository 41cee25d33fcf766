// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Wrong queues, filters and spreading, and their errors.

/// Code, field, line and text behind [`BASE`](crate::cases::BASE).
pub(crate) const WRONG_STEERING: &[(&str, &str, usize, &str)] = &[
    (
        "bad-queue-pairs",
        "vport[0].queue-pairs",
        12,
        "queue-pairs = 0\n",
    ),
    ("bad-vectors", "vport[0].vectors", 12, "vectors = 17\n"),
    (
        "bad-max-tx-rate",
        "vport[0].max-tx-rate",
        12,
        "max-tx-rate = 320000\n",
    ),
    (
        "bad-max-tx-rate",
        "vport[0].max-tx-rate",
        12,
        "max-tx-rate = -1\n",
    ),
    (
        "bad-interrupt-gap-us",
        "vport[0].interrupt-gap-us",
        12,
        "interrupt-gap-us = 1678\n",
    ),
    (
        "missing-key",
        "filter[0].vport",
        12,
        "[[filter]]\nqueue = 1\nproto = \"tcp\"\n",
    ),
    (
        "unknown-port",
        "filter[0].vport",
        13,
        "[[filter]]\nvport = \"vf5\"\nqueue = 1\nproto = \"tcp\"\n",
    ),
    (
        "bad-value",
        "filter[0].src",
        15,
        "[[filter]]\nvport = \"vf0\"\nqueue = 1\nsrc = \"10.0.0.0/40\"\n",
    ),
    (
        "bad-value",
        "filter[0].colour",
        14,
        "[[filter]]\nvport = \"vf0\"\ncolour = 1\n",
    ),
    (
        "bad-value",
        "filter[0].queue",
        12,
        "[[filter]]\nvport = \"vf0\"\nproto = \"tcp\"\n",
    ),
    (
        "bad-value",
        "filter[1].dst",
        19,
        "[[filter]]\nvport = \"vf0\"\nqueue = 0\nethertype = 0x88f7\n\
         [[filter]]\nvport = \"vf0\"\nqueue = 0\ndst = \"::1\"\nsrc = \"10.0.0.1\"\n",
    ),
    (
        "bad-value",
        "rss[0].types",
        14,
        "[[rss]]\nvport = \"vf0\"\ntypes = [\"tcp5\"]\n",
    ),
    (
        "bad-value",
        "rss[0].queues",
        14,
        "[[rss]]\nvport = \"vf0\"\nqueues = [0, 900]\n",
    ),
    (
        "duplicate-rss",
        "rss[1]",
        15,
        "[[rss]]\nvport = \"vf0\"\nqueues = [0]\n[[rss]]\nvport = \"vf0\"\nqueues = [1]\n",
    ),
];
