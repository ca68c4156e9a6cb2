//! Bounds of values, and of sums of their products.

use super::description::Matrix;
use super::reference::MAX_EXPONENT;

/// Bounds of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reach {
    /// Of the magnitude of each channel.
    pub each: i64,
    /// Of the root of the sum of squares.
    pub length: i64,
}

impl Reach {
    /// Bounds of channels of at most these magnitudes.
    pub(super) fn of(channels: &[i64]) -> Reach {
        let squares = channels.iter().map(|&x| i128::from(x) * i128::from(x));
        Reach {
            each: channels.iter().copied().max().unwrap_or(0),
            length: ceil_root(squares.sum()),
        }
    }

    /// The same where each channel is checked to have at most so many bits.
    pub(super) fn within(self, bits: u32, channels: usize) -> Reach {
        let each = self.each.min(1 << (bits - 1));
        let square = i128::from(each) * i128::from(each) * channels as i128;
        Reach {
            each,
            length: self.length.min(ceil_root(square)),
        }
    }
}

/// A bound of the length of a norm's numbers, each of which may be rounded in the largest unit.
pub fn norm_length(channels: i64, scaled: i64, floor: i64) -> i64 {
    let [channels, scaled, floor] = [channels, scaled + 1, floor].map(i128::from);
    let squares = channels * scaled * scaled + floor * floor;
    let rounding = (channels * scaled + floor) << (MAX_EXPONENT + 1);
    ceil_root(squares + rounding)
}

/// The least number whose square is at least `x`.
pub fn ceil_root(x: i128) -> i64 {
    let mut root = (x as f64).sqrt() as i128;
    // The float is off by a relative 2^-52 at most.
    while root * root > x {
        root -= 1;
    }
    while root * root < x {
        root += 1;
    }
    root as i64
}

/// Fewest bits, sign included, that hold all numbers of at most this magnitude.
pub fn fewest_bits(reach: i64) -> u32 {
    i64::BITS - reach.leading_zeros() + 1
}

/// The largest magnitude of `Σ_j w_j x_j`.
pub(super) fn accumulator(row: &[i32], input: Reach) -> i64 {
    let weights = row.iter().map(|&w| i128::from(w));
    let sum: i128 = weights.clone().map(i128::abs).sum();
    let squares: i128 = weights.map(|w| w * w).sum();
    let by_channels = sum * i128::from(input.each);
    let by_length = squares
        .saturating_mul(i128::from(input.length).pow(2))
        .isqrt();
    i64::try_from(by_channels.min(by_length)).unwrap_or(i64::MAX)
}

/// The bounds of the rows of a matrix.
pub(super) fn largest_row(matrix: &Matrix) -> Reach {
    let rows = matrix.rows.iter().map(|row| {
        let channels: Vec<i64> = row.iter().map(|&w| i64::from(w).abs()).collect();
        Reach::of(&channels)
    });
    let none = Reach { each: 0, length: 0 };
    rows.fold(none, |a, b| Reach {
        each: a.each.max(b.each),
        length: a.length.max(b.length),
    })
}
