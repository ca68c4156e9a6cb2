//! Requantise: drop fractional bits with rounding, then saturate where the range asks for it.

use core::num::traits::CheckedSub;
use crate::shift::{Divisor, floor_shift};

/// Constants of a rounding by `2^s` of a value with `|x| ≤ 2^m`, `m ≥ s`.
#[derive(Drop, Copy)]
pub struct Rounding {
    /// `2^m + 2^(s − 1)`: makes the value non-negative and rounds halves up.
    pub bias: felt252,
    /// `2^(m − s)`: what the bias has become after the shift.
    pub offset: felt252,
    /// `2^s`.
    pub divisor: Divisor,
}

/// A rounding followed by saturation.
#[derive(Drop, Copy)]
pub struct Saturation {
    /// The rounding.
    pub rounding: Rounding,
    /// Smallest result plus the rounding's offset.
    pub lo: u128,
    /// Largest result plus the rounding's offset.
    pub hi: u128,
}

/// `floor(x / 2^s + 1/2)` of every element.
pub fn requantize(xs: Span<felt252>, to: Rounding) -> Span<felt252> {
    requantize_scaled(xs, 1, to)
}

/// `floor(x · factor / 2^s + 1/2)` of every element.
#[inline(never)]
pub fn requantize_scaled(mut xs: Span<felt252>, factor: felt252, to: Rounding) -> Span<felt252> {
    let mut out = array![];
    while let Some(four) = xs.multi_pop_front::<4>() {
        let [x0, x1, x2, x3] = (*four).unbox();
        out.append(rounded(x0 * factor, to));
        out.append(rounded(x1 * factor, to));
        out.append(rounded(x2 * factor, to));
        out.append(rounded(x3 * factor, to));
    }
    while let Some(x) = xs.pop_front() {
        out.append(rounded(*x * factor, to));
    }
    out.span()
}

#[inline(always)]
fn rounded(x: felt252, to: Rounding) -> felt252 {
    floor_shift(x + to.bias, to.divisor).into() - to.offset
}

/// `clamp(floor(x / 2^s + 1/2), lo, hi)` of every element.
#[inline(never)]
pub fn requantize_saturated(mut xs: Span<felt252>, to: Saturation) -> Span<felt252> {
    let Saturation { rounding, lo, hi } = to;
    let mut out = array![];
    // Each subtraction range-checks the branch it takes, so no comparison can be guessed wrong.
    // Each branch ends the turn by itself: where branches meet again they cost steps.
    while let Some(x) = xs.pop_front() {
        let shifted = floor_shift(*x + rounding.bias, rounding.divisor);
        let Some(_) = shifted.checked_sub(lo) else {
            out.append(lo.into() - rounding.offset);
            continue;
        };
        let Some(_) = hi.checked_sub(shifted) else {
            out.append(hi.into() - rounding.offset);
            continue;
        };
        out.append(shifted.into() - rounding.offset);
    }
    out.span()
}
