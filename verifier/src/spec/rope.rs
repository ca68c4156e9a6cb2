//! Rotary position embedding on accumulators, with one rounding at the end.

use super::requantize::{Requant, requantize};

/// Fractional bits of the cosine and sine tables.
pub const ROPE_BITS: u32 = 14;
/// Largest magnitude of an entry: `±1` is stored as `±(1 − 2^−14)`, so that an entry fits 15 bits.
pub const ROPE_MAX: i64 = (1 << ROPE_BITS) - 1;

/// Rotates each head of `x` (heads × head_dim, first half and second half of a head are the pairs,
/// as in Hugging Face's Llama) by the angles of one position:
/// `y[i] = requantize(x[i]·cos[i] − x[i+h]·sin[i])`, `y[i+h] = requantize(x[i+h]·cos[i] + x[i]·sin[i])`
/// with `h = head_dim / 2`. `cos` and `sin` hold `h` entries with [`ROPE_BITS`] fractional bits;
/// `to.shift` includes those bits.
pub fn rope(x: &[i64], cos: &[i64], sin: &[i64], to: Requant) -> Vec<i64> {
    let exact = rotated(x, cos, sin).into_iter();
    exact.map(|y| requantize(y, to)).collect()
}

/// The exact rotation of every head, before its rounding.
pub fn rotated(x: &[i64], cos: &[i64], sin: &[i64]) -> Vec<i64> {
    let half = cos.len();
    let mut y = Vec::with_capacity(x.len());
    for head in x.chunks_exact(2 * half) {
        let (a, b) = head.split_at(half);
        y.extend((0..half).map(|i| a[i] * cos[i] - b[i] * sin[i]));
        y.extend((0..half).map(|i| b[i] * cos[i] + a[i] * sin[i]));
    }
    y
}
