// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A hash of everything in this crate that two sides must agree on.

use crate::admin::{AdminError, Crash, Opcode};
use crate::counter::{Bank, CacheTraffic, CountedTable, LearnCounter, TableCounter, Traffic};
use crate::flow::{FlowAction, KeyField, LearnVerdict, Scope, Teacher};
use crate::fw::{EventCode, FwState, RestartCause, SelfTest};
use crate::reason::REASONS;
use crate::row::{LAYOUTS, Miss, Mode, Role, Tags};
use crate::table::{Op, Status, Table, Teach};
use crate::virtio::{CtrlClass, GuestVlans, QueueError};

/// FNV-1a, 64 bits.
struct Hash(u64);

impl Hash {
    fn byte(&mut self, byte: u8) {
        self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }

    fn item(&mut self, name: &str, numbers: [usize; 2]) {
        name.bytes().for_each(|byte| self.byte(byte));
        self.byte(0);
        for number in numbers {
            (number as u64)
                .to_le_bytes()
                .into_iter()
                .for_each(|byte| self.byte(byte));
        }
    }
}

/// Hash of names, numbers and layouts; help texts are not in it.
///
/// A change of the result without a bump of [`ABI_VERSION`](crate::ABI_VERSION) fails a test here.
#[must_use]
pub fn fingerprint() -> u64 {
    let mut hash = Hash(0xcbf2_9ce4_8422_2325);
    for info in REASONS {
        hash.item(info.name, [info.code.into(), info.class as usize]);
    }
    for layout in LAYOUTS {
        hash.item(layout.name, [layout.words, 0]);
        layout
            .fields()
            .for_each(|field| hash.item(field.name, [field.msb, field.lsb]));
    }
    macro_rules! lists {
        ($($list:ident),+) => { $(
            hash.item(stringify!($list), [$list::ALL.len(), 0]);
            $list::ALL.iter().for_each(|value| hash.item(value.name(), [value.code().into(), 0]));
        )+ };
    }
    lists!(Op, Table, Status, Tags, Mode, Miss, Role, Bank, Traffic);
    lists!(CacheTraffic, CountedTable, LearnCounter, TableCounter);
    lists!(FlowAction, KeyField, LearnVerdict, Scope, Teach, Teacher);
    lists!(
        Opcode,
        AdminError,
        Crash,
        FwState,
        SelfTest,
        QueueError,
        CtrlClass,
        GuestVlans,
        EventCode,
        RestartCause
    );
    hash.0
}

#[cfg(test)]
mod tests {
    /// After a change of a number or a layout: bump `ABI_VERSION`, then write both here.
    #[test]
    fn a_change_bumps_the_version() {
        let pinned = (7, 0xa510_c679_8250_94f0);
        assert_eq!((crate::ABI_VERSION, super::fingerprint()), pinned);
    }
}
