// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Arguments that `hairpin` and `hairpin-sim` share.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

mod sim;

use clap::Args;
use hairpin_abi::PortId;

pub use crate::words::parse_port;
pub use sim::{SimArgs, UplinkTo};

/// Datapath clock that time stamps are mapped with, unless told otherwise.
pub const DEFAULT_CLOCK_HZ: u64 = crate::vf::CLOCK_HZ;
/// Longest idle gap that is played, in cycles, unless told otherwise.
pub const DEFAULT_MAX_GAP: u64 = 2000;
/// Datapath clocks that a frame takes through the switch and back, unless told otherwise: a microsecond.
pub const DEFAULT_SWITCH_DELAY: u64 = 156;
/// Datapath clocks per clock of the soft core, unless told otherwise.
pub const DEFAULT_CORE_RATIO: u32 = 5;

/// Arguments of `replay`.
#[derive(Args, Clone, Debug, PartialEq, Eq)]
pub struct ReplayArgs {
    /// Configuration of the NIC
    #[arg(long, value_name = "FILE")]
    pub config: PathBuf,

    /// Capture to play into a port: vf0=a.pcap, uplink=b.pcapng; once per port
    #[arg(long = "in", value_name = "PORT=FILE", required = true)]
    pub inputs: Vec<PortCapture>,

    /// Directory for the captures of every port and the report
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,

    /// Print the report as JSON on stdout
    #[arg(short, long)]
    pub json: bool,

    /// Also write the waves of the run, in FST format
    #[arg(long, value_name = "FILE")]
    pub waves: Option<PathBuf>,

    /// Datapath clock that maps time stamps to cycles
    #[arg(long, value_name = "HZ", default_value_t = DEFAULT_CLOCK_HZ,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000_000))]
    pub clock_hz: u64,

    /// Script of timed edits, played beside the traffic: lines `CYCLE COMMAND`
    #[arg(long, value_name = "FILE")]
    pub edits: Option<PathBuf>,

    /// Put the adjacent switch of this file at the uplink; the uplink's capture comes in by its first other port
    #[arg(long, value_name = "FILE")]
    pub switch: Option<PathBuf>,

    /// Script of edits of the switch's rules: lines `CYCLE add|replace|load FILE` or `CYCLE remove RULE`
    #[arg(long, value_name = "FILE", requires = "switch")]
    pub switch_edits: Option<PathBuf>,

    /// Datapath clocks that a frame takes through the switch and back
    #[arg(long, value_name = "CYCLES", default_value_t = DEFAULT_SWITCH_DELAY,
          value_parser = clap::value_parser!(u64).range(1..=1_000_000_000), requires = "switch")]
    pub switch_delay: u64,

    /// Idle gaps longer than this are cut; "none" plays them whole
    #[arg(long, value_name = "CYCLES", default_value_t = MaxGap(Some(DEFAULT_MAX_GAP)))]
    pub max_gap: MaxGap,

    /// Seed of everything random in the run
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub seed: u64,

    /// Write into a directory that is not empty
    #[arg(long)]
    pub force: bool,

    /// Datapath clocks per clock of the soft core
    #[arg(long, value_name = "N", default_value_t = DEFAULT_CORE_RATIO,
          value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub core_ratio: u32,

    /// Firmware image; the one built with this program if left out
    #[arg(long, value_name = "ELF")]
    pub firmware: Option<PathBuf>,

    /// Fault injection: hang the firmware so many cycles after the first frame
    #[arg(long, value_name = "CYCLE")]
    pub crash_at: Option<u64>,
}

impl ReplayArgs {
    /// The arguments again, for another program that takes them.
    pub fn to_args(&self) -> Vec<OsString> {
        let mut args: Vec<OsString> = Vec::new();
        let mut option = |name: &str, value: OsString| {
            args.push(name.into());
            args.push(value);
        };
        option("--config", self.config.clone().into());
        for input in &self.inputs {
            let mut value = OsString::from(format!("{}=", input.port));
            value.push(&input.file);
            option("--in", value);
        }
        option("--out", self.out.clone().into());
        if let Some(waves) = &self.waves {
            option("--waves", waves.clone().into());
        }
        if let Some(edits) = &self.edits {
            option("--edits", edits.clone().into());
        }
        if let Some(switch) = &self.switch {
            option("--switch", switch.clone().into());
            option("--switch-delay", self.switch_delay.to_string().into());
        }
        if let Some(edits) = &self.switch_edits {
            option("--switch-edits", edits.clone().into());
        }
        option("--clock-hz", self.clock_hz.to_string().into());
        option("--max-gap", self.max_gap.to_string().into());
        option("--seed", self.seed.to_string().into());
        option("--core-ratio", self.core_ratio.to_string().into());
        if let Some(firmware) = &self.firmware {
            option("--firmware", firmware.clone().into());
        }
        if let Some(cycle) = self.crash_at {
            option("--crash-at", cycle.to_string().into());
        }
        for (name, on) in [("--json", self.json), ("--force", self.force)] {
            if on {
                args.push(name.into());
            }
        }
        args
    }
}

/// A capture for a port.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PortCapture {
    /// The port: a vPort or the uplink.
    pub port: PortId,
    /// The file.
    pub file: PathBuf,
}

impl FromStr for PortCapture {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (port, file) = text
            .split_once('=')
            .ok_or("write PORT=FILE, for example vf0=a.pcap")?;
        if file.is_empty() {
            return Err("the file name after `=` is missing".to_owned());
        }
        let port = parse_port(port).ok_or_else(|| {
            format!("`{port}` is not a port that can be played into: use vf0 to vf63 or uplink")
        })?;
        Ok(Self {
            port,
            file: file.into(),
        })
    }
}

/// Longest idle gap in cycles; `None` is no limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MaxGap(pub Option<u64>);

impl FromStr for MaxGap {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self(None)),
            number => match number.parse() {
                Ok(cycles) => Ok(Self(Some(cycles))),
                Err(_) => Err("use a number of cycles or \"none\"".to_owned()),
            },
        }
    }
}

impl fmt::Display for MaxGap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(cycles) => cycles.fmt(f),
            None => f.write_str("none"),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;
    use hairpin_abi::VPort;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        replay: ReplayArgs,
    }

    fn parse(args: &[OsString]) -> ReplayArgs {
        let program = std::iter::once(OsString::from("replay"));
        Program::try_parse_from(program.chain(args.iter().cloned()))
            .expect("valid")
            .replay
    }

    #[test]
    fn arguments_survive_being_passed_on() {
        let few = [
            "--config",
            "nic.toml",
            "--in",
            "vf0=a=b.pcap",
            "--out",
            "out",
        ];
        let few: Vec<OsString> = few.iter().map(OsString::from).collect();
        let parsed = parse(&few);
        assert_eq!(parsed.inputs[0].file, PathBuf::from("a=b.pcap"));
        assert_eq!(parsed.max_gap, MaxGap(Some(DEFAULT_MAX_GAP)));
        assert_eq!(parse(&parsed.to_args()), parsed);

        let all = "--config c --in uplink=u.pcapng --in vf63=v --out o --json --waves w.fst \
                   --clock-hz 1000 --max-gap none --seed 7 --force --core-ratio 3 --firmware f \
                   --crash-at 9 --edits e";
        let all: Vec<OsString> = all.split_whitespace().map(OsString::from).collect();
        let parsed = parse(&all);
        assert_eq!(parsed.inputs.len(), 2);
        assert!(parsed.force && parsed.json && parsed.max_gap == MaxGap(None));
        assert_eq!(parse(&parsed.to_args()), parsed);
    }

    #[test]
    fn only_ports_with_a_link_can_be_played_into() {
        for bad in ["vf64", "core", "vf01", "vf+1", "VF1", "", "vf"] {
            assert_eq!(parse_port(bad), None, "{bad}");
        }
        assert_eq!(parse_port("vf5"), VPort::new(5).map(PortId::VPort));
        for bad in ["a.pcap", "vf1", "vf1=", "core=x", "=x"] {
            assert!(bad.parse::<PortCapture>().is_err(), "{bad}");
        }
    }
}
