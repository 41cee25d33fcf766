// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The event log of the model, decoded.
//!
//! The layouts are those of `cpp/hp_shim.h` (records) and `sv/hp_sim_top.sv` (payload words).
//! Decoding only names things; what they mean is for the [scoreboard](crate::scoreboard).

use thiserror::Error;

use crate::model::Cycle;

const HEADER: usize = 24;
const DECISION_WORDS: usize = 24;
const COMMAND_WORDS: usize = 22;
/// In the id of an input: a VF's rings sent it (`HP_RING`).
pub(crate) const RING: u32 = 1 << 31;
/// In the flags of an input: marked as bad (`HP_BAD`).
const BAD: u32 = 1;

/// One entry of the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event<'a> {
    /// When: for frames, their first beat on the bus.
    pub cycle: Cycle,
    /// What.
    pub kind: EventKind<'a>,
}

/// What an [`Event`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventKind<'a> {
    /// A frame was decided.
    Decision(Box<Decided>),
    /// A table command was applied.
    Command(AppliedCommand),
    /// A copy was lost after its decision.
    Loss {
        /// Frame.
        seq: u16,
        /// Receiver, or the source where the contract says so.
        port: u8,
        /// Reason code.
        reason: u8,
    },
    /// A frame left the NIC.
    Output {
        /// Frame.
        seq: u16,
        /// Port.
        port: u8,
        /// Its bytes.
        bytes: &'a [u8],
    },
    /// The first beat of a queued frame was taken.
    Input {
        /// Port.
        port: u8,
        /// The id given with the frame; of one from a VF's rings, a running number above all of those.
        id: u32,
        /// A frame from a VF's rings: its bytes, and whether it was marked as bad.
        sent: Option<(&'a [u8], bool)>,
    },
    /// The eSwitch took a table command.
    Taken {
        /// Operation.
        op: u8,
        /// Table.
        table: u8,
        /// Row.
        index: u16,
    },
    /// It answered the one it took last.
    Answered {
        /// Status.
        status: u8,
    },
}

/// Kinds of decisions, as the NIC numbers them (`hp_pkg::kind_e`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DecidedKind {
    /// Nowhere.
    Drop,
    /// To one vPort.
    Local,
    /// To the uplink.
    Uplink,
    /// Group address.
    Multicast,
    /// To the firmware.
    Punt,
    /// From the firmware, as it is.
    Direct,
}

/// A decision as the NIC traced it (`hp_pkg::trace_dec_t`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decided {
    /// Clocks since the frame entered the pipeline.
    pub age: u32,
    /// Number of the frame in the pipeline.
    pub seq: u16,
    /// Ingress port; the original vPort of a re-injected frame.
    pub src: u8,
    /// Came through the core ingress.
    pub core: bool,
    /// May not be punted again.
    pub nopunt: bool,
    /// Firmware's own frame, sent as it is.
    pub direct: bool,
    /// Where to.
    pub direct_port: u8,
    /// Punt slot a re-injected frame came from.
    pub slot: u8,
    /// V.VLAN a re-injected frame came with.
    pub meta_vvlan: u16,
    /// Only a reason is left of the frame.
    pub tomb: bool,
    /// That reason.
    pub tomb_reason: u8,
    /// Frames a tombstone stands for.
    pub count: u16,
    /// Length on the ingress bus.
    pub bus_len: u16,
    /// Length of the canonical frame.
    pub len: u16,
    /// Kind.
    pub kind: DecidedKind,
    /// Reason code.
    pub reason: u8,
    /// V.VLAN.
    pub vvlan: u16,
    /// V.VLAN instance, if there is one.
    pub instance: Option<u8>,
    /// A copy goes to the uplink.
    pub to_uplink: bool,
    /// That copy says "served".
    pub served: bool,
    /// vPorts that get a copy.
    pub targets: u64,
    /// Time at the meter.
    pub time: u64,
    /// The flow key, where there is one.
    pub key: Option<Key>,
    /// Handle of the flow entry that was applied.
    pub flow: Option<u16>,
    /// The firmware gets a copy: a flow may be learned from it.
    pub told: bool,
}

/// A flow key as traced (`hp_pkg::flow_key_t`); addresses as numbers, first wire byte on top.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Key {
    /// IP and L4 fields are not usable and zero.
    pub unkeyable: bool,
    /// Ingress port.
    pub src: u8,
    /// V.VLAN.
    pub vvlan: u16,
    /// Destination.
    pub da: u64,
    /// Source.
    pub sa: u64,
    /// EtherType after the tenant's tags.
    pub ethertype: u16,
    /// IPv6.
    pub is_v6: bool,
    /// Source address.
    pub ip_src: u128,
    /// Destination address.
    pub ip_dst: u128,
    /// IP protocol.
    pub proto: u8,
    /// Source port.
    pub sport: u16,
    /// Destination port.
    pub dport: u16,
}

/// A table command as applied (`hp_pkg::trace_cmd_t`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AppliedCommand {
    /// Operation.
    pub op: u8,
    /// Table.
    pub table: u8,
    /// Row; of an `INSERT`, the handle.
    pub index: u16,
    /// Row's words.
    pub data: [u32; 6],
    /// Key of a command on the flow cache.
    pub flow_key: [u32; 14],
    /// Status given back.
    pub status: u8,
}

/// A log that the decoder does not know.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the model's log is not understood at byte {at}")]
pub struct TraceError {
    /// Where.
    pub at: usize,
}

/// Walks a log.
#[derive(Clone, Debug)]
pub struct Events<'a> {
    log: &'a [u8],
    at: usize,
}

impl<'a> Events<'a> {
    /// The events of `log`, as [`crate::model::Model::take_log`] left it.
    #[must_use]
    pub fn new(log: &'a [u8]) -> Self {
        Self { log, at: 0 }
    }

    fn decode(&self) -> Option<(Event<'a>, usize)> {
        let log = &self.log[self.at..];
        let header = log.get(..HEADER)?;
        let half = |i: usize| u16::from_le_bytes([header[i], header[i + 1]]);
        let word =
            |i: usize| u32::from_le_bytes([header[i], header[i + 1], header[i + 2], header[i + 3]]);
        let (port, seq, aux) = (header[1], half(2), word(16));
        let size = word(4) as usize;
        let cycle = u64::from(word(8)) | u64::from(word(12)) << 32;
        let payload = log.get(HEADER..size)?;
        let kind = match header[0] {
            1 => EventKind::Decision(Box::new(decision(&words::<DECISION_WORDS>(payload)?, aux)?)),
            2 => EventKind::Command(command(&words::<COMMAND_WORDS>(payload)?)),
            3 => EventKind::Loss {
                seq,
                port,
                reason: aux as u8,
            },
            4 => EventKind::Output {
                seq,
                port,
                bytes: payload.get(..aux as usize)?,
            },
            5 => EventKind::Input {
                port,
                id: aux,
                sent: match aux & RING {
                    0 => None,
                    _ => Some((payload.get(..usize::from(seq))?, word(20) & BAD != 0)),
                },
            },
            6 => EventKind::Taken {
                op: bits(aux, 0, 4) as u8,
                table: bits(aux, 4, 4) as u8,
                index: bits(aux, 16, 16) as u16,
            },
            7 => EventKind::Answered { status: aux as u8 },
            _ => return None,
        };
        Some((Event { cycle, kind }, size))
    }
}

impl<'a> Iterator for Events<'a> {
    type Item = Result<Event<'a>, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.at >= self.log.len() {
            return None;
        }
        let at = self.at;
        match self.decode() {
            Some((event, size)) => {
                self.at += size;
                Some(Ok(event))
            }
            None => {
                self.at = self.log.len();
                Some(Err(TraceError { at }))
            }
        }
    }
}

fn words<const N: usize>(payload: &[u8]) -> Option<[u32; N]> {
    let mut out = [0; N];
    if payload.len() < N * 4 {
        return None;
    }
    for (word, bytes) in out.iter_mut().zip(payload.chunks_exact(4)) {
        *word = u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]);
    }
    Some(out)
}

fn bits(word: u32, low: u32, width: u32) -> u32 {
    (word >> low) & (u32::MAX >> (32 - width))
}

fn pair(w: &[u32], at: usize) -> u64 {
    u64::from(w[at]) | u64::from(w[at + 1]) << 32
}

fn quad(w: &[u32], at: usize) -> u128 {
    u128::from(pair(w, at)) | u128::from(pair(w, at + 2)) << 64
}

fn decision(w: &[u32; DECISION_WORDS], age: u32) -> Option<Decided> {
    let flag = |bit: u32| w[2] >> bit & 1 != 0;
    const MAC: u64 = (1 << 48) - 1;
    let kind = match bits(w[0], 24, 3) {
        0 => DecidedKind::Drop,
        1 => DecidedKind::Local,
        2 => DecidedKind::Uplink,
        3 => DecidedKind::Multicast,
        4 => DecidedKind::Punt,
        5 => DecidedKind::Direct,
        _ => return None,
    };
    let key = Key {
        unkeyable: flag(8),
        src: bits(w[9], 0, 7) as u8,
        vvlan: bits(w[9], 16, 12) as u16,
        da: pair(w, 10) & MAC,
        sa: pair(w, 12) & MAC,
        ethertype: bits(w[11], 16, 16) as u16,
        is_v6: flag(9),
        ip_src: quad(w, 14),
        ip_dst: quad(w, 18),
        proto: bits(w[13], 16, 8) as u8,
        sport: bits(w[22], 0, 16) as u16,
        dport: bits(w[22], 16, 16) as u16,
    };
    Some(Decided {
        age,
        seq: bits(w[1], 0, 16) as u16,
        src: bits(w[0], 0, 7) as u8,
        core: flag(0),
        nopunt: flag(1),
        direct: flag(2),
        direct_port: bits(w[0], 8, 7) as u8,
        slot: bits(w[2], 16, 8) as u8,
        meta_vvlan: bits(w[4], 16, 12) as u16,
        tomb: flag(3),
        tomb_reason: bits(w[2], 24, 6) as u8,
        count: bits(w[1], 16, 16) as u16,
        bus_len: bits(w[3], 0, 14) as u16,
        len: bits(w[3], 16, 14) as u16,
        kind,
        reason: bits(w[0], 16, 6) as u8,
        vvlan: bits(w[4], 0, 12) as u16,
        instance: flag(4).then_some(bits(w[2], 10, 6) as u8),
        to_uplink: flag(5),
        served: flag(6),
        targets: pair(w, 5),
        time: pair(w, 7),
        key: flag(7).then_some(key),
        flow: (bits(w[23], 16, 1) != 0).then_some(bits(w[23], 0, 16) as u16),
        told: bits(w[23], 17, 1) != 0,
    })
}

fn command(w: &[u32; COMMAND_WORDS]) -> AppliedCommand {
    AppliedCommand {
        op: bits(w[0], 0, 4) as u8,
        table: bits(w[0], 4, 4) as u8,
        status: bits(w[0], 8, 4) as u8,
        index: bits(w[0], 16, 16) as u16,
        data: std::array::from_fn(|i| w[1 + i]),
        flow_key: std::array::from_fn(|i| w[7 + i]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(kind: u8, port: u8, seq: u16, cycle: u64, aux: u32, payload: &[u8]) -> Vec<u8> {
        let padded = payload.len().next_multiple_of(8);
        let mut r = vec![kind, port];
        r.extend(seq.to_le_bytes());
        r.extend(((HEADER + padded) as u32).to_le_bytes());
        r.extend(cycle.to_le_bytes());
        r.extend(aux.to_le_bytes());
        r.extend([0; 4]);
        r.extend(payload);
        r.resize(HEADER + padded, 0);
        r
    }

    #[test]
    fn outputs_losses_and_inputs_keep_their_order_and_bytes() {
        let mut log = record(5, 3, 0, 7, 42, &[]);
        log.extend(record(4, 64, 9, 1 << 40, 5, b"hello"));
        log.extend(record(3, 2, 9, 8, 44, &[]));
        let events: Vec<_> = Events::new(&log).map(Result::unwrap).collect();
        assert_eq!(
            events,
            [
                Event {
                    cycle: 7,
                    kind: EventKind::Input {
                        port: 3,
                        id: 42,
                        sent: None
                    }
                },
                Event {
                    cycle: 1 << 40,
                    kind: EventKind::Output {
                        seq: 9,
                        port: 64,
                        bytes: b"hello"
                    }
                },
                Event {
                    cycle: 8,
                    kind: EventKind::Loss {
                        seq: 9,
                        port: 2,
                        reason: 44
                    }
                },
            ]
        );
    }

    #[test]
    fn a_frame_from_a_ring_comes_with_its_bytes() {
        let log = record(5, 3, 5, 7, RING | 42, b"hello");
        let event = Events::new(&log).next().unwrap().unwrap();
        let sent = Some((&b"hello"[..], false));
        let id = RING | 42;
        assert_eq!(event.kind, EventKind::Input { port: 3, id, sent });
        let short = record(5, 3, 9, 7, RING, b"hello");
        assert!(Events::new(&short).any(|event| event.is_err()));
    }

    #[test]
    fn a_cut_or_unknown_record_is_an_error_and_ends_the_walk() {
        let whole = record(4, 1, 2, 3, 60, &[7; 60]);
        for log in [
            &whole[..whole.len() - 1],
            &whole[..10],
            &record(9, 0, 0, 0, 0, &[])[..],
        ] {
            let mut events = Events::new(log);
            assert_eq!(events.next(), Some(Err(TraceError { at: 0 })));
            assert_eq!(events.next(), None);
        }
        assert!(Events::new(&record(4, 1, 2, 3, 61, &[7; 8])).any(|e| e.is_err()));
    }
}
