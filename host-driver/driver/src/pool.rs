// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Queue pools: the run of queue pairs and the MSI-X vectors that a VF has.
//!
//! A pool stands still while its VF is enabled, so a change of it is a reset of the VF.

use hairpin_abi::virtio::QueueError;
use hairpin_abi::{MacAddr, VPort};
use serde::{Deserialize, Serialize};

use crate::vf::{MOST_GAP_US, MOST_VECTORS, VfSettings, VfStatus};
use crate::{Device, Diagnostic, Error, Transport};

/// A change of a pool; what is `None` stays, or is chosen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PoolChange {
    /// Queue pairs; 0 takes the virtio device of the VF away.
    pub pairs: Option<u8>,
    /// The first of them. Chosen if it is left out and those of before do not do.
    pub first: Option<u8>,
    /// MSI-X vectors.
    pub vectors: Option<u8>,
    /// Least pause between two interrupts of a vector for frames, in microseconds; 0 is none. Alone it resets nothing.
    pub interrupt_gap_us: Option<u16>,
}

/// The virtio device of a VF.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct PoolState {
    /// `vf0`, `vf1`, …
    pub vf: String,
    /// Its first queue pair.
    pub first: u8,
    /// Its queue pairs.
    pub pairs: u8,
    /// Its MSI-X vectors.
    pub vectors: u8,
    /// Whether its driver sees a link.
    pub link_up: bool,
    /// The address that its driver is told.
    pub mac: String,
    /// Largest frame without its Ethernet header.
    pub mtu: u16,
    /// Speed that its driver is told, in Mb/s.
    pub speed: u32,
    /// Most that it may send, in Mb/s; 0 if there is no limit.
    #[serde(default)]
    pub max_tx_rate: u32,
    /// Least pause between two interrupts of a vector for frames, in microseconds; 0 if there is none.
    #[serde(default)]
    pub interrupt_gap_us: u16,
    /// Device status, as its driver set it; 0 if none is at work.
    pub device_status: u8,
    /// Its first bad queue; null if it has none.
    pub bad_queue: Option<BadQueue>,
    /// Features that its driver accepted, 16 hexadecimal digits.
    pub features: String,
    /// Frames that found no buffer.
    pub no_buffer: u32,
    /// Frames that were too short or too long to send, or whose header asked for what is not done.
    pub refused: u32,
    /// Frames of VLANs that its driver did not ask for.
    #[serde(default)]
    pub filtered: u32,
}

/// A queue that is quarantined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct BadQueue {
    /// Its number.
    pub queue: u8,
    /// Why, by its name in the reference.
    pub reason: String,
}

impl PoolState {
    fn new(vf: u8, settings: &VfSettings, status: &VfStatus) -> Self {
        Self {
            vf: format!("vf{vf}"),
            first: settings.first_pair,
            pairs: settings.pairs,
            vectors: settings.vectors,
            link_up: settings.link_up,
            mac: settings.mac.to_string(),
            mtu: settings.mtu,
            speed: settings.speed,
            max_tx_rate: settings.max_tx_rate,
            interrupt_gap_us: settings.interrupt_gap_us,
            device_status: status.device_status,
            bad_queue: status.bad_queue.map(|(code, queue)| BadQueue {
                queue,
                reason: QueueError::from_code(code)
                    .map_or_else(|| format!("code {code}"), |error| error.name().to_owned()),
            }),
            features: format!("{:016x}", status.features),
            no_buffer: status.no_buffer,
            refused: status.refused,
            filtered: status.filtered,
        }
    }
}

impl<T: Transport> Device<T> {
    /// The virtio devices that are set up.
    ///
    /// # Errors
    /// The NIC cannot be reached or has no virtqueues.
    pub fn pool_states(&mut self) -> Result<Vec<PoolState>, Error> {
        let mut states = Vec::new();
        for (vf, settings) in self.pools()? {
            let status = self.vf_status(vf)?;
            states.push(PoolState::new(vf, &settings, &status));
        }
        Ok(states)
    }

    /// Changes the pool of a VF, which is a reset of it. A VF without one gets address and state of its vPort. Nothing
    /// is done if the pool is so already.
    ///
    /// # Errors
    /// The VF's driver is at work and `force` is not set; the pool is not all there or another VF's in part; the NIC
    /// cannot be reached, or has not this VF. The pool is that of before then, but for a NIC that is gone.
    pub fn set_pool(
        &mut self,
        vport: VPort,
        change: &PoolChange,
        force: bool,
    ) -> Result<(), Diagnostic> {
        let vf = vport.get();
        let before = self.vf_settings(vf)?;
        let others: Vec<(u8, VfSettings)> = (self.pools()?.into_iter())
            .filter(|(other, _)| *other != vf)
            .collect();
        let after = match before {
            Some(settings) => Some(settings),
            // Nothing is taken away from a VF that has nothing.
            None if change.pairs == Some(0) => None,
            None => {
                let row = self.read_port(vport)?;
                let mac = (row.mac != MacAddr::default()).then_some(row.mac);
                Some(VfSettings::new(vf, mac, row.enabled, 0, 0))
            }
        };
        let after = match after {
            Some(settings) if change.pairs != Some(0) => Some(change.apply(
                settings,
                before.is_some(),
                &others,
                self.capabilities().queue_pairs,
            )?),
            _ => None,
        };
        if after == before {
            return Ok(());
        }
        if let (Some(old), Some(new)) = (before, after) {
            let limited = VfSettings {
                interrupt_gap_us: new.interrupt_gap_us,
                ..old
            };
            if limited == new {
                return Ok(self.set_vf_limits(vf, &new)?);
            }
        }
        if before.is_some() {
            let status = self.vf_status(vf)?.device_status;
            if status != 0 && !force {
                let message = format!(
                    "the driver of {vport} is at work (device status {status:#04x}), and a change of the pool resets it"
                );
                return Err(Diagnostic::new("vf-in-use", message)
                    .field("--force")
                    .help("stop the driver, or say --force: its frames are lost until it sets the VF up anew"));
            }
            self.set_vf(vf, None)?;
        }
        self.set_vf(vf, after.as_ref())?;
        if self.vf_settings(vf)? == after {
            return Ok(());
        }
        // It did not come about: back to what was.
        self.set_vf(vf, None)?;
        self.set_vf(vf, before.as_ref())?;
        let what = format!("the pool of {vport}");
        Err(Diagnostic::from(Error::NotEnabled { what })
            .field("pairs")
            .help("see `hairpin pool show`: another program may have taken queue pairs"))
    }

    /// Asks the guest of a VF to announce itself.
    ///
    /// # Errors
    /// Its driver cannot; there is no such VF, or the NIC cannot be reached.
    pub fn ask_to_announce(&mut self, vport: VPort) -> Result<(), Diagnostic> {
        let can = self
            .announce_vf(vport.get())
            .map_err(|error| Diagnostic::from(error).field("VF"))?;
        if can {
            return Ok(());
        }
        let message = format!("no driver that can announce itself is at work on {vport}");
        Err(Diagnostic::new("cannot-announce", message)
            .field("VF")
            .help("see `hairpin pool show`: its driver has to accept feature 21, GUEST_ANNOUNCE"))
    }

    /// The settings of the VFs that are enabled.
    fn pools(&mut self) -> Result<Vec<(u8, VfSettings)>, Error> {
        let mut pools = Vec::new();
        for vf in 0..self.capabilities().vfs {
            if let Some(settings) = self.vf_settings(vf)? {
                pools.push((vf, settings));
            }
        }
        Ok(pools)
    }
}

impl PoolChange {
    /// The settings afterwards, if those pairs are nobody else's.
    fn apply(
        &self,
        settings: VfSettings,
        is_enabled: bool,
        others: &[(u8, VfSettings)],
        total: u8,
    ) -> Result<VfSettings, Diagnostic> {
        let pairs = match self.pairs {
            Some(pairs) => pairs,
            None if is_enabled => settings.pairs,
            None => {
                return Err(wrong("pairs", "the VF has no pool yet").help("say how many: pairs 4"));
            }
        };
        let vectors = self.vectors.unwrap_or(settings.vectors);
        if vectors > MOST_VECTORS {
            return Err(
                wrong("vectors", format!("a VF cannot have {vectors} vectors"))
                    .help(format!("use 0 to {MOST_VECTORS}")),
            );
        }
        let interrupt_gap_us = self.interrupt_gap_us.unwrap_or(settings.interrupt_gap_us);
        if interrupt_gap_us > MOST_GAP_US {
            let message = format!("a gap cannot be {interrupt_gap_us} microseconds long");
            return Err(wrong("interrupt-gap-us", message)
                .help(format!("use 0 to {MOST_GAP_US}; 0 is none")));
        }
        // Whose pair it is.
        let owner = |pair: u8| {
            let has =
                |pool: &VfSettings| pair >= pool.first_pair && pair - pool.first_pair < pool.pairs;
            others.iter().find(|(_, pool)| has(pool))
        };
        let fits = |first: u8| {
            let end = first.checked_add(pairs).filter(|end| *end <= total);
            end.is_some_and(|end| (first..end).all(|pair| owner(pair).is_none()))
        };
        let first = match self.first {
            Some(first) => {
                if !fits(first) {
                    let end = u16::from(first) + u16::from(pairs);
                    let taken = (first..total)
                        .take(pairs.into())
                        .find_map(|pair| Some((pair, owner(pair)?)));
                    return Err(match taken {
                        Some((pair, (other, _))) => {
                            wrong("first", format!("queue pair {pair} belongs to vf{other}"))
                                .help("leave `first` out to have a free run chosen, or see `hairpin pool show`")
                        }
                        None => wrong(
                            "first",
                            format!("queue pairs {first} to {} are not all there", end - 1),
                        )
                        .help(format!("the NIC has 0 to {}", total.saturating_sub(1))),
                    });
                }
                first
            }
            None if is_enabled && fits(settings.first_pair) => settings.first_pair,
            None => (0..total).find(|first| fits(*first)).ok_or_else(|| {
                wrong(
                    "pairs",
                    format!("there are no {pairs} free queue pairs in a row"),
                )
                .help("ask for fewer, or take some from another VF: see `hairpin pool show`")
            })?,
        };
        Ok(VfSettings {
            first_pair: first,
            pairs,
            vectors,
            interrupt_gap_us,
            ..settings
        })
    }
}

fn wrong(field: &str, message: impl Into<String>) -> Diagnostic {
    Diagnostic::new("bad-pool", message).field(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(first: u8, pairs: u8) -> VfSettings {
        VfSettings::new(0, None, true, first, pairs)
    }

    fn change(pairs: u8) -> PoolChange {
        PoolChange {
            pairs: Some(pairs),
            ..PoolChange::default()
        }
    }

    #[test]
    fn a_free_run_is_chosen() {
        let others = [(1, settings(4, 4)), (2, settings(12, 2))];
        let apply = |change: PoolChange, settings, enabled| {
            let after = change.apply(settings, enabled, &others, 32);
            after.map(|after| (after.first_pair, after.pairs, after.vectors))
        };
        let fresh = settings(0, 0);
        assert_eq!(apply(change(4), fresh, false), Ok((0, 4, 16)));
        assert_eq!(apply(change(5), fresh, false), Ok((14, 5, 16)));
        assert_eq!(apply(change(18), fresh, false), Ok((14, 18, 16)));
        // Where it is, if there is room.
        assert_eq!(apply(change(4), settings(8, 2), true), Ok((8, 4, 16)));
        assert_eq!(apply(change(5), settings(8, 2), true), Ok((14, 5, 16)));
        let vectors = PoolChange {
            vectors: Some(2),
            ..PoolChange::default()
        };
        assert_eq!(apply(vectors, settings(8, 2), true), Ok((8, 2, 2)));
    }

    #[test]
    fn what_does_not_fit_says_why() {
        let others = [(1, settings(4, 4))];
        let at = |first, pairs| PoolChange {
            first: Some(first),
            ..change(pairs)
        };
        let vectors = PoolChange {
            vectors: Some(17),
            ..change(1)
        };
        let gap = PoolChange {
            interrupt_gap_us: Some(1678),
            ..change(1)
        };
        for (change, field, says) in [
            (at(2, 3), "first", "queue pair 4 belongs to vf1"),
            (at(7, 1), "first", "queue pair 7 belongs to vf1"),
            (at(30, 3), "first", "30 to 32 are not all there"),
            (at(250, 250), "first", "250 to 499"),
            (change(25), "pairs", "no 25 free"),
            (vectors, "vectors", "17 vectors"),
            (gap, "interrupt-gap-us", "1678 microseconds"),
            (PoolChange::default(), "pairs", "no pool yet"),
        ] {
            let error = change
                .apply(settings(0, 0), false, &others, 32)
                .unwrap_err();
            assert_eq!(error.field.as_deref(), Some(field), "{error}");
            assert!(
                error.message.contains(says) && error.help.is_some(),
                "{error}"
            );
        }
    }
}
