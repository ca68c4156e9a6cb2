//! A function of a product's outputs, by a table: `w = f(round(y / 2^s))`.
//!
//! Row: an output `i`. Constants: the row's [`place`](super::place) (two operands, of which the second is the address `b` of the first output), `i`, its
//! [rounding](super::outputs), the table's number `f`, `first`. Values `z_t`, `r_t`, `w_t`.
//!
//! `F(f, z, w)`, `R(s, r)`. `+T(b + i, w)`, and to the zero sum `−κ β^start g Σ_t ρ^t (2^s z_t + on r_t − offset)`, the accumulator without its bias.
//!
//! The table is the range check of `z`: it has every argument that the accumulator's proven range allows, so that an honest row has one, and none of more
//! than `bits` bits, sign included. The plan requires `bits ≤ 16` and `s + bits ≤ 30`: congruent means equal, as in [`round`](super::round).
//!
//! Cells of a row: `3 L + 2`, and `4 (⌈(2 L + 3) / 2⌉ + 2)`.

use super::outputs::{rounding, take};
use super::place::place;
use super::{table, tensor};
use crate::air::challenges::Weights;
use crate::air::row::Row;

/// The constraints of a row.
pub fn evaluate<R: Row>(start: u32, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(2, row);
    let output = row.constant("output");
    let rounding = rounding(0, row);
    let number = row.constant("table");
    let arguments = row.values(lanes);
    let rests = row.values(lanes);
    let results = row.values(lanes);

    let mut accumulators = vec![];
    for ((z, r), w) in arguments.into_iter().zip(rests).zip(&results) {
        table::uses(place.on.clone(), number.clone(), z.clone(), w.clone(), row);
        accumulators.push(rounding.accumulator(&place.on, z, r, row));
    }
    let address = place.operands[1].clone() + output;
    tensor::uses(place.on, address, &results, row);
    take(start, &[accumulators], weights, row);
}
