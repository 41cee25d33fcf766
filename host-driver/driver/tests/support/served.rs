// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A server of vfio-user for tests, one function per connection. It shares no code with the client.

use std::io::{ErrorKind, IoSliceMut, Read, Write};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use rustix::net::{RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags};

/// `EINVAL`.
pub(crate) const INVALID: u32 = 22;

/// What is served.
pub(crate) trait Served: Send + 'static {
    /// Bytes of a region.
    fn region(&self, index: u32) -> u64;
    /// Reads a region.
    fn read(&mut self, region: u32, offset: u64, data: &mut [u8]) -> Result<(), u32>;
    /// Writes a region.
    fn write(&mut self, region: u32, offset: u64, data: &[u8]) -> Result<(), u32>;
    /// MSI-X vectors.
    fn vectors(&self) -> u32 {
        0
    }
    /// Memory that may be used from now on.
    fn map(&mut self, _bus: u64, _len: u64, _file: OwnedFd) {}
    /// Memory that may not be used any more.
    fn unmap(&mut self, _bus: u64, _len: u64) {}
    /// Event files, from a vector on.
    fn irqs(&mut self, _start: u32, _files: Vec<OwnedFd>) {}
    /// A reset.
    fn reset(&mut self) {}
    /// Nothing was asked for a while.
    fn idle(&mut self) {}
}

/// Serves a connection until the client goes.
pub(crate) fn serve(mut stream: UnixStream, mut function: impl Served) {
    stream
        .set_read_timeout(Some(Duration::from_micros(200)))
        .unwrap();
    let mut files = Vec::new();
    while let Some(header) = receive(&mut stream, 16, &mut files, &mut function) {
        let word = |at: usize| u32::from_ne_bytes(header[at..at + 4].try_into().unwrap());
        let command = u16::from_ne_bytes([header[2], header[3]]);
        let len = word(4) as usize - 16;
        let Some(body) = receive(&mut stream, len, &mut files, &mut function) else {
            return;
        };
        let (error, answer) = match answer(&mut function, command, &body, &mut files) {
            Ok(answer) => (0, answer),
            Err(error) => (error, Vec::new()),
        };
        let flags: u32 = if error == 0 { 1 } else { 1 | 1 << 5 };
        let mut message = header[..4].to_vec();
        message.extend((16 + answer.len() as u32).to_ne_bytes());
        message.extend(flags.to_ne_bytes());
        message.extend(error.to_ne_bytes());
        message.extend(answer);
        if stream.write_all(&message).is_err() {
            return;
        }
    }
}

/// Serves connections to a socket, one after the other, with what `function` makes.
pub(crate) fn listen<F: Served>(
    path: &Path,
    mut function: impl FnMut() -> F + Send + 'static,
) -> JoinHandle<()> {
    let listener = UnixListener::bind(path).unwrap();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            serve(stream, function());
        }
    })
}

/// Bytes of a message and the files that came with them; `None` when the client has gone.
fn receive(
    stream: &mut UnixStream,
    len: usize,
    files: &mut Vec<OwnedFd>,
    function: &mut impl Served,
) -> Option<Vec<u8>> {
    let mut data = vec![0; len];
    let mut done = 0;
    while done < len {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(16))];
        let mut control = RecvAncillaryBuffer::new(&mut space);
        let mut slices = [IoSliceMut::new(&mut data[done..])];
        match rustix::net::recvmsg(&*stream, &mut slices, &mut control, RecvFlags::CMSG_CLOEXEC) {
            Ok(received) if received.bytes == 0 => return None,
            Ok(received) => done += received.bytes,
            Err(error) => match error.kind() {
                ErrorKind::WouldBlock | ErrorKind::Interrupted => function.idle(),
                _ => return None,
            },
        }
        for message in control.drain() {
            if let RecvAncillaryMessage::ScmRights(rights) = message {
                files.extend(rights);
            }
        }
    }
    Some(data)
}

fn answer(
    function: &mut impl Served,
    command: u16,
    body: &[u8],
    files: &mut Vec<OwnedFd>,
) -> Result<Vec<u8>, u32> {
    let u32_at = |at: usize| u32::from_ne_bytes(body[at..at + 4].try_into().unwrap());
    let u64_at = |at: usize| u64::from_ne_bytes(body[at..at + 8].try_into().unwrap());
    let words = |words: &[u32]| {
        words
            .iter()
            .flat_map(|w| w.to_ne_bytes())
            .collect::<Vec<_>>()
    };
    let has_irqs = function.vectors() > 0;
    Ok(match command {
        1 => [&body[..4], b"{\"capabilities\":{\"max_msg_fds\":2}}\0"].concat(),
        2 => {
            assert_eq!((u32_at(4), u64_at(8)), (3, 0));
            function.map(u64_at(16), u64_at(24), files.remove(0));
            Vec::new()
        }
        3 => {
            function.unmap(u64_at(8), u64_at(16));
            body.to_vec()
        }
        4 => words(&[16, 0b11, 9, if has_irqs { 5 } else { 0 }]),
        5 => {
            let index = u32_at(8);
            let mut answer = words(&[32, 0b11, index, 0]);
            answer.extend(function.region(index).to_ne_bytes());
            answer.extend(0u64.to_ne_bytes());
            answer
        }
        7 => words(&[16, 1, u32_at(8), function.vectors()]),
        8 => {
            assert_eq!((u32_at(4), u32_at(8)), (0x24, 2));
            assert_eq!(u32_at(16) as usize, files.len());
            function.irqs(u32_at(12), std::mem::take(files));
            Vec::new()
        }
        9 => {
            let (region, len) = (u32_at(8), u32_at(12) as usize);
            let mut data = vec![0; len];
            function.read(region, u64_at(0), &mut data)?;
            [&body[..16], &data].concat()
        }
        10 => {
            function.write(u32_at(8), u64_at(0), &body[16..])?;
            body[..16].to_vec()
        }
        13 => {
            function.reset();
            Vec::new()
        }
        _ => return Err(INVALID),
    })
}

/// Reads exactly so many bytes.
pub(crate) fn read_exact(stream: &mut UnixStream, len: usize) -> Vec<u8> {
    let mut data = vec![0; len];
    stream.read_exact(&mut data).unwrap();
    data
}
