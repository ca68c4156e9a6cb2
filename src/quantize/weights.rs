//! Float matrices to int8 with one power of two as scale.

use super::QuantizeError;
use super::llama::Matrix;
use crate::ir;

/// Exponents that a matrix may have.
const EXPONENTS: std::ops::RangeInclusive<i32> = -8..=24;
/// Exponent of a matrix of zeros.
const ZERO_EXPONENT: i32 = 16;
/// How many exponents beyond the one without saturation are tried.
const CLIP_STEPS: i32 = 2;

/// An int8 matrix whose entries stand for `entry · 2^-exponent`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuantMatrix {
    pub matrix: ir::Matrix,
    pub exponent: i32,
}

/// What is multiplied into a matrix before it is quantised.
#[derive(Debug, Clone, Copy)]
pub struct Folding<'a> {
    /// Column `j` is multiplied by `gain[j]`: an RMSNorm's gain.
    pub gain: Option<&'a [f32]>,
    /// Every entry is multiplied by this.
    pub factor: f64,
}

/// Quantises `weights` with `folding` multiplied in.
///
/// Of the exponents from the largest that saturates nothing to two more, the one with the least output
/// error wins: `Σ_ij energy[j] · (w_ij − q_ij · 2^-e)²`, with `energy[j]` proportional to input `j`'s mean square.
/// Entries stay within `±limit` (at most 127: a symmetric range), the exponent within `max_exponent`.
pub fn quantize_matrix(
    name: &str,
    weights: &Matrix<'_>,
    folding: Folding,
    energy: &[f64],
    limit: i64,
    max_exponent: i32,
) -> Result<QuantMatrix, QuantizeError> {
    let limit = limit.min(i8::MAX.into()) as f64;
    let Folding { gain, factor } = folding;
    let folded: Vec<f64> = weights
        .data
        .iter()
        .enumerate()
        .map(|(i, &w)| {
            f64::from(w) * factor * gain.map_or(1.0, |gain| f64::from(gain[i % weights.cols]))
        })
        .collect();
    let energy = |i: usize| energy.get(i % weights.cols).copied().unwrap_or(1.0);
    let max = folded.iter().fold(0.0, |max: f64, w| max.max(w.abs()));
    let first = lossless_exponent(max, limit).min(max_exponent);

    let mut best: Option<(f64, i32)> = None;
    for exponent in first..=(first + CLIP_STEPS).min(max_exponent) {
        let step = (-exponent as f64).exp2();
        let error = |(i, &w): (usize, &f64)| {
            energy(i) * (w - quantized(w, exponent, limit) as f64 * step).powi(2)
        };
        let total: f64 = folded.iter().enumerate().map(error).sum();
        if best.is_none_or(|(least, _)| total < least) {
            best = Some((total, exponent));
        }
    }
    let exponent = best.map_or(first, |(_, exponent)| exponent);
    if !EXPONENTS.contains(&exponent) {
        return Err(QuantizeError::WeightScale {
            matrix: name.to_owned(),
            exponent,
            min: *EXPONENTS.start(),
            max: *EXPONENTS.end(),
        });
    }
    let data = folded
        .iter()
        .map(|&w| quantized(w, exponent, limit))
        .collect();
    let matrix = ir::Matrix {
        name: name.to_owned(),
        rows: weights.rows,
        cols: weights.cols,
        data,
    };
    Ok(QuantMatrix { matrix, exponent })
}

/// `clamp(round(w · 2^exponent), −limit, limit)`, with a limit of at most 127.
fn quantized(w: f64, exponent: i32, limit: f64) -> i8 {
    (w * (exponent as f64).exp2()).round().clamp(-limit, limit) as i8
}

/// The largest exponent with `round(max · 2^exponent) ≤ limit`; for a matrix of zeros one that no scale is limited by.
fn lossless_exponent(max: f64, limit: f64) -> i32 {
    if max == 0.0 {
        return ZERO_EXPONENT;
    }
    let mut exponent = ((limit + 1.0) / max).log2().floor() as i32;
    while (max * (exponent as f64).exp2()).round() > limit {
        exponent -= 1;
    }
    exponent
}
