// SPDX-License-Identifier: Apache-2.0 OR MIT

//! From reset to ready.

use hairpin_abi::fw::{Event, FwState, SelfTest};
use hairpin_abi::{Scope, Table};
use hairpin_nic_logic::boot::Recovered;
use hairpin_nic_logic::{BusFault, Control, Limits, TableBus};
use hairpin_regs::MAP_HASH;
use hairpin_soc::{Peripherals, Timer};

use crate::Tables;
use crate::manifest::{BUILD_ID, allows_crash_test};
use crate::ram::{UnusedRam, earlier_life, mark_life};

/// Core clocks in which the timer has to move. The datapath clock may be some times slower.
const TIMER_PATIENCE: u32 = 1000;

/// Why the firmware does not get ready.
#[derive(Clone, Copy)]
pub(crate) enum Failure {
    /// Built for another register map: no register but these can be trusted.
    MapMismatch,
    /// The self-test found this.
    SelfTest(SelfTest),
}

/// What the event loop starts with.
pub(crate) struct Started {
    /// The guarded memory below the stack.
    pub(crate) ram: UnusedRam,
    /// What the host is told when this was a restart.
    pub(crate) restarted: Option<Event>,
}

/// Checks the hardware, prepares the tables and shows `ready`.
pub(crate) fn boot(p: &mut Peripherals, control: &mut Control) -> Result<Started, Failure> {
    p.status.set_state(FwState::Booting, 0);
    p.status.set_image(MAP_HASH, BUILD_ID);
    p.watchdog.feed();
    let hardware = p.identity.map_hash();
    if hardware != MAP_HASH {
        defmt::error!(
            "boot: register map {=u64:016x}, built for {=u64:016x}",
            hardware,
            MAP_HASH
        );
        return Err(Failure::MapMismatch);
    }
    defmt::info!(
        "boot: build {=u32:08x}, register map {=u64:016x}",
        BUILD_ID,
        MAP_HASH
    );

    // SAFETY: once, and `main` has only just begun.
    let ram = unsafe { UnusedRam::test() }.map_err(|_| Failure::SelfTest(SelfTest::Ram))?;
    if !moves(&p.timer) {
        return Err(Failure::SelfTest(SelfTest::Timer));
    }
    let limits = Limits {
        vports: p.identity.vports(),
        instances: p.identity.vvlan_instances(),
        groups: p.identity.groups(),
        mac_capacity: p.identity.mac_capacity(),
        flow_capacity: p.identity.flow_capacity(),
    };
    let [seed, _, low, high] = p.identity.seeds();
    let peer_seed = u64::from(high) << 32 | u64::from(low);
    control.init(limits, seed ^ p.timer.cycle(), peer_seed);
    control.allow_crash_test(allows_crash_test());
    let restarted = prepare_tables(p, control).map_err(|_| Failure::SelfTest(SelfTest::Tables))?;
    defmt::info!(
        "boot: {=u8} vPorts, {=u8} V.VLAN instances, {=u16} groups, {=u16} addresses, {=u16} flows",
        limits.vports,
        limits.instances,
        limits.groups,
        limits.mac_capacity,
        limits.flow_capacity,
    );
    p.status.set_state(FwState::Ready, 0);
    defmt::info!("boot: ready after {=u32} core clocks", p.timer.cycle());
    Ok(Started { ram, restarted })
}

/// The tables survive a restart of the core, and frames pass through them meanwhile: then they are taken
/// over, and the event for the host is returned. Tables that serve no V.VLAN are emptied, get the keys
/// of their hashes, which only empty tables may, and are tried.
fn prepare_tables(p: &mut Peripherals, control: &mut Control) -> Result<Option<Event>, BusFault> {
    let restarted = match earlier_life() {
        None => None,
        Some(cause) => {
            let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
            control.test_bus(&mut bus)?;
            let Recovered { vvlans, refused } = control.recover(&mut bus)?;
            defmt::warn!(
                "boot: the core was restarted ({}): {=u8} V.VLANs go on, {=u8} are switched off",
                cause,
                vvlans,
                refused,
            );
            let event = Some(Event::restarted(cause, vvlans, refused));
            if vvlans != 0 {
                mark_life();
                return Ok(event);
            }
            event
        }
    };
    let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
    for table in [Table::Mac, Table::Flow] {
        bus.invalidate(table, Scope::All, 0)?;
    }
    p.tables.set_hash_seeds(&p.identity.seeds());
    let mut bus = Tables::new(&mut p.tables, &mut p.watchdog);
    control.test_tables(&mut bus)?;
    control.clear_asked(&mut bus)?;
    mark_life();
    Ok(restarted)
}

fn moves(timer: &Timer) -> bool {
    let (time, cycle) = (timer.now(), timer.cycle());
    while timer.cycle().wrapping_sub(cycle) < TIMER_PATIENCE {
        if timer.now() != time {
            return true;
        }
    }
    false
}

/// Shows the failure and stays out of the way. The watchdog is fed, so that the host sees the state
/// itself and not a core that hangs.
pub(crate) fn stop(mut p: Peripherals, failure: Failure) -> ! {
    let (state, code) = match failure {
        Failure::MapMismatch => (FwState::MapMismatch, 0),
        Failure::SelfTest(test) => {
            defmt::error!("boot: self-test failed: {}", test);
            (FwState::SelfTestFailed, test.code())
        }
    };
    p.status.set_state(state, code);
    loop {
        p.watchdog.feed();
    }
}
