//! RMS normalisation without gain (the gain lives in the next layer's weights).

use core::num::traits::Sqrt;
use crate::linear::products;
use crate::requantize::{Rounding, requantize_scaled};

/// Constants of one RMS normalisation; see `docs/spec.md`.
#[derive(Drop, Copy)]
pub struct RmsNorm {
    /// Added to the sum of squares.
    pub eps: felt252,
    /// `2^(2·root_shift)`.
    pub root_scale: felt252,
    /// Numerator of the reciprocal root.
    pub numerator: u128,
    /// Rounding of the product with the reciprocal.
    pub rounding: Rounding,
}

/// `y[i] = round(x[i] · floor(numerator / floor(√((Σ x² + eps)·root_scale))) / 2^s)`.
#[inline(never)]
pub fn rmsnorm(xs: Span<felt252>, norm: RmsNorm) -> Span<felt252> {
    let mut sum = array![];
    products(xs, xs, norm.eps, ref sum);
    let sum: u128 = (sum.pop_front().unwrap() * norm.root_scale).try_into().unwrap();
    let inverse: felt252 = (norm.numerator / sum.sqrt().into()).into();
    requantize_scaled(xs, inverse, norm.rounding)
}
