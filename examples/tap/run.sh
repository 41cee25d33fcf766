#!/bin/sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# ping, iperf3 and curl through the simulated NIC: between two VFs, and from a VF to the wire. Each of the three is a
# network namespace with one interface; none knows that the NIC is simulated.
#
#   sudo examples/tap/run.sh          HAIRPIN=PATH: another `hairpin` than target/sim/hairpin
#
# Exit status: 0 all went through, 1 something did not, 77 it cannot run here (and why).
set -eu

here=$(cd "$(dirname "$0")" && pwd)
hairpin=${HAIRPIN:-$here/../../target/sim/hairpin}
# Bytes of a transfer. The simulated NIC moves some hundred KB a minute on a slow machine.
bytes=${BYTES:-200000}
# Seconds for any one step.
limit=${LIMIT:-300}

cannot() {
  echo "run.sh: $1" >&2
  exit 77
}

[ "$(id -u)" = 0 ] || cannot "namespaces and TAP interfaces need root: sudo $0"
missing=
for pair in ip:iproute2 ping:iputils-ping iperf3:iperf3 curl:curl python3:python3 timeout:coreutils; do
  command -v "${pair%%:*}" >/dev/null || missing="$missing ${pair#*:}"
done
[ -z "$missing" ] || cannot "not installed: apt-get install$missing"
[ -x "$hairpin" ] || cannot "no program $hairpin: cargo xtask build"
[ -c /dev/net/tun ] || cannot "no /dev/net/tun: modprobe tun"

dir=$(mktemp -d)
sockets=$dir/nic nic=vfio-user/$dir/nic
# Names of this run alone.
vm0=hp$$-vm0 vm1=hp$$-vm1 wire=hp$$-wire
children=
sim=

cleanup() {
  # A second time only when a signal comes meanwhile.
  trap - EXIT INT TERM
  # shellcheck disable=SC2086
  [ -z "$children$sim" ] || kill $children $sim 2>/dev/null || :
  wait
  for ns in "$vm0" "$vm1" "$wire"; do ip netns del "$ns" 2>/dev/null || :; done
  rm -rf "$dir"
}
trap cleanup EXIT
trap 'exit 1' INT TERM

fail() {
  echo "run.sh: $1" >&2
  for log in "$dir"/*.log; do
    [ ! -s "$log" ] || { echo "--- ${log##*/}" >&2; tail -n 20 "$log" >&2; }
  done
  exit 1
}

# in_ns NAMESPACE COMMAND…
in_ns() {
  ip netns exec "$@"
}

# start NAMESPACE LOG COMMAND…: in the background; its process id is in $started.
start() {
  ns=$1 log=$dir/$2.log
  shift 2
  ip netns exec "$ns" "$@" >"$log" 2>&1 &
  started=$!
}

# until_true WHAT COMMAND…
until_true() {
  what=$1 end=$(($(date +%s) + limit))
  shift
  until "$@" >/dev/null 2>&1; do
    kill -0 "$started" 2>/dev/null || fail "$what: it has ended"
    [ "$(date +%s)" -lt "$end" ] || fail "$what: not in $limit seconds"
    sleep 0.2
  done
}

for ns in "$vm0" "$vm1" "$wire"; do
  ip netns add "$ns" 2>"$dir/netns.log" || {
    cat "$dir/netns.log" >&2
    cannot "no network namespace: the kernel or a container does not permit them"
  }
  # Neighbour discovery would only make the simulator work.
  in_ns "$ns" sh -c 'echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6' 2>/dev/null || :
  ip -n "$ns" link set lo up
done

echo "== the NIC"
start "$wire" sim "$hairpin" sim --socket-dir "$sockets" --uplink tap:wire0
sim=$started
until_true "hairpin sim" grep -q '^serving ' "$dir/sim.log"
"$hairpin" apply --config "$here/nic.toml" -d "$nic/pf0.sock" || fail "hairpin apply"

echo "== vf0, vf1 and the wire as interfaces"
for number in 0 1; do
  ns=hp$$-vm$number
  start "$ns" "tap$number" "$hairpin" tap "vf$number" --name eth0 -d "$nic"
  children="$children $started"
  until_true "hairpin tap vf$number" ip -n "$ns" link show eth0
  ip -n "$ns" addr add "10.0.0.$((number + 1))/24" dev eth0
  ip -n "$ns" link set eth0 up
done
# On the wire are the two tags of the V.VLAN, outer and inner.
ip -n "$wire" link set wire0 mtu 1508 up
start "$wire" tags python3 "$here/tags.py" wire0 10 100 eth0
children="$children $started"
until_true "tags.py" ip -n "$wire" link show eth0
ip -n "$wire" link set eth0 up
ip -n "$wire" addr add 10.0.0.3/24 dev eth0

mkdir "$dir/www"
head -c "$((bytes / 4))" /dev/urandom >"$dir/www/file"
for ns in "$vm1" "$wire"; do
  start "$ns" "http-$ns" python3 -m http.server --directory "$dir/www" 80
  children="$children $started"
  until_true "http.server" in_ns "$ns" curl -sf -o "$dir/got" http://127.0.0.1/file
  start "$ns" "iperf3-$ns" iperf3 --server --one-off
  children="$children $started"
done

# through NAME ADDRESS: everything from vf0 to there.
through() {
  echo "== vf0 to $1: ping"
  in_ns "$vm0" timeout "$limit" ping -n -c 5 -i 0.5 -W "$limit" "$2" >"$dir/ping.log" 2>&1 ||
    fail "ping $2"
  tail -n 2 "$dir/ping.log"
  echo "== vf0 to $1: iperf3"
  in_ns "$vm0" timeout "$limit" iperf3 --client "$2" --bytes "$bytes" --length 8K --window 16K --interval 0 \
    --connect-timeout 60000 >"$dir/iperf3.log" 2>&1 || fail "iperf3 $2"
  grep -E 'sender|receiver' "$dir/iperf3.log"
  echo "== vf0 to $1: curl"
  in_ns "$vm0" curl -sS --fail --max-time "$limit" -o "$dir/got" \
    -w '%{http_code}, %{size_download} bytes in %{time_total} s\n' "http://$2/file" 2>"$dir/curl.log" ||
    fail "curl $2"
  cmp "$dir/got" "$dir/www/file" || fail "curl $2: other bytes"
}
through vf1 10.0.0.2
through "the wire" 10.0.0.3

echo "== counters"
"$hairpin" stats -d "$nic/pf0.sock" || fail "hairpin stats"

# The NIC's exit status is the golden model's opinion of every frame.
kill "$sim"
wait "$sim" || fail "hairpin sim"
sim=
echo "== done: every frame as the golden model says"
