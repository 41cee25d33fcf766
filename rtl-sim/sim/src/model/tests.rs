// SPDX-License-Identifier: Apache-2.0 OR MIT

use super::*;

const STEP: u64 = 700;

fn model(seed: u64) -> Model {
    let options = Options {
        seed,
        variant: Variant::Small,
        ..Options::default()
    };
    let mut model = Model::new(&options).unwrap();
    for n in 0..40 {
        // Nothing is configured: every frame is decided, and dropped.
        let frame = vec![n as u8; 60 + 8 * n as usize];
        model
            .push(UPLINK, n, u64::from(n) * 100, false, &frame)
            .unwrap();
    }
    model
}

/// Runs on; the log since the last time, and a register of the core.
fn step(model: &mut Model) -> (Vec<u8>, u32) {
    let until = model.now() + STEP;
    assert_eq!(
        model.run(until, RunMode::EXACT, usize::MAX),
        Ok(Stop::Until)
    );
    let mut log = Vec::new();
    model.take_log(&mut log);
    (log, model.csr_read(0, 0, 0x050c).unwrap())
}

#[test]
fn models_of_one_thread_do_not_disturb_each_other() {
    let alone: Vec<Vec<_>> = [1, 2]
        .map(|seed| {
            let mut model = model(seed);
            (0..6).map(|_| step(&mut model)).collect()
        })
        .into();
    assert!(alone.iter().flatten().any(|(log, _)| !log.is_empty()));
    let (mut first, mut second) = (model(1), model(2));
    for (one, other) in alone[0].iter().zip(&alone[1]).take(3) {
        assert_eq!(step(&mut first), *one);
        assert_eq!(step(&mut second), *other);
    }
    // The later one goes first, and the other lives on.
    drop(second);
    for one in &alone[0][3..] {
        assert_eq!(step(&mut first), *one);
    }
}
