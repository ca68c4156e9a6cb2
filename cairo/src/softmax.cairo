//! Softmax numerators in base 2; the division happens once per channel, in `mix`.

use crate::argmax::maximum;
use crate::casm::range_check;
use crate::requantize::size;
use crate::shift::Divisor;

/// `2^(15 − i)`.
const POWERS: [felt252; 16] = [
    0x8000, 0x4000, 0x2000, 0x1000, 0x800, 0x400, 0x200, 0x100, 0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1,
];

/// Weights of each head's scores: `table[z mod 128] · 2^(15 − z div 128)`, 0 from `z = 2048` on,
/// with `z = floor((max − score + half) / 2^s)`.
///
/// - `half`: `2^(s−1)`, or 0 for `s = 0`; `divisor`: `2^s`.
#[inline(never)]
pub fn softmax(
    mut heads: Array<Span<felt252>>,
    table: Span<felt252>,
    half: felt252,
    divisor: Divisor,
) -> Array<Span<felt252>> {
    let powers = POWERS.span();
    let divisor = size(divisor);
    assert(table.len() == 128, 'exp2 table');
    let mut out = array![];
    while let Some(scores) = heads.pop_front() {
        let (_, max) = maximum(scores);
        let mut weights = array![];
        append_weights(scores, half + max, table, powers, divisor, ref weights);
        out.append(weights.span());
    }
    out
}

/// Appends `table[z mod 128] · powers[z div 128]` with `z = floor((max − score) / divisor)`, or 0 from
/// `z = 2048` on.
///
/// Its code is in `src/casm/softmax.rs`. The tables have 128 and 16 entries.
#[inline(never)]
fn append_weights(
    scores: Span<felt252>,
    max: felt252,
    table: Span<felt252>,
    powers: Span<felt252>,
    divisor: felt252,
    ref out: Array<felt252>,
) {
    if range_check(max) {
        append_weights(scores, max, table, powers, divisor, ref out);
    }
}
