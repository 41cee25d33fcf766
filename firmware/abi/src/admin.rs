// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The admin mailbox: commands of the host to the firmware and their answers.
//!
//! `CMD0` is the opcode, `CMD1` to `CMD15` its arguments; `RSP0` is an [`AdminError`] code, `RSP1` to
//! `RSP7` the results. A command is one transaction: an error means that nothing changed.

use crate::flow::{FlowKey, FlowKeyWords, FlowRow, Scope, Teacher};
use crate::ids::{MacAddr, VPort, VVlan};
use crate::peer::{Key, KeyId, Keys};
use crate::row::{GroupRow, MacKey, MacRow, VVlanRow};

/// Words of a command.
pub type CommandWords = [u32; 16];
/// Words of a response.
pub type ResponseWords = [u32; 8];

codes! {
    /// Opcode of an admin command.
    pub enum Opcode {
        /// Does nothing.
        Nop = 0, "nop";
        /// Configures a V.VLAN, new or not.
        VVlanSet = 1, "vvlan-set";
        /// Removes a V.VLAN and its addresses.
        VVlanDel = 2, "vvlan-del";
        /// Adds a static MAC entry.
        FdbAdd = 3, "fdb-add";
        /// Removes a MAC entry.
        FdbDel = 4, "fdb-del";
        /// Sets the vPorts of a group.
        GroupSet = 5, "group-set";
        /// Removes the dynamic MAC entries of a scope.
        FdbFlush = 6, "fdb-flush";
        /// Hangs or traps the core, in images built for that test.
        CrashTest = 7, "crash-test";
        /// Adds a flow entry, or replaces one.
        FlowAdd = 8, "flow-add";
        /// Removes a flow entry.
        FlowDel = 9, "flow-del";
        /// Removes the flow entries of a scope.
        FlowFlush = 10, "flow-flush";
        /// Sets how long entries stay without use.
        AgeingSet = 11, "ageing-set";
        /// Sets the keys of the adjacent switch, or ends learning from it.
        PeerSet = 12, "peer-set";
        /// What there is between NIC and adjacent switch.
        PeerGet = 13, "peer-get";
    }
}

codes! {
    /// Answer to an admin command.
    pub enum AdminError {
        /// Done.
        Ok = 0, "ok";
        /// No such opcode.
        UnknownOpcode = 1, "unknown-opcode";
        /// An argument is out of range.
        BadArgument = 2, "bad-argument";
        /// V.VLAN IDs are 1 to 4094.
        BadVvlan = 3, "bad-vvlan";
        /// Outer VLANs are 1 to 4094.
        BadVlan = 4, "bad-vlan";
        /// The mode does not go with the miss action or the uplink.
        BadMode = 5, "bad-mode";
        /// A vPort that this NIC does not have.
        BadVport = 6, "bad-vport";
        /// Group indices are 0 to 255.
        BadGroup = 7, "bad-group";
        /// A group address leads to a group, any other address to a vPort.
        BadTarget = 8, "bad-target";
        /// The V.VLAN is not configured.
        VvlanUnknown = 9, "vvlan-unknown";
        /// Every V.VLAN instance is in use.
        NoInstance = 10, "no-instance";
        /// The address is there already, as a static entry.
        Exists = 11, "exists";
        /// No such entry.
        NotFound = 12, "not-found";
        /// The table has no free place for the entry.
        TableFull = 13, "table-full";
        /// The vPort is not a member of the V.VLAN.
        NotMember = 14, "not-member";
        /// This image does not allow it.
        Denied = 15, "denied";
        /// The hardware answered a table command with an error.
        Hardware = 16, "hardware";
        /// A feature that this NIC does not have.
        Unsupported = 17, "unsupported";
        /// The vPort or V.VLAN has as many entries as it may.
        Quota = 18, "quota";
        /// An entry of a higher teacher has the key.
        Refused = 19, "refused";
        /// The V.VLAN does not use the flow cache.
        NoCache = 20, "no-cache";
        /// The flow's action, or its teacher, is not one that may be added.
        BadAction = 21, "bad-action";
        /// The `CFG` row has no mark of learning packets.
        BadMark = 22, "bad-mark";
    }
}

codes! {
    /// How `CRASH_TEST` fails.
    pub enum Crash {
        /// An endless loop that does not feed the watchdog.
        Hang = 0, "hang";
        /// An illegal instruction.
        Trap = 1, "trap";
    }
}

impl Opcode {
    /// Argument and result words, for the reference page.
    #[must_use]
    pub const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Nop => ("", ""),
            Self::VVlanSet => ("1: V.VLAN; 2 to 7: `VVLAN` row", "1: instance"),
            Self::VVlanDel => ("1: V.VLAN", ""),
            Self::FdbAdd => ("1 to 3: `MAC` row", ""),
            Self::FdbDel => ("1 to 2: key of a `MAC` row", ""),
            Self::GroupSet => ("1: index; 2 to 3: `GROUP` row", ""),
            Self::FdbFlush => ("1: scope (not teacher); 2: V.VLAN or vPort", ""),
            Self::CrashTest => ("1: kind", "does not answer"),
            Self::FlowAdd => ("1 to 14: key; 15: word 0 of a `FLOW` row", "1: handle"),
            Self::FlowDel => ("1 to 14: key", ""),
            Self::FlowFlush => ("1: scope; 2: teacher, V.VLAN or vPort", ""),
            Self::AgeingSet => (
                "1: seconds of a dynamic MAC entry, 0 for ever; 2: of a flow entry, 0 for ever",
                "",
            ),
            Self::PeerSet => (
                "1: keys 7:0 (0 to 2), their numbers 15:8 and 23:16; 2: own address 31:0; 3: 47:32; \
                 4 to 7: first key; 8 to 11: second",
                "",
            ),
            Self::PeerGet => (
                "1: page",
                "page 0: 1: state, 2: milliseconds of lease left, 3: flows learned, 4: flows that changed their path, \
                 5: not in time, 6: waiting for it, 7: invalidations; page n: refusals from 7 (n - 1) on",
            ),
        }
    }
}

/// The entries that a flush is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Flush {
    /// Every one.
    All,
    /// Those of a teacher.
    Teacher(Teacher),
    /// Those of a V.VLAN.
    VVlan(VVlan),
    /// Those that come from a vPort or lead to it.
    VPort(VPort),
}

impl Flush {
    fn to_words(self) -> [u32; 2] {
        match self {
            Self::All => [Scope::All.code().into(), 0],
            Self::Teacher(teacher) => [Scope::Teacher.code().into(), teacher.code().into()],
            Self::VVlan(id) => [Scope::VVlan.code().into(), id.get().into()],
            Self::VPort(vport) => [Scope::VPort.code().into(), vport.get().into()],
        }
    }

    fn from_words(scope: u32, argument: u32) -> Result<Self, AdminError> {
        let scope = byte(scope).and_then(Scope::from_code);
        Ok(match scope.ok_or(AdminError::BadArgument)? {
            Scope::All => Self::All,
            Scope::Teacher => Self::Teacher(
                byte(argument)
                    .and_then(Teacher::from_code)
                    .ok_or(AdminError::BadArgument)?,
            ),
            Scope::VVlan => Self::VVlan(vvlan(argument)?),
            Scope::VPort => Self::VPort(
                byte(argument)
                    .and_then(VPort::new)
                    .ok_or(AdminError::BadVport)?,
            ),
        })
    }
}

/// How the NIC talks to the adjacent switch. The mark is in the `CFG` row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub struct PeerSetup {
    /// The NIC's own address in control frames.
    pub source: MacAddr,
    /// What both ends share.
    pub keys: Keys,
}

codes! {
    /// What there is between NIC and adjacent switch.
    pub enum PeerState {
        /// The host has set no keys.
        Off = 0, "off";
        /// No session: the switch has not answered yet, or not for the length of a lease.
        Searching = 1, "searching";
        /// A session; marked frames teach.
        Learning = 2, "learning";
    }
}

/// An admin command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
pub enum Command {
    /// Does nothing.
    Nop,
    /// Configures a V.VLAN.
    VVlanSet {
        /// Its ID.
        id: VVlan,
        /// Its row.
        row: VVlanRow,
    },
    /// Removes a V.VLAN and its addresses.
    VVlanDel {
        /// Its ID.
        id: VVlan,
    },
    /// Adds a MAC entry; it becomes static whatever the row says.
    FdbAdd(MacRow),
    /// Removes a MAC entry.
    FdbDel(MacKey),
    /// Sets the vPorts of a group.
    GroupSet {
        /// Its index.
        index: u8,
        /// Its row.
        row: GroupRow,
    },
    /// Removes the dynamic MAC entries of a scope; there is no teacher among them.
    FdbFlush(Flush),
    /// Hangs or traps the core.
    CrashTest(Crash),
    /// Adds a flow entry, or replaces one. The firmware masks the key.
    FlowAdd {
        /// Its key.
        key: FlowKey,
        /// Its row.
        row: FlowRow,
    },
    /// Removes a flow entry. The firmware masks the key.
    FlowDel(FlowKey),
    /// Removes the flow entries of a scope.
    FlowFlush(Flush),
    /// Sets how long entries stay without use.
    AgeingSet {
        /// Seconds of a dynamic MAC entry; 0: for ever.
        mac: u32,
        /// Seconds of a flow entry; 0: for ever.
        flow: u32,
    },
    /// Sets how to talk to the adjacent switch; `None`: not at all. Another setup ends the session.
    PeerSet(Option<PeerSetup>),
    /// Asks for a page of what there is between both.
    PeerGet {
        /// See [`Opcode::words`].
        page: u8,
    },
}

impl Command {
    /// Its opcode.
    #[must_use]
    pub const fn opcode(&self) -> Opcode {
        match self {
            Self::Nop => Opcode::Nop,
            Self::VVlanSet { .. } => Opcode::VVlanSet,
            Self::VVlanDel { .. } => Opcode::VVlanDel,
            Self::FdbAdd(_) => Opcode::FdbAdd,
            Self::FdbDel(_) => Opcode::FdbDel,
            Self::GroupSet { .. } => Opcode::GroupSet,
            Self::FdbFlush(_) => Opcode::FdbFlush,
            Self::CrashTest(_) => Opcode::CrashTest,
            Self::FlowAdd { .. } => Opcode::FlowAdd,
            Self::FlowDel(_) => Opcode::FlowDel,
            Self::FlowFlush(_) => Opcode::FlowFlush,
            Self::AgeingSet { .. } => Opcode::AgeingSet,
            Self::PeerSet(_) => Opcode::PeerSet,
            Self::PeerGet { .. } => Opcode::PeerGet,
        }
    }

    /// The words of the mailbox.
    #[must_use]
    pub fn encode(&self) -> CommandWords {
        let mut words = [0; 16];
        let mut put = |values: &[u32]| {
            for (word, value) in words.iter_mut().zip(values) {
                *word = *value;
            }
        };
        let op = u32::from(self.opcode().code());
        match self {
            Self::Nop => {}
            Self::VVlanSet { id, row } => {
                let [a, b, c, d, e, f] = row.to_words();
                put(&[op, id.get().into(), a, b, c, d, e, f]);
            }
            Self::VVlanDel { id } => put(&[op, id.get().into()]),
            Self::FdbAdd(row) => {
                let [a, b, c, ..] = row.to_words();
                put(&[op, a, b, c]);
            }
            Self::FdbDel(key) => {
                let [a, b, c, ..] = key.to_words();
                put(&[op, a, b, c]);
            }
            Self::GroupSet { index, row } => {
                let [a, b, ..] = row.to_words();
                put(&[op, u32::from(*index), a, b]);
            }
            Self::FdbFlush(what) | Self::FlowFlush(what) => {
                let [scope, argument] = what.to_words();
                put(&[op, scope, argument]);
            }
            Self::CrashTest(crash) => put(&[op, crash.code().into()]),
            Self::FlowAdd { key, row } => {
                put(&flow_words(op, key, row.to_word()));
            }
            Self::FlowDel(key) => put(&flow_words(op, key, 0)),
            Self::AgeingSet { mac, flow } => put(&[op, *mac, *flow]),
            Self::PeerSet(None) => put(&[op]),
            Self::PeerSet(Some(peer)) => return peer_words(op, peer),
            Self::PeerGet { page } => put(&[op, u32::from(*page)]),
        }
        words
    }

    /// The command of the words of the mailbox.
    ///
    /// # Errors
    /// What the firmware answers: an unknown opcode, or an argument that cannot be represented.
    /// Everything that depends on the NIC or its configuration is the firmware's to check. Bits and
    /// words without a meaning are ignored.
    pub fn decode(words: &CommandWords) -> Result<Self, AdminError> {
        let [op, a, b, c, d, e, f, g, ..] = *words;
        let opcode = byte(op)
            .and_then(Opcode::from_code)
            .ok_or(AdminError::UnknownOpcode)?;
        let mac_row = [a, b, c, 0, 0, 0];
        Ok(match opcode {
            Opcode::Nop => Self::Nop,
            Opcode::VVlanSet => Self::VVlanSet {
                id: vvlan(a)?,
                row: vvlan_row(&[b, c, d, e, f, g])?,
            },
            Opcode::VVlanDel => Self::VVlanDel { id: vvlan(a)? },
            Opcode::FdbAdd => {
                MacKey::from_words(&mac_row).ok_or(AdminError::BadVvlan)?;
                Self::FdbAdd(MacRow::from_words(&mac_row).ok_or(AdminError::BadVport)?)
            }
            Opcode::FdbDel => {
                Self::FdbDel(MacKey::from_words(&mac_row).ok_or(AdminError::BadVvlan)?)
            }
            Opcode::GroupSet => Self::GroupSet {
                index: byte(a).ok_or(AdminError::BadGroup)?,
                row: GroupRow::from_words(&[b, c, 0, 0, 0, 0]),
            },
            Opcode::FdbFlush => match Flush::from_words(a, b)? {
                Flush::Teacher(_) => return Err(AdminError::BadArgument),
                what => Self::FdbFlush(what),
            },
            Opcode::CrashTest => Self::CrashTest(
                byte(a)
                    .and_then(Crash::from_code)
                    .ok_or(AdminError::BadArgument)?,
            ),
            Opcode::FlowAdd => {
                let (key, row) = flow_key(words)?;
                const ACTION: u32 = 0x1f;
                FlowRow::from_word(row & ACTION).ok_or(AdminError::BadAction)?;
                let row = FlowRow::from_word(row).ok_or(AdminError::BadTarget)?;
                Self::FlowAdd { key, row }
            }
            Opcode::FlowDel => Self::FlowDel(flow_key(words)?.0),
            Opcode::FlowFlush => Self::FlowFlush(Flush::from_words(a, b)?),
            Opcode::AgeingSet => Self::AgeingSet { mac: a, flow: b },
            Opcode::PeerSet => Self::PeerSet(peer(words)?),
            Opcode::PeerGet => Self::PeerGet {
                page: byte(a).ok_or(AdminError::BadArgument)?,
            },
        })
    }
}

fn peer_words(op: u32, peer: &PeerSetup) -> CommandWords {
    let mac = peer.source.to_u64();
    let (id, key) = peer.keys.sign();
    let [a, b, c, d] = key_words(key);
    let (more, [e, f, g, h]) = match peer.keys.other() {
        Some((id, key)) => (1 + (u32::from(id.0) << 16), key_words(key)),
        None => (0, [0; 4]),
    };
    let ids = 1 + (u32::from(id.0) << 8) + more;
    let (low, high) = (mac as u32, (mac >> 32) as u32);
    [op, ids, low, high, a, b, c, d, e, f, g, h, 0, 0, 0, 0]
}

fn key_words(key: &Key) -> [u32; 4] {
    let (words, _) = key.bytes().as_chunks::<4>();
    let mut out = [0; 4];
    for (word, bytes) in out.iter_mut().zip(words) {
        *word = u32::from_le_bytes(*bytes);
    }
    out
}

/// What a `PEER_SET` says.
fn peer(words: &CommandWords) -> Result<Option<PeerSetup>, AdminError> {
    let [_, ids, low, high, a, b, c, d, e, f, g, h, ..] = *words;
    let [count, first, second, _] = ids.to_le_bytes();
    let key = |words: [u32; 4]| {
        let mut bytes = [0; 16];
        for (to, word) in bytes.as_chunks_mut::<4>().0.iter_mut().zip(words) {
            *to = word.to_le_bytes();
        }
        Key::new(bytes)
    };
    let source = MacAddr::from_u64(u64::from(high & 0xffff) << 32 | u64::from(low));
    let one = Keys::one(KeyId(first), key([a, b, c, d]));
    let keys = match count {
        0 => return Ok(None),
        1 => one,
        2 if first != second => one.and(KeyId(second), key([e, f, g, h])),
        _ => return Err(AdminError::BadArgument),
    };
    if source.is_group() || source.to_u64() == 0 {
        return Err(AdminError::BadArgument);
    }
    Ok(Some(PeerSetup { source, keys }))
}

/// A command with a flow key and one word behind it.
fn flow_words(op: u32, key: &FlowKey, last: u32) -> CommandWords {
    let [a, b, c, d, e, f, g, h, i, j, k, l, m, n] = key.to_words().0;
    [op, a, b, c, d, e, f, g, h, i, j, k, l, m, n, last]
}

/// The flow key of a command, and the word behind it.
fn flow_key(words: &CommandWords) -> Result<(FlowKey, u32), AdminError> {
    let [_, a, b, c, d, e, f, g, h, i, j, k, l, m, n, last] = *words;
    let packed = FlowKeyWords([a, b, c, d, e, f, g, h, i, j, k, l, m, n]);
    let key = FlowKey::from_words(&packed).ok_or(AdminError::BadVport)?;
    VVlan::try_from(key.vvlan).map_err(|_| AdminError::BadVvlan)?;
    Ok((key, last))
}

fn vvlan(word: u32) -> Result<VVlan, AdminError> {
    u16::try_from(word)
        .ok()
        .and_then(VVlan::new)
        .ok_or(AdminError::BadVvlan)
}

fn byte(word: u32) -> Option<u8> {
    u8::try_from(word).ok()
}

/// The row of a `VVLAN_SET`: what [`VVlanRow::from_words`] would have to guess is an error here.
fn vvlan_row(words: &[u32; 6]) -> Result<VVlanRow, AdminError> {
    let row = VVlanRow::from_words(words);
    let again = row.to_words();
    const MODE: u32 = 3 << 12;
    const VSWITCH: u32 = 0xff << 18;
    if (again[0] ^ words[0]) & MODE != 0 {
        return Err(AdminError::BadMode);
    }
    if words[0] & 1 << 18 != 0 && (again[0] ^ words[0]) & VSWITCH != 0 {
        return Err(AdminError::BadVport);
    }
    Ok(row)
}

/// The words of a response.
#[must_use]
pub fn encode_response(error: AdminError, results: [u32; 7]) -> ResponseWords {
    let [a, b, c, d, e, f, g] = results;
    [error.code().into(), a, b, c, d, e, f, g]
}

/// The results of a response.
///
/// # Errors
/// The firmware's error; a code that this version does not know reads as
/// [`AdminError::Unsupported`].
pub fn decode_response(words: &ResponseWords) -> Result<[u32; 7], AdminError> {
    let [code, a, b, c, d, e, f, g] = *words;
    match byte(code).and_then(AdminError::from_code) {
        Some(AdminError::Ok) => Ok([a, b, c, d, e, f, g]),
        Some(error) => Err(error),
        None => Err(AdminError::Unsupported),
    }
}
