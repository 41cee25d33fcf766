// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random tags and packets, right and wrong.

use super::frames::Generator;

impl Generator {
    /// What a frame carries behind its NIC tags.
    pub(super) fn payload(&mut self, bytes: &mut Vec<u8>) {
        match self.rng.below(3) {
            0 => self.ipv4(bytes),
            1 => self.ipv6(bytes),
            _ => self.tenant_part(bytes),
        }
    }

    pub(super) fn tag(&mut self, bytes: &mut Vec<u8>, tpid: u16, vid: u16) {
        let priority = if self.rng.percent(40) {
            (self.rng.below(16) as u16) << 12
        } else {
            0
        };
        bytes.extend(tpid.to_be_bytes());
        bytes.extend((priority | vid & 0xfff).to_be_bytes());
    }

    /// The tenant's own tags and what follows.
    pub(super) fn tenant_part(&mut self, bytes: &mut Vec<u8>) {
        let tags = self.rng.weighted(&[80, 12, 5, 3]);
        for _ in 0..tags {
            let tpid = match self.rng.weighted(&[75, 10, 5, 5, 5]) {
                0 => 0x8100,
                1 => 0x88a8,
                2 => 0x9100,
                3 => self.world.tpid,
                _ => self.rng.next() as u16,
            };
            let vid = match self.rng.weighted(&[40, 40, 20]) {
                0 => 0,
                1 => self.rng.below(4096) as u16,
                _ => 4095,
            };
            self.tag(bytes, tpid, vid);
        }
        match self.rng.weighted(&[45, 30, 6, 2, 2, 15]) {
            0 => self.ipv4(bytes),
            1 => self.ipv6(bytes),
            2 => bytes.extend([0x08, 0x06, 0, 1, 8, 0, 6, 4, 0, 1]),
            3 => bytes.extend([0x88, 0x08, 0, 1]),
            4 => bytes.extend([0x88, 0xb5, 0, 1]),
            _ => bytes.extend((self.rng.next() as u16).to_be_bytes()),
        }
    }

    fn ipv4(&mut self, bytes: &mut Vec<u8>) {
        bytes.extend([0x08, 0x00]);
        let options = if self.rng.percent(25) {
            self.rng.below(11)
        } else {
            0
        };
        let (proto, l4) = self.l4(false);
        let header = 20 + 4 * options;
        let total = match self.rng.weighted(&[85, 5, 5, 5]) {
            0 => header + l4.len(),
            1 => self.rng.below(header),
            2 => header + self.rng.below(l4.len() + 1),
            _ => self.rng.below(65536),
        };
        let version = if self.rng.percent(4) {
            self.rng.below(16)
        } else {
            4
        };
        let ihl = if self.rng.percent(4) {
            self.rng.below(16)
        } else {
            5 + options
        };
        let fragment: u16 = match self.rng.weighted(&[80, 8, 4, 4, 4]) {
            0 => 0,
            1 => 0x4000,
            2 => 0x2000,
            3 => self.rng.below(0x2000) as u16,
            _ => self.rng.next() as u16,
        };
        bytes.push((version << 4 | ihl) as u8);
        bytes.push(self.rng.next() as u8);
        bytes.extend((total as u16).to_be_bytes());
        bytes.extend((self.rng.next() as u16).to_be_bytes());
        bytes.extend(fragment.to_be_bytes());
        bytes.extend([64, proto, 0, 0]);
        let mut rest = vec![0; 8 + 4 * options];
        self.rng.fill(&mut rest);
        bytes.extend(rest);
        bytes.extend(l4);
    }

    fn ipv6(&mut self, bytes: &mut Vec<u8>) {
        bytes.extend([0x86, 0xdd]);
        let (proto, l4) = self.l4(true);
        let extension = self.rng.percent(20);
        let next = if extension {
            *self.rng.pick(&[0, 43, 44, 50, 51, 60, 135, 139, 140])
        } else {
            proto
        };
        let len = l4.len() + if extension { 8 } else { 0 };
        let payload = match self.rng.weighted(&[88, 6, 6]) {
            0 => len,
            1 => self.rng.below(len + 1),
            _ => self.rng.below(65536),
        };
        let version = if self.rng.percent(4) {
            self.rng.below(16)
        } else {
            6
        };
        bytes.push((version << 4) as u8 | self.rng.below(16) as u8);
        bytes.extend([self.rng.next() as u8, 0, 1]);
        bytes.extend((payload as u16).to_be_bytes());
        bytes.extend([next, 64]);
        let mut addresses = [0; 32];
        self.rng.fill(&mut addresses);
        bytes.extend(addresses);
        if extension {
            bytes.extend([proto, 0, 1, 4, 0, 0, 0, 0]);
        }
        bytes.extend(l4);
    }

    /// Protocol and a transport header, whole or cut.
    fn l4(&mut self, v6: bool) -> (u8, Vec<u8>) {
        let icmp = if v6 { 58 } else { 1 };
        let proto = match self.rng.weighted(&[35, 35, 10, 10, 10]) {
            0 => 6,
            1 => 17,
            2 => 132,
            3 => icmp,
            _ => self.rng.next() as u8,
        };
        let mut header = vec![0; if proto == 6 { 20 } else { 8 }];
        self.rng.fill(&mut header);
        if self.rng.percent(10) {
            let len = self.rng.below(8);
            header.truncate(len);
        }
        (proto, header)
    }
}
