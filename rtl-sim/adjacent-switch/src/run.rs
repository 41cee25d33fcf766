// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The switch on network interfaces, with a control socket.

mod link;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::Path;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::{Duration, Instant};

use hairpin_adjacent_switch::config::Config;
use hairpin_adjacent_switch::control::{Control, MAX_REQUEST};
use hairpin_adjacent_switch::{Output, PortNo, Switch};
use hairpin_driver::Diagnostic;

pub(crate) use link::Link;

/// What the switch waits for.
enum Event {
    Frame(PortNo, Vec<u8>),
    Request(String, Sender<String>),
}

/// Runs until it is killed. `links` are ports by name, and what they are.
pub(crate) fn run(
    config: Config,
    links: &[(String, Link)],
    control: Option<&Path>,
) -> Result<(), Diagnostic> {
    let (events, next) = mpsc::channel();
    let mut plugs = BTreeMap::new();
    let names: Vec<&str> = config
        .setup
        .ports
        .iter()
        .map(|port| port.name.as_str())
        .collect();
    for (port, link) in links {
        let number = names.iter().position(|name| name == port).map(PortNo);
        let number = number.ok_or_else(|| {
            Diagnostic::new("unknown-port", format!("there is no port `{port}`"))
                .field(link.option())
                .help(format!("use one of: {}", names.join(", ")))
        })?;
        if plugs.contains_key(&number) {
            return Err(
                Diagnostic::new("port-twice", format!("port `{port}` has two interfaces"))
                    .field(link.option())
                    .help("give each port one interface"),
            );
        }
        let (mut source, plug) = link.open()?;
        let (events, port) = (events.clone(), port.clone());
        thread::spawn(move || {
            let error = loop {
                match source.receive() {
                    Ok(frame) => {
                        if events.send(Event::Frame(number, frame)).is_err() {
                            return;
                        }
                    }
                    Err(error) => break error,
                }
            };
            eprintln!("warning: port `{port}` receives nothing any more: {error}");
        });
        plugs.insert(number, plug);
    }
    if let Some(path) = control {
        listen(path, events)?;
    }
    let start = Instant::now();
    let now_us = || u64::try_from(start.elapsed().as_micros()).unwrap_or(u64::MAX);
    let mut switch = Switch::new(&config.setup, config.table, seed()?, now_us());
    let mut answers = Control::default();
    loop {
        let mut out = Vec::new();
        let wait = Duration::from_micros(switch.poll_at().saturating_sub(now_us()));
        // A second at most: the clock of `poll_at` may be far away.
        match next.recv_timeout(wait.min(Duration::from_secs(1))) {
            Ok(Event::Frame(port, frame)) => switch.receive(port, &frame, now_us(), &mut out),
            Ok(Event::Request(line, to)) => {
                // Who asked may be gone.
                let _ = to.send(answers.answer(&mut switch, &line, now_us(), &mut out));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // No port and no client is left.
            Err(RecvTimeoutError::Disconnected) => return Ok(()),
        }
        switch.poll(now_us(), &mut out);
        answers.remember(&mut switch);
        for Output { port, frame, .. } in out {
            if let Some(plug) = plugs.get_mut(&port) {
                // An interface that nobody reads, or that is down, loses frames, as a wire does.
                let _ = plug.send(&frame);
            }
        }
    }
}

fn socket_error(path: &Path, what: &str, error: &io::Error) -> Diagnostic {
    Diagnostic::new(
        "control-socket",
        format!("cannot {what} the control socket: {error}"),
    )
    .field("--control")
    .file(path)
    .help("check the path, its permissions, and that a switch runs there")
}

fn listen(path: &Path, events: Sender<Event>) -> Result<(), Diagnostic> {
    // One that a switch left behind is in the way; one that answers is not ours to remove.
    if UnixStream::connect(path).is_err() && path.exists() {
        fs::remove_file(path).map_err(|error| socket_error(path, "replace", &error))?;
    }
    let listener = UnixListener::bind(path).map_err(|error| socket_error(path, "open", &error))?;
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let events = events.clone();
            thread::spawn(move || {
                // A client that goes away ends its own thread.
                let _ = serve(&stream, &events);
            });
        }
    });
    Ok(())
}

fn serve(stream: &UnixStream, events: &Sender<Event>) -> io::Result<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut line = String::new();
        let limit = MAX_REQUEST as u64 + 2;
        if reader.by_ref().take(limit).read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (to, answer) = mpsc::channel();
        let gone = || io::Error::from(io::ErrorKind::BrokenPipe);
        events.send(Event::Request(line, to)).map_err(|_| gone())?;
        let answer = answer.recv().map_err(|_| gone())?;
        let mut stream = stream;
        writeln!(stream, "{answer}")?;
    }
}

/// Random bytes, so that sessions differ from start to start.
fn seed() -> Result<[u8; 16], Diagnostic> {
    let mut seed = [0; 16];
    let read = File::open("/dev/urandom").and_then(|mut file| file.read_exact(&mut seed));
    read.map_err(|error| {
        Diagnostic::new(
            "no-randomness",
            format!("cannot read /dev/urandom: {error}"),
        )
    })?;
    Ok(seed)
}

/// Sends one request to a running switch and returns its answer.
pub(crate) fn ask(
    control: &Path,
    request: &serde_json::Value,
) -> Result<serde_json::Value, Diagnostic> {
    let exchange = || {
        let mut stream = UnixStream::connect(control)?;
        writeln!(stream, "{request}")?;
        let mut line = String::new();
        BufReader::new(stream).read_line(&mut line)?;
        Ok(line)
    };
    let line = exchange().map_err(|error| socket_error(control, "use", &error))?;
    let answer: serde_json::Value = serde_json::from_str(&line).map_err(|error| {
        socket_error(
            control,
            "understand",
            &io::Error::new(io::ErrorKind::InvalidData, error),
        )
    })?;
    match answer.get("error") {
        Some(error) => Err(serde_json::from_value(error.clone())
            .unwrap_or_else(|_| Diagnostic::new("bad-answer", answer.to_string()))),
        None => Ok(answer),
    }
}
