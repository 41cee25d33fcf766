// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The published JSON schemas.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, anyhow, ensure};
use serde_json::Value;

use crate::program::root;

/// Fails unless a document is what its schema in `docs/schemas` says.
pub(crate) fn validate(name: &str, document: &Value) -> Result<()> {
    let path = root().join(format!("docs/schemas/{name}.schema.json"));
    let text = fs::read(&path).with_context(|| format!("{}", path.display()))?;
    let schema: Value = serde_json::from_slice(&text)?;
    let validator =
        jsonschema::validator_for(&schema).map_err(|error| anyhow!("{name}: {error}"))?;
    let errors: Vec<String> = validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    ensure!(errors.is_empty(), "not a {name} document: {errors:#?}");
    Ok(())
}

/// The report of a replay; it is valid and the NIC did what its golden model does.
pub(crate) fn report(dir: &Path) -> Result<Value> {
    let report: Value = serde_json::from_slice(&fs::read(dir.join("report.json"))?)?;
    validate("report", &report)?;
    ensure!(
        report["scoreboard"]["mismatches"] == 0,
        "{}",
        report["scoreboard"]
    );
    Ok(report)
}
