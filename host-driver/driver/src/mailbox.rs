// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The admin mailbox: one command to the firmware at a time.

use hairpin_abi::admin::{self, Command, Crash, ResponseWords};
use hairpin_regs::pf_on;

use crate::device::{Device, offset_of};
use crate::error::Error;
use crate::transport::Transport;

/// Clocks between two looks at the answer.
const POLL_CYCLES: u32 = 256;
/// Looks until a command counts as lost: 67 million clocks. The slowest command, removing what was learned in
/// a V.VLAN, reads the whole address table up to eight times on the core's own clock.
const POLL_LIMIT: u32 = 262_144;

impl<T: Transport> Device<T> {
    /// Sends a command and waits for its results.
    ///
    /// # Errors
    /// The NIC cannot be reached, the firmware refuses the command (nothing changed then), hangs, or
    /// does not answer.
    pub fn admin(&mut self, command: &Command) -> Result<[u32; 7], Error> {
        let seq = self.post(command)?;
        let io = self.io();
        let mailbox = pf_on(&io).mbox();
        self.poll_slowly("the firmware's mailbox", POLL_CYCLES, POLL_LIMIT, || {
            let status = mailbox.rsp_status().try_read()?;
            if status.done() && status.seq() == seq {
                return Ok(true);
            }
            if pf_on(&io).fw().status().try_read()?.hung() {
                return Err(Error::FirmwareHung);
            }
            Ok(false)
        })?;
        let response: ResponseWords = self.read_words(offset_of(mailbox.rsp0().as_ptr()))?;
        admin::decode_response(&response).map_err(|error| {
            // An error that this driver has no name for is told as another one.
            let known = (response[0] == u32::from(error.code())).then_some(error);
            Error::Admin {
                command: command.opcode().name().to_owned(),
                reason: match known {
                    None => format!("error {}", response[0]),
                    Some(error) => format!("{error} ({})", error.help().trim_end_matches('.')),
                },
                error: known,
            }
        })
    }

    /// Tells the firmware to fail, which it does only if its image
    /// [allows it](crate::image::FirmwareImage::allow_crash_test). Nothing answers: look at
    /// [`Device::health`].
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn crash_test(&mut self, crash: Crash) -> Result<(), Error> {
        self.post(&Command::CrashTest(crash)).map(|_| ())
    }

    /// Rings the doorbell; returns the number that the answer will have.
    fn post(&mut self, command: &Command) -> Result<u16, Error> {
        let io = self.io();
        let mailbox = pf_on(&io).mbox();
        // Never the number of the answer that is still in the registers.
        let seq = mailbox.rsp_status().try_read()?.seq().wrapping_add(1);
        self.write_words(offset_of(mailbox.cmd0().as_ptr()), &command.encode())?;
        mailbox
            .doorbell()
            .try_write(|doorbell| doorbell.set_seq(seq))?;
        Ok(seq)
    }
}
