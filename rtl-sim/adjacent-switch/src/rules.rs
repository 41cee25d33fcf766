// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The rule table: which frames match, what happens to them, and which of them a NIC may handle itself.

use hairpin_abi::{KeyField, MacAddr, VVlan, Vlan};
use thiserror::Error;

use crate::packet::{Packet, PortNo};

/// A value of which only some bits count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Masked<T> {
    /// The value of the bits that count; the others are 0.
    pub value: T,
    /// The bits that count.
    pub mask: T,
}

macro_rules! masked {
    ($($type:ty),+) => { $(
        impl Masked<$type> {
            /// All bits count.
            #[must_use]
            pub const fn exact(value: $type) -> Self {
                Self { value, mask: <$type>::MAX }
            }

            /// Some bits count.
            #[must_use]
            pub const fn some(value: $type, mask: $type) -> Self {
                Self { value: value & mask, mask }
            }

            /// True if a value matches.
            #[must_use]
            pub const fn matches(&self, value: $type) -> bool {
                value & self.mask == self.value
            }
        }
    )+ };
}
masked!(u8, u16, u64, u128);

/// IP addresses of one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IpMatch {
    /// IPv6.
    pub is_v6: bool,
    /// Which; IPv4 in the low 32 bits.
    pub address: Masked<u128>,
}

/// What a frame must look like. A field that is `None` may be anything, also missing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Match {
    /// The port it comes in by.
    pub port: Option<PortNo>,
    /// V.VLAN.
    pub vvlan: Option<VVlan>,
    /// VLAN of the first tag.
    pub vlan: Option<Vlan>,
    /// Priority of the first tag.
    pub pcp: Option<u8>,
    /// Destination address.
    pub da: Option<Masked<u64>>,
    /// Source address.
    pub sa: Option<Masked<u64>>,
    /// EtherType.
    pub ethertype: Option<u16>,
    /// IP source.
    pub ip_src: Option<IpMatch>,
    /// IP destination.
    pub ip_dst: Option<IpMatch>,
    /// IP protocol.
    pub proto: Option<u8>,
    /// L4 source port; ICMP type.
    pub sport: Option<Masked<u16>>,
    /// L4 destination port; ICMP code.
    pub dport: Option<Masked<u16>>,
    /// Flags of TCP.
    pub tcp_flags: Option<Masked<u8>>,
    /// Differentiated services code point.
    pub dscp: Option<u8>,
    /// Time to live.
    pub ttl: Option<u8>,
    /// Whether it has an exact key: fragments, for example, have not.
    pub keyable: Option<bool>,
}

impl Match {
    /// True if a frame matches.
    #[must_use]
    pub fn matches(&self, packet: &Packet) -> bool {
        fn equal<T: Copy + PartialEq>(want: Option<T>, have: Option<T>) -> bool {
            want.is_none() || want == have
        }
        let mac = |want: Option<Masked<u64>>, have: MacAddr| {
            want.is_none_or(|want| want.matches(have.to_u64()))
        };
        let ip = packet.ip;
        let address = |want: Option<IpMatch>, have: Option<u128>| {
            want.is_none_or(|want| {
                ip.is_some_and(|ip| ip.is_v6 == want.is_v6)
                    && have.is_some_and(|have| want.address.matches(have))
            })
        };
        let l4 = |want: Option<Masked<u16>>, have: Option<u16>| {
            want.is_none_or(|want| have.is_some_and(|have| want.matches(have)))
        };
        equal(self.port, Some(packet.port))
            && equal(self.vvlan, packet.vvlan)
            && equal(self.vlan, packet.vlan)
            && equal(self.pcp, packet.pcp)
            && mac(self.da, packet.da)
            && mac(self.sa, packet.sa)
            && equal(self.ethertype, Some(packet.ethertype))
            && address(self.ip_src, ip.map(|ip| ip.src))
            && address(self.ip_dst, ip.map(|ip| ip.dst))
            && equal(self.proto, ip.map(|ip| ip.proto))
            && l4(self.sport, packet.l4.map(|l4| l4.0))
            && l4(self.dport, packet.l4.map(|l4| l4.1))
            && self
                .tcp_flags
                .is_none_or(|want| packet.tcp_flags.is_some_and(|have| want.matches(have)))
            && equal(self.dscp, ip.map(|ip| ip.dscp))
            && equal(self.ttl, ip.map(|ip| ip.ttl))
            && equal(self.keyable, Some(packet.keyable))
    }

    /// True if it cannot be decided within a key mask whether a frame matches.
    fn looks_beyond(&self, key_mask: u16) -> bool {
        use KeyField::{
            Destination, EtherType, IpDestination, IpSource, L4Destination, L4Source, Protocol,
            Source,
        };
        // Only IP frames have addresses, only some protocols have ports: what says so is needed too.
        let needs: [(bool, &[KeyField]); 8] = [
            (self.da.is_some(), &[Destination]),
            (self.sa.is_some(), &[Source]),
            (self.ethertype.is_some(), &[EtherType]),
            (self.ip_src.is_some(), &[EtherType, IpSource]),
            (self.ip_dst.is_some(), &[EtherType, IpDestination]),
            (self.proto.is_some(), &[EtherType, Protocol]),
            (self.sport.is_some(), &[EtherType, Protocol, L4Source]),
            (self.dport.is_some(), &[EtherType, Protocol, L4Destination]),
        ];
        let mut needs = needs.iter().filter(|(needed, _)| *needed);
        let in_no_key = self.vlan.is_some()
            || self.pcp.is_some()
            || self.tcp_flags.is_some()
            || self.dscp.is_some()
            || self.ttl.is_some();
        in_no_key || needs.any(|(_, fields)| fields.iter().any(|field| !field.is_in(key_mask)))
    }

    /// True if it is about another port or V.VLAN than a signature's, which are in every key, or about frames
    /// without a key, which no signature has.
    fn is_for_others(&self, packet: &Packet) -> bool {
        self.port.is_some_and(|port| port != packet.port)
            || self.vvlan.is_some_and(|vvlan| Some(vvlan) != packet.vvlan)
            || self.keyable == Some(false)
    }
}

/// Where a frame goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Where its address is.
    Accept,
    /// Nowhere.
    Deny,
    /// To this port, whatever its address.
    Redirect(PortNo),
}

/// What happens to a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actions {
    /// Where it goes.
    pub way: Way,
    /// A copy for this port.
    pub mirror: Option<PortNo>,
    /// The VLAN of its first tag from here on.
    pub set_vlan: Option<Vlan>,
}

impl Actions {
    /// Accepted, and nothing else.
    pub const ACCEPT: Self = Self {
        way: Way::Accept,
        mirror: None,
        set_vlan: None,
    };
    /// Denied, and nothing else.
    pub const DENY: Self = Self {
        way: Way::Deny,
        ..Self::ACCEPT
    };
}

/// A rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its name, which no other has.
    pub name: String,
    /// Higher ones come first; of equal ones the older.
    pub priority: u32,
    /// Which frames.
    pub matching: Match,
    /// What happens to them.
    pub actions: Actions,
}

/// A change of the table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RuleEdit {
    /// A rule more.
    Add(Rule),
    /// The rule of this name is another one now.
    Replace(Rule),
    /// The rule of this name is no more.
    Remove(String),
    /// Every rule is new.
    Load(Vec<Rule>, Actions),
}

/// Why the table cannot be changed that way.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum RuleError {
    /// Two rules with one name.
    #[error("there is a rule `{0}` already")]
    Exists(String),
    /// Nothing to change.
    #[error("there is no rule `{0}`")]
    Unknown(String),
}

/// The rules, in the order in which they are asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleTable {
    rules: Vec<Rule>,
    otherwise: Actions,
}

impl RuleTable {
    /// A table.
    ///
    /// # Errors
    /// Two rules have the same name.
    pub fn new(rules: Vec<Rule>, otherwise: Actions) -> Result<Self, RuleError> {
        let mut table = Self {
            rules: Vec::with_capacity(rules.len()),
            otherwise,
        };
        rules.into_iter().try_for_each(|rule| table.add(rule))?;
        Ok(table)
    }

    /// The rules, in the order in which they are asked.
    #[must_use]
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// What happens to frames that no rule matches.
    #[must_use]
    pub fn otherwise(&self) -> Actions {
        self.otherwise
    }

    /// The table after a change.
    ///
    /// # Errors
    /// There is no such rule, or there is one already.
    pub fn edited(&self, edit: RuleEdit) -> Result<Self, RuleError> {
        let mut table = self.clone();
        match edit {
            RuleEdit::Add(rule) => table.add(rule)?,
            RuleEdit::Remove(name) => table.remove(&name)?,
            RuleEdit::Replace(rule) => {
                table.remove(&rule.name)?;
                table.add(rule)?;
            }
            RuleEdit::Load(rules, otherwise) => return Self::new(rules, otherwise),
        }
        Ok(table)
    }

    fn add(&mut self, rule: Rule) -> Result<(), RuleError> {
        if self.rules.iter().any(|known| known.name == rule.name) {
            return Err(RuleError::Exists(rule.name));
        }
        let at = self
            .rules
            .partition_point(|known| known.priority >= rule.priority);
        self.rules.insert(at, rule);
        Ok(())
    }

    fn remove(&mut self, name: &str) -> Result<(), RuleError> {
        let at = self.rules.iter().position(|rule| rule.name == name);
        let at = at.ok_or_else(|| RuleError::Unknown(name.to_owned()))?;
        self.rules.remove(at);
        Ok(())
    }

    /// The place of the rule that a frame matches, `None` for none, and what happens to it.
    #[must_use]
    pub fn decide(&self, packet: &Packet) -> (Option<usize>, Actions) {
        let found = self
            .rules
            .iter()
            .position(|rule| rule.matching.matches(packet));
        let actions = found
            .and_then(|at| self.rules.get(at))
            .map(|rule| rule.actions);
        (found, actions.unwrap_or(self.otherwise))
    }

    /// True if every frame that has the same key as this one, under a key mask, is accepted and nothing else.
    #[must_use]
    pub fn is_for_the_nic(&self, packet: &Packet, key_mask: u16) -> bool {
        let asked = self
            .rules
            .iter()
            .filter(|rule| !rule.matching.is_for_others(packet));
        for rule in asked {
            if rule.matching.looks_beyond(key_mask) {
                return false;
            }
            if rule.matching.matches(packet) {
                return rule.actions == Actions::ACCEPT;
            }
        }
        self.otherwise == Actions::ACCEPT
    }
}
