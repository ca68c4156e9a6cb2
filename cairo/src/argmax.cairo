//! Greedy choice of a token.

/// Index of the largest logit; the lowest index wins a tie. `bias` is `2^m` with `|logit| < 2^m`.
#[inline(never)]
pub fn argmax(logits: Span<felt252>, bias: felt252) -> felt252 {
    let mut best: u128 = 0;
    let mut token = 0;
    let mut index = 0;
    for logit in logits {
        let logit: u128 = (*logit + bias).try_into().unwrap();
        if logit > best {
            best = logit;
            token = index;
        }
        index += 1;
    }
    token
}
