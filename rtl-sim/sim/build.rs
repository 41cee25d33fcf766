// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Links the Verilated models that `cargo xtask build` leaves in `.build/model`.

use std::path::Path;

/// Archives, the runtime behind those that need it.
const MODELS: [&str; 5] = ["check", "small", "fast", "trace", "runtime"];

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let models =
        std::env::var_os("HAIRPIN_MODELS").map_or_else(|| root.join(".build/model"), Into::into);
    println!("cargo::rerun-if-env-changed=HAIRPIN_MODELS");
    // A warning only: clippy and rustdoc need no model. Whatever links stops at the missing archive.
    for name in MODELS {
        let archive = models.join(format!("libhairpin_{name}.a"));
        println!("cargo::rerun-if-changed={}", archive.display());
        if !archive.exists() {
            println!(
                "cargo::warning=the model {} is not built: run `cargo xtask build`",
                archive.display()
            );
        }
    }
    println!("cargo::rustc-link-search=native={}", models.display());
    for name in MODELS {
        println!(
            "cargo::rustc-link-lib=static={}",
            format_args!("hairpin_{name}")
        );
    }
    println!("cargo::rustc-link-lib=stdc++");
    println!("cargo::rustc-link-lib=z");
    println!("cargo::rustc-link-lib=pthread");
}
