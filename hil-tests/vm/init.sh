#!/bin/busybox sh
# SPDX-License-Identifier: Apache-2.0 OR MIT
# The first program of a guest. Loads the modules named in /modules, then obeys lines that come in by the second serial
# port: each is run by the shell, what it says goes back, and its status is in a line of its own. Without "commands" on
# the kernel's command line there is a shell on the console instead.

/bin/busybox mkdir -p /dev /proc /sys /tmp
/bin/busybox --install -s /bin
export PATH=/bin HOME=/tmp
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev

# Only what a test asks for is sent: no router is looked for, no address checked for duplicates. It counts for
# interfaces that appear afterwards.
for what in default all; do
  echo 0 >/proc/sys/net/ipv6/conf/$what/router_solicitations
  echo 0 >/proc/sys/net/ipv6/conf/$what/accept_ra
  echo 0 >/proc/sys/net/ipv6/conf/$what/accept_dad
  echo 1 >/proc/sys/net/ipv6/conf/$what/addr_gen_mode
done

for module in $(cat /modules); do
  insmod "/lib/modules/$module.ko"
done
ip link set lo up

if ! grep -qw commands /proc/cmdline; then
  echo "A guest of Hairpin. Its network card, if it has one, is eth0. \"poweroff -f\" ends it."
  setsid cttyhack sh
  poweroff -f
fi

exec 3<>/dev/ttyS1
stty raw -echo <&3
echo "guest is ready" >&3
while read -r line <&3; do
  # A line begins with its length: on a busy machine the port loses bytes now and then.
  command=${line#*:}
  if [ "${line%%:*}" != "${#command}" ]; then
    echo "say again" >&3
    continue
  fi
  sh -c "$command" </dev/null >&3 2>&1
  printf '\nstatus %d\n' $? >&3
done
