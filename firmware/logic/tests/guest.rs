// SPDX-License-Identifier: Apache-2.0 OR MIT

//! Guests that ask, and guests that ask too much.

use hairpin_abi::virtio::{CTRL_ERR, CTRL_OK};
use hairpin_nic_logic::guest::{Answer, BUDGET, Budgets, answer};
use proptest::prelude::*;

const REFUSED: Answer = Answer {
    ack: CTRL_ERR,
    pairs: None,
};

#[test]
fn queue_pairs_are_set_up_to_what_the_pf_gave() {
    for wanted in 1..=4 {
        let done = Answer {
            ack: CTRL_OK,
            pairs: Some(wanted),
        };
        assert_eq!(answer(&[4, 0, wanted, 0], false, 4), done);
    }
    assert_eq!(answer(&[4, 0, 0, 0], false, 4), REFUSED);
    assert_eq!(answer(&[4, 0, 5, 0], false, 4), REFUSED);
    assert_eq!(answer(&[4, 0, 1, 1], false, 4), REFUSED);
    assert_eq!(answer(&[4, 0, 1, 0], false, 0), REFUSED);
}

#[test]
fn a_request_of_another_length_or_command_is_refused() {
    let refused: [&[u8]; 8] = [
        &[],
        &[4],
        &[4, 0],
        &[4, 0, 1],
        &[4, 0, 1, 0, 0],
        &[4, 1, 1, 0],
        &[1, 0, 1, 0],
        &[9, 0, 1, 0],
    ];
    for request in refused {
        assert_eq!(answer(request, false, 4), REFUSED, "{request:?}");
    }
    assert_eq!(answer(&[4, 0, 1, 0], true, 4), REFUSED);
}

proptest! {
    /// Whatever a guest says: never more pairs than it has, and nothing done that is refused.
    #[test]
    fn no_request_gets_more_than_it_may(
        request in proptest::collection::vec(any::<u8>(), 0..8), cut: bool, pairs in 0_u8..=64
    ) {
        let answer = answer(&request, cut, pairs);
        prop_assert!(answer.pairs.is_none_or(|n| (1..=pairs).contains(&n)));
        prop_assert_eq!(answer.ack == CTRL_OK, answer.pairs.is_some());
    }
}

#[test]
fn a_flood_uses_up_its_own_budget_only() {
    let mut budgets = Budgets::new();
    for n in 1..=BUDGET {
        assert_eq!(budgets.spend(5), n < BUDGET);
    }
    assert_eq!(budgets.allowed().0, !(1 << 5));
    assert!(budgets.spend(6));
    budgets.tick();
    assert_eq!(budgets.allowed().0, u64::MAX);
    assert!(!budgets.spend(5), "one a tick");
    for _ in 0..BUDGET {
        budgets.tick();
    }
    assert!(budgets.spend(5));
    assert!(budgets.spend(200), "no such vPort: nothing to count");
}
