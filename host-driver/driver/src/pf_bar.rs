// SPDX-License-Identifier: Apache-2.0 OR MIT

//! BAR 0 of a physical function as the driver's [`Transport`].

use std::io;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use crate::function::{PciFunction, Width};
use crate::transport::Transport;

/// `port.TIME_LO`: ticks of the datapath clock.
const TIME_LO: u32 = 0x010c;
/// First pause between two looks at the clock, and the longest.
const PAUSE: (Duration, Duration) = (Duration::from_micros(10), Duration::from_micros(100));
/// Looks before the first pause.
const LOOKS: u32 = 4;
/// A clock that does not move for so long has stopped.
const STOPPED: Duration = Duration::from_secs(5);

/// BAR 0 of a live PF.
#[derive(Clone, Debug)]
pub struct PfBar {
    function: Arc<dyn PciFunction>,
    stopped: Duration,
}

impl PfBar {
    /// The registers of a function.
    #[must_use]
    pub fn new(function: Arc<dyn PciFunction>) -> Self {
        Self {
            function,
            stopped: STOPPED,
        }
    }

    /// The function.
    #[must_use]
    pub fn function(&self) -> &Arc<dyn PciFunction> {
        &self.function
    }
}

impl Transport for PfBar {
    fn read32(&mut self, offset: u32) -> io::Result<u32> {
        self.function.bar_read(0, offset.into(), Width::Word)
    }

    fn write32(&mut self, offset: u32, value: u32) -> io::Result<()> {
        self.function
            .bar_write(0, offset.into(), Width::Word, value)
    }

    /// Asks the NIC's own clock: a simulated one is far slower than a real one, and both must have done
    /// the work of so many cycles.
    fn wait(&mut self, cycles: u32) -> io::Result<()> {
        let start = self.read32(TIME_LO)?;
        let (mut pause, longest) = PAUSE;
        let mut looks = 0;
        let (mut last, mut moved) = (start, Instant::now());
        loop {
            let now = self.read32(TIME_LO)?;
            if now.wrapping_sub(start) >= cycles {
                return Ok(());
            }
            if now == u32::MAX && self.read32(0)? == u32::MAX {
                return Err(io::Error::new(
                    io::ErrorKind::NotConnected,
                    "the device is gone",
                ));
            }
            if now != last {
                (last, moved) = (now, Instant::now());
            } else if moved.elapsed() > self.stopped {
                return Err(io::Error::new(
                    io::ErrorKind::TimedOut,
                    "the clock of the NIC stands still",
                ));
            }
            // A few looks take as long as most waits are for.
            looks += 1;
            if looks > LOOKS {
                thread::sleep(pause);
                pause = (pause * 2).min(longest);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::function::{DmaMemory, Interrupt};

    /// A function with a clock that moves by `step` per look.
    #[derive(Debug)]
    struct Clock {
        now: AtomicU32,
        step: u32,
    }

    impl PciFunction for Clock {
        fn config_read(&self, _: u16, _: &mut [u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn config_write(&self, _: u16, _: &[u8]) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn bar_len(&self, _: u8) -> u64 {
            1 << 16
        }
        fn bar_read(&self, bar: u8, offset: u64, width: Width) -> io::Result<u32> {
            assert_eq!((bar, offset, width), (0, TIME_LO.into(), Width::Word));
            Ok(self.now.fetch_add(self.step, Ordering::Relaxed))
        }
        fn bar_write(&self, _: u8, _: u64, _: Width, _: u32) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn dma_memory(&self, _: usize) -> io::Result<DmaMemory> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn vectors(&self) -> u16 {
            0
        }
        fn interrupts(&self, _: u16) -> io::Result<Vec<Interrupt>> {
            Err(io::ErrorKind::Unsupported.into())
        }
        fn reset(&self) -> io::Result<()> {
            Err(io::ErrorKind::Unsupported.into())
        }
    }

    #[test]
    fn a_wait_ends_with_the_clock_of_the_nic() {
        let clock = Arc::new(Clock {
            now: AtomicU32::new(u32::MAX - 21),
            step: 10,
        });
        PfBar::new(clock.clone()).wait(35).unwrap();
        // Looks at 0, 10, 20, 30 and 40 ticks after the first one, over the end of 32 bits.
        assert_eq!(clock.now.load(Ordering::Relaxed), 28);
    }

    #[test]
    fn a_clock_that_stands_still_is_an_error() {
        let clock = Arc::new(Clock {
            now: AtomicU32::new(7),
            step: 0,
        });
        let mut bar = PfBar::new(clock);
        bar.stopped = Duration::from_millis(5);
        assert_eq!(bar.wait(1).unwrap_err().kind(), io::ErrorKind::TimedOut);
        bar.wait(0).unwrap();
    }
}
