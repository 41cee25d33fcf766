// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The firmware's log: a ring in the NIC, decoded against the image's ELF.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};

use defmt_decoder::{Locations, Table};
use hairpin_regs::pf_on;
use serde::{Deserialize, Serialize};

use crate::device::{Device, offset_of};
use crate::error::Error;
use crate::image::FirmwareImage;
use crate::transport::Transport;

/// Bytes of the ring.
const RING: u32 = 4096;

/// Longest frame that is waited for; a longer one is not the firmware's.
const MAX_PENDING: usize = 2 * RING as usize;

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct LogLine {
    /// When, as the firmware prints it.
    pub time: Option<String>,
    /// `trace`, `debug`, `info`, `warn` or `error`; absent for plain prints.
    pub level: Option<String>,
    /// The text.
    pub message: String,
    /// Module it came from.
    pub module: Option<String>,
    /// Source file.
    pub file: Option<String>,
    /// Line in that file.
    pub line: Option<u64>,
}

impl fmt::Display for LogLine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(time) = &self.time {
            write!(f, "{time} ")?;
        }
        if let Some(level) = &self.level {
            write!(f, "{:<5} ", level.to_uppercase())?;
        }
        f.write_str(&self.message)
    }
}

/// Turns the bytes of the log into lines. It survives overruns and garbage: what cannot be decoded is
/// reported as a line of its own and skipped.
pub struct LogDecoder {
    table: Table,
    locations: Option<Locations>,
    pending: Vec<u8>,
    /// Whether `pending` begins at the start of a frame.
    aligned: bool,
}

impl fmt::Debug for LogDecoder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogDecoder")
            .field("pending", &self.pending.len())
            .finish_non_exhaustive()
    }
}

impl LogDecoder {
    /// A decoder for an image; `None` when the image logs nothing.
    pub fn new(image: &FirmwareImage) -> Option<Self> {
        let table = Table::parse(image.elf()).ok().flatten()?;
        let locations = table.get_locations(image.elf()).ok().filter(|map| {
            table
                .indices()
                .all(|index| map.contains_key(&(index as u64)))
        });
        Some(Self {
            table,
            locations,
            pending: Vec::new(),
            aligned: true,
        })
    }

    /// Takes the next bytes of the log and adds the lines that are complete.
    pub fn push(&mut self, bytes: &[u8], lines: &mut Vec<LogLine>) {
        for &byte in bytes {
            if byte != 0 {
                self.pending.push(byte);
                if self.pending.len() > MAX_PENDING {
                    self.skip(lines, "a frame without end");
                }
                continue;
            }
            let frame = std::mem::take(&mut self.pending);
            if std::mem::replace(&mut self.aligned, true) && !frame.is_empty() {
                self.decode(frame, lines);
            }
        }
    }

    /// Notes that bytes are missing before the next ones.
    pub fn lost(&mut self, count: u32, lines: &mut Vec<LogLine>) {
        self.skip(
            lines,
            &format!("{count} bytes overwritten before they were read"),
        );
    }

    /// Gives the current frame up, with a note.
    fn skip(&mut self, lines: &mut Vec<LogLine>, why: &str) {
        self.pending.clear();
        self.aligned = false;
        lines.push(note(format!("log gap: {why}")));
    }

    /// Decodes one frame, or says that it makes no sense.
    fn decode(&self, mut frame: Vec<u8>, lines: &mut Vec<LogLine>) {
        frame.push(0);
        // The decoder crate panics on some malformed frames (times out of range, types that do not go
        // together); what a NIC sends must not stop the driver.
        let line = catch_unwind(AssertUnwindSafe(|| self.decode_frame(&frame)))
            .ok()
            .flatten();
        lines.push(line.unwrap_or_else(|| {
            note(format!(
                "log gap: a frame of {} bytes makes no sense",
                frame.len()
            ))
        }));
    }

    fn decode_frame(&self, frame: &[u8]) -> Option<LogLine> {
        let mut decoder = self.table.new_stream_decoder();
        decoder.received(frame);
        let frame = decoder.decode().ok()?;
        let location = self
            .locations
            .as_ref()
            .and_then(|locations| locations.get(&frame.index()));
        Some(LogLine {
            time: frame.display_timestamp().map(|time| time.to_string()),
            level: frame.level().map(|level| level.as_str().to_owned()),
            message: frame.display_message().to_string(),
            module: location.map(|location| location.module.clone()),
            file: location.map(|location| location.file.display().to_string()),
            line: location.map(|location| location.line),
        })
    }
}

/// A line of the driver's own.
fn note(message: String) -> LogLine {
    LogLine {
        time: None,
        level: Some("warn".to_owned()),
        message,
        module: None,
        file: None,
        line: None,
    }
}

/// Reads the log of a running NIC. Call [`LogReader::poll`] often enough: the ring holds 4 KiB.
#[derive(Debug)]
pub struct LogReader {
    decoder: LogDecoder,
    /// Bytes of the log that were read or given up.
    next: u32,
}

impl LogReader {
    /// A reader from the start of the log; `None` when the image logs nothing.
    pub fn new(image: &FirmwareImage) -> Option<Self> {
        Some(Self {
            decoder: LogDecoder::new(image)?,
            next: 0,
        })
    }

    /// Reads what is new.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn poll<T: Transport>(&mut self, device: &mut Device<T>) -> Result<Vec<LogLine>, Error> {
        let mut lines = Vec::new();
        let head = device.log_head()?;
        let mut new = head.wrapping_sub(self.next);
        if new > u32::MAX / 2 {
            // The head went back: the core was started again.
            self.decoder.skip(&mut lines, "the core was started again");
            self.decoder.aligned = true;
            self.next = 0;
            new = head;
        }
        if new > RING {
            self.decoder.lost(new - RING, &mut lines);
            self.next = head.wrapping_sub(RING);
            new = RING;
        }
        let mut bytes = device.read_log_ring(self.next, new)?;
        // What was overwritten while it was read is garbage.
        let overwritten = device
            .log_head()?
            .wrapping_sub(self.next)
            .saturating_sub(RING)
            .min(new);
        if overwritten > 0 {
            self.decoder.lost(overwritten, &mut lines);
            bytes.drain(..overwritten as usize);
        }
        self.decoder.push(&bytes, &mut lines);
        self.next = head;
        Ok(lines)
    }
}

impl<T: Transport> Device<T> {
    fn log_head(&mut self) -> Result<u32, Error> {
        Ok(pf_on(&self.io()).log().head().try_read()?.value())
    }

    /// Reads `len` bytes of the ring, from byte `start` of the log on.
    fn read_log_ring(&mut self, start: u32, len: u32) -> Result<Vec<u8>, Error> {
        let io = self.io();
        let ring = offset_of(pf_on(&io).log_ring().as_ptr());
        let first_word = start / 4;
        let words = (start % 4 + len).div_ceil(4);
        let mut bytes = Vec::with_capacity(words as usize * 4);
        for word in first_word..first_word + words {
            let [value] = self.read_words(ring + word * 4 % RING)?;
            bytes.extend_from_slice(&value.to_le_bytes());
        }
        let skip = (start % 4) as usize;
        bytes.drain(..skip);
        bytes.truncate(len as usize);
        Ok(bytes)
    }
}
