//! Rotation of pairs of a product's rounded outputs: `x' = round((x cos − y sin) / 2^14)`, `y' = round((y cos + x sin) / 2^14)`.
//!
//! A matrix has heads of `2 h` outputs, and a pair is the outputs `i` and `i + h` of a head. So a row takes two outputs, with the powers
//! `g` and `g β^h`. `g` steps by `β` in a head and by `β^(h + 1)` to the next one. `h` is a parameter of the component.
//!
//! Row: a pair. Constants: the row's [`place`](super::place) (three operands: the second is the address `b` of the first result, the third
//! the address `a` of the [`angles`](super::angles)), `output`, the number of the first output and result; `angle`, the offset of its
//! cosine; the [roundings](super::outputs) of both outputs, which have one `s`; `bits` and `2^(bits − 1)`; `bits'` and `2^(bits' − 1)` of
//! the results; `first`, and `jump` (1 in the first row of each head but the very first). Values `cos_t`, `sin_t`; for each lane `x`, `r`,
//! `y`, `r'`, `x'`, `q`, `y'`, `q'`.
//!
//! - `R(bits, x + 2^(bits − 1))`, `R(s, r)`, the same of `y` and `r'`, and to the zero sum
//!   `−κ β^start g Σ_t ρ^t ((2^s x_t + on r_t − offset) + β^h (2^s y_t + on r'_t − offset'))`,
//!   with `g = first + (β (1 − first − jump) + β^(h + 1) jump) g'`: `x` and `y` are the rounded outputs, as in [`round`](super::round).
//! - `on (x cos − y sin − q + 2^13 − 2^14 x') = 0`, `R(bits', x' + 2^(bits' − 1))`, `R(14, q)`, and the same with `y cos + x sin`, `y'` and
//!   `q'`. The plan requires `|x|, |y| < 2^14` and `|cos| + |sin| ≤ 2^15`, so that each sum is below `2^29` in magnitude, and
//!   `14 + bits' ≤ 30`: both sides are together shorter than `p`, so congruent means equal.
//!
//! `+T(a + angle, cos)`, `+T(a + angle + 8, sin)`, `+T(b + output, x')`, `+T(b + output + h, y')`.
//!
//! A matrix that does not fill its last block is followed by as many rows that are off as outputs are missing there. Each steps by `β`, and
//! the first row of the next matrix has its `jump` as always: so the next matrix begins where its block does.
//!
//! Cells of a row: `10 L + 3`, and `4 (⌈(8 L + 6) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::lanes::CHANNELS;
use super::outputs::{adds, rounding};
use super::place::place;
use super::{range, tensor};
use crate::air::challenges::Weights;
use crate::air::row::Row;

/// Bits behind the point of cosines and sines.
pub const BITS: u32 = 14;

/// Values of a lane, behind the cosines and sines of all lanes.
pub const LANE_VALUES: usize = 8;

/// The constraints of a row.
pub fn evaluate<R: Row>(
    start: u32,
    half: usize,
    lanes: usize,
    weights: &Weights<R::C>,
    row: &mut R,
) {
    let place = place(3, row);
    let output = row.constant("output");
    let angle = row.constant("angle");
    let rounding = rounding(0, row);
    let other = rounding.with_offset(1, row);
    let width = ["bits", "half"].map(|name| row.constant(name));
    let result_width = ["result_bits", "result_half"].map(|name| row.constant(name));
    let first = row.constant("first");
    let jump = row.constant("jump");

    let on = place.on;
    let [cosines, sines] = [0; 2].map(|_| row.values(lanes));
    let signed = |value: &R::F, [bits, half]: &[R::F; 2], row: &mut R| {
        range::within(on.clone(), bits.clone(), value.clone() + half.clone(), row);
    };
    let unit = R::F::from(M31::from(1 << BITS));
    let rounds = |sum: R::F, result: &R::F, rest: R::F, row: &mut R| {
        let half = R::F::from(M31::from(1 << (BITS - 1)));
        let rounded = sum - rest.clone() + half - result.clone() * unit.clone();
        row.zero(on.clone() * rounded);
        signed(result, &result_width, row);
        range::within_fixed(on.clone(), BITS, rest, row);
    };
    let [mut xs, mut ys] = [vec![], vec![]];
    let [mut lefts, mut rights] = [vec![], vec![]];
    for (cos, sin) in cosines.iter().zip(&sines) {
        let [x, rx, y, ry, left, ql, right, qr] = [0; LANE_VALUES].map(|_| row.value());
        signed(&x, &width, row);
        xs.push(rounding.accumulator(&on, x.clone(), rx, row));
        signed(&y, &width, row);
        ys.push(other.accumulator(&on, y.clone(), ry, row));
        let [cos, sin] = [cos, sin].map(R::F::clone);
        let of_left = x.clone() * cos.clone() - y.clone() * sin.clone();
        rounds(of_left, &left, ql, row);
        rounds(y * cos + x * sin, &right, qr, row);
        lefts.push(left);
        rights.push(right);
    }
    let [results, angles] = [1, 2].map(|i| place.operands[i].clone());
    let far = |offset: usize| R::F::from(M31::from(offset as u32));
    let [result, angle] = [results + output, angles + angle];
    for (address, values) in [
        (angle.clone(), &cosines),
        (angle + far(CHANNELS), &sines),
        (result.clone(), &lefts),
        (result + far(half), &rights),
    ] {
        tensor::uses(on.clone(), address, values, row);
    }

    let beta = |exponent: usize| weights.beta[exponent].clone();
    let stay = R::F::from(M31::from(1)) - first.clone() - jump.clone();
    let factor = R::EF::from(stay) * beta(1) + R::EF::from(jump) * beta(half + 1);
    let power = row.power(first, factor);
    adds(start, &power, 0, &xs, weights, row);
    adds(start, &power, half, &ys, weights, row);
}
