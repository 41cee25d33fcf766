// SPDX-License-Identifier: Apache-2.0 OR MIT
//! The sockets: one per function, each with a thread that serves one client after the other.

use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::{fs, time::Duration};

use hairpin_driver::Diagnostic;

use super::engine::Engine;
use super::function::Function;
use super::line::Ended;
use super::session::{End, Session};
use super::sys;

/// A socket in the file system; its name goes with it.
#[derive(Debug)]
pub(super) struct Socket {
    listener: UnixListener,
    path: PathBuf,
}

/// Makes the sockets of the PF and of so many VFs.
pub(super) fn bind(dir: &Path, vfs: u8) -> Result<Vec<Socket>, Diagnostic> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
        .map_err(|e| unusable(dir, &format!("cannot make the folder: {e}")))?;
    let names = (0..vfs).map(|vf| format!("vf{vf}.sock"));
    let names = std::iter::once("pf0.sock".to_owned()).chain(names);
    names.map(|name| Socket::bind(dir.join(name))).collect()
}

fn unusable(path: &Path, message: &str) -> Diagnostic {
    Diagnostic::new("socket-unusable", message)
        .field("--socket-dir")
        .file(path)
        .help("name a folder that you may write; the path of a socket has at most 107 bytes")
}

impl Socket {
    fn bind(path: PathBuf) -> Result<Self, Diagnostic> {
        match fs::symlink_metadata(&path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => {}
            Err(e) => return Err(unusable(&path, &format!("cannot look at it: {e}"))),
            Ok(about) if !about.file_type().is_socket() => {
                return Err(unusable(&path, "this is not a socket")
                    .help("remove it, or name another folder"));
            }
            Ok(_) if UnixStream::connect(&path).is_ok() => {
                let error =
                    Diagnostic::new("socket-in-use", "another simulator serves this socket");
                return Err(error
                    .field("--socket-dir")
                    .file(&path)
                    .help("stop it, or name another folder"));
            }
            // Left over from a simulator that was killed.
            Ok(_) => fs::remove_file(&path)
                .map_err(|e| unusable(&path, &format!("cannot remove what is left of it: {e}")))?,
        }
        let bound = UnixListener::bind(&path).and_then(|listener| {
            listener.set_nonblocking(true)?;
            Ok(listener)
        });
        match bound {
            Ok(listener) => Ok(Self { listener, path }),
            Err(e) => Err(unusable(&path, &format!("cannot make the socket: {e}"))),
        }
    }

    /// Serves one client after the other until the function is told to stop.
    pub(super) fn serve(
        &self,
        functions: &Arc<[Function]>,
        number: usize,
        engine: &Engine,
        always: u8,
    ) {
        let function = &functions[number];
        while !function.is_stopped() {
            let fds = [self.listener.as_fd(), function.waker().as_fd()];
            let Ok([client, woken]) = sys::readable(fds, None) else {
                return eprintln!("{}: cannot wait for clients any more", function.name());
            };
            if woken {
                function.take_raised();
            }
            if !client {
                continue;
            }
            match self.listener.accept() {
                Ok((stream, _)) => {
                    let mut session =
                        Session::new(Arc::clone(functions), number, engine.clone(), always);
                    match session.run(&stream, &self.listener) {
                        End::Ended(Ended::Left) | End::Stopped => {}
                        end => eprintln!("{}: client closed: {end}", function.name()),
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                Err(e) => {
                    // Most likely no descriptor is left: others may end and give some back.
                    eprintln!("{}: cannot take a client: {e}", function.name());
                    std::thread::sleep(Duration::from_millis(100));
                }
            }
        }
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        // Gone already is as good.
        let _ = fs::remove_file(&self.path);
    }
}
