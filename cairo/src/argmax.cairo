//! Greedy choice of a token.

use crate::casm::range_check;

/// Index of the largest logit; the lowest index wins a tie.
#[inline(never)]
pub fn argmax(logits: Span<felt252>) -> felt252 {
    let (token, _) = maximum(logits);
    token
}

/// Index and value of the first largest element. No two elements are 2^127 or more apart.
#[inline(never)]
pub fn maximum(xs: Span<felt252>) -> (felt252, felt252) {
    let mut both = array![];
    append_maximum(xs, ref both);
    let [index, largest] = (*both.span().try_into().unwrap()).unbox();
    (index, largest)
}

/// Appends the index of the first largest element, then the element.
///
/// Its code is in `src/casm/argmax.rs`. Panics if there is no element.
#[inline(never)]
fn append_maximum(xs: Span<felt252>, ref out: Array<felt252>) {
    if range_check(xs.len().into()) {
        append_maximum(xs, ref out);
    }
}
