// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Arguments of `sim`.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::DEFAULT_CORE_RATIO;

/// Datapath clocks from a read of host memory to its data, unless told otherwise: 400 ns.
const DEFAULT_READ_LATENCY: u32 = 64;
/// The same of a write to its answer.
const DEFAULT_WRITE_LATENCY: u32 = 32;

/// Arguments of `sim`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct SimArgs {
    /// Folder for the sockets: pf0.sock, vf0.sock, vf1.sock …
    #[arg(long, value_name = "DIR")]
    pub socket_dir: PathBuf,

    /// Configuration of the NIC; without it the NIC comes up as after power-on, for the driver at pf0.sock
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// VFs that are there from the start [default: all]; the others come with SR-IOV's VF Enable
    #[arg(long, value_name = "N")]
    pub vfs: Option<u8>,

    /// Where the wire leads: tap:NAME, pcap:FILE (only out) or none
    #[arg(long, value_name = "WHERE", default_value = "none")]
    pub uplink: UplinkTo,

    /// Write what the NIC has done when it ends, as JSON
    #[arg(long, value_name = "FILE")]
    pub stats_json: Option<PathBuf>,

    /// Print errors as JSON on stdout
    #[arg(short, long)]
    pub json: bool,

    /// Seed of everything random in the run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Datapath clocks per clock of the soft core
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CORE_RATIO,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub core_ratio: u32,

    /// Firmware image; the one built with this program if left out
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,

    /// Datapath clocks that a read of host memory takes, at least
    #[arg(long, value_name = "CYCLES", default_value_t = DEFAULT_READ_LATENCY,
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub dma_read_latency: u32,

    /// Datapath clocks that a write to host memory takes, at least
    #[arg(long, value_name = "CYCLES", default_value_t = DEFAULT_WRITE_LATENCY,
          value_parser = clap::value_parser!(u32).range(0..=1_000_000))]
    pub dma_write_latency: u32,

    /// How often host memory is ready, in percent of the clocks
    #[arg(long, value_name = "PERCENT", default_value_t = 100,
          value_parser = clap::value_parser!(u32).range(1..=100))]
    pub dma_ready: u32,

    /// Tell the client of a function of an access that was refused, by a message, so that the IOMMU of its machine
    /// reports it; its reply changes nothing
    #[arg(long)]
    pub report_faults: bool,
}

impl SimArgs {
    /// The arguments again, for another program that takes them.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: Option<OsString>| {
            if let Some(value) = value {
                args.push(name.into());
                args.push(value);
            }
        };
        let text = |number: u64| Some(number.to_string().into());
        option("--socket-dir", Some(self.socket_dir.clone().into()));
        option("--config", self.config.clone().map(OsString::from));
        option("--vfs", self.vfs.and_then(|vfs| text(vfs.into())));
        option("--uplink", Some(self.uplink.to_string().into()));
        option("--stats-json", self.stats_json.clone().map(OsString::from));
        option("--seed", text(self.seed));
        option("--core-ratio", text(self.core_ratio.into()));
        option("--firmware", self.firmware.clone().map(OsString::from));
        option("--dma-read-latency", text(self.dma_read_latency.into()));
        option("--dma-write-latency", text(self.dma_write_latency.into()));
        option("--dma-ready", text(self.dma_ready.into()));
        for (name, on) in [
            ("--report-faults", self.report_faults),
            ("--json", self.json),
        ] {
            if on {
                args.push(name.into());
            }
        }
        args
    }
}

/// Where the NIC's wire leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UplinkTo {
    /// Nowhere: what leaves is counted and dropped.
    None,
    /// A TAP interface of that name.
    Tap(String),
    /// A capture of what leaves.
    Pcap(PathBuf),
}

impl FromStr for UplinkTo {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "none" => Ok(Self::None),
            Some(("tap", name)) if (1..=15).contains(&name.len()) => Ok(Self::Tap(name.to_owned())),
            Some(("tap", _)) => Err("the name of an interface has 1 to 15 bytes".to_owned()),
            Some(("pcap", file)) if !file.is_empty() => Ok(Self::Pcap(file.into())),
            _ => Err("use tap:NAME, pcap:FILE or none".to_owned()),
        }
    }
}

impl fmt::Display for UplinkTo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("none"),
            Self::Tap(name) => write!(f, "tap:{name}"),
            Self::Pcap(file) => write!(f, "pcap:{}", file.display()),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        sim: SimArgs,
    }

    fn parse(args: &[OsString]) -> SimArgs {
        let program = std::iter::once(OsString::from("sim"));
        Program::try_parse_from(program.chain(args.iter().cloned()))
            .expect("valid")
            .sim
    }

    #[test]
    fn arguments_survive_being_passed_on() {
        let few = parse(&["--socket-dir".into(), "d".into()]);
        assert_eq!((few.vfs, &few.uplink), (None, &UplinkTo::None));
        assert_eq!(parse(&few.to_args()), few);
        let all = "--socket-dir d --config c --vfs 0 --uplink pcap:a:b --stats-json s --json --seed 7 \
                   --core-ratio 3 --firmware f --dma-read-latency 0 --dma-write-latency 9 --dma-ready 50";
        let all: Vec<OsString> = all.split_whitespace().map(OsString::from).collect();
        let all = parse(&all);
        assert_eq!(all.uplink, UplinkTo::Pcap("a:b".into()));
        assert_eq!(parse(&all.to_args()), all);
    }

    #[test]
    fn the_wire_leads_somewhere_that_makes_sense() {
        assert_eq!("tap:hp0".parse(), Ok(UplinkTo::Tap("hp0".to_owned())));
        for bad in [
            "",
            "tap",
            "tap:",
            "tap:sixteen-letters.",
            "pcap:",
            "file:x",
            "None",
        ] {
            assert!(bad.parse::<UplinkTo>().is_err(), "{bad}");
        }
    }
}
