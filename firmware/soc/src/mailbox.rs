// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The admin mailbox, firmware's end.

use hairpin_abi::admin::{CommandWords, ResponseWords};

use crate::regs::regs;

/// A command of the host, as it was at the doorbell.
#[derive(Clone, Copy, Debug)]
pub struct Command {
    /// Number the answer has to carry.
    pub seq: u16,
    /// Opcode and arguments.
    pub words: CommandWords,
}

/// Receives commands and answers them.
#[derive(Debug)]
pub struct Mailbox(());

impl Mailbox {
    pub(crate) const fn new() -> Self {
        Self(())
    }

    /// The command that waits for an answer, if there is one.
    pub fn receive(&mut self) -> Option<Command> {
        let mbox = regs().mbox();
        let seq = mbox.seq().read();
        if !seq.pending() {
            return None;
        }
        Some(Command {
            seq: seq.seq(),
            words: [
                mbox.cmd0().read().value(),
                mbox.cmd1().read().value(),
                mbox.cmd2().read().value(),
                mbox.cmd3().read().value(),
                mbox.cmd4().read().value(),
                mbox.cmd5().read().value(),
                mbox.cmd6().read().value(),
                mbox.cmd7().read().value(),
                mbox.cmd8().read().value(),
                mbox.cmd9().read().value(),
                mbox.cmd10().read().value(),
                mbox.cmd11().read().value(),
                mbox.cmd12().read().value(),
                mbox.cmd13().read().value(),
                mbox.cmd14().read().value(),
                mbox.cmd15().read().value(),
            ],
        })
    }

    /// Answers the command with that number. When the host has rung again meanwhile, the hardware
    /// ignores the answer.
    pub fn respond(&mut self, seq: u16, words: &ResponseWords) {
        let mbox = regs().mbox();
        let [w0, w1, w2, w3, w4, w5, w6, w7] = *words;
        mbox.rsp0().write(|w| w.set_value(w0));
        mbox.rsp1().write(|w| w.set_value(w1));
        mbox.rsp2().write(|w| w.set_value(w2));
        mbox.rsp3().write(|w| w.set_value(w3));
        mbox.rsp4().write(|w| w.set_value(w4));
        mbox.rsp5().write(|w| w.set_value(w5));
        mbox.rsp6().write(|w| w.set_value(w6));
        mbox.rsp7().write(|w| w.set_value(w7));
        mbox.rsp_done().write(|w| w.set_seq(seq));
    }
}
