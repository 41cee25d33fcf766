// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Random frames that reach every corner of the parser and of the decision.
//!
//! Some frames come again, so that what was learned or added about them is used.
//!
//! Every frame ends with a canary: a magic number and its id. The checker recognises a frame by it,
//! wherever it comes out and whatever the trace says about it.

use hairpin_abi::peer::Mark;
use hairpin_eswitch::mark::put;

use crate::model::UPLINK;
use crate::rng::Rng;

const MAGIC: [u8; 4] = *b"\xf7HP\xe1";
const CANARY: usize = 8;
/// Frames that may come again.
const RECENT: usize = 96;
/// Percentage of new frames that take the place of one of them.
const REPLACED: usize = 4;

/// Percentage of frames that are meant to hit a flow, if there are some that can.
const HOT: usize = 50;

/// Percentage of frames that the adjacent switch sends back, most of them marked.
const LESSONS: usize = 15;
/// Percentage of frames from a vPort to another, if there is such a switch.
const TALK: usize = 60;
/// Of each kind, those that may come again.
const REPEATED: usize = 24;

/// What the generator knows of the configuration.
#[derive(Clone, Debug, Default)]
pub struct World {
    /// TPID of the outer tag.
    pub tpid: u16,
    /// The adjacent switch sends frames back.
    pub reflects: bool,
    /// The mark of learning packets.
    pub mark: Option<Mark>,
    /// There is such a switch: it alone marks frames.
    pub beyond: bool,
    /// The V.VLANs.
    pub vvlans: Vec<Tenant>,
    /// The vPorts that exist.
    pub vports: Vec<Vport>,
}

/// A V.VLAN.
#[derive(Clone, Debug)]
pub struct Tenant {
    /// Its ID.
    pub id: u16,
    /// Outer VLANs it is accepted on.
    pub outer: Vec<u16>,
    /// Unicast addresses in it: static ones, and those of machines behind a software switch.
    pub macs: Vec<[u8; 6]>,
    /// Group addresses in its table.
    pub groups: Vec<[u8; 6]>,
    /// Addresses of machines that move from vPort to vPort.
    pub roamers: Vec<[u8; 6]>,
}

/// A vPort.
#[derive(Clone, Debug)]
pub struct Vport {
    /// Its number.
    pub port: u8,
    /// Its own addresses.
    pub macs: Vec<[u8; 6]>,
    /// Indices of its V.VLANs; several on a software switch.
    pub tenants: Vec<usize>,
    /// Its frames carry the V.VLAN.
    pub vswitch: bool,
}

/// A frame to send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shot {
    /// By which port.
    pub port: u8,
    /// Its bytes.
    pub bytes: Vec<u8>,
    /// With the mark of a bad frame.
    pub bad: bool,
}

impl Shot {
    /// True for a frame that dies at the entrance: bad, too short, too long.
    #[must_use]
    pub fn broken(&self, vswitch: bool) -> bool {
        let tags = if self.port == UPLINK {
            8
        } else {
            4 * usize::from(vswitch)
        };
        self.bad || !(60..=9216 + tags).contains(&self.bytes.len())
    }
}

/// The id in a frame's canary.
#[must_use]
pub fn canary(bytes: &[u8]) -> Option<u32> {
    // A short frame is padded with up to 8 zeros when it loses its NIC tags.
    (0..=8).find_map(|padding| {
        let at = bytes.len().checked_sub(padding + CANARY)?;
        let (magic, id) = bytes[at..at + CANARY].split_at(4);
        (magic == MAGIC && bytes[at + CANARY..].iter().all(|b| *b == 0))
            .then(|| u32::from_le_bytes([id[0], id[1], id[2], id[3]]))
    })
}

/// Puts the canary in.
pub(crate) fn mark(bytes: &mut [u8], id: u32) {
    if let Some(at) = bytes.len().checked_sub(CANARY) {
        bytes[at..at + 4].copy_from_slice(&MAGIC);
        bytes[at + 4..].copy_from_slice(&id.to_le_bytes());
    }
}

/// Makes frames.
#[derive(Clone, Debug)]
pub struct Generator {
    pub(super) rng: Rng,
    pub(super) world: World,
    /// Frames longer than this are rare.
    usual: usize,
    recent: Vec<Shot>,
    lessons: Vec<Shot>,
}

impl Generator {
    /// A generator for a configuration.
    #[must_use]
    pub fn new(rng: Rng, world: World) -> Self {
        Self {
            rng,
            world,
            usual: 300,
            recent: Vec::new(),
            lessons: Vec::new(),
        }
    }

    /// Frames that may come again.
    #[must_use]
    pub fn recent(&self) -> &[Shot] {
        &self.recent
    }

    /// The configuration it generates for.
    #[must_use]
    pub fn world(&self) -> &World {
        &self.world
    }

    /// The next frame, carrying canary `id`; often one of the `hot` ones, which are known to find a flow.
    pub fn shot(&mut self, id: u32, hot: &[Shot]) -> Shot {
        if self.world.reflects && !self.world.vports.is_empty() {
            if self.world.beyond && self.rng.percent(TALK) {
                return self.again(id, Self::talk);
            }
            if !self.world.beyond && self.rng.percent(LESSONS) {
                return self.again(id, Self::lesson);
            }
        }
        if !hot.is_empty() && self.rng.percent(HOT) {
            let mut again = self.rng.pick(hot).clone();
            mark(&mut again.bytes, id);
            return again;
        }
        if !self.recent.is_empty() && self.rng.percent(50) {
            let at = self.rng.below(self.recent.len());
            let mut again = self.recent[at].clone();
            mark(&mut again.bytes, id);
            return again;
        }
        let shot = self.fresh(id);
        if !shot.bad && (60..1600).contains(&shot.bytes.len()) {
            if self.recent.len() < RECENT {
                self.recent.push(shot.clone());
            } else if self.rng.percent(REPLACED) {
                let at = self.rng.below(RECENT);
                self.recent[at] = shot.clone();
            }
        }
        shot
    }

    /// A frame from a source that nobody has seen, by some vPort.
    pub fn stranger(&mut self, id: u32) -> Shot {
        if self.world.vports.is_empty() {
            return self.fresh(id);
        }
        let vport = self.rng.pick(&self.world.vports).clone();
        let tenant = match vport.tenants.as_slice() {
            [] => 0,
            tenants => *self.rng.pick(tenants),
        };
        let sa = self.anything();
        let mut bytes = self.addresses(tenant, sa);
        if vport.vswitch {
            self.tag(&mut bytes, 0x8100, self.vvlan_id(tenant));
        }
        bytes.extend([0x90, 0]);
        bytes.resize(72, 0);
        mark(&mut bytes, id);
        Shot {
            port: vport.port,
            bytes,
            bad: false,
        }
    }

    /// A frame of a kind, most of them not for the first time.
    fn again(&mut self, id: u32, make: fn(&mut Self) -> Shot) -> Shot {
        let often = if self.world.beyond { 90 } else { 50 };
        if !self.lessons.is_empty() && self.rng.percent(often) {
            let mut again = self.rng.pick(&self.lessons).clone();
            mark(&mut again.bytes, id);
            return again;
        }
        let mut shot = make(self);
        let len = (shot.bytes.len() + CANARY).max(68);
        shot.bytes.resize(len, 0);
        mark(&mut shot.bytes, id);
        if self.lessons.len() < REPEATED {
            self.lessons.push(shot.clone());
        } else {
            let at = self.rng.below(8 * REPEATED);
            if let Some(old) = self.lessons.get_mut(at) {
                *old = shot.clone();
            }
        }
        shot
    }

    /// What one machine says to another in its V.VLAN.
    fn talk(&mut self) -> Shot {
        let vport = self.rng.pick(&self.world.vports).clone();
        let tenant = match vport.tenants.as_slice() {
            [] => 0,
            tenants => *self.rng.pick(tenants),
        };
        let sa = match vport.macs.as_slice() {
            [] => self.anything(),
            macs => *self.rng.pick(macs),
        };
        let mut da = self.known(tenant);
        for _ in 0..4 {
            if da != sa {
                break;
            }
            da = self.known(tenant);
        }
        let mut bytes = [da, sa].concat();
        if vport.vswitch {
            self.tag(&mut bytes, 0x8100, self.vvlan_id(tenant));
        }
        self.payload(&mut bytes);
        Shot {
            port: vport.port,
            bytes,
            bad: false,
        }
    }

    /// A frame between vPorts as the adjacent switch sends it back.
    fn lesson(&mut self) -> Shot {
        let tenant = self.rng.below(self.world.vvlans.len().max(1));
        let (da, sa) = (self.known(tenant), self.known(tenant));
        let mut bytes = [da, sa].concat();
        let outer = self
            .world
            .vvlans
            .get(tenant)
            .and_then(|t| t.outer.first().copied())
            .unwrap_or(1);
        self.tag(&mut bytes, self.world.tpid, outer);
        self.tag(&mut bytes, 0x8100, self.vvlan_id(tenant));
        self.payload(&mut bytes);
        self.put_mark(&mut bytes, 85);
        Shot {
            port: UPLINK,
            bytes,
            bad: false,
        }
    }

    /// Marks a frame with both NIC tags in so many of 100 cases, and makes sure that the others are not.
    fn put_mark(&mut self, bytes: &mut [u8], percent: usize) {
        if let Some(mark) = self.world.mark {
            let marked = self.rng.percent(percent);
            put(bytes, mark, self.world.tpid, marked);
        }
    }

    fn fresh(&mut self, id: u32) -> Shot {
        let from_uplink = self.world.vports.is_empty() || self.rng.percent(35);
        let (port, mut bytes, tags) = if from_uplink {
            let (bytes, tags) = self.uplink_frame();
            (UPLINK, bytes, tags)
        } else {
            let vport = self.rng.pick(&self.world.vports).clone();
            let (bytes, tags) = self.vport_frame(&vport);
            (vport.port, bytes, tags)
        };
        self.fit(&mut bytes, tags);
        mark(&mut bytes, id);
        let bad = self.rng.below(200) == 0;
        Shot { port, bytes, bad }
    }

    /// Chooses the frame's length: what was built is kept, cut or padded.
    fn fit(&mut self, bytes: &mut Vec<u8>, tags: usize) {
        let built = bytes.len();
        let len = match self.rng.weighted(&[90, 60, 36, 8, 2, 2, 2]) {
            0 => 60 + tags,
            1 => (built + CANARY).max(60),
            2 => self.rng.range(60, self.usual),
            3 => self.rng.range(60, 1518 + tags),
            4 => self.rng.range(1519, 9216 + tags),
            5 => self.rng.range(9215 + tags, 9300 + tags),
            _ => self.rng.range(1, 60),
        };
        let mut rest = vec![0; len.saturating_sub(built)];
        if self.rng.percent(70) {
            self.rng.fill(&mut rest);
        }
        bytes.truncate(len);
        bytes.extend(rest);
    }

    fn vport_frame(&mut self, vport: &Vport) -> (Vec<u8>, usize) {
        let tenant = match vport.tenants.as_slice() {
            [] => 0,
            tenants => *self.rng.pick(tenants),
        };
        let sa = match self.rng.weighted(&[70, 4, 6, 3, 5, 12]) {
            0 if !vport.macs.is_empty() => *self.rng.pick(&vport.macs),
            1 if !vport.macs.is_empty() => {
                let own = *self.rng.pick(&vport.macs);
                self.near(own)
            }
            2 => self.known(tenant),
            3 => {
                let mut mac = self.anything();
                mac[0] |= 1;
                mac
            }
            4 => self.anything(),
            _ => self.roamer(tenant),
        };
        let mut bytes = self.addresses(tenant, sa);
        if !vport.vswitch {
            self.tenant_part(&mut bytes);
            return (bytes, 0);
        }
        match self.rng.weighted(&[92, 3, 3, 2]) {
            0 => self.tag(&mut bytes, 0x8100, self.vvlan_id(tenant)),
            1 => {
                let id = self.rng.below(4096) as u16;
                self.tag(&mut bytes, 0x8100, id);
            }
            2 => {
                let other = self.rng.below(self.world.vvlans.len().max(1));
                self.tag(&mut bytes, 0x8100, self.vvlan_id(other));
            }
            _ => self.tag(&mut bytes, 0x88a8, self.vvlan_id(tenant)),
        }
        self.tenant_part(&mut bytes);
        (bytes, 4)
    }

    fn uplink_frame(&mut self) -> (Vec<u8>, usize) {
        let tenant = self.rng.below(self.world.vvlans.len().max(1));
        let sa = match self.rng.weighted(&[55, 33, 5, 7]) {
            0 => self.anything(),
            1 => self.known(tenant),
            3 => self.roamer(tenant),
            _ => {
                let mut mac = self.anything();
                mac[0] |= 1;
                mac
            }
        };
        let mut bytes = self.addresses(tenant, sa);
        let outer = match self.world.vvlans.get(tenant) {
            Some(t) if !self.rng.percent(4) && !t.outer.is_empty() => *self.rng.pick(&t.outer),
            _ => self.rng.below(4096) as u16,
        };
        let inner = if self.rng.percent(3) {
            self.rng.below(4096) as u16
        } else {
            self.vvlan_id(tenant)
        };
        match self.rng.weighted(&[93, 1, 2, 2, 1, 1]) {
            0 => {
                self.tag(&mut bytes, self.world.tpid, outer);
                self.tag(&mut bytes, 0x8100, inner);
            }
            1 => {
                bytes.extend([0x88, 0x08]);
                return (bytes, 8);
            }
            2 => {
                // Untagged; now and then an LLDP frame for the firmware.
                if self.rng.percent(30) {
                    bytes[..6].copy_from_slice(&[0x01, 0x80, 0xc2, 0, 0, 0x0e]);
                    bytes.extend([0x88, 0xcc]);
                    return (bytes, 8);
                }
            }
            3 => {
                self.tag(&mut bytes, self.world.tpid, outer);
                self.tag(&mut bytes, 0x88a8, inner);
            }
            4 => {
                let tpid = *self.rng.pick(&[0x8100, 0x88a8, 0x9100, 0x1234]);
                self.tag(&mut bytes, tpid, outer);
                self.tag(&mut bytes, 0x8100, inner);
            }
            _ => self.tag(&mut bytes, self.world.tpid, outer),
        }
        self.tenant_part(&mut bytes);
        if self.rng.percent(50) {
            self.put_mark(&mut bytes, 80);
        }
        (bytes, 8)
    }

    fn vvlan_id(&self, tenant: usize) -> u16 {
        self.world.vvlans.get(tenant).map_or(1, |t| t.id)
    }

    fn anything(&mut self) -> [u8; 6] {
        let mut mac = [0; 6];
        self.rng.fill(&mut mac);
        mac[0] = mac[0] & 0xfc | 2;
        mac
    }

    /// An address of the tenant, if it has one.
    fn known(&mut self, tenant: usize) -> [u8; 6] {
        match self.world.vvlans.get(tenant).map(|t| t.macs.as_slice()) {
            Some(macs) if !macs.is_empty() => *self.rng.pick(macs),
            _ => self.anything(),
        }
    }

    /// An address that is now here, now there.
    fn roamer(&mut self, tenant: usize) -> [u8; 6] {
        match self.world.vvlans.get(tenant).map(|t| t.roamers.as_slice()) {
            Some(macs) if !macs.is_empty() => *self.rng.pick(macs),
            _ => self.anything(),
        }
    }

    /// An address that a careless comparison takes for this one.
    fn near(&mut self, mut mac: [u8; 6]) -> [u8; 6] {
        let bit = self.rng.below(48);
        mac[bit / 8] ^= 1 << (bit % 8);
        mac
    }

    fn addresses(&mut self, tenant: usize, sa: [u8; 6]) -> Vec<u8> {
        let others = self.world.vvlans.len().max(1);
        let da = match self.rng.weighted(&[45, 10, 6, 10, 8, 6, 2, 1, 3, 9]) {
            0 => self.known(tenant),
            1 => self.anything(),
            2 => {
                let other = self.rng.below(others);
                self.known(other)
            }
            3 => [0xff; 6],
            4 => match self.world.vvlans.get(tenant).map(|t| t.groups.as_slice()) {
                Some(groups) if !groups.is_empty() => *self.rng.pick(groups),
                _ => [0x01, 0, 0x5e, 0, 0, 1],
            },
            5 => {
                let mut mac = self.anything();
                mac[0] |= 1;
                mac
            }
            6 => [0x01, 0x80, 0xc2, 0, 0, self.rng.below(20) as u8],
            7 => sa,
            9 => self.roamer(tenant),
            _ => {
                let known = self.known(tenant);
                self.near(known)
            }
        };
        let mut bytes = da.to_vec();
        bytes.extend(sa);
        bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn world() -> World {
        World {
            tpid: 0x88a8,
            reflects: true,
            mark: Some(Mark::DEFAULT),
            beyond: false,
            vvlans: vec![Tenant {
                id: 100,
                outer: vec![10, 11],
                macs: vec![[2, 0, 0, 0, 0, 1]],
                groups: vec![[1, 0, 0x5e, 1, 2, 3]],
                roamers: vec![[2, 0, 0, 0, 0, 9]],
            }],
            vports: vec![
                Vport {
                    port: 0,
                    macs: vec![[2, 0, 0, 0, 0, 1]],
                    tenants: vec![0],
                    vswitch: false,
                },
                Vport {
                    port: 7,
                    macs: vec![],
                    tenants: vec![0],
                    vswitch: true,
                },
            ],
        }
    }

    #[test]
    fn a_seed_makes_the_same_frames_and_each_carries_its_canary() {
        let mut a = Generator::new(Rng::new(3), world());
        let mut b = Generator::new(Rng::new(3), world());
        let (mut broken, mut jumbo) = (0, 0);
        for id in 0..20_000 {
            let shot = a.shot(id, &[]);
            assert_eq!(shot, b.shot(id, &[]));
            if shot.bytes.len() >= CANARY {
                assert_eq!(canary(&shot.bytes), Some(id));
            }
            broken += usize::from(shot.broken(shot.port == 7));
            jumbo += usize::from(shot.bytes.len() > 1600);
        }
        assert!(broken > 100 && jumbo > 100, "{broken} {jumbo}");
        // What comes again differs in its canary only.
        let recent: Vec<Shot> = a.recent().to_vec();
        assert_eq!(recent.len(), RECENT);
        let again = (20_000..20_100).filter(|id| {
            let shot = a.shot(*id, &[]);
            let end = shot.bytes.len() - CANARY.min(shot.bytes.len());
            recent
                .iter()
                .any(|r| r.port == shot.port && r.bytes.get(..end) == Some(&shot.bytes[..end]))
        });
        assert!(again.count() > 10);
        // And so are the hot ones.
        let hot = [recent[0].clone()];
        let hits = (20_100..20_200).filter(|id| {
            let shot = a.shot(*id, &hot);
            let end = shot.bytes.len().saturating_sub(CANARY);
            hot[0].bytes.get(..end) == Some(&shot.bytes[..end])
        });
        assert!(hits.count() > 20);
    }

    #[test]
    fn a_canary_is_found_before_padding_and_nowhere_else() {
        let mut bytes = vec![7; 52];
        bytes.extend(MAGIC);
        bytes.extend(9_u32.to_le_bytes());
        assert_eq!(canary(&bytes), Some(9));
        bytes.extend([0; 8]);
        assert_eq!(canary(&bytes), Some(9));
        bytes.push(0);
        assert_eq!(canary(&bytes), None);
        assert_eq!(canary(&[0; 4]), None);
    }
}
