//! Rounding of a product's outputs: `z = round(y / 2^s)`, with a bias, without a column for `y`.
//!
//! Row: an output `i`. Constants: the row's [`place`](super::place) (two operands, of which the second is the address `b` of the first output), `i`, its
//! [rounding](super::outputs), `bits` and `2^(bits − 1)`, `first`. Values `z_t`, `r_t`.
//!
//! `R(bits, z + 2^(bits − 1))`, `R(s, r)`: `z` is a signed number of `bits` bits and `r` the rest. `+T(b + i, z)`, and to the zero sum
//! `−κ g Σ_t ρ^t (2^s z_t + on r_t − offset)`, the accumulator without its bias.
//!
//! The outputs are the first of all that [`outputs`](super::outputs) numbers, and rows between two matrices are off, and count. The plan requires
//! `s + bits ≤ 30`, so that the interval of the form and the proven interval of the accumulator are together shorter than `p`:
//! congruent means equal.
//!
//! Cells of a row: `2 L + 2`, and `4 (⌈(2 L + 3) / 2⌉ + 2)`.

use super::outputs::{rounding, take};
use super::place::place;
use super::{range, tensor};
use crate::air::challenges::Weights;
use crate::air::row::Row;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(2, row);
    let output = row.constant("output");
    let rounding = rounding(0, row);
    let bits = row.constant("bits");
    let half = row.constant("half");
    let results = row.values(lanes);
    let rests = row.values(lanes);

    let mut accumulators = vec![];
    for (z, r) in results.iter().zip(rests) {
        let shifted = z.clone() + half.clone();
        range::within(place.on.clone(), bits.clone(), shifted, row);
        accumulators.push(rounding.accumulator(&place.on, z.clone(), r, row));
    }
    let address = place.operands[1].clone() + output;
    tensor::uses(place.on, address, &results, row);
    take(0, &[accumulators], weights, row);
}
