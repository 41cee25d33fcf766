// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The command line, object first.

use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use clap_complete::Shell;
use hairpin_abi::MacAddr;
use hairpin_driver::MAP_HASH;
use hairpin_driver::cli::{ReplayArgs, SimArgs};
use hairpin_driver::edit::{EditCommand, FdbEdit, FlowEdit, PortEdit, VvlanEdit};
use hairpin_driver::steer::{FilterEdit, PoolEdit, RssEdit};

static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{} (register map {MAP_HASH:016x})",
        env!("CARGO_PKG_VERSION")
    )
});

/// Cycles from line to line of `stats --watch`, unless told otherwise.
const DEFAULT_INTERVAL: u64 = 100_000;

const EXAMPLES: &str = "\
Examples:
  hairpin replay --config nic.toml --in vf0=a.pcap --in uplink=b.pcapng --out run
  hairpin -d vfio-user/run/pf0.sock port show
  hairpin --report run --json --pretty stats
  HAIRPIN_REPORT=run hairpin health show

Exit status: 0 done, 1 failed, 2 wrong usage.";

/// Control and inspect a Hairpin eSwitch
#[derive(Debug, Parser)]
#[command(name = "hairpin", version = VERSION.as_str(), after_help = EXAMPLES, arg_required_else_help = true)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,

    #[command(subcommand)]
    pub(crate) command: Command,
}

/// Options of every command.
#[derive(Args, Clone, Debug)]
pub(crate) struct Global {
    /// Device: pci/0000:01:00.0 or vfio-user/PATH
    #[arg(
        short,
        long,
        global = true,
        env = "HAIRPIN_DEVICE",
        value_name = "DEVICE"
    )]
    pub(crate) device: Option<hairpin_driver::DeviceName>,

    /// Secret between a PF under VFIO and its VFs: a UUID
    #[arg(
        long,
        global = true,
        env = "HAIRPIN_VF_TOKEN",
        hide_env_values = true,
        value_name = "UUID"
    )]
    pub(crate) vf_token: Option<hairpin_driver::vfio::VfToken>,

    /// Directory that a replay wrote, to be shown if no device is named
    #[arg(long, global = true, env = "HAIRPIN_REPORT", value_name = "DIR")]
    pub(crate) report: Option<PathBuf>,

    /// Print JSON on stdout, errors too
    #[arg(short, long, global = true)]
    pub(crate) json: bool,

    /// Indent the JSON of --json
    #[arg(short, long, global = true)]
    pub(crate) pretty: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Play captures through the whole NIC, cycle-accurate
    #[command(after_help = "\
Examples:
  hairpin replay --config nic.toml --in vf0=a.pcap --in uplink=b.pcapng --out run
  hairpin replay --config nic.toml --in vf0=a.pcap --out run --force --json
  hairpin replay --config nic.toml --in vf0=a.pcap --out run --waves run.fst --max-gap none
  hairpin replay --config nic.toml --in vf0=a.pcap --out run --edits edits
  hairpin replay --config examples/vepa/nic.toml --in vf0=a.pcap --out run --switch examples/vepa/rules.toml

A line of the file of --edits is a cycle after the first frame, then a flow, fdb, port or vvlan command:
  20000 flow add vvlan 100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype arp action drop
  90000 port set vf1 state disable")]
    Replay(Box<ReplayArgs>),

    /// Serve every PCI function of the simulated NIC on a vfio-user socket, for QEMU and for our own driver
    #[command(after_help = "\
Examples:
  hairpin sim --socket-dir run --config nic.toml
  hairpin sim --socket-dir run --config nic.toml --uplink tap:hp0 --stats-json stats.json
  hairpin sim --socket-dir run --vfs 0

It makes pf0.sock, vf0.sock, vf1.sock … in the folder and serves until Ctrl-C. QEMU 10.1 and later attach one with
  -machine q35,memory-backend=mem0 -object memory-backend-memfd,id=mem0,size=512M,share=on
  -device '{\"driver\":\"vfio-user-pci\",\"socket\":{\"type\":\"unix\",\"path\":\"run/vf0.sock\"}}'")]
    Sim(SimArgs),

    /// The NIC itself
    #[command(subcommand)]
    Dev(Dev),

    /// The vPorts
    #[command(subcommand)]
    Port(Port),

    /// The V.VLANs
    #[command(subcommand)]
    Vvlan(Vvlan),

    /// The address table
    #[command(subcommand)]
    Fdb(Fdb),

    /// The flow cache
    #[command(subcommand)]
    Flow(Flow),

    /// The queue pools of the VFs
    #[command(subcommand)]
    Pool(Pool),

    /// Filters that send frames of a VF to one of its queues
    #[command(subcommand)]
    Filter(Filter),

    /// How a VF's frames are spread over its queues: hash, indirection table, VLAN priorities
    #[command(subcommand)]
    Rss(Rss),

    /// Addresses for VFs
    #[command(subcommand)]
    Mac(Mac),

    /// The firmware's log
    #[command(after_help = "\
Examples:
  hairpin -d vfio-user/run/pf0.sock log
  hairpin --report run log --level warn")]
    Log {
        /// Only lines of this level and above: trace, debug, info, warn, error
        #[arg(long, value_name = "LEVEL")]
        level: Option<Level>,

        /// Firmware image that a live NIC runs; the one built with this program if left out
        #[arg(long, value_name = "ELF", env = "HAIRPIN_FIRMWARE")]
        firmware: Option<PathBuf>,
    },

    /// The adjacent switch, from which flows are learned
    #[command(subcommand)]
    Switch(Switch),

    /// The firmware's health
    #[command(subcommand)]
    Health(Health),

    /// Frame and byte counters, drops by reason
    #[command(after_help = "\
Examples:
  hairpin --report run stats
  hairpin --report run stats uplink
  hairpin --report run --json stats
  hairpin --report run stats --watch --interval 100000")]
    Stats {
        /// Only this port: vf0, uplink
        #[arg(value_name = "PORT")]
        port: Option<String>,

        /// How it went: one line per interval, from what the replay recorded
        #[arg(long)]
        watch: bool,

        /// Cycles from line to line of --watch
        #[arg(long, value_name = "CYCLES", default_value_t = DEFAULT_INTERVAL, requires = "watch",
              value_parser = clap::value_parser!(u64).range(1..))]
        interval: u64,
    },

    /// Watch what moves through a live NIC
    #[command(after_help = "\
Examples:
  hairpin -d vfio-user/run/pf0.sock top
  hairpin -d pci/0000:01:00.0 top --interval 0.2
  hairpin -d pci/0000:01:00.0 top --batch --count 10
  hairpin -d pci/0000:01:00.0 --json top --count 1

Rates are per second of the NIC's own time, which passes slowly when it is simulated. Keys: Space holds the picture,
q ends.")]
    Top(TopArgs),

    /// Start the firmware of a live NIC if need be, and configure it
    #[command(after_help = "\
Examples:
  hairpin apply --config nic.toml --dry-run
  hairpin -d vfio-user/run/pf0.sock apply --config nic.toml
  hairpin -d vfio-user/run/pf0.sock apply --config nic.toml --replace

A NIC that is configured already is left alone, unless --replace says that this configuration takes the place of
the other: nothing is forwarded from then on until it is in.")]
    Apply(ApplyArgs),

    /// Bridge a VF to a TAP interface, by our own driver
    #[command(after_help = "\
Examples:
  sudo hairpin tap vf0 --name tap0 -d vfio-user/run
  sudo hairpin tap vf1 --name tap1 -d vfio-user/run/vf1.sock

It runs until Ctrl-C. The interface has the address and the MTU of the VF, and goes when it ends.")]
    Tap(TapArgs),

    /// Print the completion script of a shell
    #[command(after_help = "\
Example:
  hairpin completions bash > /etc/bash_completion.d/hairpin")]
    Completions {
        /// The shell
        shell: Shell,
    },

    /// Write the manual pages
    #[command(after_help = "\
Examples:
  hairpin man | man -l -
  hairpin man --out /usr/local/share/man/man1")]
    Man {
        /// Directory for one page per command; without it the main page goes to stdout
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
    },
}

/// Arguments of `top`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TopArgs {
    /// Seconds from look to look
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = seconds)]
    pub(crate) interval: Duration,

    /// Print look after look as text, without a terminal; --json does as well
    #[arg(short, long)]
    pub(crate) batch: bool,

    /// End after so many looks
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) count: Option<u64>,
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text
        .parse::<f64>()
        .ok()
        .filter(|s| (0.01..=3600.0).contains(s));
    seconds
        .map(Duration::from_secs_f64)
        .ok_or_else(|| "write seconds, 0.01 to 3600".to_owned())
}

/// Arguments of `apply`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ApplyArgs {
    /// Configuration of the NIC
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,

    /// Only check it, against a live NIC if one is named
    #[arg(long)]
    pub(crate) dry_run: bool,

    /// Put it in the place of what is configured already
    #[arg(long)]
    pub(crate) replace: bool,

    /// Firmware image; the one built with this program if left out
    #[arg(long, value_name = "ELF", env = "HAIRPIN_FIRMWARE")]
    pub(crate) firmware: Option<PathBuf>,
}

/// Arguments of `tap`.
#[derive(Args, Clone, Debug)]
pub(crate) struct TapArgs {
    /// The VF: vf0, vf1 …
    #[arg(value_name = "VF", value_parser = parse_vf)]
    pub(crate) vf: u8,

    /// Name of the interface
    #[arg(long, value_name = "NAME", value_parser = parse_interface)]
    pub(crate) name: String,

    /// Bridge for so long, then end; otherwise until Ctrl-C
    #[arg(long, value_name = "SECONDS")]
    pub(crate) seconds: Option<u64>,
}

fn parse_vf(name: &str) -> Result<u8, String> {
    match hairpin_driver::cli::parse_port(name) {
        Some(hairpin_abi::PortId::VPort(vport)) => Ok(vport.get()),
        _ => Err("use vf0 to vf63".to_owned()),
    }
}

fn parse_interface(name: &str) -> Result<String, String> {
    let legal = |byte: u8| byte.is_ascii_graphic() && !b"/:".contains(&byte);
    if (1..=15).contains(&name.len()) && name.bytes().all(legal) && name != "." && name != ".." {
        return Ok(name.to_owned());
    }
    Err("the name of an interface has 1 to 15 letters, digits, dots or dashes".to_owned())
}

#[derive(Debug, Subcommand)]
pub(crate) enum Dev {
    /// What the NIC is and what it has room for
    #[command(after_help = "Example:\n  hairpin --report run dev info")]
    Info,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Port {
    /// The vPorts and their policy
    #[command(after_help = "\
Examples:
  hairpin --report run port show
  hairpin --report run port show vf3")]
    Show {
        /// Only this vPort
        #[arg(value_name = "PORT")]
        port: Option<String>,
    },

    #[command(flatten)]
    Edit(PortEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Vvlan {
    /// The V.VLANs, how they are switched and who is in them
    #[command(after_help = "\
Examples:
  hairpin --report run vvlan show
  hairpin --report run vvlan show 100")]
    Show {
        /// Only this V.VLAN
        #[arg(value_name = "ID")]
        id: Option<u16>,
    },

    #[command(flatten)]
    Edit(VvlanEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Fdb {
    /// Which address is where
    #[command(after_help = "\
Examples:
  hairpin --report run fdb show
  hairpin --report run fdb show --vvlan 100")]
    Show {
        /// Only this V.VLAN
        #[arg(long, value_name = "ID")]
        vvlan: Option<u16>,
    },

    /// What the firmware told about addresses and tables: learned, moved, aged, refused
    #[command(after_help = "\
Examples:
  hairpin --report run fdb monitor
  hairpin --report run --json fdb monitor --vvlan 100

With --report it shows what the replay recorded, with the cycle in which the driver read it; of a live NIC it takes
the events that wait.")]
    Monitor {
        /// Only this V.VLAN
        #[arg(long, value_name = "ID")]
        vvlan: Option<u16>,
    },

    #[command(flatten)]
    Edit(FdbEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Flow {
    /// Which flow does what, since when it is idle, and what it has carried
    #[command(after_help = "\
Examples:
  hairpin --report run flow show
  hairpin --report run flow show --vvlan 100 --port vf0")]
    Show {
        /// Only this V.VLAN
        #[arg(long, value_name = "ID")]
        vvlan: Option<u16>,

        /// Only flows that come from this port or lead to it: vf0, uplink
        #[arg(long, value_name = "PORT")]
        port: Option<String>,
    },

    #[command(flatten)]
    Edit(FlowEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Pool {
    /// Which queue pairs and vectors each VF has, and what became of its driver
    #[command(after_help = "\
Examples:
  hairpin -d vfio-user/run/pf0.sock pool show
  hairpin -d vfio-user/run/pf0.sock --json pool show vf3
  hairpin --report run pool show")]
    Show {
        /// Only this VF
        #[arg(value_name = "VF", value_parser = parse_vf)]
        vf: Option<u8>,
    },

    #[command(flatten)]
    Edit(PoolEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Filter {
    /// The filters that are enabled
    #[command(after_help = "\
Examples:
  hairpin -d vfio-user/run/pf0.sock filter show
  hairpin -d vfio-user/run/pf0.sock --json filter show vf0")]
    Show {
        /// Only those of this VF
        #[arg(value_name = "VF", value_parser = parse_vf)]
        vf: Option<u8>,
    },

    #[command(flatten)]
    Edit(FilterEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Rss {
    /// Key, types, indirection table and queues of the priorities of a VF
    #[command(after_help = "\
Examples:
  hairpin -d vfio-user/run/pf0.sock rss show vf0
  hairpin -d vfio-user/run/pf0.sock --json rss show vf0")]
    Show {
        /// The VF
        #[arg(value_name = "VF", value_parser = parse_vf)]
        vf: u8,
    },

    #[command(flatten)]
    Edit(RssEdit),
}

#[derive(Debug, Subcommand)]
pub(crate) enum Mac {
    /// Addresses that look random and are each there once: local ones, derived from a physical address
    #[command(after_help = "\
Examples:
  hairpin mac pool --base 00:1b:21:00:00:01 --count 8
  hairpin mac pool --base 00:1b:21:00:00:01 --count 8 --seed 7 --config nic.toml

The same base and seed give the same addresses in the same order. Those in the file of --config are left out.")]
    Pool {
        /// Physical address that they are derived from
        #[arg(long, value_name = "MAC")]
        base: MacAddr,

        /// How many
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
        count: u32,

        /// Another seed gives other addresses
        #[arg(long, value_name = "N", default_value_t = 0)]
        seed: u64,

        /// Leave out the addresses of this configuration
        #[arg(long, value_name = "FILE")]
        config: Option<PathBuf>,
    },
}

impl Command {
    /// The change that it asks for, if it is one that changes a NIC.
    pub(crate) fn edit(&self) -> Option<EditCommand> {
        Some(match self {
            Self::Flow(Flow::Edit(edit)) => EditCommand::Flow(edit.clone()),
            Self::Fdb(Fdb::Edit(edit)) => EditCommand::Fdb(edit.clone()),
            Self::Port(Port::Edit(edit)) => EditCommand::Port(edit.clone()),
            Self::Vvlan(Vvlan::Edit(edit)) => EditCommand::Vvlan(edit.clone()),
            _ => return None,
        })
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Switch {
    /// Session, lease, flows learned, control frames refused
    #[command(
        after_help = "Examples:\n  hairpin --report run switch show\n  hairpin --report run --json switch show"
    )]
    Show,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Health {
    /// Whether the firmware runs, hangs or has stopped
    #[command(after_help = "Example:\n  hairpin --report run health show")]
    Show,
}

/// Level of a log line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, clap::ValueEnum)]
pub(crate) enum Level {
    /// Finest.
    Trace,
    /// For developers.
    Debug,
    /// What happened.
    Info,
    /// What should not have happened.
    Warn,
    /// What failed.
    Error,
}

impl Level {
    /// Whether a line of a level is to be shown; lines without a level always are.
    pub(crate) fn admits(self, level: Option<&str>) -> bool {
        let level = level.and_then(|level| <Self as clap::ValueEnum>::from_str(level, true).ok());
        level.is_none_or(|level| level >= self)
    }
}
