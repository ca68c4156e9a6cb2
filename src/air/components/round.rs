//! Rounding of a product's outputs: `z = round(y / 2^s)`, with a bias, without a column for `y`.
//!
//! Row: an output `i`. Constants: the row's [`place`](super::place) (two operands, of which the second is the address `b` of the first output), `i`, `s` and
//! `2^s`, `bits` and `2^(bits − 1)`, `offset = 2^(s − 1) + c` with the bias `c` (for `s = 0` only `c`), `first` (1 in the first row of all).
//! Values `z_t`, `r_t`. A power `g = first + (1 − first) β g'`.
//!
//! `R(bits, z + 2^(bits − 1))`, `R(s, r)`: `z` is a signed number of `bits` bits and `r` the rest. `+T(b + i, z)`, and to the zero sum
//! `−κ g Σ_t ρ^t (2^s z_t + on r_t − offset)`, the accumulator without its bias. In a row that is off `2^s` and `offset` are 0 as well.
//!
//! Outputs are numbered with those of [`product`](super::product), whose blocks start at multiples of their size: rows between two
//! matrices are off, and count. The plan requires `s + bits ≤ 30`, so that the interval of the form and the proven interval of the
//! accumulator are together shorter than `p`: congruent means equal.
//!
//! Cells of a row: `2 L + 2`, and `4 (⌈(2 L + 3) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::place::place;
use super::{range, tensor};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(2, row);
    let output = row.constant("output");
    let shift = row.constant("shift");
    let scale = row.constant("scale");
    let bits = row.constant("bits");
    let half = row.constant("half");
    let offset = row.constant("offset");
    let first = row.constant("first");
    let results = row.values(lanes);
    let rests = row.values(lanes);

    let mut accumulators = vec![];
    for (z, r) in results.iter().zip(rests) {
        range::within(
            place.on.clone(),
            bits.clone(),
            z.clone() + half.clone(),
            row,
        );
        range::within(place.on.clone(), shift.clone(), r.clone(), row);
        accumulators.push(z.clone() * scale.clone() + r * place.on.clone() - offset.clone());
    }
    let address = place.operands[1].clone() + output;
    tensor::uses(place.on.clone(), address, &results, row);

    let rest = R::F::from(M31::from(1)) - first.clone();
    let power = row.power(first, R::EF::from(rest) * weights.beta[1].clone());
    let sum: R::EF = weighted(&accumulators, &weights.rho);
    row.sums(-(power * sum * weights.kappa(Kind::Matrix).clone()));
}
