// SPDX-License-Identifier: Apache-2.0 OR MIT

use std::fs;
use std::path::Path;
use std::time::Duration;

use pcap_file::DataLink;
use pcap_file::pcap::{PcapParseError, PcapParser, PcapValidationError};
use pcap_file::pcapng::{Block, PcapNgParseError, PcapNgParser, PcapNgState};
use thiserror::Error;

use super::{MAX_FRAME, MIN_FRAME, Timestamp};
use crate::Diagnostic;

/// First four bytes of a pcapng file, in any byte order.
const PCAPNG_MAGIC: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

/// Shortest Ethernet frame that has a header.
const HEADER: usize = 14;

/// One captured frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// When it was captured.
    pub time: Timestamp,
    /// Its bytes without FCS, at least [`MIN_FRAME`].
    pub data: Vec<u8>,
}

/// A whole capture file, in the order of the file.
///
/// Time stamps are as the file has them and may go backwards.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Capture {
    /// The frames.
    pub frames: Vec<Frame>,
}

/// Why a capture cannot be played.
#[derive(Debug, Error)]
pub enum CaptureError {
    /// The file cannot be read.
    #[error("cannot read the capture: {0}")]
    Unreadable(#[source] std::io::Error),
    /// It is neither pcap nor pcapng.
    #[error("not a pcap or pcapng file")]
    NotACapture,
    /// It ends in the middle of something.
    #[error("the file ends inside {what}")]
    Truncated {
        /// What it ends inside.
        what: String,
    },
    /// It breaks the format.
    #[error("malformed {format}, {position}: {source}")]
    Malformed {
        /// `pcap` or `pcapng`.
        format: &'static str,
        /// Where.
        position: String,
        /// What the parser found.
        #[source]
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The link type is not Ethernet.
    #[error("link type {link_type} is not Ethernet")]
    NotEthernet {
        /// The link type, as the file names it.
        link_type: String,
    },
    /// A packet was not captured whole.
    #[error("packet {index} (number {} in Wireshark) was snapped: {captured} of {original} bytes", index + 1)]
    Snapped {
        /// Its place in the file, from 0.
        index: usize,
        /// Bytes in the file.
        captured: u64,
        /// Bytes on the link.
        original: u64,
    },
    /// A frame longer than the port can carry.
    #[error("packet {index} (number {} in Wireshark) is {len} bytes long, the port carries at most {max}", index + 1)]
    Oversized {
        /// Its place in the file, from 0.
        index: usize,
        /// Its length.
        len: usize,
        /// The longest the port carries.
        max: usize,
    },
    /// A frame without an Ethernet header.
    #[error("packet {index} (number {} in Wireshark) is {len} bytes long, too short for an Ethernet header", index + 1)]
    TooShort {
        /// Its place in the file, from 0.
        index: usize,
        /// Its length.
        len: usize,
    },
    /// A packet without a usable time stamp.
    #[error("packet {index} (number {} in Wireshark) has no time stamp that fits into 64 bits of nanoseconds", index + 1)]
    BadTimestamp {
        /// Its place in the file, from 0.
        index: usize,
    },
}

impl CaptureError {
    /// Its stable name.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "capture-unreadable",
            Self::NotACapture => "capture-unknown-format",
            Self::Truncated { .. } => "capture-truncated",
            Self::Malformed { .. } => "capture-malformed",
            Self::NotEthernet { .. } => "capture-not-ethernet",
            Self::Snapped { .. } => "capture-snapped",
            Self::Oversized { .. } => "capture-oversized",
            Self::TooShort { .. } => "capture-too-short",
            Self::BadTimestamp { .. } => "capture-bad-timestamp",
        }
    }

    /// What to do about it.
    pub fn help(&self) -> &'static str {
        match self {
            Self::Unreadable(_) => "check the path and its permissions",
            Self::NotACapture => "record it with `tcpdump -w` or `dumpcap`",
            Self::Truncated { .. } => {
                "let the recorder end by itself (SIGINT), or keep its whole packets with `editcap`"
            }
            Self::Malformed { .. } => "rewrite it with `editcap -F pcap IN OUT`",
            Self::NotEthernet { .. } => "record on an Ethernet interface, not on `any` or a tunnel",
            Self::Snapped { .. } => "record whole packets: `tcpdump -s 0`",
            Self::Oversized { .. } => {
                "switch TSO, GSO, GRO and LRO off on the recorded interface: `ethtool -K`"
            }
            Self::TooShort { .. } => "leave the packet out: `editcap IN OUT NUMBER`",
            Self::BadTimestamp { .. } => "rewrite it with `editcap -F nsecpcap IN OUT`",
        }
    }

    /// The error as a person sees it: with file, option and fix.
    pub fn into_diagnostic(self, field: impl Into<Box<str>>, file: &Path) -> Diagnostic {
        Diagnostic::new(self.code(), self.to_string())
            .field(field)
            .file(file)
            .help(self.help())
    }
}

impl Capture {
    /// Reads a capture for a port whose frames carry `nic_tag_len` bytes of NIC tags.
    ///
    /// # Errors
    /// The file is unreadable or one of its packets cannot be played; nothing is returned then.
    pub fn read(path: &Path, nic_tag_len: usize) -> Result<Self, CaptureError> {
        let bytes = fs::read(path).map_err(CaptureError::Unreadable)?;
        Self::parse(&bytes, nic_tag_len)
    }

    /// Reads a capture from memory; see [`Capture::read`].
    ///
    /// # Errors
    /// As [`Capture::read`].
    pub fn parse(bytes: &[u8], nic_tag_len: usize) -> Result<Self, CaptureError> {
        let mut capture = Builder {
            frames: Vec::new(),
            max: MAX_FRAME + nic_tag_len,
        };
        if bytes.starts_with(&PCAPNG_MAGIC) {
            capture.parse_pcapng(bytes)?;
        } else {
            capture.parse_pcap(bytes)?;
        }
        Ok(Self {
            frames: capture.frames,
        })
    }

    /// The time of the first frame in the file.
    pub fn start(&self) -> Option<Timestamp> {
        self.frames.first().map(|frame| frame.time)
    }
}

/// A capture in the making.
struct Builder {
    frames: Vec<Frame>,
    max: usize,
}

impl Builder {
    fn parse_pcap(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        let (mut rest, parser) = PcapParser::new(bytes).map_err(|error| match error {
            PcapParseError::IncompleteBuffer(..) if looks_like_pcap(bytes) => {
                CaptureError::Truncated {
                    what: "the file header".to_owned(),
                }
            }
            PcapParseError::IncompleteBuffer(..)
            | PcapParseError::Validation(PcapValidationError::InvalidMagicNumber(_)) => {
                CaptureError::NotACapture
            }
            error => malformed("pcap", "file header".to_owned(), error),
        })?;
        check_link_type(parser.header().datalink)?;
        while !rest.is_empty() {
            let index = self.frames.len();
            let (next, raw) =
                parser
                    .next_raw_packet(rest)
                    .map_err(|_| CaptureError::Truncated {
                        what: format!("packet {index}"),
                    })?;
            // The header's snap length is not looked at: some recorders write 0 for "no limit", and a
            // snapped packet shows in its own lengths.
            let packet = raw
                .try_into_pcap_packet(parser.header().ts_resolution, u32::MAX)
                .map_err(|error| malformed("pcap", format!("packet {index}"), error))?;
            self.push(packet.timestamp(), packet.orig_len().into(), packet.data())?;
            rest = next;
        }
        Ok(())
    }

    fn parse_pcapng(&mut self, bytes: &[u8]) -> Result<(), CaptureError> {
        let mut block = 0_usize;
        let (mut rest, mut parser) =
            PcapNgParser::new(bytes).map_err(|error| pcapng_error(error, block))?;
        while !rest.is_empty() {
            block += 1;
            let (next, parsed) = parser
                .next_block(rest)
                .map_err(|error| pcapng_error(error, block))?;
            match parsed {
                Block::EnhancedPacket(packet) => {
                    check_interface(parser.state(), packet.interface_id)?;
                    self.push(packet.timestamp, packet.original_len.into(), &packet.data)?;
                }
                Block::Packet(packet) => {
                    check_interface(parser.state(), packet.interface_id.into())?;
                    self.push(packet.timestamp, packet.original_len.into(), &packet.data)?;
                }
                // Simple packets carry no time stamp, so they cannot be mapped to cycles.
                Block::SimplePacket(_) => {
                    return Err(CaptureError::BadTimestamp {
                        index: self.frames.len(),
                    });
                }
                _ => {}
            }
            rest = next;
        }
        Ok(())
    }

    fn push(&mut self, time: Duration, original: u64, data: &[u8]) -> Result<(), CaptureError> {
        let index = self.frames.len();
        let captured = data.len() as u64;
        if captured != original {
            return Err(CaptureError::Snapped {
                index,
                captured,
                original,
            });
        }
        if data.len() < HEADER {
            return Err(CaptureError::TooShort {
                index,
                len: data.len(),
            });
        }
        if data.len() > self.max {
            return Err(CaptureError::Oversized {
                index,
                len: data.len(),
                max: self.max,
            });
        }
        let nanos =
            u64::try_from(time.as_nanos()).map_err(|_| CaptureError::BadTimestamp { index })?;
        let mut data = data.to_vec();
        if data.len() < MIN_FRAME {
            data.resize(MIN_FRAME, 0);
        }
        self.frames.push(Frame {
            time: Timestamp::from_nanos(nanos),
            data,
        });
        Ok(())
    }
}

fn check_link_type(link_type: DataLink) -> Result<(), CaptureError> {
    if link_type == DataLink::ETHERNET {
        return Ok(());
    }
    Err(CaptureError::NotEthernet {
        link_type: format!("{link_type:?}"),
    })
}

fn check_interface(state: &PcapNgState, interface: u32) -> Result<(), CaptureError> {
    let interface = usize::try_from(interface)
        .ok()
        .and_then(|id| state.interfaces().get(id));
    match interface {
        Some(interface) => check_link_type(interface.linktype),
        None => Err(CaptureError::Malformed {
            format: "pcapng",
            position: "a packet".to_owned(),
            source: "it names an interface that does not exist".into(),
        }),
    }
}

fn pcapng_error(error: PcapNgParseError, block: usize) -> CaptureError {
    match error {
        PcapNgParseError::IncompleteBuffer(..) => CaptureError::Truncated {
            what: format!("block {block}"),
        },
        error => malformed("pcapng", format!("block {block}"), error),
    }
}

fn malformed(
    format: &'static str,
    position: String,
    source: impl std::error::Error + Send + Sync + 'static,
) -> CaptureError {
    CaptureError::Malformed {
        format,
        position,
        source: source.into(),
    }
}

/// Whether a file too short for a header begins like one.
fn looks_like_pcap(bytes: &[u8]) -> bool {
    const MAGICS: [[u8; 4]; 4] = [
        [0xa1, 0xb2, 0xc3, 0xd4],
        [0xa1, 0xb2, 0x3c, 0x4d],
        [0xd4, 0xc3, 0xb2, 0xa1],
        [0x4d, 0x3c, 0xb2, 0xa1],
    ];
    MAGICS.iter().any(|magic| bytes.starts_with(magic))
}
