// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Carries an edit out.

use hairpin_abi::admin::{AdminError, Command};
use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, MacAddr, MacRow, PortRow, Role, Target, VPort, VVlan, VVlanRow};

use super::{Edit, PortChange, VvlanChange};
use crate::flow::FlowFields;
use crate::vf::VfSettings;
use crate::{Device, Diagnostic, Error, Transport};

impl<T: Transport> Device<T> {
    /// Changes a NIC that is at work. A change is done when this returns: no frame that comes in later sees
    /// the state before it.
    ///
    /// # Errors
    /// The NIC cannot be reached, or refuses the change; nothing has changed then.
    pub fn edit(&mut self, edit: &Edit) -> Result<(), Diagnostic> {
        let command = match edit {
            Edit::FlowAdd { vvlan, fields, row } => Command::FlowAdd {
                key: self.flow_key(*vvlan, fields)?,
                row: *row,
            },
            Edit::FlowDel { vvlan, fields } => Command::FlowDel(self.flow_key(*vvlan, fields)?),
            Edit::FlowFlush(what) => {
                self.needs_flow_cache()?;
                Command::FlowFlush(*what)
            }
            Edit::FdbAdd { vvlan, mac, vport } => Command::FdbAdd(MacRow {
                key: MacKey {
                    vvlan: *vvlan,
                    mac: *mac,
                },
                target: Target::VPort(*vport),
                is_static: true,
            }),
            Edit::FdbDel { vvlan, mac } => Command::FdbDel(MacKey {
                vvlan: *vvlan,
                mac: *mac,
            }),
            Edit::FdbFlush(what) => Command::FdbFlush(*what),
            Edit::PortSet { vport, change } => return self.port_set(*vport, change),
            Edit::VvlanSet { id, change } => {
                if change.cache == Some(true) {
                    self.needs_flow_cache()?;
                }
                let row = change.apply(self.vvlan_row(*id)?);
                Command::VVlanSet { id: *id, row }
            }
            Edit::VvlanDel(id) => Command::VVlanDel { id: *id },
        };
        self.admin(&command)?;
        Ok(())
    }

    /// Changes a vPort, with its static addresses and what the driver of its VF is told.
    fn port_set(&mut self, vport: VPort, change: &PortChange) -> Result<(), Diagnostic> {
        let vf = vport.get();
        if change.max_tx_rate.is_some() && self.vf_settings(vf)?.is_none() {
            let message = format!("{vport} has no queues yet, so nothing to limit");
            return Err(Diagnostic::new("no-pool", message)
                .field("max-tx-rate")
                .help(format!(
                    "give it some first: hairpin pool set {vport} pairs 1"
                )));
        }
        let before = self.read_port(vport)?;
        let row = change.apply(before);
        if row.mac == before.mac {
            self.write_port(vport, &row)?;
        } else {
            self.move_address(vport, &before, &row)?;
        }
        let told = change.enabled.is_some() || change.mac.is_some();
        if !(told || change.max_tx_rate.is_some()) || !self.capabilities().virtqueues {
            return Ok(());
        }
        if let Some(told) = self.vf_settings(vf)? {
            let settings = VfSettings {
                link_up: change.enabled.unwrap_or(told.link_up),
                mac: change.mac.unwrap_or(told.mac),
                max_tx_rate: change.max_tx_rate.unwrap_or(told.max_tx_rate),
                ..told
            };
            if settings != told {
                self.set_vf(vf, Some(&settings))?;
            }
        }
        Ok(())
    }

    /// Writes the row of a vPort whose address changes. The new address is static in its V.VLANs before the old one no
    /// longer is. One that is static there already is refused by the firmware.
    fn move_address(
        &mut self,
        vport: VPort,
        before: &PortRow,
        after: &PortRow,
    ) -> Result<(), Diagnostic> {
        let vvlans = self.vvlans_of(vport, after)?;
        let key = |vvlan: VVlan, mac| MacKey { vvlan, mac };
        let mut added = Vec::new();
        for &vvlan in &vvlans {
            let result = self.admin(&Command::FdbAdd(MacRow {
                key: key(vvlan, after.mac),
                target: Target::VPort(vport),
                is_static: true,
            }));
            if let Err(error) = result {
                return self.give_up(&added, after.mac, address_error(error, after.mac, vvlan));
            }
            added.push(vvlan);
        }
        if let Err(error) = self.write_port(vport, after) {
            return self.give_up(&added, after.mac, error.into());
        }
        for vvlan in vvlans {
            match self.admin(&Command::FdbDel(key(vvlan, before.mac))) {
                // One that was not there is gone too.
                Err(error) if !is_refusal(&error, AdminError::NotFound) => return Err(error.into()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Takes back what was added for a change that is refused.
    fn give_up(
        &mut self,
        added: &[VVlan],
        mac: MacAddr,
        why: Diagnostic,
    ) -> Result<(), Diagnostic> {
        for &vvlan in added {
            // Why it is refused is what counts.
            let _ = self.admin(&Command::FdbDel(MacKey { vvlan, mac }));
        }
        Err(why)
    }

    /// The V.VLANs of a vPort.
    fn vvlans_of(&mut self, vport: VPort, row: &PortRow) -> Result<Vec<VVlan>, Diagnostic> {
        if row.role == Role::Vf {
            return Ok(VVlan::try_from(row.vvlan).into_iter().collect());
        }
        let mut vvlans = Vec::new();
        for state in self.vvlan_states()? {
            if state.vswitch.as_deref() == Some(vport.to_string().as_str()) {
                vvlans.extend(VVlan::new(state.id));
            }
        }
        Ok(vvlans)
    }

    /// The row of a V.VLAN that is configured.
    fn vvlan_row(&mut self, id: VVlan) -> Result<VVlanRow, Diagnostic> {
        match self.read_vvmap(id)?.instance {
            Some(instance) => Ok(self.read_vvlan(instance)?),
            None => Err(
                Diagnostic::new("unknown-vvlan", format!("there is no V.VLAN {id}"))
                    .field("vvlan")
                    .help("use one that `hairpin vvlan show` shows"),
            ),
        }
    }

    /// The key of a flow in a V.VLAN that uses the flow cache.
    fn flow_key(&mut self, vvlan: VVlan, fields: &FlowFields) -> Result<FlowKey, Diagnostic> {
        self.needs_flow_cache()?;
        let row = self.vvlan_row(vvlan)?;
        if !row.cache {
            let message = format!("V.VLAN {vvlan} does not use the flow cache");
            return Err(Diagnostic::new("no-cache", message)
                .field("vvlan")
                .help(format!(
                    "switch it on: vvlan set {vvlan} cache on, or cache = true in nic.toml"
                )));
        }
        fields.key(vvlan, row.key_mask).map_err(|error| {
            Diagnostic::new(error.code, error.message)
                .field(error.field)
                .help(error.help)
        })
    }

    /// Fails with a clear error on a NIC without a flow cache.
    pub(crate) fn needs_flow_cache(&self) -> Result<(), Diagnostic> {
        if self.capabilities().flow_cache {
            return Ok(());
        }
        Err(
            Diagnostic::new("needs-flow-cache", "this NIC has no flow cache")
                .help("see `hairpin dev info` for what it has"),
        )
    }
}

/// Whether the firmware refused a command for this reason.
fn is_refusal(error: &Error, why: AdminError) -> bool {
    matches!(error, Error::Admin { error: Some(error), .. } if *error == why)
}

/// What is wrong with a new address of a vPort.
fn address_error(error: Error, mac: MacAddr, vvlan: VVlan) -> Diagnostic {
    if is_refusal(&error, AdminError::Exists) {
        let message = format!("{mac} is a static address in V.VLAN {vvlan} already");
        return Diagnostic::new("duplicate-mac", message)
            .field("mac")
            .help(format!(
                "use another one, or see whose it is: hairpin fdb show --vvlan {vvlan}"
            ));
    }
    error.into()
}

impl PortChange {
    fn apply(&self, mut row: PortRow) -> PortRow {
        row.enabled = self.enabled.unwrap_or(row.enabled);
        row.mac = self.mac.unwrap_or(row.mac);
        row.spoofchk = self.spoofchk.unwrap_or(row.spoofchk);
        row.trust = self.trust.unwrap_or(row.trust);
        row.learning = self.learning.unwrap_or(row.learning);
        row.max_macs = self.max_macs.unwrap_or(row.max_macs);
        row.tags = self.tags.unwrap_or(row.tags);
        row
    }
}

impl VvlanChange {
    fn apply(&self, mut row: VVlanRow) -> VVlanRow {
        row.miss = self.miss.unwrap_or(row.miss);
        row.mode = self.mode.unwrap_or(row.mode);
        row.cache = self.cache.unwrap_or(row.cache);
        row.flow_quota = self.flow_quota.unwrap_or(row.flow_quota);
        row.key_mask = self.key_mask.unwrap_or(row.key_mask);
        row
    }
}
