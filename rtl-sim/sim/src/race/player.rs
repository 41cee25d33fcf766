// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A program for the soft core that gives one table command and sleeps.
//!
//! The firmware never invalidates while a frame could still use what goes, where it can help it; the hardware has
//! to be right all the same. This program takes the firmware's place for such commands.

use hairpin_abi::{Op, Table};
use hairpin_driver::Diagnostic;

use crate::nic::{FW_CTRL, Nic, Observer};

/// `fw.LOAD_ADDR` and `fw.LOAD_DATA` of the PF BAR.
const LOAD_ADDR: u16 = 0x0504;
const LOAD_DATA: u16 = 0x0508;
/// Where the core begins.
const ENTRY: u32 = 0x80;
/// Upper bits of the core's register block, and its table window.
const REGISTERS: u32 = 0x10000;
const DATA0: u32 = 0x200;
const CMD: u32 = 0x218;
const STATUS: u32 = 0x21c;

/// A table command, given after so many turns of an empty loop.
#[derive(Clone, Debug)]
pub(super) struct Issue {
    pub(super) turns: u32,
    pub(super) op: Op,
    pub(super) table: Table,
    pub(super) index: u16,
    pub(super) data: Vec<u32>,
}

/// Registers of the program.
const BASE: u32 = 1;
const VALUE: u32 = 5;
const COUNT: u32 = 6;

fn lui(rd: u32, upper: u32) -> u32 {
    upper << 12 | rd << 7 | 0x37
}

fn addi(rd: u32, rs: u32, low: u32) -> u32 {
    (low & 0xfff) << 20 | rs << 15 | rd << 7 | 0x13
}

fn lw(rd: u32, rs: u32, offset: u32) -> u32 {
    offset << 20 | rs << 15 | 2 << 12 | rd << 7 | 0x03
}

fn sw(value: u32, rs: u32, offset: u32) -> u32 {
    (offset >> 5 & 0x7f) << 25 | value << 20 | rs << 15 | 2 << 12 | (offset & 0x1f) << 7 | 0x23
}

fn andi(rd: u32, rs: u32, low: u32) -> u32 {
    low << 20 | rs << 15 | 7 << 12 | rd << 7 | 0x13
}

/// Back over one instruction, or two, unless the register is zero.
fn bnez_back(rs: u32, instructions: u32) -> u32 {
    let offset = (instructions * 4).wrapping_neg();
    (offset >> 12 & 1) << 31
        | (offset >> 5 & 0x3f) << 25
        | rs << 15
        | 1 << 12
        | (offset >> 1 & 0xf) << 8
        | (offset >> 11 & 1) << 7
        | 0x63
}

const WFI: u32 = 0x1050_0073;
/// Back to the instruction before.
const JUMP_BACK: u32 = 0xffdf_f06f;

/// A register gets a value.
fn load(rd: u32, value: u32) -> [u32; 2] {
    // The lower part is signed.
    [
        lui(rd, value.wrapping_add(0x800) >> 12),
        addi(rd, rd, value),
    ]
}

fn program(issue: &Issue) -> Vec<u32> {
    let mut code = vec![lui(BASE, REGISTERS)];
    for (at, word) in (0..).zip(&issue.data) {
        code.extend(load(VALUE, *word));
        code.push(sw(VALUE, BASE, DATA0 + 4 * at));
    }
    let command = u32::from(issue.op.code())
        | u32::from(issue.table.code()) << 4
        | u32::from(issue.index) << 16;
    code.extend(load(VALUE, command));
    code.extend(load(COUNT, issue.turns + 1));
    code.extend([addi(COUNT, COUNT, u32::MAX), bnez_back(COUNT, 1)]);
    code.push(sw(VALUE, BASE, CMD));
    code.extend([
        lw(COUNT, BASE, STATUS),
        andi(COUNT, COUNT, 1),
        bnez_back(COUNT, 2),
    ]);
    code.extend([WFI, JUMP_BACK]);
    code
}

/// Puts the program in the place of the firmware, or of another program, and starts it.
///
/// # Errors
/// The NIC cannot be reached.
pub(super) fn start(
    nic: &mut Nic,
    issue: &Issue,
    observer: &mut dyn Observer,
) -> Result<(), Diagnostic> {
    nic.device.stop_firmware()?;
    nic.drain(observer)?;
    nic.scoreboard.core_restarted();
    let mut writes = vec![(LOAD_ADDR, ENTRY)];
    writes.extend(program(issue).into_iter().map(|word| (LOAD_DATA, word)));
    writes.push((FW_CTRL, 1));
    for (register, value) in writes {
        let written = nic.model().csr_write(0, 0, register, value);
        written.map_err(|error| Diagnostic::new("model", error.to_string()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instructions_are_those_of_the_manual() {
        // As `llvm-mc` writes them.
        assert_eq!(lui(1, 0x10000), 0x1000_00b7);
        assert_eq!(addi(6, 6, u32::MAX), 0xfff3_0313);
        assert_eq!(sw(5, 1, 0x218), 0x2050_ac23);
        assert_eq!(lw(6, 1, 0x21c), 0x21c0_a303);
        assert_eq!(andi(6, 6, 1), 0x0013_7313);
        assert_eq!(bnez_back(6, 1), 0xfe03_1ee3);
        assert_eq!(bnez_back(6, 2), 0xfe03_1ce3);
        assert_eq!(load(5, 0x0000_0fff), [lui(5, 1), addi(5, 5, 0xfff)]);
    }
}
