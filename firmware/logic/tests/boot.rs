// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The tables at boot.

mod support;

use hairpin_abi::Table;
use hairpin_eswitch::Tables;
use hairpin_nic_logic::{BusFault, Control, TableBus};
use support::{Nic, group_row, to_vport, vvlan};

#[test]
fn the_self_test_passes_and_leaves_nothing_behind() {
    let mut nic = Nic::new();
    assert_eq!(nic.control.test_tables(&mut nic.bus), Ok(()));
    assert!(nic.bus.changes.len() > 4);
    assert_eq!(nic.bus.memory.macs().count(), 0);
    assert_eq!(nic.bus.memory.group(15), group_row(0));
}

#[test]
fn the_self_test_sees_a_table_that_forgets() {
    // Group rows read back as zero: one half of the bus is broken.
    struct Forgetful(support::FakeBus);
    impl TableBus for Forgetful {
        fn command(
            &mut self,
            op: hairpin_abi::Op,
            table: Table,
            index: u16,
            row: &mut [u32; 6],
        ) -> Result<hairpin_abi::Status, BusFault> {
            let status = self.0.command(op, table, index, row)?;
            if op == hairpin_abi::Op::Read && table == Table::Group {
                *row = [0; 6];
            }
            Ok(status)
        }
    }
    let nic = Nic::new();
    let mut bus = Forgetful(nic.bus);
    assert_eq!(nic.control.test_tables(&mut bus), Err(BusFault));
    for answers in 0..10 {
        let mut nic = Nic::new();
        nic.bus.answers = Some(answers);
        assert_eq!(nic.control.test_tables(&mut nic.bus), Err(BusFault));
    }
}

#[test]
fn a_restart_empties_what_an_earlier_run_left() {
    let mut nic = Nic::new();
    nic.add_vvlan(100, &[0]);
    nic.add_vvlan(4094, &[0]);
    for last in 0..30 {
        nic.run(to_vport(100, last, 0)).unwrap();
    }
    let mut restarted = Control::new();
    restarted.init(hairpin_nic_logic::Limits {
        vports: 8,
        instances: 4,
        groups: 16,
        mac_capacity: 64,
    });
    assert_eq!(restarted.clear_tables(&mut nic.bus), Ok(()));
    assert_eq!(nic.bus.memory.macs().count(), 0);
    assert_eq!(nic.bus.memory.vvlan(vvlan(100)), None);
    assert_eq!(nic.bus.memory.vvlan(vvlan(4094)), None);
    assert_eq!(restarted.test_tables(&mut nic.bus), Ok(()));
}
