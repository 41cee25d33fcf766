// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The firmware's policy about a punted frame whose source address is not known.
//!
//! A static entry never moves. A dynamic one moves only between vPorts that may learn, and no faster
//! than a [`MoveLimit`] allows. A vPort has at most `max_macs` dynamic addresses.

use hairpin_abi::row::MacKey;
use hairpin_abi::{MacRow, PortRow, Target, VPort};

/// A wish to learn an address.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The address.
    pub key: MacKey,
    /// The vPort it was seen behind.
    pub vport: VPort,
    /// The row of that vPort.
    pub row: &'a PortRow,
    /// Dynamic addresses of that vPort now.
    pub learned: u16,
    /// What the MAC table holds for the address, with the row of its vPort if it leads to one.
    pub known: Option<(&'a MacRow, Option<&'a PortRow>)>,
}

/// What to do about a [`Request`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Verdict {
    /// Insert the row, then send the frame on.
    Learn(MacRow),
    /// Replace the row, then send the frame on; the address leaves that vPort.
    Move(MacRow, VPort),
    /// Another frame taught it meanwhile: send the frame on.
    Known,
    /// Drop the frame.
    Refuse(Refusal),
}

/// Why an address is not learned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Refusal {
    /// A group address is nobody's source.
    GroupAddress,
    /// The vPort is disabled or may not learn.
    NotLearning,
    /// The vPort has as many addresses as it may.
    Quota,
    /// The address is a static entry, or a group, elsewhere.
    Static,
    /// The vPort that has the address may not learn: nobody takes it away.
    Pinned,
    /// Addresses move too fast.
    MoveRate,
}

impl Request<'_> {
    /// Decides. `moves` is asked only if the address would move.
    #[must_use]
    pub fn judge(&self, moves: &mut MoveLimit, time: u64) -> Verdict {
        let row = MacRow {
            key: self.key,
            target: Target::VPort(self.vport),
            is_static: false,
        };
        if self.key.mac.is_group() {
            return Verdict::Refuse(Refusal::GroupAddress);
        }
        let from = match self.known {
            Some((known, _)) if known.target == row.target => return Verdict::Known,
            Some((known, _)) if known.is_static => return Verdict::Refuse(Refusal::Static),
            Some((
                MacRow {
                    target: Target::Group(_),
                    ..
                },
                _,
            )) => {
                return Verdict::Refuse(Refusal::Static);
            }
            Some((
                MacRow {
                    target: Target::VPort(from),
                    ..
                },
                port,
            )) => Some((*from, port)),
            None => None,
        };
        if !(self.row.enabled && self.row.learning) {
            return Verdict::Refuse(Refusal::NotLearning);
        }
        if self.learned >= self.row.max_macs.into() {
            return Verdict::Refuse(Refusal::Quota);
        }
        match from {
            None => Verdict::Learn(row),
            Some((_, port)) if !port.is_some_and(|port| port.learning) => {
                Verdict::Refuse(Refusal::Pinned)
            }
            Some(_) if !moves.take(time) => Verdict::Refuse(Refusal::MoveRate),
            Some((from, _)) => Verdict::Move(row, from),
        }
    }
}

/// How fast addresses may move: a token bucket.
#[derive(Clone, Copy, Debug)]
pub struct MoveLimit {
    burst: u16,
    shift: u32,
    tokens: u16,
    period: u64,
}

impl MoveLimit {
    /// At most `burst` moves at once, and one more every 2^`shift` ticks.
    #[must_use]
    pub const fn new(burst: u16, shift: u32) -> Self {
        Self {
            burst,
            shift,
            tokens: burst,
            period: 0,
        }
    }

    fn take(&mut self, time: u64) -> bool {
        let period = time.checked_shr(self.shift).unwrap_or(0);
        let gained = period
            .saturating_sub(self.period)
            .saturating_add(self.tokens.into());
        self.period = self.period.max(period);
        self.tokens = u16::try_from(gained).unwrap_or(u16::MAX).min(self.burst);
        match self.tokens.checked_sub(1) {
            Some(rest) => {
                self.tokens = rest;
                true
            }
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use hairpin_abi::{MacAddr, VVlan};

    const LEARNING: PortRow = PortRow {
        enabled: true,
        learning: true,
        max_macs: 2,
        ..PortRow::DISABLED
    };

    fn key(last: u8) -> MacKey {
        MacKey {
            vvlan: VVlan::new(100).unwrap(),
            mac: MacAddr([2, 0, 0, 0, 0, last]),
        }
    }

    fn entry(target: Target, is_static: bool) -> MacRow {
        MacRow {
            key: key(1),
            target,
            is_static,
        }
    }

    fn vport(number: u8) -> VPort {
        VPort::new(number).unwrap()
    }

    fn judge(row: &PortRow, learned: u16, known: Option<(&MacRow, Option<&PortRow>)>) -> Verdict {
        let request = Request {
            key: key(1),
            vport: vport(7),
            row,
            learned,
            known,
        };
        request.judge(&mut MoveLimit::new(1, 10), 0)
    }

    #[test]
    fn learns_within_the_quota_where_learning_is_on() {
        let learned = entry(Target::VPort(vport(7)), false);
        assert_eq!(judge(&LEARNING, 1, None), Verdict::Learn(learned));
        assert_eq!(judge(&LEARNING, 2, None), Verdict::Refuse(Refusal::Quota));
        let off = PortRow {
            learning: false,
            ..LEARNING
        };
        assert_eq!(judge(&off, 0, None), Verdict::Refuse(Refusal::NotLearning));
        let off = PortRow {
            enabled: false,
            ..LEARNING
        };
        assert_eq!(judge(&off, 0, None), Verdict::Refuse(Refusal::NotLearning));
        let known = Some((&learned, Some(&LEARNING)));
        assert_eq!(judge(&LEARNING, 2, known), Verdict::Known);
    }

    #[test]
    fn a_group_address_is_refused() {
        let key = MacKey {
            mac: MacAddr([3, 0, 0, 0, 0, 1]),
            ..key(1)
        };
        let request = Request {
            key,
            vport: vport(7),
            row: &LEARNING,
            learned: 0,
            known: None,
        };
        let verdict = request.judge(&mut MoveLimit::new(1, 1), 0);
        assert_eq!(verdict, Verdict::Refuse(Refusal::GroupAddress));
    }

    #[test]
    fn moves_only_dynamic_entries_between_learning_vports() {
        let other = Target::VPort(vport(6));
        let moved = Verdict::Move(entry(Target::VPort(vport(7)), false), vport(6));
        let pinned = PortRow {
            learning: false,
            ..LEARNING
        };
        let refused = |refusal| Verdict::Refuse(refusal);
        for (known, port, expected) in [
            (entry(other, false), Some(&LEARNING), moved),
            (entry(other, false), Some(&pinned), refused(Refusal::Pinned)),
            (entry(other, false), None, refused(Refusal::Pinned)),
            (
                entry(other, true),
                Some(&LEARNING),
                refused(Refusal::Static),
            ),
            (
                entry(Target::Group(6), false),
                None,
                refused(Refusal::Static),
            ),
        ] {
            assert_eq!(judge(&LEARNING, 0, Some((&known, port))), expected);
        }
    }

    #[test]
    fn moves_no_faster_than_the_limit() {
        let mut limit = MoveLimit::new(2, 4);
        let taken: [bool; 5] = [0, 1, 2, 16, 17].map(|time| limit.take(time));
        assert_eq!(taken, [true, true, false, true, false]);
        assert_eq!(
            [1000, 1000, 1000].map(|time| limit.take(time)),
            [true, true, false]
        );
    }
}
