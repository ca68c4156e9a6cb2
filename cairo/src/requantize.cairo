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
#[inline(never)]
pub fn requantize(mut xs: Span<felt252>, to: Rounding) -> Span<felt252> {
    let mut out = array![];
    while let Some(four) = xs.multi_pop_front::<4>() {
        let [x0, x1, x2, x3] = (*four).unbox();
        out.append(round(x0, to));
        out.append(round(x1, to));
        out.append(round(x2, to));
        out.append(round(x3, to));
    }
    for x in xs {
        out.append(round(*x, to));
    }
    out.span()
}

/// `clamp(floor(x / 2^s + 1/2), lo, hi)` of every element.
#[inline(never)]
pub fn requantize_saturated(mut xs: Span<felt252>, to: Saturation) -> Span<felt252> {
    let mut out = array![];
    while let Some(four) = xs.multi_pop_front::<4>() {
        let [x0, x1, x2, x3] = (*four).unbox();
        out.append(saturate(x0, to));
        out.append(saturate(x1, to));
        out.append(saturate(x2, to));
        out.append(saturate(x3, to));
    }
    for x in xs {
        out.append(saturate(*x, to));
    }
    out.span()
}

#[inline(always)]
fn round(x: felt252, to: Rounding) -> felt252 {
    floor_shift(x + to.bias, to.divisor).into() - to.offset
}

#[inline(always)]
fn saturate(x: felt252, to: Saturation) -> felt252 {
    let shifted = floor_shift(x + to.rounding.bias, to.rounding.divisor);
    // Each subtraction range-checks the branch it takes, so neither comparison can be guessed wrong.
    let clamped = match shifted.checked_sub(to.lo) {
        None => to.lo,
        Some(_) => match to.hi.checked_sub(shifted) {
            None => to.hi,
            Some(_) => shifted,
        },
    };
    clamped.into() - to.rounding.offset
}

/// How a kernel with wider results finishes them: with or without saturation.
pub trait Finish<T> {
    fn finish(xs: Span<felt252>, to: T) -> Span<felt252>;
}

pub impl FinishRounding of Finish<Rounding> {
    fn finish(xs: Span<felt252>, to: Rounding) -> Span<felt252> {
        requantize(xs, to)
    }
}

pub impl FinishSaturation of Finish<Saturation> {
    fn finish(xs: Span<felt252>, to: Saturation) -> Span<felt252> {
        requantize_saturated(xs, to)
    }
}
