//! Where values change scale: the number of fractional bits each kind of value gets.
//!
//! A value with `n` fractional bits stands for `integer · 2^-n`; every rule here returns an `n`.

use super::statistics::Histogram;

/// Bits below the lossless choice that saturating values may gain.
const CLIP_STEPS: i32 = 3;
/// Limits for values that calibration saw as zero or as extreme.
const EXPONENTS: (i32, i32) = (-8, 16);

/// The largest magnitude of a symmetric value of `bits` bits, sign included.
pub fn limit(bits: u32) -> i64 {
    (1 << (bits - 1)) - 1
}

/// The most fractional bits with which nothing seen in calibration exceeds `limit`.
pub fn lossless(histogram: &Histogram, limit: i64) -> i32 {
    let max = f64::from(histogram.max()).max(f64::MIN_POSITIVE);
    let exponent = (limit as f64 / max).log2().floor();
    exponent.clamp(EXPONENTS.0.into(), EXPONENTS.1.into()) as i32
}

/// The fractional bits with the least mean square error when values saturate at `limit`.
pub fn least_error(histogram: &Histogram, limit: i64) -> i32 {
    let first = lossless(histogram, limit);
    let candidates = first..=(first + CLIP_STEPS).min(EXPONENTS.1);
    candidates
        .map(|exponent| (histogram.error(exponent, limit), exponent))
        .min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)))
        .map_or(first, |(_, exponent)| exponent)
}
