// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Checksum offload through the whole NIC: the driver asks, another VF gets the right checksum and is told so.

use hairpin_driver::virtio::{Features, Frame, Vf};

use crate::frames::{CONFIG, MACS, frame, open, receive_flagged, send};
use crate::server::Server;

/// The sum that RFC 1071 speaks of, as a number modulo 65535.
fn sum(bytes: &[u8]) -> u32 {
    bytes.chunks(2).fold(0, |sum, word| {
        let low = word.get(1).copied().unwrap_or(0);
        (sum + u32::from(word[0]) * 256 + u32::from(low)) % 65535
    })
}

/// A frame whose transport checksum is left to the device.
#[derive(Debug)]
struct Partial {
    bytes: Vec<u8>,
    start: usize,
    offset: usize,
    /// Sum of the pseudo header.
    pseudo: u32,
}

impl Partial {
    /// A packet with `payload` from VF 0 to VF 1: TCP or UDP over IPv4 or IPv6, perhaps tagged.
    fn new(six: bool, tcp: bool, tagged: bool, payload: &[u8]) -> Self {
        let mut bytes = [MACS[1], MACS[0]].concat();
        if tagged {
            bytes.extend([0x81, 0, 0, 7]);
        }
        let (proto, header, offset) = if tcp { (6, 20, 16) } else { (17, 8, 6) };
        let len = (header + payload.len()) as u16;
        let addresses = if six {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0]);
            bytes.extend(len.to_be_bytes());
            bytes.extend([proto, 64]);
            let addresses: Vec<u8> = (0..32).map(|at| at * 7 + 0x20).collect();
            bytes.extend(&addresses);
            addresses
        } else {
            bytes.extend([8, 0, 0x45, 0]);
            bytes.extend((20 + len).to_be_bytes());
            bytes.extend([0, 1, 0, 0, 64, proto, 0, 0]);
            let addresses = vec![10, 1, 2, 3, 10, 1, 2, 4];
            bytes.extend(&addresses);
            addresses
        };
        let pseudo = (sum(&addresses) + u32::from(proto) + u32::from(len)) % 65535;
        let start = bytes.len();
        let mut transport = vec![0x12; header];
        if tcp {
            transport[12..14].copy_from_slice(&[0x50, 0x10]);
        } else {
            transport[4..6].copy_from_slice(&len.to_be_bytes());
        }
        transport[offset..offset + 2].copy_from_slice(&(pseudo as u16).to_be_bytes());
        bytes.extend(transport);
        bytes.extend(payload);
        Self {
            bytes,
            start,
            offset,
            pseudo,
        }
    }

    fn send(&self, vf: &mut Vf) -> Frame {
        let mut frame = vf.pool().frame_of(&self.bytes).unwrap();
        frame
            .complete_checksum(self.start as u16, self.offset as u16)
            .unwrap();
        frame
    }

    /// What came is this frame with a checksum that a receiver accepts, and the padding that was needed.
    fn check(&self, came: &[u8]) {
        let at = self.start + self.offset;
        let (packet, padding) = came.split_at(self.bytes.len());
        assert_eq!(packet[..at], self.bytes[..at]);
        assert_eq!(packet[at + 2..], self.bytes[at + 2..]);
        assert_ne!(packet[at..at + 2], [0, 0], "says that there is none");
        let sum = sum(&packet[self.start..]) + self.pseudo;
        assert_eq!(sum % 65535, 0, "{} bytes: {packet:02x?}", packet.len());
        assert_eq!(padding, vec![0; 60_usize.saturating_sub(packet.len())]);
    }
}

#[test]
fn checksums_are_completed_on_the_way() {
    let tagged = CONFIG.replace(
        "mac = \"02:00:00:00:0a:0",
        "tags = \"vlans\"\nmac = \"02:00:00:00:0a:0",
    );
    let server = Server::start("", Some(&tagged));
    let mut sender = open(&server, 0);
    let mut receiver = open(&server, 1);
    assert!(
        sender
            .info()
            .features
            .has(Features::CSUM | Features::GUEST_CSUM)
    );

    let lengths = [
        0, 1, 5, 6, 9, 10, 31, 64, 65, 333, 1400, 1459, 2100, 4001, 8900,
    ];
    for len in lengths {
        let mut sent = Vec::new();
        let mut frames = Vec::new();
        for kind in 0..8 {
            let payload: Vec<u8> = (0..len).map(|at| (at * at + 3 * kind + 1) as u8).collect();
            let [six, tcp, tagged] = [1, 2, 4].map(|bit| kind & bit != 0);
            let partial = Partial::new(six, tcp, tagged, &payload);
            frames.push(partial.send(&mut sender));
            sent.push(partial);
        }
        // One that asks for nothing, behind and before such as do.
        let plain = frame(0, &MACS[1], len as u32, 60 + len);
        frames.insert(4, sender.pool().frame_of(&plain).unwrap());
        while !frames.is_empty() {
            sender.tx_batch(&mut frames).unwrap();
        }
        let mut came = Vec::new();
        for (bytes, verified) in receive_flagged(&mut receiver, 9) {
            assert_eq!(verified, came.len() != 4, "{bytes:02x?}");
            came.push(bytes);
        }
        assert_eq!(came.remove(4), plain);
        for (partial, came) in sent.iter().zip(&came) {
            partial.check(came);
        }
    }
    // Of UDP, a sum of zero: the last two bytes are what is missing.
    let mut udp = Partial::new(false, false, false, &[1; 64]);
    let missing = (2 * 65535 - sum(&udp.bytes[udp.start..]) + sum(&[1, 1])) % 65535;
    let end = udp.bytes.len() - 2;
    udp.bytes[end..].copy_from_slice(&(missing as u16).to_be_bytes());
    let mut frames = vec![udp.send(&mut sender)];
    sender.tx_batch(&mut frames).unwrap();
    let (came, verified) = receive_flagged(&mut receiver, 1).remove(0);
    assert!(verified);
    assert_eq!(came[udp.start + udp.offset..][..2], [0xff, 0xff]);
    udp.check(&came);

    // Sent with a checksum that is wrong by a bit: as it is, and nobody says that it is right.
    for bit in [0, 5] {
        let mut wrong = came.clone();
        wrong[udp.start + udp.offset] ^= 1 << bit;
        send(&mut sender, &wrong);
        assert_eq!(receive_flagged(&mut receiver, 1), [(wrong, false)]);
    }

    drop((sender, receiver));
    let stats = server.stop();
    assert_eq!(stats.scoreboard.mismatches, 0);
    for (name, function) in &stats.functions {
        let counts = (function.dma_faults, function.no_buffer, function.refused);
        assert_eq!(counts, (0, 0, 0), "{name}");
    }
}
