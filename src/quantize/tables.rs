//! The constant tables of a graph: rotary angles, powers of two, sigmoid.
//!
//! Entries are rounded from `f64`; a tie or an error of the last bit would need a value within 1e-11 of
//! a half, so every platform's `sin`, `cos` and `exp` give the same integers.

use crate::spec::rope::{ROPE_BITS, ROPE_MAX};
use crate::spec::silu::{SIGMOID_BITS, SIGMOID_ENTRIES};
use crate::spec::softmax::{EXP2_BITS, FRAC_BITS};

/// `(cos, sin)` of each position and pair, context × head_dim/2, [`ROPE_BITS`] fractional bits, at most
/// [`ROPE_MAX`] in magnitude.
pub fn rope(theta: f64, head_dim: usize, context: usize) -> (Vec<i64>, Vec<i64>) {
    let angles = (0..context).flat_map(|position| {
        (0..head_dim)
            .step_by(2)
            .map(move |i| position as f64 * theta.powf(-(i as f64) / head_dim as f64))
    });
    let entry = |x: f64| fixed(x, ROPE_BITS).clamp(-ROPE_MAX, ROPE_MAX);
    angles
        .map(|angle| (entry(angle.cos()), entry(angle.sin())))
        .unzip()
}

/// `round(2^15 · 2^(−j / 2^7))` for `2^7` entries.
pub fn exp2() -> Vec<i64> {
    let entries = 1u32 << FRAC_BITS;
    (0..entries)
        .map(|j| fixed((-f64::from(j) / f64::from(entries)).exp2(), EXP2_BITS))
        .collect()
}

/// `round(2^15 · σ((i − 128) / 16))`.
pub fn sigmoid() -> Vec<i64> {
    (0..SIGMOID_ENTRIES)
        .map(|i| {
            fixed(
                1.0 / (1.0 + (-(i as f64 - 128.0) / 16.0).exp()),
                SIGMOID_BITS,
            )
        })
        .collect()
}

fn fixed(x: f64, bits: u32) -> i64 {
    (x * f64::from(1u32 << bits)).round() as i64
}
