// SPDX-License-Identifier: Apache-2.0 OR MIT

//! What the firmware tells the host without being asked.

use hairpin_abi::fw::Event;
use hairpin_abi::{MacAddr, VVlan};
use hairpin_regs::pf_on;

use crate::device::Device;
use crate::error::Error;
use crate::report::HostEvent;
use crate::transport::Transport;

/// Most events taken at once: a NIC that always has one more must not hold the driver.
const MOST_EVENTS: usize = 256;

impl<T: Transport> Device<T> {
    /// Takes the events that wait, oldest first. What this version does not know is left out.
    ///
    /// # Errors
    /// The NIC cannot be reached.
    pub fn take_events(&mut self) -> Result<Vec<Event>, Error> {
        let io = self.io();
        let queue = pf_on(&io).ev();
        let mut events = Vec::new();
        for _ in 0..MOST_EVENTS {
            if queue.status().try_read()?.count() == 0 {
                break;
            }
            let words = [
                queue.data0().try_read()?.value(),
                queue.data1().try_read()?.value(),
            ];
            queue.pop().try_write(|pop| pop.set_pop(true))?;
            events.extend(Event::decode(words));
        }
        Ok(events)
    }
}

impl HostEvent {
    /// An event as it is shown. An event has only the last four bytes of an address; `known` may know the
    /// others.
    pub fn new(cycle: u64, event: &Event, known: impl Fn(u32) -> Option<MacAddr>) -> Self {
        let [a, b, c, d] = event.mac_low.to_be_bytes();
        let mac = (event.mac_low != 0).then(|| match known(event.mac_low) {
            Some(mac) => mac.to_string(),
            None => format!("??:??:{a:02x}:{b:02x}:{c:02x}:{d:02x}"),
        });
        Self {
            cycle,
            event: event.code.name().to_owned(),
            // An event of the whole NIC is one of the core.
            port: match event.port {
                hairpin_abi::PortId::Core => None,
                port => Some(port.to_string()),
            },
            vvlan: VVlan::try_from(event.vvlan).ok().map(VVlan::get),
            mac,
        }
    }
}

#[cfg(test)]
mod tests {
    use hairpin_abi::fw::EventCode;
    use hairpin_abi::{PortId, VPort, Vlan};

    use super::*;

    #[test]
    fn an_event_shows_what_is_known() {
        let mac = MacAddr([2, 0, 0, 0, 0x0a, 7]);
        let vf7 = PortId::VPort(VPort::new(7).unwrap());
        let event = Event::address(EventCode::Learned, vf7, Vlan::from_tci(100), mac);
        let shown = HostEvent::new(9, &event, |low| (low == 0x0a07).then_some(mac));
        assert_eq!(shown.mac.as_deref(), Some("02:00:00:00:0a:07"));
        assert_eq!(
            (shown.event.as_str(), shown.port.as_deref(), shown.vvlan),
            ("learned", Some("vf7"), Some(100))
        );
        let shown = HostEvent::new(9, &event, |_| None);
        assert_eq!(shown.mac.as_deref(), Some("??:??:00:00:0a:07"));
        let ready = Event {
            code: EventCode::Ready,
            port: PortId::Core,
            vvlan: Vlan::from_tci(0),
            mac_low: 0,
        };
        let shown = HostEvent::new(0, &ready, |_| Some(mac));
        assert_eq!((shown.port, shown.vvlan, shown.mac), (None, None, None));
    }
}
