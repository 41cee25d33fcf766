// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A little vfio-user client that can also say what no client should.

use std::io::{IoSlice, Read as _, Write as _};
use std::os::fd::{AsRawFd as _, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use nix::sys::socket::{ControlMessage, MsgFlags, sendmsg};

pub(crate) const VERSION: u16 = 1;
pub(crate) const DMA_MAP: u16 = 2;
pub(crate) const DMA_UNMAP: u16 = 3;
pub(crate) const DEVICE_INFO: u16 = 4;
pub(crate) const REGION_INFO: u16 = 5;
pub(crate) const IRQ_INFO: u16 = 7;
pub(crate) const SET_IRQS: u16 = 8;
pub(crate) const REGION_READ: u16 = 9;
pub(crate) const REGION_WRITE: u16 = 10;
pub(crate) const RESET: u16 = 13;

/// What a client of today says of itself.
pub(crate) const HELLO: &[u8] =
    b"{\"capabilities\":{\"max_msg_fds\":8,\"max_data_xfer_size\":1048576,\"pgsizes\":4096}}\0";

/// Regions.
pub(crate) const BAR0: u32 = 0;
pub(crate) const CONFIG: u32 = 7;

/// Index of MSI-X.
pub(crate) const MSIX: u32 = 2;
/// SET_IRQS: data are eventfds, or nothing; the action is to trigger.
pub(crate) const EVENTFDS: u32 = 0x24;
pub(crate) const NONE: u32 = 0x21;

/// A reply: its payload, or the error it names.
pub(crate) type Reply = Result<Vec<u8>, i32>;

pub(crate) struct Client {
    pub(crate) stream: UnixStream,
    id: u16,
}

impl Client {
    pub(crate) fn connect(path: &Path) -> Self {
        Self::new(UnixStream::connect(path).unwrap())
    }

    pub(crate) fn new(stream: UnixStream) -> Self {
        let limit = Some(Duration::from_secs(60));
        stream.set_read_timeout(limit).unwrap();
        Self { stream, id: 0 }
    }

    /// Connects, agrees on the version, and lets the function answer and use memory.
    pub(crate) fn attach(path: &Path) -> Self {
        let mut client = Self::connect(path);
        client.hello().unwrap();
        client.write(CONFIG, 4, &[6, 0]).unwrap();
        client
    }

    pub(crate) fn hello(&mut self) -> Reply {
        self.call(VERSION, &[&[0, 0, 1, 0], HELLO].concat(), &[])
    }

    pub(crate) fn header(&mut self, command: u16, size: u32, flags: u32) -> Vec<u8> {
        self.id = self.id.wrapping_add(1);
        let mut header = self.id.to_le_bytes().to_vec();
        header.extend(command.to_le_bytes());
        header.extend(words(&[size, flags, 0]));
        header
    }

    pub(crate) fn send(&mut self, bytes: &[u8], fds: &[BorrowedFd<'_>]) {
        if fds.is_empty() {
            return self.stream.write_all(bytes).unwrap();
        }
        let numbers: Vec<_> = fds.iter().map(|fd| fd.as_raw_fd()).collect();
        let control = [ControlMessage::ScmRights(&numbers)];
        let parts = [IoSlice::new(bytes)];
        let fd = self.stream.as_raw_fd();
        let sent = sendmsg::<()>(fd, &parts, &control, MsgFlags::empty(), None).unwrap();
        assert_eq!(sent, bytes.len());
    }

    /// Sends a message without waiting for its reply.
    pub(crate) fn ask(&mut self, command: u16, body: &[u8], fds: &[BorrowedFd<'_>]) {
        let mut message = self.header(command, 16 + body.len() as u32, 0);
        message.extend(body);
        self.send(&message, fds);
    }

    /// A question of the server: its id, its command, its body.
    pub(crate) fn question(&mut self) -> (u16, u16, Vec<u8>) {
        let mut header = [0; 16];
        self.stream.read_exact(&mut header).unwrap();
        let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        assert_eq!((word(8), word(12)), (0, 0), "no question");
        let mut body = vec![0; word(4) as usize - 16];
        self.stream.read_exact(&mut body).unwrap();
        (half(0), half(2), body)
    }

    /// Answers a question, rightly or not.
    pub(crate) fn answer(&mut self, id: u16, command: u16, flags: u32, body: &[u8]) {
        let mut reply = id.to_le_bytes().to_vec();
        reply.extend(command.to_le_bytes());
        reply.extend(words(&[16 + body.len() as u32, flags, 0]));
        reply.extend(body);
        self.send(&reply, &[]);
    }

    /// The next reply; `None` when the connection has ended.
    pub(crate) fn reply(&mut self) -> Option<Reply> {
        let mut header = [0; 16];
        self.stream.read_exact(&mut header).ok()?;
        let word = |at: usize| u32::from_le_bytes(header[at..at + 4].try_into().unwrap());
        assert_eq!(header[..2], self.id.to_le_bytes(), "id of another message");
        let mut body = vec![0; word(4) as usize - 16];
        self.stream.read_exact(&mut body).unwrap();
        match word(8) {
            1 => Some(Ok(body)),
            0x21 if body.is_empty() => Some(Err(word(12) as i32)),
            other => panic!("flags {other:#x}"),
        }
    }

    pub(crate) fn call(&mut self, command: u16, body: &[u8], fds: &[BorrowedFd<'_>]) -> Reply {
        self.ask(command, body, fds);
        self.reply().expect("the connection has ended")
    }

    /// True if the server has closed the connection.
    pub(crate) fn is_closed(&mut self) -> bool {
        matches!(self.stream.read(&mut [0]), Ok(0) | Err(_))
    }

    pub(crate) fn read(&mut self, region: u32, offset: u64, count: u32) -> Reply {
        let head = [&offset.to_le_bytes()[..], &words(&[region, count])].concat();
        let reply = self.call(REGION_READ, &head, &[])?;
        assert_eq!(reply[..16], head);
        Ok(reply[16..].to_vec())
    }

    pub(crate) fn write(&mut self, region: u32, offset: u64, data: &[u8]) -> Reply {
        let head = [
            &offset.to_le_bytes()[..],
            &words(&[region, data.len() as u32]),
        ]
        .concat();
        let reply = self.call(REGION_WRITE, &[&head, data].concat(), &[])?;
        assert_eq!(reply, head);
        Ok(reply)
    }

    /// A register of up to four bytes.
    pub(crate) fn get(&mut self, region: u32, offset: u64, count: u32) -> u32 {
        let mut bytes = self.read(region, offset, count).unwrap();
        bytes.resize(4, 0);
        u32::from_le_bytes(bytes.try_into().unwrap())
    }

    pub(crate) fn map(
        &mut self,
        fd: Option<BorrowedFd<'_>>,
        offset: u64,
        address: u64,
        size: u64,
    ) -> Reply {
        let body = map_body(3, offset, address, size);
        self.call(DMA_MAP, &body, &fd.into_iter().collect::<Vec<_>>())
    }

    pub(crate) fn unmap(&mut self, flags: u32, address: u64, size: u64) -> Reply {
        let mut body = words(&[24, flags]);
        body.extend(address.to_le_bytes());
        body.extend(size.to_le_bytes());
        self.call(DMA_UNMAP, &body, &[])
    }

    pub(crate) fn irqs(
        &mut self,
        flags: u32,
        start: u32,
        count: u32,
        fds: &[BorrowedFd<'_>],
    ) -> Reply {
        self.call(SET_IRQS, &words(&[20, flags, MSIX, start, count]), fds)
    }
}

pub(crate) fn words(words: &[u32]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

pub(crate) fn map_body(flags: u32, offset: u64, address: u64, size: u64) -> Vec<u8> {
    let mut body = words(&[32, flags]);
    for field in [offset, address, size] {
        body.extend(field.to_le_bytes());
    }
    body
}
