// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What a port of the switch is on this machine.

use std::error::Error;
use std::io;
use std::sync::Arc;

use hairpin_driver::Diagnostic;
use pcap::{Active, Capture, Direction, Linktype};
use tun_rs::{DeviceBuilder, Layer, SyncDevice};

/// The longest frame, tags included.
const FRAME: u16 = 9300;

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

/// An interface, by the name that the system has for it.
#[derive(Clone, Debug)]
pub(crate) enum Link {
    /// A TAP of our own: what the system sends to it comes in.
    Tap(String),
    /// One that is there, a card or a veth: what its wire brings comes in (`AF_PACKET`).
    Interface(String),
}

impl Link {
    /// The option that said so.
    pub(crate) fn option(&self) -> &'static str {
        match self {
            Self::Tap(_) => "--tap",
            Self::Interface(_) => "--interface",
        }
    }

    /// Both directions.
    pub(crate) fn open(&self) -> std::result::Result<(Source, Plug), Diagnostic> {
        let (Self::Tap(name) | Self::Interface(name)) = self;
        let opened = match self {
            Self::Tap(_) => open_tap(name),
            Self::Interface(_) => open_interface(name),
        };
        opened.map_err(|error| {
            let text = format!("cannot open `{name}`: {error}");
            let code = match self {
                Self::Tap(_) => "no-tap",
                Self::Interface(_) => "no-interface",
            };
            Diagnostic::new(code, text).field(self.option()).help(
                "see `ip link`; it needs CAP_NET_ADMIN and CAP_NET_RAW: run it as root, or inside `unshare -rn`",
            )
        })
    }
}

fn open_tap(name: &str) -> Result<(Source, Plug)> {
    let device = DeviceBuilder::new()
        .name(name)
        .layer(Layer::L2)
        .build_sync()?;
    let device = Arc::new(device);
    Ok((Source::Tap(Arc::clone(&device)), Plug::Tap(device)))
}

/// One capture per direction, for each has a thread of its own. libpcap puts VLAN tags back that the
/// kernel takes out of the frames.
fn open_interface(name: &str) -> Result<(Source, Plug)> {
    let open = || -> Result<Capture<Active>> {
        let capture = Capture::from_device(name)?
            .promisc(true)
            .immediate_mode(true)
            .snaplen(i32::from(FRAME))
            .open()?;
        if capture.get_datalink() != Linktype::ETHERNET {
            return Err("it is no Ethernet interface".into());
        }
        Ok(capture)
    };
    let (source, mut plug) = (open()?, open()?);
    // What others send from here is no frame of the wire, and the second takes in nothing.
    source.direction(Direction::In)?;
    plug.filter("less 1", true)?;
    Ok((Source::Interface(source), Plug::Interface(plug)))
}

/// Where frames come from.
pub(crate) enum Source {
    Tap(Arc<SyncDevice>),
    Interface(Capture<Active>),
}

impl Source {
    /// The next frame, whenever it comes.
    pub(crate) fn receive(&mut self) -> Result<Vec<u8>> {
        loop {
            match self {
                Self::Tap(device) => {
                    let mut frame = vec![0; usize::from(FRAME)];
                    match device.recv(&mut frame) {
                        Ok(len) => {
                            frame.truncate(len);
                            return Ok(frame);
                        }
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => return Err(error.into()),
                    }
                }
                Self::Interface(capture) => match capture.next_packet() {
                    // One that was cut is none: the system had glued frames together.
                    Ok(packet) if packet.header.caplen < packet.header.len => {}
                    Ok(packet) => return Ok(packet.data.to_vec()),
                    Err(pcap::Error::TimeoutExpired) => {}
                    Err(error) => return Err(error.into()),
                },
            }
        }
    }
}

/// Where frames go.
pub(crate) enum Plug {
    Tap(Arc<SyncDevice>),
    Interface(Capture<Active>),
}

impl Plug {
    pub(crate) fn send(&mut self, frame: &[u8]) -> Result<()> {
        match self {
            Self::Tap(device) => device.send(frame).map(drop).map_err(Into::into),
            Self::Interface(capture) => capture.sendpacket(frame).map_err(Into::into),
        }
    }
}
