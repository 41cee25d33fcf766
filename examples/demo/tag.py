#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""Merges captures of single machines into the capture of one NIC port.

    tag.py --out vf7.pcap a.pcap:100 b.pcap:200

Each input may name VLAN IDs, outermost first: those tags (TPID 0x8100, priority 0) are put behind the
source address, as the network in front of that port does. Frames are ordered by time. Stamps stay what
they were, in nanoseconds.
"""

import argparse
import struct

MAGIC_NS = 0xA1B23C4D
ETHERNET = 1


def read(path):
    """Yields (seconds, nanoseconds, frame)."""
    with open(path, "rb") as file:
        data = file.read()
    magic, _, _, _, _, _, link = struct.unpack_from("<IHHiIII", data)
    if magic != MAGIC_NS or link != ETHERNET:
        raise SystemExit(f"{path}: not a nanosecond Ethernet capture of this machine")
    at = 24
    while at < len(data):
        seconds, nanos, kept, real = struct.unpack_from("<IIII", data, at)
        if kept != real or at + 16 + kept > len(data):
            raise SystemExit(f"{path}: cut frame")
        yield seconds, nanos, data[at + 16 : at + 16 + kept]
        at += 16 + kept


def tagged(frame, vlans):
    """The frame with these tags behind its source address."""
    tags = b"".join(struct.pack(">HH", 0x8100, vlan) for vlan in vlans)
    return frame[:12] + tags + frame[12:]


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", required=True)
    parser.add_argument("input", nargs="+", metavar="FILE[:VLAN[,VLAN]]")
    args = parser.parse_args()
    frames = []
    for item in args.input:
        path, _, vlans = item.partition(":")
        vlans = [int(vlan) for vlan in vlans.split(",") if vlan]
        frames += [(s, ns, tagged(frame, vlans)) for s, ns, frame in read(path)]
    frames.sort(key=lambda frame: frame[:2])
    with open(args.out, "wb") as out:
        out.write(struct.pack("<IHHiIII", MAGIC_NS, 2, 4, 0, 0, 262144, ETHERNET))
        for seconds, nanos, frame in frames:
            out.write(struct.pack("<IIII", seconds, nanos, len(frame), len(frame)))
            out.write(frame)


if __name__ == "__main__":
    main()
