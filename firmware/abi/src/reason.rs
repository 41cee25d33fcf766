// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Why a frame went where it went: one table for RTL, firmware, golden model and tools.

/// What a reason says about a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum ReasonClass {
    /// At least one copy was sent on its way.
    Deliver,
    /// The frame went to the firmware.
    Punt,
    /// The frame ended here by decision.
    Drop,
    /// The frame, or a copy, ended here because a store was full.
    Loss,
}

impl ReasonClass {
    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Deliver => "deliver",
            Self::Punt => "punt",
            Self::Drop => "drop",
            Self::Loss => "loss",
        }
    }
}

/// The block that gives a reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ReasonSource {
    /// A complete-frame ingress store.
    Ingress,
    /// The decision.
    Decision,
    /// An output, after the decision.
    Egress,
    /// The firmware, through a tombstone or a direct frame.
    Firmware,
}

impl ReasonSource {
    /// Lower-case name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ingress => "ingress",
            Self::Decision => "decision",
            Self::Egress => "egress",
            Self::Firmware => "firmware",
        }
    }
}

/// A row of [`REASONS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReasonInfo {
    /// The value.
    pub reason: Reason,
    /// Number on the bus, below 64.
    pub code: u8,
    /// Kebab-case name.
    pub name: &'static str,
    /// What it says.
    pub class: ReasonClass,
    /// Who gives it.
    pub source: ReasonSource,
    /// One line for people.
    pub help: &'static str,
}

macro_rules! reasons {
    ( $( $variant:ident = $code:literal, $name:literal, $class:ident, $source:ident, $help:literal; )+ ) => {
        codes! {
            /// Reason code of a frame, 6 bits on the bus.
            pub enum Reason {
                $( #[doc = $help] $variant = $code, $name; )+
            }
        }

        /// Every reason, by ascending code.
        pub const REASONS: &[ReasonInfo] = &[
            $( ReasonInfo {
                reason: Reason::$variant,
                code: $code,
                name: $name,
                class: ReasonClass::$class,
                source: ReasonSource::$source,
                help: $help,
            }, )+
        ];

        impl Reason {
            /// What the reason says about a frame.
            #[must_use]
            pub const fn class(self) -> ReasonClass {
                match self { $( Self::$variant => ReasonClass::$class, )+ }
            }

            /// The block that gives it.
            #[must_use]
            pub const fn source(self) -> ReasonSource {
                match self { $( Self::$variant => ReasonSource::$source, )+ }
            }
        }
    };
}

reasons! {
    MacHit = 1, "mac-hit", Deliver, Decision, "Unicast to the vPort that the MAC table names.";
    UnknownUplink = 2, "unknown-uplink", Deliver, Decision, "Unicast from a vPort to an address no vPort has: to the uplink.";
    MissExternal = 3, "miss-external", Deliver, Decision, "Unicast of a V.VLAN with miss action external: through the adjacent switch.";
    DefaultVswitch = 4, "default-vswitch", Deliver, Decision, "Unknown unicast from the uplink: to the V.VLAN's vSwitch vPort.";
    GroupLocal = 5, "group-local", Deliver, Decision, "Group frame of a vPort: to local members and the uplink, marked served.";
    GroupUplink = 6, "group-uplink", Deliver, Decision, "Group frame of a vPort: to the uplink only, its copies come back from there.";
    GroupMembers = 7, "group-members", Deliver, Decision, "Group frame from outside: to the members.";
    GroupReturn = 8, "group-return", Deliver, Decision, "Group frame of a local vPort, returned: to the members but its sender.";
    Control = 9, "control", Punt, Decision, "Untagged control frame from the uplink: to the firmware.";
    Learn = 10, "learn", Punt, Decision, "Unknown source behind a vSwitch vPort: the firmware learns it, then sends the frame on.";
    MissSlowpath = 11, "miss-slowpath", Punt, Decision, "Miss action slowpath: the firmware decides.";
    Injected = 12, "injected", Deliver, Firmware, "Frame of the firmware's own, sent to the port it named.";
    FlowHit = 13, "flow-hit", Deliver, Decision, "Unicast of a flow with action local: to the vPort that the MAC table names.";
    FlowUplink = 14, "flow-uplink", Deliver, Decision, "The flow says: to the uplink.";
    FlowRedirect = 15, "flow-redirect", Deliver, Decision, "The flow says: to the vPort that it names.";
    FlowPunt = 16, "flow-punt", Punt, Decision, "The flow says: to the firmware.";
    Promiscuous = 17, "promiscuous", Deliver, Decision, "Unknown unicast from the uplink: to the promiscuous vPorts of the V.VLAN.";
    PortDisabled = 20, "port-disabled", Drop, Decision, "The vPort is disabled.";
    SourceMac = 21, "source-mac", Drop, Decision, "Spoof check: the source address is not the vPort's.";
    SourceGroup = 22, "source-group", Drop, Decision, "The source address is a group address.";
    TagNotAllowed = 23, "tag-not-allowed", Drop, Decision, "The tenant's VLAN tags are not allowed on this vPort.";
    ReservedAddress = 24, "reserved-address", Drop, Decision, "Destination in 01-80-C2-00-00-00 to 0F.";
    ReservedEthertype = 25, "reserved-ethertype", Drop, Decision, "EtherType 0x8808 (MAC control) or 0x88B5 (Hairpin control).";
    Meter = 26, "meter", Drop, Decision, "The vPort's group meter has no token.";
    Untagged = 27, "untagged", Drop, Decision, "Frame from the uplink without the outer tag.";
    NoVvlan = 28, "no-vvlan", Drop, Decision, "Frame from the uplink without the V.VLAN tag.";
    VvlanUnknown = 29, "vvlan-unknown", Drop, Decision, "The V.VLAN is not configured.";
    VlanPair = 30, "vlan-pair", Drop, Decision, "The V.VLAN is not accepted on that outer VLAN.";
    MissDrop = 31, "miss-drop", Drop, Decision, "Miss action drop.";
    UnknownUnicast = 32, "unknown-unicast", Drop, Decision, "Unknown unicast from the uplink and neither a vSwitch nor a promiscuous vPort in the V.VLAN.";
    SamePort = 33, "same-port", Drop, Decision, "The target is the port the frame came from.";
    SourceLocal = 34, "source-local", Drop, Decision, "A local vPort's address came in from an uplink that does not reflect.";
    AlreadyServed = 35, "already-served", Drop, Decision, "Returned group frame whose local members had their copies.";
    EgressNotMember = 36, "egress-not-member", Drop, Decision, "The target is disabled or not a member of the V.VLAN.";
    NoReceiver = 37, "no-receiver", Drop, Decision, "Group frame from the uplink with no member to receive it.";
    LearnBusy = 38, "learn-busy", Loss, Egress, "The store of punted frames is full.";
    LearnRefused = 39, "learn-refused", Drop, Firmware, "The firmware refused to learn the source address.";
    BadFrame = 40, "bad-frame", Drop, Ingress, "The source marked the frame as bad.";
    Runt = 41, "runt", Drop, Ingress, "Shorter than 60 bytes on the bus.";
    Oversize = 42, "oversize", Drop, Ingress, "Longer than 9216 bytes, NIC tags not counted.";
    StoreFull = 43, "store-full", Drop, Ingress, "The ingress store had no room.";
    RxFull = 44, "rx-full", Loss, Egress, "The receiving vPort had no buffer.";
    ReplicationFull = 45, "replication-full", Loss, Egress, "The replication queue was full: no local copy, counted once at the source.";
    UplinkFull = 46, "uplink-full", Loss, Egress, "The uplink's output store was full.";
    VswitchTag = 47, "vswitch-tag", Drop, Decision, "Frame of a vSwitch vPort without its V.VLAN tag.";
    MacControl = 48, "mac-control", Drop, Decision, "MAC control frame from the uplink.";
    IngressNotMember = 49, "ingress-not-member", Drop, Decision, "The vPort is not a member of the V.VLAN.";
    PuntRefused = 50, "punt-refused", Drop, Firmware, "The firmware refused a punted frame.";
    FlowDrop = 51, "flow-drop", Drop, Decision, "The flow says: dropped.";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_ascend_fit_six_bits_and_names_are_unique() {
        for pair in REASONS.windows(2) {
            assert!(pair[0].code < pair[1].code);
        }
        for (i, a) in REASONS.iter().enumerate() {
            assert!((1..64).contains(&a.code));
            assert_eq!(Reason::from_code(a.code), Some(a.reason));
            assert_eq!((a.reason.name(), a.reason.help()), (a.name, a.help));
            assert!(a.name.bytes().all(|c| c.is_ascii_lowercase() || c == b'-'));
            assert!(REASONS[i + 1..].iter().all(|b| b.name != a.name));
        }
        assert_eq!(REASONS.len(), Reason::ALL.len());
        assert_eq!(Reason::from_code(0), None);
        assert_eq!(Reason::from_code(18), None);
    }
}
