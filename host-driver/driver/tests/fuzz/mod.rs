// SPDX-License-Identifier: Apache-2.0 OR MIT

//! A mutating fuzzer for parsers.
//!
//! `HAIRPIN_FUZZ_SECONDS` (default 1) says how long, `HAIRPIN_FUZZ_SEED` repeats a run. Inputs that ever
//! broke something are kept in `tests/cases` and played first.

use std::env;
use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Feeds `parse` with the kept cases, the corpus, and mutations of both.
pub(crate) fn run(name: &str, corpus: &[Vec<u8>], tokens: &[&[u8]], parse: impl Fn(&[u8])) {
    let cases = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/cases")
        .join(name);
    let mut inputs = corpus.to_vec();
    for case in fs::read_dir(&cases)
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        inputs.push(fs::read(case).unwrap());
    }
    for input in &inputs {
        attempt(name, input, &parse);
    }
    let seconds = number("HAIRPIN_FUZZ_SECONDS").unwrap_or(1);
    let clock = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(1, |now| now.as_nanos() as u64);
    let seed = number("HAIRPIN_FUZZ_SEED").unwrap_or(clock);
    let mut random = Random(seed | 1);
    let end = Instant::now() + Duration::from_secs(seconds);
    let mut count = 0_u64;
    while Instant::now() < end {
        let mut input = random.pick(&inputs).clone();
        for _ in 0..=random.below(4) {
            mutate(&mut random, &mut input, &inputs, tokens);
        }
        attempt(name, &input, &parse);
        count += 1;
    }
    println!("fuzz {name}: {count} inputs, seed {seed}");
    assert!(count > 0 || seconds == 0);
}

/// Parses one input; if that panics, keeps the input and goes on panicking.
fn attempt(name: &str, input: &[u8], parse: &impl Fn(&[u8])) {
    if let Err(panic) = catch_unwind(AssertUnwindSafe(|| parse(input))) {
        let file: PathBuf =
            env::temp_dir().join(format!("hairpin-fuzz-{name}-{}", std::process::id()));
        fs::write(&file, input).unwrap();
        eprintln!(
            "the input is in {}; keep it in tests/cases/{name}",
            file.display()
        );
        resume_unwind(panic);
    }
}

fn number(variable: &str) -> Option<u64> {
    env::var(variable).ok()?.parse().ok()
}

fn mutate(random: &mut Random, input: &mut Vec<u8>, inputs: &[Vec<u8>], tokens: &[&[u8]]) {
    let at = random.below(input.len() + 1);
    match random.below(8) {
        0 => input.truncate(at),
        1 => {
            let end = at + random.below(input.len() + 1 - at).min(16);
            input.drain(at..end);
        }
        2 => {
            let other = random.pick(inputs);
            let from = random.below(other.len() + 1);
            let len = random.below(other.len() + 1 - from);
            input.splice(at..at, other[from..from + len].iter().copied());
        }
        3 | 4 => {
            let token = random.pick(tokens).to_vec();
            let end = if random.below(2) == 0 {
                at
            } else {
                (at + token.len()).min(input.len())
            };
            input.splice(at..end, token);
        }
        5 => {
            let extremes = [0, 1, 0x7f, 0x80, 0xff];
            let len = [1, 2, 4, 8][random.below(4)];
            let value = extremes[random.below(extremes.len())];
            for byte in input.iter_mut().skip(at).take(len) {
                *byte = value;
            }
        }
        _ => {
            if let Some(byte) = input.get_mut(at) {
                *byte ^= 1 << random.below(8);
            }
        }
    }
    input.truncate(1 << 16);
}

/// xorshift64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, limit: usize) -> usize {
        ((self.next() >> 16) % limit.max(1) as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }
}
