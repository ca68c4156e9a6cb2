//! Gated outputs of two matrices: `o = round(f(round(y / 2^s)) · round(y' / 2^s') / 2^n)`, for a table `f`.
//!
//! The two matrices are one with twice the outputs: the gate's output `i` is its output `2 i`, the other one's, `u`, is `2 i + 1`. So a row takes two outputs with powers
//! that follow each other, from one column of powers with the step `β^2`.
//!
//! Row: a pair of outputs `i`. Constants: the row's [`place`](super::place) (two operands, of which the second is the address `b` of the first result), `i`, the
//! [roundings](super::outputs) of both, the table's number `f`, `bits_u` and `2^(bits_u − 1)`, `n`, `2^n`, `half` (`2^(n − 1)`, or 0 for `n = 0`), `bits_o` and
//! `2^(bits_o − 1)`, `first`. Values for each lane: `z`, `r`, `a`, `u`, `r'`, `o`, `q`.
//!
//! - `F(f, z, a)`, `R(s, r)`, `R(bits_u, u + 2^(bits_u − 1))`, `R(s', r')`, and to the zero sum
//!   `−κ β^start g Σ_t ρ^t ((2^s z_t + on r_t − offset) + β (2^s' u_t + on r'_t − offset'))`: `z` and `u` are the rounded outputs, as in [`function`](super::function) and
//!   [`round`](super::round).
//! - `on (a u − q + half) − 2^n o = 0`, `R(bits_o, o + 2^(bits_o − 1))`, `R(n, q)`: the product's rounding. The plan requires `|a u| < 2^29` and `n + bits_o ≤ 30`, so
//!   that both sides are together shorter than `p`: congruent means equal. Without `on` both sides are 0, whatever the values.
//!
//! `+T(b + i, o)`.
//!
//! Cells of a row: `7 L + 2`, and `4 (⌈(6 L + 3) / 2⌉ + 2)`.

use super::outputs::{rounding, take};
use super::place::place;
use super::{range, table, tensor};
use crate::air::challenges::Weights;
use crate::air::row::Row;

/// Values of a lane.
pub const LANE_VALUES: usize = 7;

/// The constraints of a row.
pub fn evaluate<R: Row>(start: u32, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(2, row);
    let output = row.constant("output");
    let roundings = [0, 1].map(|number| rounding(number, row));
    let number = row.constant("table");
    let [up, up_half] = ["up_bits", "up_half"].map(|name| row.constant(name));
    let [bits, bits_half] = ["bits", "bits_half"].map(|name| row.constant(name));
    let [shift, scale, half] =
        ["product_shift", "product_scale", "product_half"].map(|name| row.constant(name));

    let on = place.on;
    let mut results = vec![];
    let [mut gates, mut ups] = [vec![], vec![]];
    for _ in 0..lanes {
        let [z, r, a, u, rest, o, q] = [0; LANE_VALUES].map(|_| row.value());
        table::uses(on.clone(), number.clone(), z.clone(), a.clone(), row);
        gates.push(roundings[0].accumulator(&on, z, r, row));
        range::within(on.clone(), up.clone(), u.clone() + up_half.clone(), row);
        ups.push(roundings[1].accumulator(&on, u.clone(), rest, row));
        range::within(on.clone(), bits.clone(), o.clone() + bits_half.clone(), row);
        range::within(on.clone(), shift.clone(), q.clone(), row);
        let rounded = o.clone() * scale.clone();
        row.zero(on.clone() * (a * u - q + half.clone()) - rounded);
        results.push(o);
    }
    let address = place.operands[1].clone() + output;
    tensor::uses(on, address, &results, row);
    take(start, &[gates, ups], weights, row);
}
