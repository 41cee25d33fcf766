// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::time::Duration;

use pcap_file::pcap::{PcapHeader, PcapPacket, PcapTsResolution, PcapWriteError, PcapWriter};
use pcap_file::{DataLink, Endianness};

use super::{MAX_FRAME, Timestamp};

/// Writes a pcap file: Ethernet, nanoseconds, little endian on every host.
#[derive(Debug)]
pub struct CaptureWriter<W: Write> {
    writer: PcapWriter<W>,
}

impl CaptureWriter<BufWriter<File>> {
    /// Creates or truncates a file.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn create(path: &Path) -> io::Result<Self> {
        Self::new(BufWriter::new(File::create(path)?))
    }
}

impl<W: Write> CaptureWriter<W> {
    /// Starts a capture.
    ///
    /// # Errors
    /// The header cannot be written.
    pub fn new(writer: W) -> io::Result<Self> {
        let header = PcapHeader {
            snaplen: u32::try_from(MAX_FRAME + 16).unwrap_or(u32::MAX),
            datalink: DataLink::ETHERNET,
            ts_resolution: PcapTsResolution::NanoSecond,
            endianness: Endianness::Little,
            ..PcapHeader::default()
        };
        let writer = PcapWriter::with_header(writer, header).map_err(into_io)?;
        Ok(Self { writer })
    }

    /// Writes one frame.
    ///
    /// # Errors
    /// It cannot be written, or its time stamp is past the year 2106, the end of the format.
    pub fn write(&mut self, time: Timestamp, frame: &[u8]) -> io::Result<()> {
        let len = u32::try_from(frame.len())
            .map_err(|_| io::Error::new(io::ErrorKind::InvalidInput, "frame too long"))?;
        let packet = PcapPacket::new(Duration::from_nanos(time.nanos), len, frame)
            .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
        self.writer.write_packet(&packet).map_err(into_io)?;
        Ok(())
    }

    /// Flushes and returns what it wrote to.
    ///
    /// # Errors
    /// The last bytes cannot be written.
    pub fn finish(mut self) -> io::Result<W> {
        self.writer.flush().map_err(into_io)?;
        Ok(self.writer.into_inner())
    }
}

fn into_io(error: PcapWriteError) -> io::Error {
    match error {
        PcapWriteError::Io(error) | PcapWriteError::FieldWriteFailed(_, error) => error,
        PcapWriteError::Validation(error) => io::Error::new(io::ErrorKind::InvalidInput, error),
    }
}
