//! Attention in plain integers: distances of scores, their weights, and what normalises them.

use super::plan::Plan;
use super::product::{Function, half};
use crate::air::components::attend::{DISTANCE_BITS, NEAREST, REST_BITS};
use crate::air::components::softmax::{
    LARGEST_EXPONENT, LEAST_EXPONENT, LIMB_BITS, MANTISSA_BITS, POWER_SHIFT,
};

/// The sum of all probabilities: `2^SHARE_BITS`, but for rounding.
pub const SHARE_BITS: u32 = MANTISSA_BITS;

/// Weights are below `2^WEIGHT_BITS`; the one of the nearest key is at least half of that.
pub const WEIGHT_BITS: u32 = 15;

/// Most keys that a lane sees: so the sum of their weights is at most `2^30`.
pub const MAX_KEYS: usize = 1 << (LARGEST_EXPONENT - WEIGHT_BITS);

/// How far a score is from the maximum, in units of `2^shift`, and the rest.
pub(super) fn distance(maximum: i64, score: i64, shift: u32) -> [i64; 2] {
    let form = maximum - score;
    [form >> shift, form & ((1 << shift) - 1)]
}

/// The weight of a distance: 0 where it has a second limb.
pub(super) fn weight(weights: &Function, distance: i64) -> i64 {
    if distance >> DISTANCE_BITS == 0 {
        weights.at(NEAREST + distance)
    } else {
        0
    }
}

/// The reciprocal of a sum of weights `D`: `m / 2^(n + 13)`, rounded down, with `2^13 ≤ m < 2^14`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Reciprocal {
    /// `m`
    pub mantissa: i64,
    /// `n`, with `2^(n − 1) < D ≤ 2^n`
    pub exponent: u32,
}

impl Reciprocal {
    /// Of a sum from `2^14` to `2^30`.
    pub fn of(sum: i64) -> Reciprocal {
        let exponent = i64::BITS - (sum - 1).leading_zeros();
        let mantissa = (1 << (exponent + MANTISSA_BITS)) / sum;
        Reciprocal { mantissa, exponent }
    }

    /// `2^(n − 2)`
    pub fn power(self) -> i64 {
        1 << (self.exponent - POWER_SHIFT)
    }

    /// How the division is proven: limbs of its rest, limbs of what the rest lacks of `D − 1`, and the carry.
    pub fn division(self, sum: i64) -> [i64; 5] {
        let rest = (1 << (self.exponent + MANTISSA_BITS)) - self.mantissa * sum;
        let limbs = |x: i64| [x & ((1 << LIMB_BITS) - 1), x >> LIMB_BITS];
        let [low, high] = limbs(rest);
        let [gap_low, gap_high] = limbs(sum - 1 - rest);
        let carry = (self.mantissa * (low + gap_low + 1) + low) >> LIMB_BITS;
        [low, high, gap_low, gap_high, carry]
    }

    /// A weight's probability in units of `2^-SHARE_BITS`, rounded, and the limbs of the rest.
    pub fn share(self, weight: i64) -> [i64; 3] {
        let shifted = weight * self.mantissa + half(self.exponent);
        let share = shifted >> self.exponent;
        let rest = shifted - (share << self.exponent);
        [share, rest & ((1 << REST_BITS) - 1), rest >> REST_BITS]
    }
}

/// The powers of all exponents that a sum can have.
pub(super) fn powers() -> Function {
    let exponents = LEAST_EXPONENT..=LARGEST_EXPONENT;
    Function {
        first: LEAST_EXPONENT.into(),
        values: exponents.map(|n| 1 << (n - POWER_SHIFT)).collect(),
    }
}

/// 1 at 0, and 0 at every other number of so many bits.
pub(super) fn zero(bits: u32) -> Function {
    let mut values = vec![0; 1 << bits];
    values[0] = 1;
    Function { first: 0, values }
}

impl Plan {
    /// The number of a table, which is added if the plan has none like it.
    pub(super) fn table_of(&mut self, function: Function) -> usize {
        let mut tables = self.tables.iter();
        tables
            .position(|table| *table == function)
            .unwrap_or_else(|| {
                self.tables.push(function);
                self.tables.len() - 1
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums at the borders of exponents, and others between them.
    fn sums() -> impl Iterator<Item = i64> {
        let borders = (14..=30).flat_map(|n| [-1, 0, 1].map(|by| (1i64 << n) + by));
        let others = (0..20_000).map(|i| (1 << 14) + i * 53_681);
        borders
            .chain(others)
            .filter(|sum| (1 << 14..=1 << 30).contains(sum))
    }

    /// The mantissa has 14 bits, the division is one, and its limbs are in their ranges.
    #[test]
    fn reciprocals_are_divisions() {
        for sum in sums() {
            let of = Reciprocal::of(sum);
            let (m, n) = (of.mantissa, of.exponent);
            assert!(
                (14..=30).contains(&n) && sum <= 1 << n && sum > 1 << (n - 1),
                "{sum}"
            );
            assert!((1 << 13..1 << 14).contains(&m), "{sum}");
            let [a, a2, c, c2, k] = of.division(sum);
            assert!(
                [a, a2, c, c2]
                    .iter()
                    .all(|limb| (0..1 << 15).contains(limb))
            );
            assert!((0..1 << 16).contains(&k));
            assert_eq!(a + c + 1 + ((a2 + c2) << 15), sum);
            assert_eq!(m * (a + c + 1) + a, k << 15);
            assert_eq!(m * (a2 + c2) + a2 + k, of.power());
        }
    }

    /// Every share of a weight that is part of the sum has its `30 − n` bits.
    #[test]
    fn shares_fit() {
        for sum in sums() {
            let of = Reciprocal::of(sum);
            for weight in [0, 1, 1 << 14, (1 << 15) - 1] {
                let [share, below, above] = of.share(weight.min(sum));
                assert!(
                    (0..1 << (30 - of.exponent)).contains(&share),
                    "{weight} of {sum}"
                );
                assert!((0..1 << 14).contains(&below));
                assert!((0..1 << (of.exponent - 14)).contains(&above));
                let exact = (weight.min(sum) as f64 / sum as f64) * 8192.0;
                // Half a unit of rounding, and a reciprocal that is too small by one in 2^13.
                assert!((share as f64 - exact).abs() <= 0.5 + exact / 8192.0);
            }
        }
    }
}
