// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Carries a plan out on a NIC, whole or not at all.

use hairpin_abi::admin::Command;
use hairpin_abi::{CfgRow, GroupRow, PortRow};

use super::{Plan, Step};
use crate::{Device, Diagnostic, Error, Transport};

impl<T: Transport> Device<T> {
    /// Configures a NIC that has no configuration yet.
    ///
    /// vPorts are enabled last. When a step fails, everything before it is undone, so that the NIC
    /// forwards nothing.
    ///
    /// # Errors
    /// The step that failed, with its place in the configuration.
    pub fn apply(&mut self, plan: &Plan) -> Result<(), Diagnostic> {
        let before = self.read_cfg()?;
        for (done, (step, place)) in plan.steps.iter().enumerate() {
            if let Err(error) = self.run(step) {
                let undone = plan.steps[..=done]
                    .iter()
                    .rev()
                    .fold(true, |all, (step, _)| {
                        // One failure must not keep the rest from being undone.
                        self.undo(step, before, step == &plan.steps[done].0) && all
                    });
                let mut diagnostic = Diagnostic::from(error)
                    .field(place.field.as_str())
                    .file(&plan.config.file)
                    .line(place.line);
                if !undone {
                    diagnostic.help = Some("the NIC could not be cleaned up: reset it".into());
                }
                return Err(diagnostic);
            }
        }
        Ok(())
    }

    fn run(&mut self, step: &Step) -> Result<(), Error> {
        match step {
            Step::Cfg(row) => self.write_cfg(row),
            Step::Admin(command) => self.admin(command).map(|_| ()),
            Step::Port(vport, row) => self.write_port(*vport, row),
        }
    }

    /// Takes a step back; true when that worked. Of the step that `failed` it is only tried: an
    /// answer may have been lost after the work was done.
    fn undo(&mut self, step: &Step, cfg: CfgRow, failed: bool) -> bool {
        let undone = match step {
            Step::Cfg(_) => self.write_cfg(&cfg),
            Step::Port(vport, _) => self.write_port(*vport, &PortRow::DISABLED),
            Step::Admin(Command::VVlanSet { id, .. }) => {
                self.admin(&Command::VVlanDel { id: *id }).map(|_| ())
            }
            Step::Admin(Command::FdbAdd(row)) => self.admin(&Command::FdbDel(row.key)).map(|_| ()),
            Step::Admin(Command::GroupSet { index, .. }) => {
                let empty = GroupRow::default();
                self.admin(&Command::GroupSet {
                    index: *index,
                    row: empty,
                })
                .map(|_| ())
            }
            Step::Admin(Command::FlowAdd { key, .. }) => {
                self.admin(&Command::FlowDel(*key)).map(|_| ())
            }
            Step::Admin(Command::PeerSet(Some(_))) => {
                self.admin(&Command::PeerSet(None)).map(|_| ())
            }
            // How long things would stay if there were any.
            Step::Admin(_) => Ok(()),
        };
        undone.is_ok() || failed
    }
}
