// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Carries an edit out.

use hairpin_abi::admin::Command;
use hairpin_abi::row::MacKey;
use hairpin_abi::{FlowKey, MacRow, PortRow, Target, VVlan, VVlanRow};

use super::{Edit, PortChange, VvlanChange};
use crate::flow::FlowFields;
use crate::{Device, Diagnostic, Transport};

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
            Edit::PortSet { vport, change } => {
                let row = change.apply(self.read_port(*vport)?);
                return Ok(self.write_port(*vport, &row)?);
            }
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

impl PortChange {
    fn apply(&self, mut row: PortRow) -> PortRow {
        row.enabled = self.enabled.unwrap_or(row.enabled);
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
