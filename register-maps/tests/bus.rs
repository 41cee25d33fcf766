// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The maps over a fake bus: addresses of the contract, fields, errors.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;

use hairpin_regs::{Bus, BusIo, MAP_HASH, Memory, core_on, pf_on};

/// Words by address; a hole answers with an error, as the NIC does. Keeps a log of the accesses.
#[derive(Default)]
struct FakeBus {
    words: RefCell<BTreeMap<u32, u32>>,
    log: RefCell<Vec<(char, u32)>>,
}

impl FakeBus {
    fn with(words: &[(u32, u32)]) -> Self {
        Self {
            words: RefCell::new(words.iter().copied().collect()),
            ..Self::default()
        }
    }

    fn word(&self, addr: u32) -> u32 {
        self.words.borrow()[&addr]
    }
}

impl Bus for FakeBus {
    type Error = io::Error;

    fn read32(&self, addr: u32) -> io::Result<u32> {
        self.log.borrow_mut().push(('r', addr));
        self.words
            .borrow()
            .get(&addr)
            .copied()
            .ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
    }

    fn write32(&self, addr: u32, value: u32) -> io::Result<()> {
        self.log.borrow_mut().push(('w', addr));
        match self.words.borrow_mut().get_mut(&addr) {
            Some(word) => {
                *word = value;
                Ok(())
            }
            None => Err(io::ErrorKind::AddrNotAvailable.into()),
        }
    }
}

#[test]
fn fields_are_read_from_one_word() {
    let io = BusIo::new(FakeBus::with(&[(0x14, 0x0040_2008), (0x50c, 0x0003_2a05)]));
    let regs = pf_on(&io);
    let cap = regs.id().cap0().try_read().unwrap();
    assert_eq!((cap.n_vf(), cap.n_qp(), cap.data_bytes()), (8, 32, 64));
    let status = regs.fw().status().try_read().unwrap();
    assert_eq!(
        (
            status.state(),
            status.code(),
            status.hung(),
            status.asleep()
        ),
        (5, 0x2a, true, true)
    );
    assert_eq!(*io.bus().log.borrow(), [('r', 0x14), ('r', 0x50c)]);
}

#[test]
fn a_write_is_one_access_and_keeps_reset_values_elsewhere() {
    let io = BusIo::new(FakeBus::with(&[(0x218, !0)]));
    pf_on(&io)
        .tbl()
        .cmd()
        .try_write(|w| {
            w.set_op(3);
            w.set_tbl(5);
            w.set_index(0x1234);
        })
        .unwrap();
    assert_eq!(io.bus().word(0x218), 0x1234_0053);
    assert_eq!(*io.bus().log.borrow(), [('w', 0x218)]);
}

#[test]
fn errors_of_the_bus_come_through() {
    let io = BusIo::new(FakeBus::default());
    let regs = pf_on(&io);
    let read = regs.id().magic().try_read().unwrap_err();
    let write = regs.fw().ctrl().try_write(|w| w.set_run(true)).unwrap_err();
    assert_eq!(read.kind(), io::ErrorKind::AddrNotAvailable);
    assert_eq!(write.kind(), io::ErrorKind::AddrNotAvailable);
}

#[test]
fn a_failed_modify_does_not_write() {
    let io = BusIo::new(FakeBus::default());
    assert!(
        pf_on(&io)
            .port()
            .irq_mask()
            .try_modify(|w| w.set_hung(true))
            .is_err()
    );
    assert_eq!(*io.bus().log.borrow(), [('r', 0x108)]);
}

#[test]
fn pf_addresses_are_those_of_the_contract() {
    let io = BusIo::new(FakeBus::default());
    let regs = pf_on(&io);
    let offset = |p: *mut ()| p.addr();
    let found = [
        offset(regs.id().magic().as_ptr().cast()),
        offset(regs.id().scratch().as_ptr().cast()),
        offset(regs.port().time_hi().as_ptr().cast()),
        offset(regs.tbl().data0().as_ptr().cast()),
        offset(regs.tbl().cmd().as_ptr().cast()),
        offset(regs.tbl().rsp5().as_ptr().cast()),
        offset(regs.mbox().cmd15().as_ptr().cast()),
        offset(regs.mbox().doorbell().as_ptr().cast()),
        offset(regs.mbox().rsp7().as_ptr().cast()),
        offset(regs.cnt().addr().as_ptr().cast()),
        offset(regs.fw().ctrl().as_ptr().cast()),
        offset(regs.fw().seed3().as_ptr().cast()),
        offset(regs.log().head().as_ptr().cast()),
        offset(regs.ev().pop().as_ptr().cast()),
        regs.log_ring().as_ptr().addr(),
    ];
    assert_eq!(
        found,
        [
            0x000, 0x020, 0x110, 0x200, 0x218, 0x234, 0x33c, 0x340, 0x364, 0x400, 0x500, 0x538,
            0x600, 0x70c, 0x4000
        ]
    );
    assert_eq!(regs.log_ring().num_entries(), 1024);
}

#[test]
fn core_addresses_are_those_of_the_contract() {
    let io = BusIo::new(FakeBus::default());
    let regs = core_on(&io);
    let offset = |p: *mut ()| p.addr();
    let found = [
        offset(regs.id().map_hash_lo().as_ptr().cast()),
        offset(regs.timer().time_lo().as_ptr().cast()),
        offset(regs.wdt().feed().as_ptr().cast()),
        offset(regs.fw().state().as_ptr().cast()),
        offset(regs.mbox().cmd0().as_ptr().cast()),
        offset(regs.tbl().data0().as_ptr().cast()),
        offset(regs.punt().status().as_ptr().cast()),
        offset(regs.inject().ctrl().as_ptr().cast()),
        offset(regs.log().head().as_ptr().cast()),
        offset(regs.ev().pending().as_ptr().cast()),
        offset(regs.soc().exit().as_ptr().cast()),
        regs.punt_window().as_ptr().addr(),
        regs.inject_buffer().as_ptr().addr(),
        regs.log_ring().as_ptr().addr(),
    ];
    assert_eq!(
        found,
        [
            0x000, 0x040, 0x060, 0x080, 0x100, 0x200, 0x300, 0x340, 0x380, 0x3c0, 0x3e0, 0x1000,
            0x1800, 0x2000
        ]
    );
    assert_eq!(regs.punt_window().num_entries() * 4, 128);
    assert_eq!(regs.inject_buffer().num_entries() * 4, 2048);
}

#[test]
fn the_generated_hash_is_the_one_in_the_hardware() {
    let sv = include_str!("../../rtl-sim/rtl/generated/hp_map_hash_pkg.sv");
    assert!(sv.contains(&format!("64'h{MAP_HASH:016x};")), "{sv}");
}
