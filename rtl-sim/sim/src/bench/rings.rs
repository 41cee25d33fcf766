// SPDX-License-Identifier: Apache-2.0 OR MIT
//! Frames through the rings of VFs, whole NIC.

use anyhow::Result;

use super::{Bench, Figure};
use crate::guests::{CSUM, Company, FEATURES, FRAME};
use crate::model::Variant;

/// Read latencies of host memory in clocks: none, 0.5 and 1 µs at 156.25 MHz.
const LATENCIES: [u32; 3] = [0, 78, 156];
/// Frames that are delivered while it is measured.
const FRAMES: u32 = 8000;
const ALL: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

impl Bench {
    /// Clocks for each frame that two or eight VFs send each other as fast as they can.
    pub(super) fn rings(&mut self) -> Result<()> {
        for (vfs, features, what) in [
            (&[2, 3][..], FEATURES, ""),
            (&ALL, FEATURES, ""),
            (&ALL, FEATURES | CSUM, ", checksums"),
        ] {
            for latency in LATENCIES {
                let image = &self.image;
                let mut company =
                    Company::new(image, Variant::Fast, self.seed, latency, vfs, features)?;
                let (clocks, missing) = company.flood(FRAMES)?;
                self.figures.push(Figure {
                    id: "rings",
                    case: format!("{} VFs, latency {latency}{what}", vfs.len()),
                    value: clocks,
                    unit: "cycles/frame",
                    goal: None,
                    met: None,
                    method: format!(
                        "{FRAMES} frames of {} bytes with FCS, full transmit rings; {:.1} % of what was sent found no buffer",
                        FRAME + 4,
                        missing * 100.0
                    ),
                    seed: self.seed,
                    peer: None,
                });
            }
        }
        Ok(())
    }
}
