// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Binary AIGER files as Yosys writes them: one "bad" literal per assertion, in the order of its map.

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;

/// A circuit whose properties can be chosen.
#[derive(Debug)]
pub(crate) struct Aig {
    /// Variables, inputs, latches, outputs, gates, bad literals, constraints.
    sizes: [usize; 7],
    latches: Vec<u8>,
    bad: Vec<String>,
    rest: Vec<u8>,
    /// The assertions' names, as in the design: `u_dut.NoOverflow_A`.
    pub(crate) names: Vec<String>,
}

impl Aig {
    /// Reads a circuit and Yosys' map of it.
    pub(crate) fn new(bytes: &[u8], map: &Value) -> Result<Self> {
        let mut lines = Lines { bytes };
        let header = lines.next()?;
        let mut words = header.split(' ');
        ensure!(words.next() == Some("aig"), "not a binary AIGER file");
        let mut sizes = [0; 7];
        for (size, word) in sizes.iter_mut().zip(words) {
            *size = word.parse().context("an AIGER header of numbers")?;
        }
        let [.., outputs, _, bad, _] = sizes;
        ensure!(outputs == 0, "the model has outputs");
        let mut latches = Vec::new();
        for _ in 0..sizes[2] {
            latches.extend_from_slice(lines.next()?.as_bytes());
            latches.push(b'\n');
        }
        let bad = (0..bad).map(|_| lines.next().map(str::to_owned));
        let bad = bad.collect::<Result<Vec<_>>>()?;
        let names = map.get("asserts").and_then(Value::as_array);
        let names = names.context("the map names no assertions")?.iter();
        let names: Vec<String> = names.map(name).collect();
        ensure!(
            names.len() == bad.len(),
            "{} assertions, {} in the map",
            bad.len(),
            names.len()
        );
        Ok(Self {
            sizes,
            latches,
            bad,
            rest: lines.bytes.to_vec(),
            names,
        })
    }

    /// The file with these properties alone, in this order.
    pub(crate) fn with(&self, chosen: &[usize]) -> Vec<u8> {
        let [vars, inputs, latches, outputs, gates, _, constraints] = self.sizes;
        let mut file = format!(
            "aig {vars} {inputs} {latches} {outputs} {gates} {} {constraints} 0 0\n",
            chosen.len()
        )
        .into_bytes();
        file.extend_from_slice(&self.latches);
        for literal in chosen.iter().filter_map(|index| self.bad.get(*index)) {
            file.extend_from_slice(literal.as_bytes());
            file.push(b'\n');
        }
        file.extend_from_slice(&self.rest);
        file
    }

    /// Flip-flops, inputs and gates.
    pub(crate) fn size(&self) -> String {
        let [_, inputs, latches, _, gates, ..] = self.sizes;
        format!("{latches} flip-flops, {inputs} inputs, {gates} gates")
    }
}

/// Yosys writes the path of an assertion in pieces, each with a backslash.
fn name(path: &Value) -> String {
    let pieces = match path {
        Value::Array(pieces) => pieces.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().map(|text| vec![text]).unwrap_or_default(),
    };
    let pieces: Vec<_> = pieces
        .iter()
        .map(|piece| piece.trim_start_matches('\\'))
        .collect();
    pieces.join(".")
}

struct Lines<'a> {
    bytes: &'a [u8],
}

impl<'a> Lines<'a> {
    fn next(&mut self) -> Result<&'a str> {
        let Some(end) = self.bytes.iter().position(|byte| *byte == b'\n') else {
            bail!("an AIGER file that ends early");
        };
        let (line, rest) = self.bytes.split_at(end);
        self.bytes = rest.get(1..).unwrap_or_default();
        std::str::from_utf8(line).context("text in an AIGER file")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const FILE: &[u8] = b"aig 3 1 1 0 1 2 1 0 0\n6 0\n4\n6\n3\n\x02\x02";

    #[test]
    fn properties_can_be_chosen() {
        let map = json!({"asserts": [["\\One_A"], ["\\u_dut", "\\Two_A"]]});
        let aig = Aig::new(FILE, &map).unwrap();
        assert_eq!(aig.names, ["One_A", "u_dut.Two_A"]);
        assert_eq!(aig.with(&[0, 1]), FILE);
        assert_eq!(
            aig.with(&[1]),
            b"aig 3 1 1 0 1 1 1 0 0\n6 0\n6\n3\n\x02\x02"
        );
        assert_eq!(aig.size(), "1 flip-flops, 1 inputs, 1 gates");
    }

    #[test]
    fn a_broken_file_is_refused() {
        let two = json!({"asserts": ["\\a", "\\b"]});
        for (file, map) in [
            (FILE, json!({"asserts": ["\\a"]})),
            (FILE, json!({})),
            (&FILE[..25], two.clone()),
            (b"aag 1 1 0 0 0 0 0 0 0\n".as_slice(), two.clone()),
            (b"aig 1 x 0 0 0 0 0 0 0\n".as_slice(), two),
        ] {
            assert!(Aig::new(file, &map).is_err());
        }
    }
}
