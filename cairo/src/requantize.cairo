//! Requantise: drop fractional bits with rounding, then saturate where the range asks for it.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::casm::range_check;
use crate::shift::{Divisor, Size};

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
pub fn requantize(xs: Span<felt252>, to: Rounding) -> Span<felt252> {
    let mut out = array![];
    append_rounded(xs, to.bias, to.offset, size(to.divisor), ref out);
    out.span()
}

/// `floor(x · factor / 2^s + 1/2)` of every element.
#[inline(never)]
pub fn requantize_scaled(xs: Span<felt252>, factor: felt252, to: Rounding) -> Span<felt252> {
    let mut out = array![];
    append_scaled(xs, factor, to.bias, to.offset, size(to.divisor), ref out);
    out.span()
}

/// `clamp(floor(x / 2^s + 1/2), lo, hi)` of every element.
#[inline(never)]
pub fn requantize_saturated(xs: Span<felt252>, to: Saturation) -> Span<felt252> {
    let mut out = array![];
    let Saturation { rounding, lo, hi } = to;
    let divisor = size(rounding.divisor);
    append_saturated(xs, rounding.bias, rounding.offset, divisor, lo.into(), hi.into(), ref out);
    out.span()
}

/// A divisor as a felt.
#[inline(always)]
pub fn size(divisor: Divisor) -> felt252 {
    let size: Size = divisor.into();
    upcast(size)
}

// The codes of the following are in `src/casm/requantize.rs`. Each panics if `x + bias` is negative, that
// is if the quotient is not below 2^128. The divisor lies in 1..=2^120.

/// Appends `floor((x + bias) / divisor) − offset` of every element.
#[inline(never)]
fn append_rounded(
    xs: Span<felt252>, bias: felt252, offset: felt252, divisor: felt252, ref out: Array<felt252>,
) {
    if range_check(bias) {
        append_rounded(xs, bias, offset, divisor, ref out);
    }
}

/// Appends `floor((x · factor + bias) / divisor) − offset` of every element.
#[inline(never)]
pub fn append_scaled(
    xs: Span<felt252>,
    factor: felt252,
    bias: felt252,
    offset: felt252,
    divisor: felt252,
    ref out: Array<felt252>,
) {
    if range_check(bias) {
        append_scaled(xs, factor, bias, offset, divisor, ref out);
    }
}

/// Appends `clamp(floor((x + bias) / divisor), lo, hi) − offset` of every element.
#[inline(never)]
fn append_saturated(
    xs: Span<felt252>,
    bias: felt252,
    offset: felt252,
    divisor: felt252,
    lo: felt252,
    hi: felt252,
    ref out: Array<felt252>,
) {
    if range_check(bias) {
        append_saturated(xs, bias, offset, divisor, lo, hi, ref out);
    }
}
