//! RMS normalisation without gain (the gain lives in the next layer's weights).

use serde::{Deserialize, Serialize};

/// Constants of one RMS normalisation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct RmsNorm {
    /// Added to the sum of squares: `round(n · ε · 2^(2F))` for a residual stream with `F`
    /// fractional bits, at least 1 (so that the root is never zero).
    pub eps: i64,
    /// The root is taken of `S · 2^(2·root_shift)`: extra bits of precision, 1 to 16.
    pub root_shift: u32,
    /// `floor(√n · 2^(f + root_shift + inv_shift))` for an output with `f` fractional bits.
    pub numerator: i64,
    /// Fractional bits of the reciprocal that the last rounding drops, 1 to 48.
    pub inv_shift: u32,
}

/// `y[i] = round(x[i] · inv / 2^inv_shift)` with
/// `inv = floor(numerator / floor(√((Σ x² + eps) · 2^(2·root_shift))))`.
pub fn rmsnorm(x: &[i64], norm: RmsNorm) -> Vec<i64> {
    let inv = norm.numerator / root(x, norm);
    x.iter()
        .map(|&x| super::requantize::round_shift(x * inv, norm.inv_shift))
        .collect()
}

/// `floor(√((Σ x² + eps) · 2^(2·root_shift)))`.
pub fn root(x: &[i64], norm: RmsNorm) -> i64 {
    let sum: i128 = x.iter().map(|&x| x as i128 * x as i128).sum::<i128>() + norm.eps as i128;
    ((sum << (2 * norm.root_shift)) as u128).isqrt() as i64
}

/// Bound on `|y[i]|` for any input of any length: by Cauchy-Schwarz `|x[i]| ≤ √S`, and the root,
/// rounded down, is at least `(2^root_shift − 1)·√S`, hence
/// `|x[i]| · inv ≤ numerator / (2^root_shift − 1)`.
pub fn output_bound(norm: RmsNorm) -> i64 {
    let product = norm.numerator / ((1 << norm.root_shift.max(1)) - 1) + 1;
    super::requantize::round_shift(product, norm.inv_shift)
}
