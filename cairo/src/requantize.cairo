//! Requantise: drop fractional bits with rounding, then saturate where the range asks for it.

use crate::shift::{Shift, floor_shift};

/// Constants of a rounding by `2^s` of a value with `|x| ≤ 2^m`, `m ≥ s`.
#[derive(Drop, Copy)]
pub struct Rounding {
    /// `2^m + 2^(s − 1)`: makes the value non-negative and rounds halves up.
    pub bias: felt252,
    /// `2^(m − s)`: what the bias has become after the shift.
    pub offset: felt252,
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

/// `floor(x / 2^s + 1/2)`.
pub fn round<impl S: Shift>(x: felt252, to: Rounding) -> felt252 {
    floor_shift::<S>(x + to.bias).into() - to.offset
}

/// `clamp(floor(x / 2^s + 1/2), lo, hi)`.
pub fn saturate<impl S: Shift>(x: felt252, to: Saturation) -> felt252 {
    let shifted = floor_shift::<S>(x + to.rounding.bias);
    let clamped = if shifted < to.lo {
        to.lo
    } else if shifted > to.hi {
        to.hi
    } else {
        shifted
    };
    clamped.into() - to.rounding.offset
}

/// `round` of every element.
pub fn requantize<impl S: Shift>(xs: Span<felt252>, to: Rounding) -> Span<felt252> {
    let mut out = array![];
    for x in xs {
        out.append(round::<S>(*x, to));
    }
    out.span()
}

/// `saturate` of every element.
pub fn requantize_saturated<impl S: Shift>(xs: Span<felt252>, to: Saturation) -> Span<felt252> {
    let mut out = array![];
    for x in xs {
        out.append(saturate::<S>(*x, to));
    }
    out.span()
}
