//! RMS normalisation without gain (the gain lives in the next layer's weights).

use core::num::traits::Sqrt;
use crate::requantize::{Rounding, round};
use crate::shift::Shift;

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
pub fn rmsnorm<impl S: Shift>(xs: Span<felt252>, norm: RmsNorm) -> Span<felt252> {
    let mut sum = norm.eps;
    for x in xs {
        sum += *x * *x;
    }
    let sum: u128 = (sum * norm.root_scale).try_into().unwrap();
    let inverse: felt252 = (norm.numerator / sum.sqrt().into()).into();
    let mut out = array![];
    for x in xs {
        out.append(round::<S>(*x * inverse, norm.rounding));
    }
    out.span()
}
