// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What can be typed about pools and steering.

use clap::Subcommand;

use hairpin_abi::VPort;

use super::parse::{Result, filter_add, rss_set, vport};
use super::values::parse_small;
use super::{Filter, FilterPlace, RssChange};
use crate::pool::PoolChange;
use crate::vf::MOST_GAP_US;
use crate::words::{Words, parse_up_to, wrong};
use crate::{Device, Transport};

/// Changes of queue pools.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PoolEdit {
    /// Give a VF queue pairs and vectors; this resets the VF
    #[command(after_help = "\
  pairs N      queue pairs; 0 takes the VF's device away
  first N      the first of them; chosen if it is left out
  vectors N    MSI-X vectors, at most 16
  interrupt-gap-us N
               least microseconds between two interrupts of a vector for frames, at most 1677; 0 is none

What is left out stays. A gap alone is changed while the driver is at work. A change of the pool of a VF that is enabled resets the VF: its frames are lost until its
driver sets it up anew. If a driver is at work there, --force has to say so.

Examples:
  hairpin -d vfio-user/run/pf0.sock pool set vf3 pairs 4
  hairpin -d vfio-user/run/pf0.sock pool set vf3 pairs 8 first 16 vectors 9 --force
  hairpin -d vfio-user/run/pf0.sock pool set vf3 interrupt-gap-us 20
  hairpin -d vfio-user/run/pf0.sock pool set vf3 pairs 0")]
    Set {
        /// The VF
        #[arg(value_name = "VF")]
        vf: String,
        /// Keys and values, see below
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
        /// Reset the VF even if its driver is at work
        #[arg(long)]
        force: bool,
    },
    /// Ask a VF's guest to announce itself (virtio 1.2, 5.1.6.5.4)
    #[command(after_help = "\
A guest that can does it with gratuitous ARP and unsolicited neighbour advertisements, so that switches learn where it is.

Example:
  hairpin -d vfio-user/run/pf0.sock pool announce vf3")]
    Announce {
        /// The VF
        #[arg(value_name = "VF")]
        vf: String,
    },
}

/// Changes of filters.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum FilterEdit {
    /// Send frames of a VF to one of its queues
    #[command(after_help = "\
  queue N                 the queue, counted within the VF's pool
  index N                 the filter to write over; the first free one if it is left out

By EtherType, behind at most two tags; the lowest index wins:
  ethertype ipv4|ipv6|arp|NUMBER

By addresses, protocol and ports; the highest priority wins, then the lowest index:
  src ADDR[/BITS]         dst ADDR[/BITS]         family ipv4|ipv6|any
  proto tcp|udp|icmp|icmpv6|sctp|NUMBER           sport NUMBER            dport NUMBER
  priority 0..7           0 if it is left out

EtherType filters go before the VLAN priority, that before the five-tuple filters, those before the hash (RSS).

Examples:
  hairpin -d vfio-user/run/pf0.sock filter add vf0 queue 2 priority 5 src 10.0.0.0/8 dst 10.1.2.3 proto tcp dport 443
  hairpin -d vfio-user/run/pf0.sock filter add vf0 queue 1 ethertype 0x88f7")]
    Add {
        /// The VF
        #[arg(value_name = "VF")]
        vf: String,
        /// Keys and values, see below
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Remove a filter
    #[command(after_help = "\
Examples:
  hairpin -d vfio-user/run/pf0.sock filter del 3
  hairpin -d vfio-user/run/pf0.sock filter del ethertype 0")]
    Del {
        /// INDEX of a five-tuple filter, or ethertype INDEX
        #[arg(value_name = "FILTER", required = true, num_args = 1..)]
        words: Vec<String>,
    },
}

/// Changes of the spreading over queues.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum RssEdit {
    /// Change how a VF's frames are spread over its queues
    #[command(after_help = "\
  key HEX            Toeplitz key: 40 bytes in hexadecimal, with colons between them or none
  types LIST         what is hashed: ipv4,tcp4,udp4,ipv6,tcp6,udp6, default (all) or none
  queues 0,1,2,3     indirection table of these queues in turn
  table 0,0,1,…      indirection table, 128 entries or 64
  priority 3:1,5:0   queues of VLAN priorities; 3:none takes one away, none all of them

What is left out stays. With key, types, queues or table the VF has a table of its own, which no longer follows the
queue pairs that its driver uses: by default one of all pairs of its pool in turn. An entry that names a queue not in
use leads to queue 0.

Examples:
  hairpin -d vfio-user/run/pf0.sock rss set vf0 queues 0,1,2,3 types tcp4,udp4,ipv4
  hairpin -d vfio-user/run/pf0.sock rss set vf0 priority 5:3,6:3,7:3")]
    Set {
        /// The VF
        #[arg(value_name = "VF")]
        vf: String,
        /// Keys and values, see below
        #[arg(value_name = "KEY VALUE", required = true, num_args = 1..)]
        words: Vec<String>,
    },
    /// Back to the default: published key, all types, all pairs in use in turn, no priorities
    #[command(after_help = "Example:\n  hairpin -d vfio-user/run/pf0.sock rss del vf0")]
    Del {
        /// The VF
        #[arg(value_name = "VF")]
        vf: String,
    },
}

/// A change of pools or steering.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SteerEdit {
    /// Change a pool.
    Pool {
        /// The VF.
        vport: VPort,
        /// What to change.
        change: PoolChange,
        /// Whether it may be in use.
        force: bool,
    },
    /// Ask a guest to announce itself.
    Announce(VPort),
    /// Add a filter.
    FilterAdd {
        /// The filter.
        filter: Filter,
        /// Its place, if it was named.
        index: Option<u8>,
    },
    /// Remove a filter.
    FilterDel(FilterPlace),
    /// Change the spreading over queues.
    Rss {
        /// The VF.
        vport: VPort,
        /// What to change.
        change: Box<RssChange>,
    },
    /// Back to the default.
    RssDel(VPort),
}

impl<T: Transport> Device<T> {
    /// Makes a change; the place of a filter that was added.
    ///
    /// # Errors
    /// It cannot be, or the NIC cannot be reached.
    pub fn steer(&mut self, edit: &SteerEdit) -> Result<Option<FilterPlace>> {
        match edit {
            SteerEdit::Pool {
                vport,
                change,
                force,
            } => self.set_pool(*vport, change, *force)?,
            SteerEdit::Announce(vport) => self.ask_to_announce(*vport)?,
            SteerEdit::FilterAdd { filter, index } => {
                return self.add_filter(filter, *index).map(Some);
            }
            SteerEdit::FilterDel(place) => self.del_filter(*place)?,
            SteerEdit::Rss { vport, change } => {
                self.set_rss(*vport, change)?;
            }
            SteerEdit::RssDel(vport) => self.del_rss(*vport)?,
        }
        Ok(None)
    }
}

impl PoolEdit {
    /// What it asks for.
    ///
    /// # Errors
    /// A word that makes no sense; its code is `usage`. So it is below.
    pub fn edit(&self) -> Result<SteerEdit> {
        const COMMAND: &str = "pool set";
        const NUMBER: &str = "0 to 255";
        let (vf, words, force) = match self {
            Self::Set { vf, words, force } => (vf, words, force),
            Self::Announce { vf } => {
                return Ok(SteerEdit::Announce(vport("pool announce", vf)?));
            }
        };
        let vport = vport(COMMAND, vf)?;
        let known = ["pairs", "first", "vectors", "interrupt-gap-us"];
        let words = Words::new(COMMAND, words, &known)?;
        let gap = format!("0 to {MOST_GAP_US} microseconds; 0 is none");
        Ok(SteerEdit::Pool {
            vport,
            change: PoolChange {
                pairs: words.get("pairs", NUMBER, parse_small)?,
                first: words.get("first", NUMBER, parse_small)?,
                vectors: words.get("vectors", NUMBER, parse_small)?,
                interrupt_gap_us: words.get("interrupt-gap-us", &gap, |text| {
                    parse_up_to(text, MOST_GAP_US.into())?.try_into().ok()
                })?,
            },
            force: *force,
        })
    }
}

impl FilterEdit {
    /// What it asks for.
    ///
    /// # Errors
    /// As above.
    pub fn edit(&self) -> Result<SteerEdit> {
        match self {
            Self::Add { vf, words } => {
                let (filter, index) = filter_add(vf, words)?;
                Ok(SteerEdit::FilterAdd { filter, index })
            }
            Self::Del { words } => filter_del(words),
        }
    }
}

impl RssEdit {
    /// What it asks for.
    ///
    /// # Errors
    /// As above.
    pub fn edit(&self) -> Result<SteerEdit> {
        match self {
            Self::Set { vf, words } => {
                let (vport, change) = rss_set(vf, words)?;
                let change = Box::new(change);
                Ok(SteerEdit::Rss { vport, change })
            }
            Self::Del { vf } => Ok(SteerEdit::RssDel(vport("rss del", vf)?)),
        }
    }
}

fn filter_del(words: &[String]) -> Result<SteerEdit> {
    let index = |text: &String| parse_small(text);
    let place = match words {
        [number] => index(number).map(FilterPlace::Tuple),
        [kind, number] if kind == "ethertype" => index(number).map(FilterPlace::EtherType),
        _ => None,
    };
    place.map(SteerEdit::FilterDel).ok_or_else(|| {
        let text = words.join(" ");
        wrong("filter del", "FILTER", format!("`{text}` is no filter")).help(
            "write the number of a five-tuple filter, as in filter del 3, or filter del ethertype 0",
        )
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{EtherTypeFilter, Family, Prefix, TupleFilter};
    use super::*;

    #[derive(Debug, Parser)]
    enum Line {
        #[command(subcommand)]
        Pool(PoolEdit),
        #[command(subcommand)]
        Filter(FilterEdit),
        #[command(subcommand)]
        Rss(RssEdit),
    }

    fn parse(line: &str) -> Result<SteerEdit> {
        let words = std::iter::once("hairpin").chain(line.split_whitespace());
        match Line::try_parse_from(words).expect(line) {
            Line::Pool(edit) => edit.edit(),
            Line::Filter(edit) => edit.edit(),
            Line::Rss(edit) => edit.edit(),
        }
    }

    fn vf(number: u8) -> VPort {
        VPort::new(number).unwrap()
    }

    #[test]
    fn pools() {
        let want = |pairs, first, vectors, force| SteerEdit::Pool {
            vport: vf(3),
            change: PoolChange {
                pairs,
                first,
                vectors,
                interrupt_gap_us: None,
            },
            force,
        };
        let gap = SteerEdit::Pool {
            vport: vf(3),
            change: PoolChange {
                interrupt_gap_us: Some(20),
                ..PoolChange::default()
            },
            force: false,
        };
        assert_eq!(parse("pool set vf3 interrupt-gap-us 20").unwrap(), gap);
        for (line, want) in [
            ("pool set vf3 pairs 4", want(Some(4), None, None, false)),
            (
                "pool set vf3 first 16 pairs 8 vectors 9 --force",
                want(Some(8), Some(16), Some(9), true),
            ),
            (
                "pool set vf3 --force vectors 1",
                want(None, None, Some(1), true),
            ),
        ] {
            assert_eq!(parse(line).unwrap(), want, "{line}");
        }
    }

    #[test]
    fn filters() {
        let line =
            "filter add vf0 queue 2 priority 5 src 10.0.0.0/8 dst 10.1.2.3 proto tcp dport 443";
        let want = TupleFilter {
            vf: vf(0),
            priority: 5,
            queue: 2,
            family: Family::V4,
            src: Prefix {
                address: 0x0a00_0000,
                bits: 8,
            },
            dst: Prefix {
                address: 0x0a01_0203,
                bits: 32,
            },
            proto: Some(6),
            sport: None,
            dport: Some(443),
        };
        let add = |filter, index| SteerEdit::FilterAdd { filter, index };
        assert_eq!(parse(line).unwrap(), add(Filter::Tuple(want), None));
        let any = TupleFilter {
            family: Family::Any,
            priority: 0,
            src: Prefix::default(),
            dst: Prefix::default(),
            ..want
        };
        let line = "filter add vf0 queue 2 proto 6 dport 443 index 31";
        assert_eq!(parse(line).unwrap(), add(Filter::Tuple(any), Some(31)));
        let ethertype = EtherTypeFilter {
            vf: vf(0),
            ethertype: 0x88f7,
            queue: 1,
        };
        let line = "filter add vf0 queue 1 ethertype 0x88f7";
        assert_eq!(
            parse(line).unwrap(),
            add(Filter::EtherType(ethertype), None)
        );
        for (line, place) in [
            ("filter del 3", FilterPlace::Tuple(3)),
            ("filter del ethertype 0", FilterPlace::EtherType(0)),
        ] {
            assert_eq!(parse(line).unwrap(), SteerEdit::FilterDel(place));
        }
    }

    #[test]
    fn spreading() {
        let SteerEdit::Rss { vport, change } =
            parse("rss set vf2 types tcp4 queues 0,1 priority 3:1").unwrap()
        else {
            panic!()
        };
        assert_eq!((vport, change.key), (vf(2), None));
        assert_eq!(change.types.map(|types| types.0), Some(2));
        assert_eq!(change.table.unwrap().0[..3], [0, 1, 0]);
        assert_eq!(change.priorities[3], Some(Some(1)));
        assert_eq!(parse("rss del vf2").unwrap(), SteerEdit::RssDel(vf(2)));
    }

    #[test]
    fn every_error_names_the_field_and_the_fix() {
        for (line, field) in [
            ("pool set vf64 pairs 1", "pool set: VF"),
            ("pool set vf3 pairs x", "pool set: pairs"),
            ("pool set vf3 first 300", "pool set: first"),
            ("pool set vf3 colour red", "pool set: colour"),
            ("filter add uplink queue 1 proto tcp", "filter add: VF"),
            ("filter add vf0 proto tcp", "filter add: queue"),
            ("filter add vf0 queue 128 proto tcp", "filter add: queue"),
            ("filter add vf0 queue 1", "filter add: src"),
            ("filter add vf0 queue 1 priority 3", "filter add: src"),
            (
                "filter add vf0 queue 1 priority 8 proto tcp",
                "filter add: priority",
            ),
            ("filter add vf0 queue 1 src 10.0.0.0/33", "filter add: src"),
            (
                "filter add vf0 queue 1 src 10.0.0.1 dst fd00::1",
                "filter add: dst",
            ),
            (
                "filter add vf0 queue 1 family any src ::1",
                "filter add: src",
            ),
            (
                "filter add vf0 queue 1 proto icmp dport 1",
                "filter add: dport",
            ),
            (
                "filter add vf0 queue 1 ethertype 0x88f7 proto tcp",
                "filter add: proto",
            ),
            (
                "filter add vf0 queue 1 ethertype x",
                "filter add: ethertype",
            ),
            ("filter del x", "filter del: FILTER"),
            ("filter del proto 1", "filter del: FILTER"),
            ("filter del ethertype", "filter del: FILTER"),
            ("rss set vf0 key 00", "rss set: key"),
            ("rss set vf0 types tcp", "rss set: types"),
            ("rss set vf0 queues 0 table 0", "rss set: table"),
            ("rss set vf0 queues", "rss set: queues"),
            ("rss set vf0 priority 9:1", "rss set: priority"),
            ("rss del x", "rss del: VF"),
        ] {
            let error = parse(line).expect_err(line);
            assert_eq!(error.code, "usage", "{line}: {error}");
            assert_eq!(error.field.as_deref(), Some(field), "{line}: {error}");
            assert!(error.help.is_some(), "{line}: {error}");
        }
        let both = format!("rss set vf0 queues 0,1 table {}", vec!["0"; 64].join(","));
        assert!(parse(&both).unwrap_err().message.contains("already"));
    }
}
