//! Digests of the tensor memory: eight numbers below 2^31, packed into a felt.

use crate::calls::cells;

/// The digest in the view at `address`, in a lane: `Σ_i v_i · 2^(31 i)`.
#[inline(never)]
pub fn digest(address: felt252, lane: felt252, ref input: Span<felt252>) -> felt252 {
    let [a, b, c, d, e, f, g, h] = cells(address, lane, ref input);
    let sum = shifted(h) + g;
    let sum = shifted(sum) + f;
    let sum = shifted(sum) + e;
    let sum = shifted(sum) + d;
    let sum = shifted(sum) + c;
    let sum = shifted(sum) + b;
    shifted(sum) + a
}

/// `2^31 · x`, by additions.
#[inline(never)]
fn shifted(x: felt252) -> felt252 {
    let x = eightfold(eightfold(eightfold(x)));
    let x = eightfold(eightfold(eightfold(x)));
    let x = eightfold(eightfold(eightfold(x)));
    eightfold(x + x)
}

/// `8 · x`.
#[inline(always)]
pub fn eightfold(x: felt252) -> felt252 {
    let x = x + x;
    let x = x + x;
    x + x
}
