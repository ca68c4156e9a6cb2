//! What a norm computes of one lane, in plain integers: the unit, the mean, and the reciprocal length. The equations are those of
//! [`norm_root`](crate::air::components::norm_root).

use super::product::half;
use crate::air::components::norm::{HALF_BITS, MAX_EXPONENT, RESULT_BITS, SQUARE_BITS};
use crate::air::components::norm_root::{
    LEAST, LIMB_BITS, MANTISSA_BITS, OFFSETS, PRODUCT, ROOT_BITS, STEPS, WHOLE_BITS, WORD_BITS,
};

/// Twice the sum of squares in the unit before is at least this.
const SQUARES: i64 = 1 << RESULT_BITS;

/// A number in the unit `2^e`: `u`, `⌊(u² + u) / 2^15⌋`, `a`, `r`.
pub(super) fn scaled(whole: i64, exponent: u32) -> [i64; 4] {
    let value = whole >> exponent;
    let half = value >> 1;
    let rest = whole - (value << exponent);
    [half, top(half), value & 1, rest]
}

/// `⌊(u² + u) / 2^15⌋`.
fn top(half: i64) -> i64 {
    (half * half + half) >> SQUARE_BITS
}

/// The values of the table of squares, from the argument `−2^15` on.
pub(super) fn tops() -> impl Iterator<Item = i64> {
    let most = 1i64 << (HALF_BITS - 1);
    (-most..most).map(top)
}

/// The least `y_1` for an exponent.
pub(super) fn least(exponent: u32) -> i64 {
    if exponent == 0 { 0 } else { LEAST.into() }
}

/// What the channels of a lane have in common.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Length {
    pub exponent: u32,
    /// Of `2^g x`, rounded up; 0 where it is not taken away.
    pub mean: i64,
    pub mantissa: i64,
    /// `⌊√V⌋`.
    root: i64,
}

impl Length {
    /// Of the channels `2^g x`; `floor` stands for eps.
    ///
    /// The channels are as small as the plan requires: so there is an exponent.
    pub(super) fn of(wholes: &[i64], floor: i64, centred: bool) -> Length {
        let sum: i64 = wholes.iter().sum();
        let mean = if centred {
            -(-sum).div_euclid(wholes.len() as i64)
        } else {
            0
        };
        let numbers = || wholes.iter().map(|whole| whole - mean).chain([floor]);
        let squares = |shift: u32| -> i64 {
            let values = numbers().map(|number| number >> shift);
            values.map(|v| v * v + v).sum()
        };
        let fits = |exponent: &u32| squares(exponent + 1) < SQUARES;
        let exponent = (0..MAX_EXPONENT).find(fits).unwrap_or(MAX_EXPONENT);
        let square = 4 * squares(exponent) + wholes.len() as i64 + 1;
        let root = square.isqrt();
        let mantissa = (2 * i64::from(PRODUCT) + root) / (2 * root);
        Length {
            exponent,
            mean,
            mantissa,
            root,
        }
    }

    /// A channel's result and its rest, for `2^g x`.
    pub(super) fn result(&self, whole: i64, shift: u32) -> [i64; 2] {
        let odd = 2 * ((whole - self.mean) >> self.exponent) + 1;
        let shifted = odd * self.mantissa + half(shift);
        let result = shifted >> shift;
        [result, shifted - (result << shift)]
    }

    /// What the lane's row of `norm_root` has behind the view.
    pub(super) fn row(&self, wholes: &[i64], floor: i64, centred: bool) -> Vec<i64> {
        let numbers = wholes.iter().map(|whole| whole - self.mean);
        let scaled_numbers: Vec<[i64; 4]> = numbers
            .map(|number| scaled(number, self.exponent))
            .collect();
        let sum = |of: &dyn Fn(&[i64; 4]) -> i64| -> i64 { scaled_numbers.iter().map(of).sum() };
        let eps = scaled(floor, self.exponent);
        let square = |[half, ..]: &[i64; 4]| half * half + half;
        let step = |[half, _, bit, _]: &[i64; 4]| bit * (2 * half + 1) - half;

        let tops = sum(&|[_, top, ..]| *top);
        let squares = sum(&square);
        let left = squares - (tops << SQUARE_BITS);
        let mut row = vec![tops];
        row.extend(limbs(left, LIMB_BITS));
        row.extend(eps);
        let all = limbs(squares + square(&eps), LIMB_BITS);
        row.extend(all);
        let steps = sum(&step);
        row.extend(limbs(steps + i64::from(STEPS), LIMB_BITS));
        let [word, carry] = limbs(2 * all[0] + steps + step(&eps), WORD_BITS);
        row.extend([word, carry, least(self.exponent)]);
        self.divisions([word, all[1] + carry], wholes.len() as i64 + 1, &mut row);
        if centred {
            let values = sum(&|[half, _, bit, _]| 2 * half + bit);
            let rests = sum(&|[.., rest]| *rest);
            let [_, high] = limbs(self.mean + (1 << WHOLE_BITS), LIMB_BITS);
            let missing = -(values << self.exponent) - rests;
            row.extend([high, -values, missing]);
        }
        row
    }

    /// The root and the reciprocal, from the limbs of `Y` and the number of numbers.
    fn divisions(&self, [low, high]: [i64; 2], numbers: i64, row: &mut Vec<i64>) {
        let [root_low, root_high] = limbs(self.root, ROOT_BITS);
        row.extend([root_low, root_high, root_high * root_high - 2 * high]);
        let rest = (8 * low) + (high << 19) + numbers - self.root * self.root;
        row.extend(up_to(rest, 2 * self.root));
        row.push(self.mantissa >> MANTISSA_BITS);
        let carry = i64::from(PRODUCT >> 9) - self.mantissa * root_high;
        row.extend(limbs(carry + i64::from(OFFSETS[2]), WORD_BITS));
        let rest = 2 * i64::from(PRODUCT) + self.root - 2 * self.mantissa * self.root;
        row.extend(up_to(rest, 2 * self.root - 1));
    }
}

/// The low bits, and the others.
fn limbs(value: i64, bits: u32) -> [i64; 2] {
    [value & ((1 << bits) - 1), value >> bits]
}

/// The columns of a number from 0 up to `most`.
fn up_to(value: i64, most: i64) -> [i64; 3] {
    let [low, high] = limbs(value, WORD_BITS);
    [low, high, (most - value) >> WORD_BITS]
}
