// SPDX-License-Identifier: Apache-2.0 OR MIT
//! A served NIC for a test.

use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::thread::{self, JoinHandle};

use clap::Parser;
use hairpin_driver::cli::SimArgs;
use hairpin_sim::host::{self, Stats, Stopper};

#[derive(Debug, Parser)]
struct Program {
    #[command(flatten)]
    sim: SimArgs,
}

pub(crate) struct Server {
    dir: tempfile::TempDir,
    stopper: Stopper,
    thread: Option<JoinHandle<anyhow::Result<Stats>>>,
}

impl Server {
    /// Serves with these options, and `config` as nic.toml if there is one.
    pub(crate) fn start(options: &str, config: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let mut args = vec!["sim".to_owned(), "--socket-dir".to_owned()];
        args.push(dir.path().display().to_string());
        args.extend(options.split_whitespace().map(str::to_owned));
        if let Some(text) = config {
            let path = dir.path().join("nic.toml");
            std::fs::write(&path, text).unwrap();
            args.extend(["--config".to_owned(), path.display().to_string()]);
        }
        let args = Program::parse_from(args).sim;
        let (ready, started) = channel();
        let thread = thread::spawn(move || {
            host::serve(&args, |stopper| ready.send(stopper).unwrap())
        });
        match started.recv() {
            Ok(stopper) => Self {
                dir,
                stopper,
                thread: Some(thread),
            },
            Err(_) => panic!("{:#}", thread.join().unwrap().unwrap_err()),
        }
    }

    pub(crate) fn socket(&self, name: &str) -> PathBuf {
        self.dir.path().join(format!("{name}.sock"))
    }

    pub(crate) fn dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Ends it; what it has done.
    pub(crate) fn stop(mut self) -> Stats {
        self.stopper.stop();
        let stats = self.thread.take().unwrap().join().unwrap().unwrap();
        let left = std::fs::read_dir(self.dir.path()).unwrap();
        let sockets = left.filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_str().unwrap().ends_with(".sock")
        });
        assert_eq!(sockets.count(), 0, "sockets stay behind");
        stats
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stopper.stop();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(ended.is_ok() || thread::panicking());
        }
    }
}
