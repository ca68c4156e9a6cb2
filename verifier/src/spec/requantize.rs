//! Requantise: drop `shift` fractional bits with rounding, then saturate.

use std::fmt;

use serde::{Deserialize, Serialize};

/// How a value changes scale: `clamp(floor(x / 2^shift + 1/2), lo, hi)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Requant {
    /// Number of fractional bits that are dropped, 0 to 60.
    pub shift: u32,
    /// Smallest result (inclusive).
    pub lo: i64,
    /// Largest result (inclusive).
    pub hi: i64,
}

impl fmt::Display for Requant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, ">>{} clamp {}..{}", self.shift, self.lo, self.hi)
    }
}

/// `floor(x / 2^shift + 1/2)`: rounds to nearest, halves upwards.
pub fn round_shift(x: i64, shift: u32) -> i64 {
    if shift == 0 {
        x
    } else {
        ((x as i128 + (1i128 << (shift - 1))) >> shift) as i64
    }
}

/// `clamp(round_shift(x, to.shift), to.lo, to.hi)`.
pub fn requantize(x: i64, to: Requant) -> i64 {
    round_shift(x, to.shift).clamp(to.lo, to.hi)
}
