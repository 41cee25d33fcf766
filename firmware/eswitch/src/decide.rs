// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The decision: where a frame goes, and why. The first failing check wins.

use hairpin_abi::ids::PortSet;
use hairpin_abi::peer::MarkField;
use hairpin_abi::row::MacKey;
use hairpin_abi::{
    CfgRow, MIN_FRAME, MacAddr, Miss, PortId, PortRow, Reason, Target, UPLINK_TAGS, VPort,
    VSWITCH_TAG, VVlan, VVlanRow, Vlan,
};

use crate::cache::{Asked, Next};
use crate::frame::{Canonical, TPID_CTAG, TYPE_HAIRPIN, TYPE_MAC_CONTROL, field, word};
use crate::{CacheUse, Decision, Ingress, Kind, Meters, Tables, mark};

/// Where a frame goes, before what its V.VLAN and length add.
struct Verdict {
    kind: Kind,
    reason: Reason,
    targets: PortSet,
    to_uplink: bool,
    served: bool,
    cache: CacheUse,
    teaches: bool,
}

impl Verdict {
    const fn of(kind: Kind, reason: Reason) -> Self {
        Self {
            kind,
            reason,
            targets: PortSet::EMPTY,
            to_uplink: false,
            served: false,
            cache: CacheUse::Unused,
            teaches: false,
        }
    }

    const fn drop(reason: Reason) -> Self {
        Self::of(Kind::Drop, reason)
    }

    const fn punt(reason: Reason) -> Self {
        Self::of(Kind::Punt, reason)
    }

    const fn uplink(reason: Reason) -> Self {
        Self {
            to_uplink: true,
            ..Self::of(Kind::Uplink, reason)
        }
    }

    const fn with(self, cache: CacheUse) -> Self {
        Self { cache, ..self }
    }

    const fn taught(self, teaches: bool) -> Self {
        Self { teaches, ..self }
    }
}

/// Decides about one frame as it stands on its bus, NIC tags included (none for [`Ingress::Core`]).
///
/// The meter of the source vPort loses a token if the frame takes one.
#[must_use]
pub fn decide(
    tables: &impl Tables,
    meters: &mut Meters,
    time: u64,
    ingress: &Ingress,
    frame: &[u8],
) -> Decision {
    let cfg = tables.config();
    let decision = match *ingress {
        Ingress::Tombstone { reason, .. } => Decision::new(Kind::Drop, reason, frame.len()),
        Ingress::Direct { port } => Decision {
            targets: port.vport().map_or(PortSet::EMPTY, PortSet::one),
            to_uplink: port == PortId::Uplink,
            ..Decision::new(Kind::Direct, Reason::Injected, frame.len())
        },
        Ingress::Core {
            src: PortId::Uplink | PortId::Core,
            ..
        } => {
            // The firmware sends uplink frames back as tombstones only.
            Decision::new(Kind::Drop, Reason::PuntRefused, frame.len())
        }
        Ingress::Uplink => from_uplink(tables, cfg, frame),
        Ingress::VPort(vport) => {
            let row = tables.port(vport);
            let source = Source {
                vport,
                row,
                core: None,
            };
            source.decide(tables, cfg, meters, time, frame)
        }
        Ingress::Core {
            src: PortId::VPort(vport),
            vvlan,
            nopunt,
        } => {
            let row = tables.port(vport);
            let source = Source {
                vport,
                row,
                core: Some((vvlan, nopunt)),
            };
            source.decide(tables, cfg, meters, time, frame)
        }
    };
    // Frames that the core sends on have been through this before.
    let fresh = match ingress {
        Ingress::VPort(_) => true,
        Ingress::Uplink => decision.strip == UPLINK_TAGS,
        Ingress::Core { .. } | Ingress::Direct { .. } | Ingress::Tombstone { .. } => false,
    };
    Decision {
        unmark: cfg
            .mark
            .filter(|mark| fresh && mark.field() == MarkField::Dscp),
        ..decision
    }
}

/// Checks that vPort and uplink frames share.
fn reserved(frame: &Canonical<'_>, ethertype: u16) -> Option<Reason> {
    if frame.destination().is_reserved() {
        Some(Reason::ReservedAddress)
    } else if matches!(ethertype, TYPE_MAC_CONTROL | TYPE_HAIRPIN) {
        Some(Reason::ReservedEthertype)
    } else {
        None
    }
}

/// A decision about a frame that has a V.VLAN, once its checks of ingress are known.
fn finish<T: Tables>(
    tables: &T,
    vvlan: Vlan,
    strip: usize,
    frame: &Canonical<'_>,
    failed: Option<Reason>,
    forward: impl FnOnce(&T, VVlan, &VVlanRow) -> Verdict,
) -> Decision {
    let known = VVlan::try_from(vvlan)
        .ok()
        .and_then(|id| Some((id, tables.vvlan(id)?)));
    let verdict = match (failed, known) {
        (Some(reason), _) => Verdict::drop(reason),
        (None, None) => Verdict::drop(Reason::VvlanUnknown),
        (None, Some((id, (_, row)))) => forward(tables, id, &row),
    };
    Decision {
        kind: verdict.kind,
        reason: verdict.reason,
        targets: verdict.targets,
        to_uplink: verdict.to_uplink,
        served: verdict.served,
        vvlan: Some(vvlan),
        instance: known.map(|(_, (instance, _))| instance),
        cache: verdict.cache,
        teaches: verdict.teaches,
        outer_vlan: known.map_or(Vlan::from_tci(0), |(_, (_, row))| row.vlan),
        strip,
        unmark: None,
        len: frame.len(),
    }
}

/// A frame's vPort.
struct Source {
    vport: VPort,
    row: PortRow,
    /// Sent on by the core: the V.VLAN, and whether it may not be punted again.
    core: Option<(Vlan, bool)>,
}

impl Source {
    fn decide(
        &self,
        tables: &impl Tables,
        cfg: CfgRow,
        meters: &mut Meters,
        time: u64,
        frame: &[u8],
    ) -> Decision {
        if self.core.is_none() && frame.len() < MIN_FRAME {
            return Decision::new(Kind::Drop, Reason::Runt, frame.len());
        }
        let tagged = self.row.is_vswitch() && self.core.is_none();
        let tag_missing = tagged && word(frame, field::TYPE) != TPID_CTAG;
        if tag_missing {
            let reason = if self.row.enabled {
                Reason::VswitchTag
            } else {
                Reason::PortDisabled
            };
            return Decision::new(Kind::Drop, reason, frame.len());
        }
        let strip = if tagged { VSWITCH_TAG } else { 0 };
        let Some(canonical) = Canonical::new(frame, strip) else {
            return Decision::new(Kind::Drop, Reason::Runt, frame.len());
        };
        let vvlan = match self.core {
            Some((vvlan, _)) => vvlan,
            None if tagged => Vlan::from_tci(word(frame, field::TYPE + 2)),
            None => self.row.vvlan,
        };
        let failed = self.check(cfg, &canonical);
        finish(
            tables,
            vvlan,
            strip,
            &canonical,
            failed,
            |tables, id, row| {
                if !row.members.contains(self.vport) {
                    return Verdict::drop(Reason::IngressNotMember);
                }
                let group = canonical.destination().is_group();
                if group && self.core.is_none() && !meters.take(self.vport, &self.row, time) {
                    return Verdict::drop(Reason::Meter);
                }
                if self.is_foreign(&canonical) && !self.owns(tables, id, &canonical) {
                    return Verdict::drop(Reason::SourceMac);
                }
                let asked = Asked {
                    src: self.vport.into(),
                    id,
                    row,
                    frame: &canonical,
                    nopunt: self.core.is_some_and(|(_, nopunt)| nopunt),
                };
                let (cache, next) = asked.ask(tables, cfg);
                self.forward(tables, cfg, &asked, next).with(cache)
            },
        )
    }

    /// The checks that need no V.VLAN.
    fn check(&self, cfg: CfgRow, frame: &Canonical<'_>) -> Option<Reason> {
        let tags = frame.tenant_tags(cfg.tpid);
        if !self.row.enabled {
            Some(Reason::PortDisabled)
        } else if frame.source().is_group() {
            Some(Reason::SourceGroup)
        } else if !self.row.trust && self.is_foreign(frame) {
            Some(Reason::SourceMac)
        } else if !tags.allowed(self.row.tags) {
            Some(Reason::TagNotAllowed)
        } else {
            reserved(frame, tags.ethertype)
        }
    }

    /// Whether the spoof check has to ask where it is from.
    fn is_foreign(&self, frame: &Canonical<'_>) -> bool {
        self.row.spoofchk && frame.source() != self.row.mac
    }

    /// Whether the source address is one that leads to the vPort: a trusted guest may ask for some.
    fn owns(&self, tables: &impl Tables, vvlan: VVlan, frame: &Canonical<'_>) -> bool {
        let mac = frame.source();
        tables.mac(&MacKey { vvlan, mac }) == Some(Target::VPort(self.vport))
    }

    fn forward(
        &self,
        tables: &impl Tables,
        cfg: CfgRow,
        asked: &Asked<'_, '_>,
        next: Next,
    ) -> Verdict {
        let Asked {
            id,
            row,
            frame,
            nopunt,
            ..
        } = *asked;
        let da = frame.destination();
        let destination = tables.mac(&MacKey { vvlan: id, mac: da });
        let hit = match next {
            Next::Drop => return Verdict::drop(Reason::FlowDrop),
            Next::Punt => return Verdict::punt(Reason::FlowPunt),
            Next::Uplink => return Verdict::uplink(Reason::FlowUplink),
            Next::Redirect(port) => {
                return redirect(tables, cfg, row, port, Some(self.vport), None);
            }
            Next::Local => Reason::FlowHit,
            Next::Miss(_) => Reason::MacHit,
        };
        let miss = next.miss();
        match miss {
            Miss::Drop => return Verdict::drop(Reason::MissDrop),
            Miss::Slowpath if !nopunt => return Verdict::punt(Reason::MissSlowpath),
            Miss::Ignore | Miss::External | Miss::Slowpath => {}
        }
        let no_vport = !matches!(destination, Some(Target::VPort(_)));
        if self.row.is_vswitch() && !nopunt && (da.is_group() || no_vport) {
            let source = tables.mac(&MacKey {
                vvlan: id,
                mac: frame.source(),
            });
            if !matches!(source, Some(Target::VPort(_))) {
                return Verdict::punt(Reason::Learn);
            }
        }
        let external = miss == Miss::External;
        if da.is_group() {
            let local = !external
                && (da.is_broadcast()
                    || matches!(destination, Some(Target::Group(_)))
                    || !cfg.reflects);
            let (reason, targets) = if local {
                (
                    Reason::GroupLocal,
                    group_base(tables, row, da, destination).without(self.vport),
                )
            } else {
                (Reason::GroupUplink, PortSet::EMPTY)
            };
            return Verdict {
                targets,
                to_uplink: true,
                served: local,
                ..Verdict::of(Kind::Multicast, reason)
            };
        }
        match destination {
            _ if external => Verdict::uplink(Reason::MissExternal),
            Some(Target::VPort(target)) => {
                let local = Local {
                    target,
                    reason: hit,
                    from: Some(self.vport),
                    s: None,
                };
                local.deliver(tables, cfg, row)
            }
            None | Some(Target::Group(_)) => Verdict::uplink(Reason::UnknownUplink),
        }
    }
}

fn from_uplink(tables: &impl Tables, cfg: CfgRow, frame: &[u8]) -> Decision {
    let early = |kind, reason| Decision::new(kind, reason, frame.len());
    if frame.len() < MIN_FRAME {
        return early(Kind::Drop, Reason::Runt);
    }
    let ([tpid, outer_tci, inner_tpid, inner_tci], destination) = (
        [0, 2, 4, 6].map(|at| word(frame, field::TYPE + at)),
        Canonical::new(frame, 0).map(|frame| frame.destination()),
    );
    if tpid == TYPE_MAC_CONTROL {
        return early(Kind::Drop, Reason::MacControl);
    }
    if tpid != cfg.tpid {
        return if destination == Some(MacAddr::NEAREST_BRIDGE) {
            early(Kind::Punt, Reason::Control)
        } else {
            early(Kind::Drop, Reason::Untagged)
        };
    }
    if inner_tpid != TPID_CTAG {
        return early(Kind::Drop, Reason::NoVvlan);
    }
    let Some(canonical) = Canonical::new(frame, UPLINK_TAGS) else {
        return early(Kind::Drop, Reason::Runt);
    };
    let failed = if canonical.source().is_group() {
        Some(Reason::SourceGroup)
    } else {
        reserved(&canonical, canonical.tenant_tags(cfg.tpid).ethertype)
    };
    let vvlan = Vlan::from_tci(inner_tci);
    let served = inner_tci & 1 << 12 != 0;
    let marked = cfg
        .mark
        .is_some_and(|mark| mark::is_marked(frame, mark, cfg.tpid));
    finish(
        tables,
        vvlan,
        UPLINK_TAGS,
        &canonical,
        failed,
        |tables, id, row| {
            if !row.accepts(Vlan::from_tci(outer_tci)) {
                return Verdict::drop(Reason::VlanPair);
            }
            let asked = Asked {
                src: PortId::Uplink,
                id,
                row,
                frame: &canonical,
                nopunt: false,
            };
            let (cache, next) = asked.ask(tables, cfg);
            let verdict = forward_uplink(tables, cfg, &asked, next, served).with(cache);
            let teaches = marked && verdict.reason == Reason::MacHit && asked.teaches(tables, cfg);
            verdict.taught(teaches)
        },
    )
}

fn forward_uplink(
    tables: &impl Tables,
    cfg: CfgRow,
    asked: &Asked<'_, '_>,
    next: Next,
    served: bool,
) -> Verdict {
    let Asked { id, row, frame, .. } = *asked;
    let da = frame.destination();
    let destination = tables.mac(&MacKey { vvlan: id, mac: da });
    let s = asked.source(tables);
    let hit = match next {
        Next::Drop => return Verdict::drop(Reason::FlowDrop),
        Next::Punt => return Verdict::punt(Reason::FlowPunt),
        Next::Uplink => return Verdict::drop(Reason::SamePort),
        Next::Redirect(port) => return redirect(tables, cfg, row, port, None, s),
        Next::Local => Reason::FlowHit,
        Next::Miss(_) => Reason::MacHit,
    };
    if !(s.is_some() && cfg.reflects) {
        match next.miss() {
            Miss::Drop => return Verdict::drop(Reason::MissDrop),
            Miss::Slowpath => return Verdict::punt(Reason::MissSlowpath),
            Miss::Ignore | Miss::External => {}
        }
    }
    if da.is_group() {
        let base = group_base(tables, row, da, destination);
        let (reason, targets) = match s {
            None => (Reason::GroupMembers, base),
            Some(_) if !cfg.reflects => return Verdict::drop(Reason::SourceLocal),
            Some(_) if served => return Verdict::drop(Reason::AlreadyServed),
            Some(s) => (Reason::GroupReturn, base.without(s)),
        };
        return if targets.is_empty() {
            Verdict::drop(Reason::NoReceiver)
        } else {
            Verdict {
                targets,
                ..Verdict::of(Kind::Multicast, reason)
            }
        };
    }
    let (target, reason) = match (destination, row.vswitch) {
        (Some(Target::VPort(vport)), _) => (vport, hit),
        (_, Some(vswitch)) => (vswitch, Reason::DefaultVswitch),
        (_, None) => return unknown(tables, cfg, row, s),
    };
    Local {
        target,
        reason,
        from: None,
        s,
    }
    .deliver(tables, cfg, row)
}

/// A unicast frame from the uplink to an address that nobody has, in a V.VLAN without a vSwitch.
fn unknown(tables: &impl Tables, cfg: CfgRow, row: &VVlanRow, s: Option<VPort>) -> Verdict {
    let listens = tables.promiscuous() & row.members & tables.enabled();
    let targets = s.map_or(listens, |s| listens.without(s));
    if targets.is_empty() {
        Verdict::drop(Reason::UnknownUnicast)
    } else if s.is_some() && !cfg.reflects {
        Verdict::drop(Reason::SourceLocal)
    } else {
        Verdict {
            targets,
            ..Verdict::of(Kind::Multicast, Reason::Promiscuous)
        }
    }
}

/// A frame that its flow entry sends to a port, group address or not.
fn redirect(
    tables: &impl Tables,
    cfg: CfgRow,
    row: &VVlanRow,
    port: PortId,
    from: Option<VPort>,
    s: Option<VPort>,
) -> Verdict {
    let Some(target) = port.vport() else {
        return Verdict::drop(Reason::EgressNotMember);
    };
    let local = Local {
        target,
        reason: Reason::FlowRedirect,
        from,
        s,
    };
    local.deliver(tables, cfg, row)
}

/// The vPorts that a group frame is for: of the V.VLAN, and enabled.
fn group_base(
    tables: &impl Tables,
    row: &VVlanRow,
    da: MacAddr,
    destination: Option<Target>,
) -> PortSet {
    let base = match destination {
        Some(Target::Group(index)) if !da.is_broadcast() => {
            tables.group(index).vports | tables.all_multicast()
        }
        _ => row.members,
    };
    base & row.members & tables.enabled()
}

/// A unicast frame for a vPort.
struct Local {
    target: VPort,
    reason: Reason,
    /// The vPort it came from.
    from: Option<VPort>,
    /// The vPort its source address belongs to, for frames from the uplink.
    s: Option<VPort>,
}

impl Local {
    fn deliver(&self, tables: &impl Tables, cfg: CfgRow, row: &VVlanRow) -> Verdict {
        let port = tables.port(self.target);
        let back = self.from == Some(self.target) || self.s == Some(self.target);
        if back && !(port.is_vswitch() && port.reflect) {
            Verdict::drop(Reason::SamePort)
        } else if self.s.is_some() && !cfg.reflects {
            Verdict::drop(Reason::SourceLocal)
        } else if !port.enabled || !row.members.contains(self.target) {
            Verdict::drop(Reason::EgressNotMember)
        } else {
            let targets = PortSet::one(self.target);
            Verdict {
                targets,
                ..Verdict::of(Kind::Local, self.reason)
            }
        }
    }
}
