// SPDX-License-Identifier: Apache-2.0 OR MIT

//! The half of the PF's BAR that is about VFs, in plain memory: pools and receive steering, as the hardware has them.

use std::collections::BTreeMap;

pub(crate) const POOLS: u32 = 0x8000;
pub(crate) const STEER: u32 = 0x9000;
pub(crate) const END: u32 = 0xa000;

const SELECT: u32 = 0x9008;
const VFS: u32 = 8;
const PAIRS: u32 = 32;
const TUPLES: u32 = 4;
const ETHERTYPES: u32 = 2;
const ENABLE: u32 = 1 << 31;

/// Words by offset; those of a VF's steering have its number above their offset.
#[derive(Default)]
pub(crate) struct Window {
    pub(crate) words: BTreeMap<u32, u32>,
    /// Looks at a VF until its reset is complete.
    resetting: BTreeMap<u32, u32>,
    /// Enables nothing.
    pub(crate) is_stubborn: bool,
}

impl Window {
    fn word(&self, offset: u32) -> u32 {
        self.words.get(&offset).copied().unwrap_or(0)
    }

    /// The place of a word, if there is one.
    fn place(&self, offset: u32) -> Option<u32> {
        let vf = self.word(SELECT);
        match offset {
            0x9004 | SELECT => Some(offset),
            0x9040..0x9100 if (offset - 0x9040) / 4 < ETHERTYPES => Some(offset),
            0x9100..0x9200 if vf < VFS => Some(vf << 16 | offset),
            0x9800..END if (offset - 0x9800) / 64 < TUPLES => Some(offset),
            _ => None,
        }
    }

    pub(crate) fn read(&mut self, offset: u32) -> u32 {
        match offset {
            STEER => VFS << 16 | ETHERTYPES << 8 | TUPLES,
            POOLS..STEER => {
                if let Some(looks) = self.resetting.get_mut(&offset) {
                    *looks -= 1;
                    if *looks == 0 {
                        self.resetting.remove(&offset);
                        *self.words.entry(offset).or_default() &= !1;
                    }
                }
                self.word(offset)
            }
            _ => self.place(offset).map_or(0, |place| self.word(place)),
        }
    }

    pub(crate) fn write(&mut self, offset: u32, value: u32) {
        match offset {
            POOLS..STEER => self.write_pool(offset, value),
            _ => {
                if let Some(place) = self.place(offset) {
                    self.write_steering(offset, place, value);
                }
            }
        }
    }

    fn write_pool(&mut self, offset: u32, value: u32) {
        let (vf, word) = ((offset - POOLS) / 64, (offset - POOLS) / 4 % 16);
        match word {
            0 if self.word(offset) & 1 == 0 => {
                let bad = self.is_stubborn || !self.is_free(vf, value);
                self.words.insert(offset, value & !u32::from(bad));
            }
            0 if value & 1 == 0 => drop(self.resetting.insert(offset, 3)),
            // The pool stands still.
            0 => drop(
                self.words
                    .insert(offset, self.word(offset) & !2 | value & 2),
            ),
            1..4 | 9 => drop(self.words.insert(offset, value)),
            10 => drop(self.words.insert(offset, value & 0xfff)),
            _ => {}
        }
    }

    fn is_free(&self, vf: u32, value: u32) -> bool {
        let run = |word: u32| (word >> 8 & 0x7f)..(word >> 8 & 0x7f) + (word >> 16 & 0x7f);
        let own = run(value);
        let others = (0..VFS).filter(|other| *other != vf);
        let mut taken = others
            .map(|other| self.word(POOLS + 64 * other))
            .filter(|word| word & 1 != 0);
        !own.is_empty()
            && own.end <= PAIRS
            && !taken.any(|word| own.start < run(word).end && run(word).start < own.end)
    }

    fn write_steering(&mut self, offset: u32, place: u32, value: u32) {
        let mut value = value;
        let known = |vf: u32, queue: u32| vf < VFS && queue < PAIRS && !self.is_stubborn;
        match offset {
            0x9040..0x9100 if !known(value >> 16 & 0x7f, value >> 24 & 0x7f) => value &= !ENABLE,
            0x9100..0x9128 => *self.words.entry(place & !0xff | 0x30).or_default() &= !1,
            0x9130 if self.is_stubborn => value &= !1,
            0x9800..END => {
                let base = offset & !63;
                let compare = self.word(base + 0x24);
                let families = compare >> 28 & 3;
                let sense = [compare & 0xff, compare >> 8 & 0xff].iter().all(|bits| {
                    *bits
                        <= match families {
                            1 => 32,
                            2 => 128,
                            _ => 0,
                        }
                });
                if offset != base + 0x28 {
                    *self.words.entry(base + 0x28).or_default() &= !ENABLE;
                } else if families == 0 || !sense || !known(value >> 8 & 0x7f, value & 0x7f) {
                    value &= !ENABLE;
                }
            }
            _ => {}
        }
        self.words.insert(place, value);
    }
}
