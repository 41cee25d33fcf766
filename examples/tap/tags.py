#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0 OR MIT
"""A V.VLAN of the wire as an interface: its frames without their two tags.

    tags.py WIRE OUTER INNER NAME

makes the TAP interface NAME; what comes in by the interface WIRE with the VLANs OUTER and INNER arrives there, and what
is sent there leaves by WIRE with both tags. Two VLAN interfaces of the kernel, one on the other, do the same; this also
works where the kernel has none.
"""

import fcntl
import os
import select
import socket
import struct
import sys

TUNSETIFF = 0x400454CA
TAP_WITHOUT_HEADER = 0x1002
TPID = 0x8100
VID = 0xFFF
ALL_PROTOCOLS = 3
SOL_PACKET, PACKET_AUXDATA = 263, 8
LONGEST = 10000


def tap(name):
    file = os.open("/dev/net/tun", os.O_RDWR)
    request = struct.pack("16sH22x", name.encode(), TAP_WITHOUT_HEADER)
    fcntl.ioctl(file, TUNSETIFF, request)
    return file


def untagged(wire, outer, inner):
    """The next frame of WIRE without its tags, or None if it is somebody else's."""
    frame, controls, _, (_, _, kind, *_) = wire.recvmsg(LONGEST, socket.CMSG_SPACE(20))
    if kind == socket.PACKET_OUTGOING:
        return None
    # The kernel has taken the outer tag off.
    for level, what, data in controls:
        if (level, what) == (SOL_PACKET, PACKET_AUXDATA):
            tag, tpid = struct.unpack_from("=HH", data, 16)
            if tpid != TPID or tag & VID != outer or len(frame) < 18:
                return None
            tpid, tag = struct.unpack_from("!HH", frame, 12)
            if tpid == TPID and tag & VID == inner:
                return frame[:12] + frame[16:]
    return None


def main():
    wire_name, outer, inner, name = sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
    wire = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ALL_PROTOCOLS))
    wire.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    wire.bind((wire_name, ALL_PROTOCOLS))
    host = tap(name)
    tags = struct.pack("!HHHH", TPID, outer, TPID, inner)
    while True:
        ready, _, _ = select.select([wire, host], [], [])
        try:
            if wire in ready and (frame := untagged(wire, outer, inner)):
                os.write(host, frame)
            if host in ready:
                frame = os.read(host, LONGEST)
                wire.send(frame[:12] + tags + frame[12:])
        except OSError as error:
            # An interface that is down, or has no room, loses frames as a wire does.
            print(error, file=sys.stderr)


if __name__ == "__main__":
    main()
