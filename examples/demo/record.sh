#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0 OR MIT
#
# Records the demo's captures: real programs talk in network namespaces, one Linux bridge per tenant,
# and what each VM *sends* becomes the input of one NIC port.
#
#   tenant A (V.VLAN 100) and tenant B (V.VLAN 200) have the same three address ranges and the same
#   programs; only the MAC addresses differ (02:00:00:00:0a:.. and 02:00:00:00:0b:..).
#
#   name   where it sits                    MAC            IPv4, IPv6
#   m0     direct VM, vf0 (A), vf2 (B)      ..:00          10.0.0.1   fd00::1
#   m1     direct VM, vf1 (A), vf3 (B)      ..:01          10.0.0.2   fd00::2
#   sw     vSwitched VM behind vf7          ..:07          10.0.0.7   fd00::7
#   ext    host beyond the uplink           ..:ee          10.0.0.9   fd00::9
#   forger on tenant B's VLAN beyond the    ..:66          10.0.0.66  fd00::66
#          uplink, writes tenant A's V.VLAN into its frames
#
# Needs root and: iproute2 ethtool tcpdump python3 curl openssh-server openssh-client dnsmasq-base
# bind9-dnsutils iperf3 iputils-ping avahi-daemon avahi-utils.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
tenants=(a b)
hosts=(m0 m1 sw ext)
declare -A last=([m0]=00 [m1]=01 [sw]=07 [ext]=ee [forger]=66)
declare -A address=([m0]=1 [m1]=2 [sw]=7 [ext]=9 [forger]=66)

cleanup() {
  trap - EXIT
  for t in "${tenants[@]}"; do
    for h in "${hosts[@]}" forger bridge; do
      ns=hairpin-$t-$h
      ip netns pids "$ns" 2>/dev/null | xargs --no-run-if-empty kill 2>/dev/null || true
      ip netns del "$ns" 2>/dev/null || true
    done
  done
  rm -rf "$work"
}
trap cleanup EXIT

inside() { # tenant host command...
  local ns=hairpin-$1-$2
  shift 2
  ip netns exec "$ns" "$@"
}

machine() { # tenant host: a namespace with one interface, whose other end is in the bridge's namespace
  local t=$1 h=$2
  ip netns add "hairpin-$t-$h"
  inside "$t" "$h" sysctl -qw net.ipv6.conf.all.accept_dad=0 net.ipv6.conf.default.accept_dad=0
  inside "$t" "$h" ip link add eth0 address "02:00:00:00:0$t:${last[$h]}" \
    type veth peer name "$h" netns "hairpin-$t-bridge"
  # Frames on the wire, not what offloads make of them.
  inside "$t" "$h" ethtool -K eth0 tso off gso off gro off tx off rx off sg off >/dev/null
  inside "$t" bridge ethtool -K "$h" tso off gso off gro off tx off rx off sg off >/dev/null
  inside "$t" bridge ip link set "$h" up
  inside "$t" "$h" ip link set lo up
  inside "$t" "$h" ip link set eth0 up
  start_capture "$t" "$h"
  inside "$t" "$h" ip address add "10.0.0.${address[$h]}/24" dev eth0
  inside "$t" "$h" ip address add "fd00::${address[$h]}/64" dev eth0 nodad
}

build() { # tenant
  local t=$1 h
  ip netns add "hairpin-$t-bridge"
  inside "$t" bridge sysctl -qw net.ipv6.conf.all.disable_ipv6=1
  inside "$t" bridge ip link add br0 type bridge stp_state 0 mcast_snooping 0
  inside "$t" bridge ip link set br0 up
  for h in "${hosts[@]}"; do
    machine "$t" "$h"
    inside "$t" bridge ip link set "$h" master br0
  done
}

start_capture() { # tenant host
  inside "$1" "$2" tcpdump --interface eth0 --direction out --immediate-mode --snapshot-length 0 \
    --time-stamp-precision nano --buffer-size 8192 -U -w "$work/$1-$2.pcap" 2>"$work/$1-$2.log" &
  for _ in {1..50}; do
    grep -q listening "$work/$1-$2.log" 2>/dev/null && return
    sleep 0.1
  done
  echo "tcpdump did not start in $1 $2" >&2
  exit 1
}

serve() { # tenant: servers on m1, ext and sw
  local t=$1 h
  mkdir -p "$work/www" "$work/ssh"
  seq 1 600 | sed 's/^/the quick brown frame jumps over the lazy bridge, line /' >"$work/www/index.html"
  if [[ ! -f $work/ssh/key ]]; then
    ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/key"
    ssh-keygen -q -t ed25519 -N '' -f "$work/ssh/host"
    cp "$work/ssh/key.pub" "$work/ssh/authorized"
    chmod 600 "$work/ssh/authorized"
  fi
  mkdir -p /run/sshd
  for h in m1 ext sw; do
    inside "$t" "$h" python3 -m http.server --bind :: --directory "$work/www" 80 \
      >/dev/null 2>&1 &
    inside "$t" "$h" /usr/sbin/sshd -D -e -f /dev/null -h "$work/ssh/host" -o PidFile=none \
      -o StrictModes=no -o "AuthorizedKeysFile=$work/ssh/authorized" -o PermitRootLogin=yes \
      -o UsePAM=no >/dev/null 2>"$work/sshd.log" &
    inside "$t" "$h" iperf3 --server >/dev/null 2>&1 &
  done
  for h in m1 ext; do
    inside "$t" "$h" dnsmasq --no-daemon --no-resolv --no-hosts --conf-file=/dev/null \
      --user=root --pid-file --address=/web.tenant.test/10.0.0.2 \
      --address=/web.tenant.test/fd00::2 >/dev/null 2>&1 &
  done
  for h in m0 m1; do
    inside "$t" "$h" unshare --mount bash -c "
      mount -t tmpfs tmpfs /run && mkdir -p /run/avahi-daemon
      printf '[server]\nhost-name=$t-$h\nuse-ipv4=yes\nuse-ipv6=yes\nenable-dbus=no\n[wide-area]\n[publish]\n' \
        >/run/avahi.conf
      exec avahi-daemon --file=/run/avahi.conf --no-drop-root --no-chroot --no-rlimits" \
      >/dev/null 2>"$work/avahi-$t-$h.log" &
  done
  sleep 3
}

talk() { # tenant from to: what people do between two machines
  local t=$1 from=$2 to=$3 v4=10.0.0.${address[$3]} v6=fd00::${address[$3]}
  inside "$t" "$from" ping -q -c 3 -i 0.2 "$v4"
  inside "$t" "$from" ping -q -c 2 -i 0.2 -s 1400 "$v6"
  inside "$t" "$from" curl -sS -o /dev/null "http://$v4/"
  inside "$t" "$from" curl -sS -o /dev/null "http://[$v6]/"
  inside "$t" "$from" ssh -q -F /dev/null -i "$work/ssh/key" -o StrictHostKeyChecking=no \
    -o UserKnownHostsFile=/dev/null -o BatchMode=yes "root@$v4" uname -a
  inside "$t" "$from" iperf3 --client "$v4" --bytes 24K --length 8K >/dev/null
  inside "$t" "$from" iperf3 --client "$v6" --udp --bytes 12K --bitrate 10M >/dev/null
}

resolve() { # tenant from server
  inside "$1" "$2" dig +short "@10.0.0.${address[$3]}" web.tenant.test A
  inside "$1" "$2" dig +short "@fd00::${address[$3]}" web.tenant.test AAAA
}

misbehave() { # tenant: what a NIC must stop
  local t=$1
  # A VM that bridges: its spanning tree frames are for the nearest bridge only.
  inside "$t" m1 ip link add br0 type bridge stp_state 1 forward_delay 200 hello_time 100
  inside "$t" m1 ip link set br0 up
  inside "$t" m1 ip link set eth0 nomaster
  inside "$t" m1 ip address flush dev eth0
  inside "$t" m1 ip link set eth0 master br0
  sleep 3
  inside "$t" m1 ip link del br0
  # A VM that takes its neighbour's address.
  inside "$t" m1 ip link set eth0 down
  inside "$t" m1 ip link set eth0 address "02:00:00:00:0$t:00"
  inside "$t" m1 ip link set eth0 up
  inside "$t" m1 ip address add 10.0.0.2/24 dev eth0
  inside "$t" m1 ping -q -c 2 -i 0.2 -W 1 10.0.0.9 || true
}

forge() { # it knows a victim's addresses; nothing ever answers
  inside b forger ip neighbour replace 10.0.0.1 lladdr 02:00:00:00:0a:00 dev eth0
  inside b forger ping -q -c 2 -i 0.2 -W 1 10.0.0.1 || true
  inside b forger ping -q -c 2 -i 0.2 -W 1 10.0.0.2 || true
}

for t in "${tenants[@]}"; do build "$t"; done
machine b forger
for t in "${tenants[@]}"; do serve "$t"; done
# Both tenants at the same time.
for t in "${tenants[@]}"; do
  (
    talk "$t" m0 m1
    talk "$t" m0 sw
    talk "$t" ext m1
    resolve "$t" m0 m1
    resolve "$t" m0 ext
    inside "$t" sw ping -q -c 2 -i 0.2 10.0.0.9
    inside "$t" sw ping -q -c 2 -i 0.2 fd00::2
    inside "$t" m1 ping -q -c 2 -i 0.2 10.0.0.200 || true # nobody has this address
    misbehave "$t"
  ) &
  jobs_of_tenants+=($!)
done
forge
for job in "${jobs_of_tenants[@]}"; do wait "$job"; done
sleep 1
for t in "${tenants[@]}"; do
  for h in "${hosts[@]}" forger; do
    ip netns pids "hairpin-$t-$h" 2>/dev/null | xargs --no-run-if-empty kill 2>/dev/null || true
  done
done
sleep 1

# A frame of a vSwitched VM carries the V.VLAN; one from beyond the uplink the outer VLAN as well.
python3 ./tag.py --out vf0.pcap "$work/a-m0.pcap"
python3 ./tag.py --out vf1.pcap "$work/a-m1.pcap"
python3 ./tag.py --out vf2.pcap "$work/b-m0.pcap"
python3 ./tag.py --out vf3.pcap "$work/b-m1.pcap"
python3 ./tag.py --out vf7.pcap "$work/a-sw.pcap:100" "$work/b-sw.pcap:200"
python3 ./tag.py --out uplink.pcap "$work/a-ext.pcap:10,100" "$work/b-ext.pcap:20,200" \
  "$work/b-forger.pcap:20,100"
ls -l -- *.pcap
