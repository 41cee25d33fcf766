// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The connection to a client: whole messages in and out, for two threads.
//!
//! The thread of the socket answers the client's messages. The thread of the NIC asks for memory that came without a
//! descriptor, and waits for the reply: it reads the connection itself meanwhile, because the other thread may be
//! waiting for the NIC. Messages that it finds on the way wait in a backlog.

use std::collections::VecDeque;
use std::io::{self, Write as _};
use std::net::Shutdown;
use std::os::fd::{AsFd as _, BorrowedFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::protocol::{self, Broken, HEADER, Header};
use super::sys;

/// How long a client may leave a message untaken, or a question about its memory unanswered.
const LIMIT: Duration = Duration::from_secs(if cfg!(test) { 1 } else { 5 });
/// Messages that may come before the reply.
const BACKLOG: usize = 64;

/// Why nothing more comes.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the client has left")]
    Left,
    #[error("{0}")]
    Broken(#[from] Broken),
    #[error("{0}")]
    Io(#[from] io::Error),
}

/// A message, or as much of it as is there.
#[derive(Default)]
pub(super) struct Message {
    bytes: Vec<u8>,
    have: usize,
    header: Option<Header>,
    pub(super) fds: Vec<OwnedFd>,
    pub(super) too_many_fds: bool,
}

impl Message {
    fn new() -> Self {
        Self {
            bytes: vec![0; HEADER],
            ..Self::default()
        }
    }

    /// What a whole message says.
    pub(super) fn parts(&self) -> Option<(Header, &[u8])> {
        Some((self.header?, self.bytes.get(HEADER..)?))
    }

    /// Takes what is there; never more than this message. True when it is whole.
    fn receive(&mut self, stream: &UnixStream) -> Result<bool, Ended> {
        let received = match sys::receive(stream, &mut self.bytes[self.have..]) {
            Ok(received) => received,
            Err(e) if e.kind() == io::ErrorKind::WouldBlock => return Ok(false),
            Err(e) => return Err(e.into()),
        };
        if received.len == 0 {
            return Err(Ended::Left);
        }
        self.have += received.len;
        self.too_many_fds |= received.too_many_fds;
        self.fds.extend(received.fds);
        if self.fds.len() > sys::MAX_FDS {
            // Whatever it is for, nothing takes so many; do not hold what a client piles up.
            self.fds.clear();
            self.too_many_fds = true;
        }
        if self.header.is_none()
            && let Ok(head) = <&[u8; HEADER]>::try_from(&self.bytes[..self.have])
        {
            let header = Header::parse(head)?;
            self.bytes.resize(HEADER + header.body, 0);
            self.header = Some(header);
        }
        Ok(self.header.is_some() && self.have == self.bytes.len())
    }
}

/// What came so far.
struct Reader {
    incoming: Message,
    backlog: VecDeque<Message>,
}

impl Reader {
    /// The message that is whole now, if one is.
    fn receive(&mut self, stream: &UnixStream) -> Result<Option<Message>, Ended> {
        let whole = self.incoming.receive(stream)?;
        Ok(whole.then(|| std::mem::replace(&mut self.incoming, Message::new())))
    }
}

/// A connection.
pub(super) struct Line {
    stream: UnixStream,
    reader: Mutex<Reader>,
    /// Held while a message goes out; the number of the next question.
    writer: Mutex<u16>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line").finish_non_exhaustive()
    }
}

impl Line {
    pub(super) fn new(stream: UnixStream) -> io::Result<Self> {
        stream.set_write_timeout(Some(LIMIT))?;
        Ok(Self {
            stream,
            reader: Mutex::new(Reader {
                incoming: Message::new(),
                backlog: VecDeque::new(),
            }),
            writer: Mutex::new(0),
        })
    }

    /// For [`sys::readable`].
    pub(super) fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }

    /// Whether the other end is closed.
    pub(super) fn has_left(&self) -> io::Result<bool> {
        sys::has_left(self.stream.as_fd())
    }

    fn reader(&self) -> MutexGuard<'_, Reader> {
        // A thread that failed inside has left whole messages behind, or one that is not whole yet.
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next message of the client, if a whole one is there.
    pub(super) fn next(&self) -> Result<Option<Message>, Ended> {
        let mut reader = self.reader();
        let message = match reader.backlog.pop_front() {
            Some(message) => Some(message),
            None => reader.receive(&self.stream)?,
        };
        match message {
            Some(Message {
                header: Some(header),
                ..
            }) if header.is_reply => Err(Broken::Reply.into()),
            message => Ok(message),
        }
    }

    /// Sends a whole message.
    pub(super) fn send(&self, bytes: &[u8]) -> io::Result<()> {
        let _whole = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        (&self.stream).write_all(bytes)
    }

    /// Reads memory of the client, by message.
    pub(super) fn read_memory(&self, addr: u64, data: &mut [u8]) -> Result<(), &'static str> {
        let reply = self.ask(protocol::DMA_READ, addr, data.len(), &[])?;
        match reply.split_at_checked(reply.len().wrapping_sub(data.len())) {
            Some((head, bytes)) if head == protocol::memory_head(addr, data.len()) => {
                data.copy_from_slice(bytes);
                Ok(())
            }
            _ => Err(self.cut("was answered with other bytes than asked for")),
        }
    }

    /// Writes memory of the client, by message.
    pub(super) fn write_memory(&self, addr: u64, data: &[u8]) -> Result<(), &'static str> {
        let reply = self.ask(protocol::DMA_WRITE, addr, data.len(), data)?;
        if reply == protocol::memory_head(addr, data.len()) {
            Ok(())
        } else {
            Err(self.cut("was answered with other bytes than asked for"))
        }
    }

    /// True if messages wait for the thread of the socket.
    pub(super) fn has_backlog(&self) -> bool {
        !self.reader().backlog.is_empty()
    }

    /// Asks the client about its memory; the body of its reply.
    fn ask(
        &self,
        command: u16,
        addr: u64,
        len: usize,
        data: &[u8],
    ) -> Result<Vec<u8>, &'static str> {
        let mut reader = self.reader();
        let id = {
            let mut next = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
            *next = next.wrapping_add(1);
            *next
        };
        if self
            .send(&protocol::memory_question(id, command, addr, len, data))
            .is_err()
        {
            return Err(self.cut("cannot be asked for"));
        }
        let end = Instant::now() + LIMIT;
        loop {
            let left = end.saturating_duration_since(Instant::now()).as_millis();
            let there = sys::readable(
                [self.stream.as_fd()],
                Some(u16::try_from(left).unwrap_or(u16::MAX)),
            );
            match there {
                Ok([true]) => {}
                Ok([false]) if left > 0 => continue,
                _ => return Err(self.cut("was not answered for in time")),
            }
            match reader.receive(&self.stream) {
                Ok(None) => {}
                Ok(Some(message)) => match message.header {
                    Some(header) if header.is_reply => {
                        if (header.id, header.number) != (id, command) {
                            return Err(self.cut("was answered for with another reply"));
                        }
                        if header.failed {
                            return Err("is refused by the client");
                        }
                        return Ok(message.bytes[HEADER..].to_vec());
                    }
                    _ if reader.backlog.len() < BACKLOG => reader.backlog.push_back(message),
                    _ => return Err(self.cut("was not answered for among many messages")),
                },
                Err(_) => return Err(self.cut("was not answered for")),
            }
        }
    }

    /// Ends the connection of a client that does not keep to the rules.
    fn cut(&self, why: &'static str) -> &'static str {
        // Closed already is as good.
        let _ = self.stream.shutdown(Shutdown::Both);
        why
    }
}
