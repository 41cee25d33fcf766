#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Builds and runs the RTL benches: `run.sh` all of them, `run.sh tb_ram tb_arb` those, `run.sh -s 7` with
# another seed; HAIRPIN_JOBS of them at a time (all cores unless told). Closes with "N passed, N failed";
# exit 1 when one failed.
#
# A bench is tb/tb_NAME.sv with the module tb_NAME. It prints PASS and finishes, or ends in $fatal.
# Comment lines in it steer the run:
#   // bench: -GDATA_W=128 +frames=100   one run per line: Verilator arguments and plusargs
#                                        (default: one run, none)
#   // bench-args: file.f -Wno-X         Verilator arguments of every run; ${rtl} is rtl-sim/rtl;
#                                        -MAKEFLAGS OPT_FAST=-O1 if it runs longer than it builds
#   // bench-fails-with: TEXT            the run must fail and print TEXT
#   // bench-needs: VARIABLE             skipped when the environment does not set VARIABLE
set -eu

here=$(cd "$(dirname "$0")" && pwd)
rtl=$(cd "$here/../rtl" && pwd)
export HAIRPIN_RTL="$rtl"
build=${HAIRPIN_TB_BUILD:-$(cd "$here/../.." && pwd)/.build/tb}
jobs=${HAIRPIN_JOBS:-$(nproc)}
seed=${HAIRPIN_TB_SEED:-1}
if [ "${1:-}" = "-s" ]; then
  seed=$2
  shift 2
fi

# Builds and runs one: run_one NAME NUMBER ARGS...
run_one() {
  name=$1
  number=$2
  shift 2
  dir="$build/$name.$number"
  plus=""
  args=""
  label=$name
  for a in "$@"; do
    case $a in
      +*) plus="$plus $a" ;;
      *) args="$args $a" ;;
    esac
    case $a in
      +* | -G*) label="$label $a" ;;
    esac
  done
  mkdir -p "$dir"
  # Verilator's own run-time library is the same in every bench and takes longer than most of them.
  [ -f "$dir/verilated.o" ] || cp "$build"/runtime/*.o "$dir" 2>/dev/null || true
  start=$(date +%s)
  # One C++ file per bench: most of the time of a small one would go into reading the same headers again.
  # shellcheck disable=SC2086
  if ! verilator --binary --assert --timing -Wall \
    -Wno-DECLFILENAME -Wno-UNUSEDPARAM -Wno-UNUSEDSIGNAL -Wno-BLKSEQ -Wno-PINCONNECTEMPTY \
    --x-assign unique --x-initial unique -O3 --build-jobs 1 -MAKEFLAGS VM_PARALLEL_BUILDS=0 -MAKEFLAGS OPT_FAST=-O0 \
    -I"$rtl" -y "$rtl" -y "$rtl/generated" -y "$here" \
    --Mdir "$dir" --top-module "$name" -o "$name" \
    "$rtl/generated/hp_abi_pkg.sv" "$rtl/hp_pkg.sv" "$here/tb_pkg.sv" $args "$here/$name.sv" >"$dir/build.log" 2>&1; then
    echo "FAIL $label (build: $dir/build.log)"
    tail -n 15 "$dir/build.log"
    return 1
  fi
  built=$(date +%s)
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
  if [ "$ok" = 0 ]; then
    echo "FAIL $label (seed $seed, exit $status: $dir/run.log)"
    tail -n 15 "$dir/run.log"
    return 1
  fi
  echo "ok   $label (built in $((built - start)) s, ran $(($(date +%s) - built)) s)"
}

# Called by xargs below: the words of one run in one argument.
if [ "${1:-}" = "--one" ]; then
  status=0
  # shellcheck disable=SC2086
  text=$(run_one $2) || status=$?
  echo "$text" # in one write: two that end together do not mix
  exit "$status"
fi

if [ $# -eq 0 ]; then
  for f in "$here"/tb_*.sv; do
    n=$(basename "$f" .sv)
    [ "$n" = tb_pkg ] || set -- "$@" "$n"
  done
fi

mkdir -p "$build"
list="$build/runs.txt"
: >"$list"
skipped=0
for name in "$@"; do
  file="$here/$name.sv"
  if [ ! -f "$file" ]; then
    echo "FAIL $name: no such bench"
    exit 1
  fi
  needs=$(sed -n 's|^// bench-needs: *||p' "$file")
  if [ -n "$needs" ] && [ -z "$(eval "echo \"\${$needs:-}\"")" ]; then
    echo "skip $name: $needs is not set"
    skipped=$((skipped + 1))
    continue
  fi
  common=$(sed -n 's|^// bench-args: *||p' "$file" | sed "s|\${rtl}|$rtl|g" | tr '\n' ' ')
  runs=$(sed -n 's|^// bench: *||p' "$file")
  echo "$runs" | awk -v name="$name" -v common="$common" '{ print name, NR, common $0 }' >>"$list"
done

# The first alone: it builds the run-time library for the others.
export HAIRPIN_TB_SEED="$seed"
rm -rf "$build/runtime"
{
  if read -r first <"$list"; then
    sh "$0" --one "$first" || true
    mkdir -p "$build/runtime"
    cp "$build/${first%% *}.1"/verilated*.o "$build/runtime" || true
  fi
  tail -n +2 "$list" | xargs -d '\n' -r -n 1 -P "$jobs" sh "$0" --one || true
} | tee "$build/results.txt"
passed=$(grep -c '^ok ' "$build/results.txt" || true)
failed=$(($(wc -l <"$list") - passed))
[ "$skipped" -eq 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
