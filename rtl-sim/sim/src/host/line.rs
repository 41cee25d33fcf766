// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The connection to a client: whole messages in and out, for two threads.
//!
//! The thread of the socket answers the client's messages. The thread of the NIC asks for memory that came without a
//! descriptor, and waits for the reply: it reads the connection itself meanwhile, because the other thread may be
//! waiting for the NIC. Messages that it finds on the way wait in a backlog. A report is a question too, but nobody
//! waits for its reply: a client may have to wait for the NIC itself before it replies.

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
/// Reports whose replies have not come; further ones are not sent.
const REPORTS: usize = 64;

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
    /// Numbers and commands of reports that were not replied to yet.
    reports: VecDeque<(u16, u16)>,
}

impl Reader {
    /// The message that is whole now, if one is.
    fn receive(&mut self, stream: &UnixStream) -> Result<Option<Message>, Ended> {
        if !self.incoming.receive(stream)? {
            return Ok(None);
        }
        let message = std::mem::replace(&mut self.incoming, Message::new());
        let reply = message.header.filter(|header| header.is_reply);
        let of_report = reply.is_some_and(|header| {
            let report = (header.id, header.number);
            self.reports
                .pop_front_if(|first| *first == report)
                .is_some()
        });
        Ok((!of_report).then_some(message))
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
                reports: VecDeque::new(),
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

    /// Lets the client know of an access that was refused here; whatever it replies changes nothing.
    pub(super) fn report(&self, command: u16, addr: u64, len: usize, data: &[u8]) {
        let mut reader = self.reader();
        if reader.reports.len() < REPORTS {
            let id = self.next_number();
            reader.reports.push_back((id, command));
            let question = protocol::memory_question(id, command, addr, len, data);
            if self.send(&question).is_err() {
                self.cut("cannot be told");
            }
        }
    }

    /// True if messages wait for the thread of the socket.
    pub(super) fn has_backlog(&self) -> bool {
        !self.reader().backlog.is_empty()
    }

    fn next_number(&self) -> u16 {
        let mut next = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        *next = next.wrapping_add(1);
        *next
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
        let id = self.next_number();
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

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    /// A reply that says that it failed.
    fn reply(number: u16, command: u16) -> Vec<u8> {
        let fields = [u32::try_from(HEADER).unwrap(), 0x21, 14];
        let head = [number, command].into_iter().flat_map(u16::to_le_bytes);
        head.chain(fields.into_iter().flat_map(u32::to_le_bytes))
            .collect()
    }

    #[test]
    fn nobody_waits_for_the_reply_to_a_report() {
        let (ours, mut client) = UnixStream::pair().unwrap();
        let line = Line::new(ours).unwrap();
        for _ in 0..=REPORTS {
            line.report(protocol::DMA_READ, 0x3f_dead_000c, 100, &[]);
        }
        let mut questions = vec![0; REPORTS * (HEADER + 16)];
        client.read_exact(&mut questions).unwrap();
        client.set_nonblocking(true).unwrap();
        let more = client.read(&mut [0]).unwrap_err().kind();
        assert_eq!(more, io::ErrorKind::WouldBlock, "one too many was sent");
        for question in questions.chunks(HEADER + 16) {
            let number = u16::from_le_bytes([question[0], question[1]]);
            let reply = reply(number, protocol::DMA_READ);
            client.write_all(&reply).unwrap();
            assert!(line.next().unwrap().is_none());
        }
        client.write_all(&reply(1, protocol::DMA_READ)).unwrap();
        assert!(
            matches!(line.next(), Err(Ended::Broken(Broken::Reply))),
            "a reply to nothing"
        );
    }
}
