// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Flows: entries of the flow cache, as people write and read them.
//!
//! A V.VLAN's key mask says which fields a flow's key has. [`FlowFields`] are the fields as they were
//! written; they become a key only if they are exactly those.

mod fields;
mod state;

pub use fields::{
    FieldError, FlowFields, field_name, flow_row, mask_names, parse_action, parse_field,
};
pub(crate) use state::parse_number;
pub use state::{FlowKeyState, FlowState, parse_ethertype, parse_proto};
pub(crate) use state::{ethertype_name, proto_name};

/// How a row says that a V.VLAN may have so many flows: none at all, or a power of two from 2 to 32768.
pub fn quota_code(flows: u32) -> Option<u8> {
    match flows {
        0 => Some(0),
        2..=32768 if flows.is_power_of_two() => u8::try_from(flows.trailing_zeros()).ok(),
        _ => None,
    }
}
