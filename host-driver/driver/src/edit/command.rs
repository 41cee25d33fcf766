// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What can be typed: the one grammar of the command line and of a script.

use clap::Subcommand;
use hairpin_abi::admin::Flush;
use hairpin_abi::{Miss, Mode, Tags, Teacher, VPort, VVlan};

use super::{Edit, PortChange, VvlanChange};
use crate::Diagnostic;
use crate::flow::{
    FlowFields, flow_row, parse_action, parse_ethertype, parse_field, parse_number, parse_proto,
};
use crate::vf::MOST_RATE;
use crate::words::parse_port;
use crate::words::{
    MAC, VPORT, VVLAN, Words, parse_mac, parse_up_to, parse_vport, parse_vvlan, wrong,
};

/// Commands that change a NIC.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum EditCommand {
    /// The flow cache
    #[command(subcommand)]
    Flow(FlowEdit),
    /// The address table
    #[command(subcommand)]
    Fdb(FdbEdit),
    /// The vPorts
    #[command(subcommand)]
    Port(PortEdit),
    /// The V.VLANs
    #[command(subcommand)]
    Vvlan(VvlanEdit),
}

/// Changes of the flow cache.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum FlowEdit {
    /// Add a flow, or replace it
    #[command(after_help = "\
The fields are those of the V.VLAN's key-fields, no more and no fewer; fields that its frames do not have (ports
of ARP) are left out. ICMP has its type as sport and its code as dport.

  vvlan ID              from PORT             da MAC      sa MAC      ethertype ipv4|ipv6|arp|NUMBER
  ip-src ADDR           ip-dst ADDR           proto tcp|udp|icmp|icmpv6|sctp|NUMBER
  sport NUMBER          dport NUMBER
  action local|uplink|drop|punt|redirect      port PORT (redirect)

Examples:
  hairpin flow add vvlan 100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype arp action drop
  hairpin flow add vvlan 100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype ipv4 ip-src 10.0.0.1 \
ip-dst 10.0.0.2 proto tcp sport 40000 dport 80 action redirect port vf3")]
    Add {
        /// Keys and values, see below
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Remove a flow
    #[command(after_help = "\
Example:
  hairpin flow del vvlan 100 from vf0 da 02:00:00:00:0a:01 sa 02:00:00:00:0a:00 ethertype arp")]
    Del {
        /// Keys and values of the flow, as for `flow add`
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Remove many flows at once
    #[command(after_help = "\
Examples:
  hairpin flow flush vvlan 100
  hairpin flow flush port vf1
  hairpin flow flush teacher learned
  hairpin flow flush all")]
    Flush {
        /// all, vvlan ID, port PORT, or teacher learned|flow|policy
        #[arg(value_name = "SCOPE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
}

/// Changes of the address table.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum FdbEdit {
    /// Add a static address
    #[command(after_help = "Example:\n  hairpin fdb add vvlan 100 mac 02:00:00:00:00:09 port vf1")]
    Add {
        /// vvlan ID mac MAC port PORT
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Remove an address
    #[command(after_help = "Example:\n  hairpin fdb del vvlan 100 mac 02:00:00:00:00:09")]
    Del {
        /// vvlan ID mac MAC
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Forget learned addresses
    #[command(after_help = "\
Examples:
  hairpin fdb flush port vf7
  hairpin fdb flush vvlan 100
  hairpin fdb flush all")]
    Flush {
        /// all, vvlan ID, or port PORT
        #[arg(value_name = "SCOPE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
}

/// Changes of vPorts.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PortEdit {
    /// Change the policy of a vPort
    #[command(after_help = "\
  state auto|enable|disable    spoofchk on|off    trust on|off    learning on|off
  mac MAC                      max-macs 1..255    tags none|priority|vlans|all
  max-tx-rate N                most that the VF may send, in Mb/s of whole frames; 0 is no limit

mac, state, spoofchk, trust and max-tx-rate are those of `ip link set DEV vf N`. A new address takes the place of the old one in the
vPort's V.VLANs, and the VF's driver is told; state auto is enable, as in nic.toml.

Examples:
  hairpin port set vf1 state disable
  hairpin port set vf3 mac 02:00:00:00:0a:03 spoofchk on trust off
  hairpin port set vf7 learning on max-macs 32
  hairpin -d vfio-user/run/pf0.sock port set vf3 max-tx-rate 1000")]
    Set {
        /// The vPort
        #[arg(value_name = "PORT")]
        port: String,
        /// Keys and values, see below
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
}

/// Changes of V.VLANs.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum VvlanEdit {
    /// Change how a V.VLAN is switched
    #[command(after_help = "\
  miss ignore|external|slowpath|drop    mode veb|vepa|auto    cache on|off
  flow-quota 0|2|4|...|32768            key-fields src,da,sa,ethertype,ip-src,ip-dst,proto,sport,dport

Examples:
  hairpin vvlan set 100 miss drop
  hairpin vvlan set 100 cache on key-fields src,da flow-quota 1024")]
    Set {
        /// The V.VLAN
        #[arg(value_name = "ID")]
        id: String,
        /// Keys and values, see below
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Remove a V.VLAN with its addresses and flows
    #[command(after_help = "Example:\n  hairpin vvlan del 200")]
    Del {
        /// The V.VLAN
        #[arg(value_name = "ID")]
        id: String,
    },
}

type Result<T> = std::result::Result<T, Diagnostic>;

impl EditCommand {
    /// What it asks for.
    ///
    /// # Errors
    /// A word that makes no sense; its code is `usage`.
    pub fn edit(&self) -> Result<Edit> {
        match self {
            Self::Flow(edit) => edit.edit(),
            Self::Fdb(edit) => edit.edit(),
            Self::Port(PortEdit::Set { port, words }) => port_set(port, words),
            Self::Vvlan(VvlanEdit::Set { id, words }) => vvlan_set(id, words),
            Self::Vvlan(VvlanEdit::Del { id }) => Ok(Edit::VvlanDel(vvlan_id("vvlan del", id)?)),
        }
    }
}

const FIELDS: [&str; 10] = [
    "vvlan",
    "from",
    "da",
    "sa",
    "ethertype",
    "ip-src",
    "ip-dst",
    "proto",
    "sport",
    "dport",
];

impl FlowEdit {
    fn edit(&self) -> Result<Edit> {
        match self {
            Self::Add { words } => {
                let known = [&FIELDS[..], &["action", "port"]].concat();
                let words = Words::new("flow add", words, &known)?;
                let action = words.need(
                    "action",
                    "local, uplink, drop, punt or redirect",
                    parse_action,
                )?;
                let port = words.get("port", VPORT, parse_vport)?;
                let row = flow_row(action, port)
                    .map_err(|error| words.error(error.field, error.message).help(error.help))?;
                Ok(Edit::FlowAdd {
                    vvlan: words.vvlan()?,
                    fields: flow_fields(&words)?,
                    row,
                })
            }
            Self::Del { words } => {
                let words = Words::new("flow del", words, &FIELDS)?;
                Ok(Edit::FlowDel {
                    vvlan: words.vvlan()?,
                    fields: flow_fields(&words)?,
                })
            }
            Self::Flush { words } => Ok(Edit::FlowFlush(scope("flow flush", words, true)?)),
        }
    }
}

impl FdbEdit {
    fn edit(&self) -> Result<Edit> {
        match self {
            Self::Add { words } => {
                let words = Words::new("fdb add", words, &["vvlan", "mac", "port"])?;
                Ok(Edit::FdbAdd {
                    vvlan: words.vvlan()?,
                    mac: words.need("mac", MAC, parse_mac)?,
                    vport: words.need("port", VPORT, parse_vport)?,
                })
            }
            Self::Del { words } => {
                let words = Words::new("fdb del", words, &["vvlan", "mac"])?;
                Ok(Edit::FdbDel {
                    vvlan: words.vvlan()?,
                    mac: words.need("mac", MAC, parse_mac)?,
                })
            }
            Self::Flush { words } => Ok(Edit::FdbFlush(scope("fdb flush", words, false)?)),
        }
    }
}

fn flow_fields(words: &Words<'_>) -> Result<FlowFields> {
    const NUMBER: &str = "0 to 65535";
    Ok(FlowFields {
        from: words.get("from", "vf0 to vf63 or uplink", parse_port)?,
        da: words.mac("da")?,
        sa: words.mac("sa")?,
        ethertype: words.get(
            "ethertype",
            "ipv4, ipv6, arp or a number: 0x88cc",
            parse_ethertype,
        )?,
        ip_src: words.ip("ip-src")?,
        ip_dst: words.ip("ip-dst")?,
        proto: words.get(
            "proto",
            "tcp, udp, icmp, icmpv6, sctp or 0 to 255",
            parse_proto,
        )?,
        sport: words.get("sport", NUMBER, parse_number)?,
        dport: words.get("dport", NUMBER, parse_number)?,
    })
}

/// Which entries a flush is about.
fn scope(command: &'static str, words: &[String], teachers: bool) -> Result<Flush> {
    if words == ["all"] {
        return Ok(Flush::All);
    }
    let known: &[&str] = if teachers {
        &["vvlan", "port", "teacher"]
    } else {
        &["vvlan", "port"]
    };
    let [_, _] = words else {
        let first = words.first().map_or("", String::as_str);
        let help = format!("write one of: all, {} VALUE", known.join(" VALUE, "));
        return Err(wrong(command, first, "a flush is about one scope".to_owned()).help(help));
    };
    let words = Words::new(command, words, known)?;
    if let Some(vvlan) = words.get("vvlan", VVLAN, parse_vvlan)? {
        return Ok(Flush::VVlan(vvlan));
    }
    if let Some(vport) = words.get("port", VPORT, parse_vport)? {
        return Ok(Flush::VPort(vport));
    }
    let teacher = words.need("teacher", "learned, flow or policy", |name| {
        Teacher::ALL
            .iter()
            .find(|teacher| teacher.name() == name)
            .copied()
    })?;
    Ok(Flush::Teacher(teacher))
}

fn port_set(port: &str, words: &[String]) -> Result<Edit> {
    const COMMAND: &str = "port set";
    let vport: VPort = parse_vport(port).ok_or_else(|| {
        wrong(COMMAND, "PORT", format!("`{port}` is no vPort")).help(format!("use {VPORT}"))
    })?;
    for word in words.iter().step_by(2) {
        foreign(COMMAND, vport, word)?;
    }
    let known = [
        "state",
        "mac",
        "spoofchk",
        "trust",
        "learning",
        "max-macs",
        "tags",
        "max-tx-rate",
    ];
    let rate = format!("0 to {MOST_RATE}, in Mb/s; 0 is no limit");
    let words = Words::new(COMMAND, words, &known)?;
    Ok(Edit::PortSet {
        vport,
        change: PortChange {
            enabled: words.get("state", "auto, enable or disable", |text| match text {
                "auto" | "enable" => Some(true),
                "disable" => Some(false),
                _ => None,
            })?,
            mac: words.get(
                "mac",
                "the address of one station: 02:00:00:00:00:01",
                |text| parse_mac(text).filter(|mac| !mac.is_group()),
            )?,
            spoofchk: words.switch("spoofchk")?,
            trust: words.switch("trust")?,
            learning: words.switch("learning")?,
            max_macs: words.get("max-macs", "1 to 255", |text| {
                text.parse().ok().filter(|max| *max >= 1)
            })?,
            tags: words.get("tags", "none, priority, vlans or all", |name| {
                Tags::ALL.iter().find(|tags| tags.name() == name).copied()
            })?,
            max_tx_rate: words.get("max-tx-rate", &rate, |text| parse_up_to(text, MOST_RATE))?,
        },
    })
}

/// Fails on what `ip link set … vf N` knows and this does otherwise, or not yet.
fn foreign(command: &str, vport: VPort, word: &str) -> Result<()> {
    let (message, help) = match word {
        "vlan" | "qos" => (
            "the VLAN of a vPort is that of its V.VLAN",
            format!(
                "name the V.VLAN in `vvlan` of {vport} in nic.toml, its VLAN in `vlan` there, and put it in: \
                 hairpin apply --replace"
            ),
        ),
        "rate" | "max_tx_rate" => (
            "the limit of what a VF sends has another name",
            format!("write: hairpin port set {vport} max-tx-rate N, in Mb/s"),
        ),
        "min_tx_rate" | "min-tx-rate" => (
            "no rate of a vPort is guaranteed: they share the card evenly",
            "leave it out, and limit the others: max-tx-rate N".to_owned(),
        ),
        "query_rss" => (
            "the hash of a VF is shown by a command of its own",
            format!("hairpin rss show {vport}"),
        ),
        _ => return Ok(()),
    };
    Err(wrong(command, word, format!("no `{word}` here: {message}")).help(help))
}

fn vvlan_id(command: &str, id: &str) -> Result<VVlan> {
    parse_vvlan(id).ok_or_else(|| {
        wrong(command, "ID", format!("`{id}` is no V.VLAN")).help(format!("use {VVLAN}"))
    })
}

fn vvlan_set(id: &str, words: &[String]) -> Result<Edit> {
    const COMMAND: &str = "vvlan set";
    let id = vvlan_id(COMMAND, id)?;
    let known = ["miss", "mode", "cache", "flow-quota", "key-fields"];
    let words = Words::new(COMMAND, words, &known)?;
    Ok(Edit::VvlanSet {
        id,
        change: VvlanChange {
            miss: words.get("miss", "ignore, external, slowpath or drop", |name| {
                Miss::ALL.iter().find(|miss| miss.name() == name).copied()
            })?,
            mode: words.get("mode", "veb, vepa or auto", |name| {
                Mode::ALL.iter().find(|mode| mode.name() == name).copied()
            })?,
            cache: words.switch("cache")?,
            flow_quota: words.get(
                "flow-quota",
                "0 for no flows, or a power of two from 2 to 32768",
                |text| text.parse().ok().and_then(crate::flow::quota_code),
            )?,
            key_mask: words.get(
                "key-fields",
                "field names with commas between: src,da,proto",
                |text| {
                    text.split(',').try_fold(0, |mask: u16, name| {
                        let bit = parse_field(name)?.bit();
                        (mask & bit == 0).then_some(mask | bit)
                    })
                },
            )?,
        },
    })
}
