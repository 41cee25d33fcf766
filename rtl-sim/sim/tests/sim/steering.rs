// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Queue pools, filters and RSS through the whole NIC: which queue of a guest a frame comes out of.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use hairpin_driver::function::PciFunction;
use hairpin_driver::steer::{FilterEdit, PoolEdit, RssEdit, SteerEdit};
use hairpin_driver::vfio_user::VfioUser;
use hairpin_driver::virtio::{Options, Vf};
use hairpin_driver::{Device, PfBar};

use crate::frames::{CONFIG, LIMIT, MACS};
use crate::server::Server;
use rss_vectors::{V4, V6};

#[path = "../../../../firmware/eswitch/tests/common/rss_vectors.rs"]
mod rss_vectors;

/// Queue pairs of the receiver.
const PAIRS: u16 = 4;

/// A frame from VF 0 to VF 1, 80 bytes or longer.
fn ethernet(tag: Option<u16>, ethertype: u16, payload: &[u8]) -> Vec<u8> {
    let mut bytes = [MACS[1], MACS[0]].concat();
    if let Some(tci) = tag {
        bytes.extend([0x81, 0x00]);
        bytes.extend(tci.to_be_bytes());
    }
    bytes.extend(ethertype.to_be_bytes());
    bytes.extend(payload);
    bytes.resize(bytes.len().max(80), 0);
    bytes
}

/// A packet of TCP, UDP or ICMP, of which the ports are all that counts.
fn ipv4(proto: u8, src: &str, dst: &str, ports: (u16, u16)) -> Vec<u8> {
    let mut bytes = vec![0x45, 0, 0, 40, 0, 0, 0, 0, 64, proto, 0, 0];
    for address in [src, dst] {
        bytes.extend(address.parse::<Ipv4Addr>().unwrap().octets());
    }
    bytes.extend([ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat());
    bytes.resize(40, 0);
    bytes
}

fn ipv6(proto: u8, src: &str, dst: &str, ports: (u16, u16)) -> Vec<u8> {
    let mut bytes = vec![0x60, 0, 0, 0, 0, 20, proto, 64];
    for address in [src, dst] {
        bytes.extend(address.parse::<Ipv6Addr>().unwrap().octets());
    }
    bytes.extend([ports.0.to_be_bytes(), ports.1.to_be_bytes()].concat());
    bytes.resize(60, 0);
    bytes
}

/// The PF, a sender, and a receiver with several queues.
struct Bench {
    pf: Device<PfBar>,
    sender: Vf,
    receiver: Vf,
}

fn connect(server: &Server, name: &str) -> Arc<dyn PciFunction> {
    Arc::new(VfioUser::open(&server.socket(name)).unwrap())
}

fn words(words: &str) -> Vec<String> {
    words.split(' ').map(str::to_owned).collect()
}

impl Bench {
    fn new(server: &Server) -> Self {
        let function = connect(server, "pf0");
        function.enable().unwrap();
        let mut pf = Device::probe(PfBar::new(function)).unwrap();
        let pool = PoolEdit::Set {
            vf: "vf1".to_owned(),
            words: words("pairs 4"),
            force: false,
        };
        pf.steer(&pool.edit().unwrap()).unwrap();
        let open = |name, queue_pairs| {
            let options = Options {
                queue_pairs,
                ..Options::default()
            };
            Vf::open(connect(server, name), &options).unwrap()
        };
        let receiver = open("vf1", PAIRS);
        assert_eq!(receiver.info().queue_pairs, PAIRS);
        Self {
            pf,
            sender: open("vf0", 1),
            receiver,
        }
    }

    fn edit(&mut self, change: &SteerEdit) {
        self.pf.steer(change).unwrap();
    }

    fn rss(&mut self, text: &str) {
        let edit = RssEdit::Set {
            vf: "vf1".to_owned(),
            words: words(text),
        };
        self.edit(&edit.edit().unwrap());
    }

    fn filter(&mut self, text: &str) {
        let edit = FilterEdit::Add {
            vf: "vf1".to_owned(),
            words: words(text),
        };
        self.edit(&edit.edit().unwrap());
    }

    /// The queue out of which a frame comes, unchanged.
    fn queue(&mut self, bytes: &[u8]) -> usize {
        let mut frames = vec![self.sender.pool().frame_of(bytes).unwrap()];
        assert_eq!(self.sender.tx_batch(&mut frames).unwrap(), 1);
        let start = Instant::now();
        loop {
            for (queue, pair) in self.receiver.pairs().iter_mut().enumerate() {
                let mut frames = Vec::new();
                if pair.rx_batch(&mut frames, 1).unwrap() > 0 {
                    assert_eq!(frames[0].to_vec(), bytes);
                    return queue;
                }
            }
            assert!(start.elapsed() < LIMIT, "no frame comes");
            self.receiver.wait(&[], Duration::from_millis(10)).unwrap();
        }
    }
}

/// A table in which every bit of the index counts.
fn entry(index: u32) -> usize {
    ((index ^ index >> 2 ^ index >> 4 ^ index >> 6) & 3) as usize
}

#[test]
fn frames_come_out_of_the_queue_that_pool_filters_and_rss_say() {
    let tagged = CONFIG.replace(
        "mac = \"02:00:00:00:0a:0",
        "tags = \"vlans\"\nmac = \"02:00:00:00:0a:0",
    );
    let server = Server::start("", Some(&tagged));
    let mut nic = Bench::new(&server);

    // By default all pairs in turn, and Microsoft's key; then a table of our own.
    let table: Vec<_> = (0..128).map(|index| entry(index).to_string()).collect();
    type Queue = fn(u32) -> usize;
    let spread: [(String, Queue); 2] = [
        ("types default".to_owned(), |hash| hash as usize % 4),
        (format!("table {}", table.join(",")), |hash| {
            entry(hash & 127)
        }),
    ];
    for (words, queue) in spread {
        nic.rss(&words);
        for (src, sport, dst, dport, addresses, ports) in V4 {
            for (proto, hash) in [(6, ports), (17, ports), (1, addresses)] {
                let packet = ipv4(proto, src, dst, (sport, dport));
                let got = nic.queue(&ethernet(None, 0x0800, &packet));
                assert_eq!(got, queue(hash), "{words}: {src}, protocol {proto}");
            }
        }
        for (src, sport, dst, dport, addresses, ports) in V6 {
            for (proto, hash) in [(6, ports), (17, ports), (58, addresses)] {
                let packet = ipv6(proto, src, dst, (sport, dport));
                let got = nic.queue(&ethernet(None, 0x86dd, &packet));
                assert_eq!(got, queue(hash), "{words}: {src}, protocol {proto}");
            }
        }
    }
    // Ports that are not asked for do not count, and what is not hashed goes to queue 0.
    nic.rss("types ipv4");
    let (src, sport, dst, dport, addresses, _) = V4[1];
    let web = ipv4(6, src, dst, (sport, dport));
    assert_eq!(
        nic.queue(&ethernet(None, 0x0800, &web)),
        entry(addresses & 127)
    );
    assert_ne!(entry(addresses & 127), 0);
    let (src6, sport6, dst6, dport6, ..) = V6[0];
    let six = ipv6(6, src6, dst6, (sport6, dport6));
    assert_eq!(nic.queue(&ethernet(None, 0x86dd, &six)), 0);
    assert_eq!(nic.queue(&ethernet(None, 0x88f7, &[1; 40])), 0);

    // Five-tuple filters before the hash, the highest priority first; IPv4 and IPv6, with wildcards.
    nic.rss("queues 0 types none");
    nic.filter("queue 1 priority 1 src 199.92.0.0/16");
    nic.filter("queue 2 priority 5 src 199.92.111.2 dst 65.69.140.83 proto tcp dport 4739");
    nic.filter("queue 3 priority 3 dst 3ffe:2501::/32 proto tcp");
    let mut tuple = |proto, sport| {
        let packet = ipv4(proto, src, dst, (sport, dport));
        nic.queue(&ethernet(None, 0x0800, &packet))
    };
    assert_eq!([tuple(6, sport), tuple(6, 9), tuple(17, sport)], [2, 2, 1]);
    assert_eq!(nic.queue(&ethernet(None, 0x86dd, &six)), 3);
    let other = ipv4(6, "10.0.0.1", dst, (sport, dport));
    assert_eq!(nic.queue(&ethernet(None, 0x0800, &other)), 0);

    // VLAN priorities before them, EtherType filters before those; both behind tags.
    nic.rss("priority 5:1");
    let tag = |pcp: u16| Some(pcp << 13 | 7);
    assert_eq!(nic.queue(&ethernet(tag(5), 0x0800, &web)), 1);
    assert_eq!(nic.queue(&ethernet(tag(4), 0x0800, &web)), 2);
    nic.filter("queue 3 ethertype ipv4");
    assert_eq!(nic.queue(&ethernet(tag(5), 0x0800, &web)), 3);
    assert_eq!(nic.queue(&ethernet(tag(5), 0x86dd, &six)), 1);
    assert_eq!(nic.queue(&ethernet(None, 0x0800, &other)), 3);

    // What is taken away no longer counts.
    let del = |text| FilterEdit::Del { words: words(text) }.edit().unwrap();
    nic.edit(&del("ethertype 0"));
    nic.edit(&del("1"));
    assert_eq!(nic.queue(&ethernet(None, 0x0800, &web)), 1);
    let vf = "vf1".to_owned();
    nic.edit(&RssEdit::Del { vf }.edit().unwrap());
    assert_eq!(
        nic.queue(&ethernet(tag(5), 0x0800, &web)),
        1,
        "the filter is left"
    );
    nic.edit(&del("0"));
    assert_eq!(
        nic.queue(&ethernet(tag(5), 0x0800, &web)),
        V4[1].5 as usize % 4
    );

    drop(nic);
    let stats = server.stop();
    assert_eq!(stats.scoreboard.mismatches, 0);
    for (name, function) in &stats.functions {
        assert_eq!((function.dma_faults, function.no_buffer), (0, 0), "{name}");
    }
}
