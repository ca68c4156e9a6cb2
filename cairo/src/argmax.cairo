//! Greedy choice of a token.

use core::num::traits::CheckedSub;

/// Index of the largest logit; the lowest index wins a tie. `bias` is `2^m` with `|logit| < 2^m`.
#[inline(never)]
pub fn argmax(mut logits: Span<felt252>, bias: felt252) -> felt252 {
    let max = maximum(logits, bias);
    let mut token = 0;
    while *logits.pop_front().unwrap() != max {
        token += 1;
    }
    token
}

/// The largest of some values, all below `bias` in magnitude.
#[inline(never)]
pub fn maximum(mut scores: Span<felt252>, bias: felt252) -> felt252 {
    let mut max: u128 = 0;
    while let Some(score) = scores.pop_front() {
        let score: u128 = (*score + bias).try_into().unwrap();
        let None = max.checked_sub(score) else {
            continue;
        };
        max = score;
    }
    max.into() - bias
}
