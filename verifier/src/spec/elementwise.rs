//! Sums and products of two vectors of the same length.

use super::requantize::{Requant, requantize};

/// `y[i] = a[i] + b[i]` (both at the same scale).
pub fn add(a: &[i64], b: &[i64]) -> Vec<i64> {
    a.iter().zip(b).map(|(a, b)| a + b).collect()
}

/// `y[i] = requantize(a[i] · b[i])`.
pub fn mul(a: &[i64], b: &[i64], to: Requant) -> Vec<i64> {
    a.iter()
        .zip(b)
        .map(|(a, b)| requantize(a * b, to))
        .collect()
}
