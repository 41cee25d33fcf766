// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Token buckets that meter the group frames of each vPort.

use hairpin_abi::{MAX_VF, PortRow, VPort};

/// A bucket, as of the last frame that asked it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bucket {
    tokens: u8,
    /// `time >> meter_shift` then.
    epoch: u64,
}

/// One bucket per vPort.
///
/// A bucket holds at most `meter_burst` tokens and gains one at every multiple of 2^`meter_shift` of
/// the time. It is full at reset and after its row was written.
#[derive(Clone, Debug)]
pub struct Meters {
    /// `None`: full.
    buckets: [Option<Bucket>; MAX_VF],
}

impl Meters {
    /// Full buckets.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            buckets: [None; MAX_VF],
        }
    }

    /// The row of a vPort was written: its bucket is full again.
    pub fn refill(&mut self, vport: VPort) {
        if let Some(bucket) = self.buckets.get_mut(vport.index()) {
            *bucket = None;
        }
    }

    /// Takes a token for a group frame; false if there is none. Always true with the meter off.
    pub fn take(&mut self, vport: VPort, row: &PortRow, time: u64) -> bool {
        let Some(bucket) = self
            .buckets
            .get_mut(vport.index())
            .filter(|_| row.meter_shift != 0)
        else {
            return true;
        };
        let epoch = time.checked_shr(row.meter_shift.into()).unwrap_or(0);
        let tokens = match *bucket {
            None => row.meter_burst,
            Some(old) => {
                let gained = epoch.saturating_sub(old.epoch);
                let tokens = gained.saturating_add(old.tokens.into());
                u8::try_from(tokens).unwrap_or(u8::MAX).min(row.meter_burst)
            }
        };
        *bucket = Some(Bucket {
            tokens: tokens.saturating_sub(1),
            epoch,
        });
        tokens > 0
    }
}

impl Default for Meters {
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(meter_shift: u8, meter_burst: u8) -> PortRow {
        PortRow {
            meter_shift,
            meter_burst,
            ..PortRow::DISABLED
        }
    }

    #[test]
    fn gains_at_multiples_of_the_period_up_to_the_burst() {
        let vport = VPort::new(3).unwrap();
        let (mut meters, row) = (Meters::new(), row(4, 2));
        let mut take = |time| meters.take(vport, &row, time);
        assert_eq!([take(14), take(14), take(15)], [true, true, false]);
        assert_eq!([take(16), take(17), take(31)], [true, false, false]);
        assert_eq!([take(1000), take(1000), take(1000)], [true, true, false]);
        meters.refill(vport);
        assert!(meters.take(vport, &row, 1000));
    }

    #[test]
    fn off_never_refuses_and_an_empty_burst_always_does() {
        let vport = VPort::new(63).unwrap();
        let mut meters = Meters::new();
        assert!((0..1000).all(|time| meters.take(vport, &row(0, 0), time)));
        assert!((0..1000).all(|time| !meters.take(vport, &row(1, 0), time)));
    }
}
