// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Makes the queues of a VF.

use super::HEADER;
use super::control::Control;
use super::error::Error;
use super::pool::Pool;
use super::queue::QueuePair;
use super::registers::{Features, Registers};
use super::ring::{MOST_ENTRIES, Ring, RingLayout};
use super::vf::{Info, Options};
use crate::function::DmaMemory;

/// Descriptors that the device takes in a chain.
const MOST_SEGMENTS: usize = 32;
/// Bytes of a buffer, unless frames can be longer and must be in one.
const BUFFER: usize = 2048;

/// What the queues are made from.
pub(super) struct Queues<'a> {
    pub(super) registers: &'a Registers,
    pub(super) options: &'a Options,
    pub(super) info: &'a Info,
    pub(super) offered_pairs: u16,
}

impl Queues<'_> {
    /// Makes and enables them.
    pub(super) fn make(&self) -> Result<(Vec<QueuePair>, Option<Control>), Error> {
        let numbers: Vec<u16> = (0..2 * self.info.queue_pairs).collect();
        // Behind the queues that are there, used or not.
        let features = self.info.features;
        let control = features
            .has(Features::CTRL_VQ)
            .then(|| self.offered_pairs.saturating_mul(2));
        let count = self.registers.queues()?;
        let mut layouts = Vec::new();
        let mut end = 0;
        for queue in numbers.iter().copied().chain(control) {
            let size = if queue < count {
                self.registers.queue_size(queue)?
            } else {
                0
            };
            if !size.is_power_of_two() || size > MOST_ENTRIES {
                return Err(Error::BadQueue { queue, size });
            }
            let wanted = self.options.entries.max(2);
            let most = wanted.checked_next_power_of_two().unwrap_or(1 << 15);
            let size = size.min(most);
            let layout = RingLayout::new(end, size);
            end = layout.end();
            layouts.push((queue, layout, size));
        }
        // Behind the rings is a command of the control queue.
        let memory = self.registers.function().dma_memory(end + Control::LEN)?;
        let control = match control {
            Some(_) => layouts
                .pop()
                .map(|(queue, layout, size)| self.control(&memory, queue, layout, size, end)),
            None => None,
        };
        let mut pairs = Vec::new();
        for (number, layouts) in (0..).zip(layouts.chunks_exact(2)) {
            pairs.push(self.pair(&memory, number, layouts)?);
        }
        Ok((pairs, control.transpose()?))
    }

    fn pair(
        &self,
        memory: &DmaMemory,
        number: u16,
        layouts: &[(u16, RingLayout, u16)],
    ) -> Result<QueuePair, Error> {
        let features = self.info.features;
        let event_idx = features.has(Features::EVENT_IDX);
        let mergeable = features.has(Features::MRG_RXBUF);
        // Ethernet header, a VLAN tag, and the packet.
        let frame = HEADER + 18 + usize::from(self.info.mtu.unwrap_or(1500));
        let len = if mergeable {
            BUFFER
        } else {
            BUFFER.max(frame.next_multiple_of(16))
        };
        let entries: usize = layouts.iter().map(|(.., size)| usize::from(*size)).sum();
        let buffers = self.options.buffers.unwrap_or(2 * entries).max(2);
        let function = self.registers.function();
        let pool = Pool::new(function.dma_memory(buffers * len)?, len);
        // A vector per pair if there are enough, else the last one for the rest.
        let vector = (self.info.vectors > 0).then(|| (number + 1).min(self.info.vectors - 1));
        let [rx, tx] = [layouts[0], layouts[1]];
        let rx_ring = Ring::new(memory.clone(), rx.1, rx.2, event_idx);
        let tx_ring = Ring::new(memory.clone(), tx.1, tx.2, event_idx);
        let doorbells = (
            self.registers
                .enable_queue(rx.0, rx.2, vector, rx_ring.addresses())?,
            self.registers
                .enable_queue(tx.0, tx.2, vector, tx_ring.addresses())?,
        );
        Ok(QueuePair {
            registers: self.registers.clone(),
            pool,
            number,
            longest: MOST_SEGMENTS.min(tx.2.into()),
            rx: rx_ring,
            tx: tx_ring,
            doorbells,
            mergeable,
            sums: features.has(Features::CSUM),
            spare: Vec::with_capacity(entries),
        })
    }

    fn control(
        &self,
        memory: &DmaMemory,
        queue: u16,
        layout: RingLayout,
        size: u16,
        command: usize,
    ) -> Result<Control, Error> {
        let event_idx = self.info.features.has(Features::EVENT_IDX);
        let ring = Ring::new(memory.clone(), layout, size, event_idx);
        let doorbell = self
            .registers
            .enable_queue(queue, size, None, ring.addresses())?;
        Ok(Control {
            ring,
            doorbell,
            memory: memory.clone(),
            command,
            queue,
        })
    }
}
