#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Proves on the linked image that no panic can be reached, and prints what it takes of the memory.
# The panic handler calls a function that does not exist, so that the link fails as well; this check
# also sees panic code that was linked without its handler, riscv-rt's and core's own included.
#
#   check-panic-free.sh [ELF]
set -euo pipefail

cd "$(dirname "$0")"
elf=${1:-${CARGO_TARGET_DIR:-target}/riscv32imc-unknown-none-elf/release/hairpin-nic}
[[ -r $elf ]] || { echo "$0: no image at $elf: cargo build --release in firmware/" >&2; exit 2; }

symbols=$(LC_ALL=C readelf --symbols --wide "$elf")
if ! grep -qw main <<<"$symbols"; then
    echo "$0: $elf has no symbol main: stripped, or not the firmware" >&2
    exit 2
fi
# core::panicking, core::option::unwrap_failed and friends, slice index failures, panic_fmt, unwinding.
if found=$(grep -Ei 'panic|unwrap_failed|expect_failed|index_fail|len_mismatch_fail|rust_begin_unwind|_Unwind' <<<"$symbols"); then
    echo "panic code is linked into $elf:" >&2
    echo "$found" >&2
    exit 1
fi

# Sizes from the allocated sections: what the host loads, and what it occupies.
LC_ALL=C readelf --sections --wide "$elf" | sed 's/\[ *//; s/\]//' | awk '
    function hex(s,    i, n) {
        n = 0
        for (i = 1; i <= length(s); i++) n = n * 16 + index("0123456789abcdef", substr(s, i, 1)) - 1
        return n
    }
    $1 ~ /^[0-9]+$/ && $8 ~ /A/ {
        size = hex($6)
        if ($2 == ".stack") stack = size
        else if ($2 == ".heap" || $2 == ".text.dummy") next
        else if ($3 == "NOBITS") variables += size
        else { loaded += size; if ($2 == ".data") variables += size }
    }
    END {
        printf "panic-free; image %d bytes, variables %d bytes, left for the stack %d bytes\n",
            loaded, variables, stack
    }'
