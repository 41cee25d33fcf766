// SPDX-License-Identifier: Apache-2.0 OR MIT
//! What `syn` reads from Yosys' netlists, and the harness it writes around a block.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::Value;

/// Module name of a harness.
pub(crate) const HARNESS: &str = "hp_syn_harness";

/// Cells of a block or of a part of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cells {
    pub(crate) lut4: u64,
    pub(crate) ff: u64,
    pub(crate) block_ram: u64,
}

/// A port of a block.
pub(crate) struct Port {
    pub(crate) name: String,
    pub(crate) input: bool,
    pub(crate) bits: usize,
}

/// Counts cells by the instance they are named after. Reads Yosys' JSON by lines: the name of a cell opens
/// its object, its type follows.
pub(crate) fn parts(netlist: &str) -> BTreeMap<String, Cells> {
    let mut parts = BTreeMap::<String, Cells>::new();
    let mut part = None;
    for line in netlist.lines().map(str::trim) {
        if let Some(name) = line
            .strip_suffix("\": {")
            .and_then(|line| line.strip_prefix('"'))
        {
            if KEYWORDS.contains(&name) {
                continue;
            }
            let mut path = name
                .strip_prefix("u_block.")
                .into_iter()
                .flat_map(|name| name.split('.'));
            let instance = |name: &&str| name.starts_with("u_") || name.starts_with("gen_");
            let names: Vec<_> = path.by_ref().take(2).take_while(instance).collect();
            part = (!names.is_empty()).then(|| names.join("."));
            continue;
        }
        let (Some(part), Some(cell)) = (&part, line.strip_prefix("\"type\": \"")) else {
            continue;
        };
        let cells = parts.entry(part.clone()).or_default();
        match cell.trim_end_matches("\",") {
            "LUT4" => cells.lut4 += 1,
            "TRELLIS_FF" => cells.ff += 1,
            "DP16KD" => cells.block_ram += 1,
            _ => {}
        }
    }
    parts.retain(|_, cells| *cells != Cells::default());
    parts
}

/// Objects inside a cell.
const KEYWORDS: [&str; 4] = ["attributes", "parameters", "port_directions", "connections"];

/// The ports of a module.
pub(crate) fn read_ports(netlist: &Value, module: &str) -> Result<Vec<Port>> {
    let modules = netlist
        .pointer("/modules")
        .and_then(Value::as_object)
        .context("no modules")?;
    let (_, top) = modules
        .iter()
        .find(|(name, _)| name.trim_start_matches('\\').split('$').next() == Some(module))
        .with_context(|| format!("no module {module}"))?;
    let ports = top
        .get("ports")
        .and_then(Value::as_object)
        .context("no ports")?;
    ports
        .iter()
        .map(|(name, port)| {
            let bits = port
                .get("bits")
                .and_then(Value::as_array)
                .context("no bits")?
                .len();
            let input = port.get("direction").and_then(Value::as_str) == Some("input");
            Ok(Port {
                name: name.clone(),
                input,
                bits,
            })
        })
        .collect()
}

pub(crate) fn is_clock(port: &Port) -> bool {
    port.name == "clk_i"
}

/// The harness around a block.
pub(crate) fn harness(module: &str, parameters: &[(&str, u32)], ports: &[Port]) -> String {
    let parameters: Vec<_> = parameters
        .iter()
        .map(|(name, value)| format!(".{name}({value})"))
        .collect();
    let (mut inputs, mut outputs) = (0, 0);
    let mut wires = Vec::new();
    for port in ports {
        let wire = if is_clock(port) {
            "clk_i".into()
        } else {
            let (vector, at) = if port.input {
                ("in_q", &mut inputs)
            } else {
                ("out", &mut outputs)
            };
            *at += port.bits;
            format!("{vector}[{} +: {}]", *at - port.bits, port.bits)
        };
        wires.push(format!("    .{}({wire})", port.name));
    }
    format!(
        "module {HARNESS} (input logic clk_i, si_i, output logic so_o);\n  \
           logic [{in_top}:0] in_q;\n  \
           logic [{out_top}:0] out, out_q, chain_q;\n  \
           always_ff @(posedge clk_i) begin\n    \
             in_q <= {{in_q[{in_top}-1:0], si_i}};\n    \
             out_q <= out;\n    \
             chain_q <= out_q ^ {{chain_q[{out_top}-1:0], in_q[{in_top}]}};\n  \
           end\n  \
           assign so_o = chain_q[{out_top}];\n  \
           {module} #({parameters}) u_block (\n{wires}\n  );\nendmodule\n",
        in_top = inputs - 1,
        out_top = outputs - 1,
        module = module,
        parameters = parameters.join(", "),
        wires = wires.join(",\n"),
    )
}

#[cfg(test)]
mod tests {
    use super::{Cells, Port, harness, parts};

    #[test]
    fn counts_cells_by_instance() {
        let cell = |name: &str, kind: &str| {
            format!(
                "\"{name}\": {{\n\"hide_name\": 0,\n\"type\": \"{kind}\",\n\"parameters\": {{\n}},\n}},\n"
            )
        };
        let netlist = [
            cell("u_block.u_a.u_b.x_TRELLIS_FF_Q", "TRELLIS_FF"),
            cell("u_block.u_a.u_b.u_c.y", "LUT4"),
            cell("u_block.u_a.z", "DP16KD"),
            cell("chain_q_LUT4_Z", "LUT4"),
        ];
        let parts = parts(&netlist.concat());
        assert_eq!(
            parts["u_a.u_b"],
            Cells {
                lut4: 1,
                ff: 1,
                block_ram: 0
            }
        );
        assert_eq!(
            parts["u_a"],
            Cells {
                lut4: 0,
                ff: 0,
                block_ram: 1
            }
        );
        assert_eq!(parts.len(), 2);
    }

    #[test]
    fn the_harness_registers_every_port() {
        let port = |name: &str, input, bits| Port {
            name: name.into(),
            input,
            bits,
        };
        let ports = [
            port("clk_i", true, 1),
            port("a_i", true, 3),
            port("b_i", true, 2),
            port("c_o", false, 4),
        ];
        let text = harness("hp_table", &[("DEPTH", 1024)], &ports);
        for part in [
            ".clk_i(clk_i)",
            ".a_i(in_q[0 +: 3])",
            ".b_i(in_q[3 +: 2])",
            "logic [4:0] in_q",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
        assert!(
            text.contains(".c_o(out[0 +: 4])") && text.contains("logic [3:0] out,"),
            "{text}"
        );
        assert!(text.contains("hp_table #(.DEPTH(1024)) u_block"), "{text}");
    }
}
