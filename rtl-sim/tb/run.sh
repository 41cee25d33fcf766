#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Builds and runs the RTL benches: `run.sh` all of them, `run.sh tb_ram tb_arb` those, `run.sh -s 7` with
# another seed. Closes with "N passed, N failed"; exit 1 when one failed.
#
# A bench is tb/tb_NAME.sv with the module tb_NAME. It prints PASS and finishes, or ends in $fatal.
# Comment lines in it steer the run:
#   // bench: -GDATA_W=128 +frames=100   one run per line: Verilator arguments and plusargs
#                                        (default: one run, none)
#   // bench-args: file.f -Wno-X         Verilator arguments of every run; ${rtl} is rtl-sim/rtl
#   // bench-fails-with: TEXT            the run must fail and print TEXT
#   // bench-needs: VARIABLE             skipped when the environment does not set VARIABLE
set -eu

here=$(cd "$(dirname "$0")" && pwd)
rtl=$(cd "$here/../rtl" && pwd)
export HAIRPIN_RTL="$rtl"
build=${HAIRPIN_TB_BUILD:-$(cd "$here/../.." && pwd)/.build/tb}
jobs=${HAIRPIN_JOBS:-2}
seed=1
if [ "${1:-}" = "-s" ]; then
  seed=$2
  shift 2
fi

packages="$rtl/hp_pkg.sv"
for f in "$rtl"/generated/hp_abi_pkg.sv; do
  [ -f "$f" ] && packages="$f $packages"
done

passed=0
failed=0
skipped=0

# run_one NAME NUMBER ARGS...
run_one() {
  name=$1
  number=$2
  shift 2
  dir="$build/$name.$number"
  plus=""
  args=""
  for a in "$@"; do
    case $a in
      +*) plus="$plus $a" ;;
      *) args="$args $a" ;;
    esac
  done
  label="$name$(printf ' %s' "$@" | sed 's/ *$//')"
  mkdir -p "$dir"
  # shellcheck disable=SC2086
  if ! verilator --binary --assert --timing -Wall \
    -Wno-DECLFILENAME -Wno-UNUSEDPARAM -Wno-UNUSEDSIGNAL -Wno-BLKSEQ -Wno-PINCONNECTEMPTY \
    --x-assign unique --x-initial unique -O3 --build-jobs "$jobs" -MAKEFLAGS OPT_FAST=-O1 \
    -I"$rtl" -y "$rtl" -y "$rtl/generated" -y "$here" \
    --Mdir "$dir" --top-module "$name" -o "$name" \
    $packages "$here/tb_pkg.sv" $args "$here/$name.sv" >"$dir/build.log" 2>&1; then
    echo "FAIL $label (build: $dir/build.log)"
    tail -n 15 "$dir/build.log"
    failed=$((failed + 1))
    return
  fi
  status=0
  # shellcheck disable=SC2086
  "$dir/$name" "+seed=$seed" "+verilator+seed+$seed" +verilator+rand+reset+2 $plus \
    >"$dir/run.log" 2>&1 || status=$?
  want=$(sed -n 's|^// bench-fails-with: *||p' "$here/$name.sv")
  if [ -n "$want" ]; then
    if [ "$status" -ne 0 ] && grep -qF "$want" "$dir/run.log"; then ok=1; else ok=0; fi
  else
    if [ "$status" -eq 0 ] && grep -q '^PASS' "$dir/run.log"; then ok=1; else ok=0; fi
  fi
  if [ "$ok" = 1 ]; then
    echo "ok   $label"
    passed=$((passed + 1))
  else
    echo "FAIL $label (seed $seed, exit $status: $dir/run.log)"
    tail -n 15 "$dir/run.log"
    failed=$((failed + 1))
  fi
}

if [ $# -eq 0 ]; then
  for f in "$here"/tb_*.sv; do
    n=$(basename "$f" .sv)
    [ "$n" = tb_pkg ] || set -- "$@" "$n"
  done
fi

for name in "$@"; do
  file="$here/$name.sv"
  if [ ! -f "$file" ]; then
    echo "FAIL $name: no such bench"
    failed=$((failed + 1))
    continue
  fi
  needs=$(sed -n 's|^// bench-needs: *||p' "$file")
  if [ -n "$needs" ] && [ -z "$(eval "echo \"\${$needs:-}\"")" ]; then
    echo "skip $name: $needs is not set"
    skipped=$((skipped + 1))
    continue
  fi
  common=$(sed -n 's|^// bench-args: *||p' "$file" | sed "s|\${rtl}|$rtl|g")
  runs=$(grep -c '^// bench:' "$file" || true)
  i=1
  while [ "$i" -le "$runs" ] || [ "$i" -eq 1 ]; do
    line=$(sed -n 's|^// bench: *||p' "$file" | sed -n "${i}p")
    # shellcheck disable=SC2086
    run_one "$name" "$i" $common $line
    i=$((i + 1))
  done
done

[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
