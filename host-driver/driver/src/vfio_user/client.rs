// SPDX-License-Identifier: Apache-2.0 OR MIT

//! One command at a time, over a socket. Whatever comes back is checked; after the first nonsense or the
//! first silence the connection is given up, since nobody could tell which answer belongs to what.

use std::io::{self, IoSlice, Read};
use std::mem::MaybeUninit;
use std::os::fd::BorrowedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::net::{SendAncillaryBuffer, SendAncillaryMessage, SendFlags};
use serde::Deserialize;
use thiserror::Error;

use super::message::{Body, Command, Fields, HEADER, Header};

/// Version of the protocol: 0, and any minor one.
const MAJOR: u16 = 0;
const MINOR: u16 = 1;
/// Most files in one message, whatever the server takes.
const MOST_FDS: usize = 16;
/// Commands of the server's that are refused while an answer is awaited; one more is nonsense.
const MOST_REFUSALS: usize = 16;

/// Why a device behind a socket cannot be used.
#[derive(Debug, Error)]
pub enum Error {
    /// The socket cannot be used.
    #[error("cannot connect: {0}")]
    Connect(#[source] io::Error),
    /// The connection broke.
    #[error("the connection broke at {command}: {source}")]
    Broken {
        /// What was asked.
        command: Command,
        /// How.
        source: io::Error,
    },
    /// There was no answer.
    #[error("no answer to {command} within {} ms", after.as_millis())]
    Silent {
        /// What was asked.
        command: Command,
        /// How long it was waited for.
        after: Duration,
    },
    /// The device refused a command.
    #[error("{command} failed: {}", io::Error::from_raw_os_error(*errno))]
    Refused {
        /// What was asked.
        command: Command,
        /// The error number.
        errno: i32,
    },
    /// The answer makes no sense.
    #[error("the answer to {command} makes no sense: {what}")]
    Malformed {
        /// What was asked.
        command: Command,
        /// What is wrong.
        what: &'static str,
    },
    /// Something like this came before.
    #[error("the connection was given up after an earlier error")]
    GivenUp,
    /// What is asked for is not there.
    #[error("the device has no {0}")]
    Missing(&'static str),
}

impl From<Error> for io::Error {
    fn from(error: Error) -> Self {
        let kind = match &error {
            Error::Connect(source) => source.kind(),
            Error::Broken { .. } | Error::GivenUp => io::ErrorKind::NotConnected,
            Error::Silent { .. } => io::ErrorKind::TimedOut,
            Error::Refused { errno, .. } => Self::from_raw_os_error(*errno).kind(),
            Error::Malformed { .. } => io::ErrorKind::InvalidData,
            Error::Missing(_) => io::ErrorKind::Unsupported,
        };
        Self::new(kind, error)
    }
}

type Result<T> = std::result::Result<T, Error>;

/// A connection.
#[derive(Debug)]
pub(super) struct Client {
    stream: UnixStream,
    next_id: u16,
    timeout: Duration,
    given_up: bool,
    /// Files that the server takes in one message.
    max_fds: usize,
}

/// What we read of the server's capabilities.
#[derive(Default, Deserialize)]
struct Version {
    #[serde(default)]
    capabilities: Capabilities,
}

#[derive(Default, Deserialize)]
struct Capabilities {
    max_msg_fds: Option<u32>,
}

impl Client {
    pub(super) fn connect(path: &Path, timeout: Duration) -> Result<Self> {
        Self::new(UnixStream::connect(path).map_err(Error::Connect)?, timeout)
    }

    pub(super) fn new(stream: UnixStream, timeout: Duration) -> Result<Self> {
        stream
            .set_read_timeout(Some(timeout))
            .and_then(|()| stream.set_write_timeout(Some(timeout)))
            .map_err(Error::Connect)?;
        let mut client = Self {
            stream,
            next_id: 0,
            timeout,
            given_up: false,
            max_fds: 1,
        };
        client.negotiate()?;
        Ok(client)
    }

    fn negotiate(&mut self) -> Result<()> {
        let command = Command::Version;
        let body = Body::default()
            .u16(MAJOR)
            .u16(MINOR)
            .bytes(br#"{"capabilities":{"max_msg_fds":16,"max_data_xfer_size":1048576}}"#)
            .bytes(b"\0");
        let answer = self.call(command, &body.0, &[])?;
        let malformed = |what| Error::Malformed { command, what };
        let mut fields = Fields(&answer);
        let (major, _minor) = (fields.u16())
            .zip(fields.u16())
            .ok_or(malformed("it is too short"))?;
        if major != MAJOR {
            return Err(malformed("another major version"));
        }
        let json = fields.rest();
        let json = json.strip_suffix(b"\0").unwrap_or(json);
        let version = if json.is_empty() {
            Version::default()
        } else {
            serde_json::from_slice(json).map_err(|_| malformed("the capabilities"))?
        };
        let fds = version.capabilities.max_msg_fds.unwrap_or(1);
        self.max_fds = usize::try_from(fds).unwrap_or(MOST_FDS).min(MOST_FDS);
        Ok(())
    }

    /// Files that can go with one message.
    pub(super) fn max_fds(&self) -> usize {
        self.max_fds
    }

    /// Sends a command and waits for its answer.
    pub(super) fn call(
        &mut self,
        command: Command,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Vec<u8>> {
        if self.given_up {
            return Err(Error::GivenUp);
        }
        let result = self.exchange(command, body, fds);
        self.given_up = !matches!(result, Ok(_) | Err(Error::Refused { .. }));
        result
    }

    /// As [`Client::call`], with an answer of a known length.
    pub(super) fn call_sized(
        &mut self,
        command: Command,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
        expected: usize,
    ) -> Result<Vec<u8>> {
        let answer = self.call(command, body, fds)?;
        if answer.len() == expected {
            return Ok(answer);
        }
        Err(self.malformed(command, "its length"))
    }

    /// Gives the connection up.
    pub(super) fn malformed(&mut self, command: Command, what: &'static str) -> Error {
        self.given_up = true;
        Error::Malformed { command, what }
    }

    fn exchange(
        &mut self,
        command: Command,
        body: &[u8],
        fds: &[BorrowedFd<'_>],
    ) -> Result<Vec<u8>> {
        let id = self.next_id;
        self.next_id = id.wrapping_add(1);
        let deadline = Instant::now() + self.timeout;
        self.send(command, Header::command(id, command, body.len()), body, fds)?;
        for _ in 0..=MOST_REFUSALS {
            let mut header = [0; HEADER];
            self.receive(command, &mut header, deadline)?;
            let header = Header::decode(&header);
            let malformed = |what| Error::Malformed { command, what };
            let len = header.body().ok_or(malformed("its size"))?;
            let mut answer = vec![0; len];
            self.receive(command, &mut answer, deadline)?;
            if !header.is_reply() {
                // Devices may ask for memory that was given to them without a file. Ours always has one.
                if header.wants_reply() {
                    self.send(command, header.refusal(), &[], &[])?;
                }
                continue;
            }
            if header.id != id || header.command != command as u16 {
                return Err(malformed("it belongs to another command"));
            }
            return match header.errno() {
                None => Ok(answer),
                Some(errno) => Err(Error::Refused {
                    command,
                    errno: i32::try_from(errno).unwrap_or(i32::MAX),
                }),
            };
        }
        Err(Error::Malformed {
            command,
            what: "the server asks instead of answering",
        })
    }

    fn send(
        &mut self,
        command: Command,
        header: Header,
        body: &[u8],
        mut fds: &[BorrowedFd<'_>],
    ) -> Result<()> {
        let message = [&header.encode(), body].concat();
        let mut rest = &message[..];
        while !rest.is_empty() {
            let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST_FDS))];
            let mut control = SendAncillaryBuffer::new(&mut space);
            if !fds.is_empty() && !control.push(SendAncillaryMessage::ScmRights(fds)) {
                return Err(Error::Missing("room for so many files in a message"));
            }
            let sent = rustix::net::sendmsg(
                &self.stream,
                &[IoSlice::new(rest)],
                &mut control,
                SendFlags::NOSIGNAL,
            );
            match sent {
                Ok(sent) => {
                    // The files went with the first bytes.
                    fds = &[];
                    rest = rest.get(sent..).unwrap_or(&[]);
                }
                Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(self.broken(command, error.into())),
            }
        }
        Ok(())
    }

    /// Fills a buffer. Files that come along are not received.
    fn receive(&mut self, command: Command, mut rest: &mut [u8], deadline: Instant) -> Result<()> {
        while !rest.is_empty() {
            match self.stream.read(rest) {
                Ok(0) => {
                    return Err(self.broken(command, io::ErrorKind::UnexpectedEof.into()));
                }
                Ok(len) => rest = &mut std::mem::take(&mut rest)[len..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.broken(command, error)),
            }
            // A byte now and then is no answer.
            if !rest.is_empty() && Instant::now() > deadline {
                return Err(self.broken(command, io::ErrorKind::TimedOut.into()));
            }
        }
        Ok(())
    }

    fn broken(&self, command: Command, source: io::Error) -> Error {
        match source.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Error::Silent {
                command,
                after: self.timeout,
            },
            _ => Error::Broken { command, source },
        }
    }
}
