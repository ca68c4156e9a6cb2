//! Softmax numerators in base 2; the division happens once per channel, in `mix`.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{self, BoundedInt, DivRemHelper, UnitInt, downcast, upcast};
use crate::argmax::maximum;
use crate::shift::{Divisor, floor_shift};

/// A base-2 exponent with 7 fractional bits, below 16.
type Exponent = BoundedInt<0, 0x7ff>;

impl SplitExponent of DivRemHelper<Exponent, UnitInt<0x80>> {
    type DivT = BoundedInt<0, 0xf>;
    type RemT = BoundedInt<0, 0x7f>;
}

/// `2^(15 − i)`.
const POWERS: [felt252; 16] = [
    0x8000, 0x4000, 0x2000, 0x1000, 0x800, 0x400, 0x200, 0x100, 0x80, 0x40, 0x20, 0x10, 8, 4, 2, 1,
];

/// Weights of each head's scores: `table[z mod 128] · 2^(15 − z div 128)`, 0 from `z = 2048` on,
/// with `z = floor((max − score + half) / 2^s)`.
///
/// - `bias`: `2^m` with `|score| < 2^m`; `half`: `2^(s−1)`, or 0 for `s = 0`; `divisor`: `2^s`.
#[inline(never)]
pub fn softmax(
    mut heads: Array<Span<felt252>>,
    table: Span<felt252>,
    bias: felt252,
    half: felt252,
    divisor: Divisor,
) -> Array<Span<felt252>> {
    let powers = POWERS.span();
    let mut out = array![];
    while let Some(scores) = heads.pop_front() {
        let mut scores = scores;
        let max = half + maximum(scores, bias);
        let mut weights = array![];
        while let Some(score) = scores.pop_front() {
            weights.append(weight(max - *score, divisor, table, powers));
        }
        out.append(weights.span());
    }
    out
}

fn weight(
    distance: felt252, divisor: Divisor, table: Span<felt252>, powers: Span<felt252>,
) -> felt252 {
    let exponent: Option<Exponent> = downcast(floor_shift(distance, divisor));
    match exponent {
        None => 0,
        Some(exponent) => {
            let (whole, frac) = bounded_int::div_rem::<_, UnitInt<0x80>>(exponent, 0x80);
            *table.at(upcast(frac)) * *powers.at(upcast(whole))
        },
    }
}
