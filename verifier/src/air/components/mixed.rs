//! The mixture of values: `z = round(Σ_u p_tu v_ud / 2^s)`, without a column for the sum.
//!
//! Row: a channel `d` of a query head. Constants: the row's [`place`](super::place) (the operands of [`softmax`](super::softmax), of which the
//! fourth is the address `b` of the output), `d`, its
//! [rounding](super::outputs), `bits` and `2^(bits − 1)`, `first`. Values `z_t`, `r_t`. A power `g = first + (1 − first) δ g'`, which is
//! `δ^(head_dim · head + d)`: all heads have
//! as many channels, and no row between two heads is off.
//!
//! `R(bits, z + 2^(bits − 1))`, `R(s, r)`, `+T(b + d, z)`, and to the zero sum `−κ g Σ_t ρ^t (2^s z_t + on r_t − offset)`, against the products
//! of [`attend`](super::attend). The plan
//! requires sums below `2^29` and `s + bits ≤ 30`: congruent means equal.
//!
//! Cells of a row: `2 L + 8`, and `4 (⌈(2 L + 3) / 2⌉ + 2)`.

use stwo::core::fields::m31::M31;

use super::outputs::rounding;
use super::place::place;
use super::softmax::OPERANDS;
use super::{range, tensor};
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(OPERANDS, row);
    let channel = row.constant("channel");
    let rounding = rounding(0, row);
    let bits = row.constant("bits");
    let half = row.constant("half");
    let first = row.constant("first");
    let [results, rests] = [0; 2].map(|_| row.values(lanes));

    let mut sums = vec![];
    for (z, r) in results.iter().zip(rests) {
        let shifted = z.clone() + half.clone();
        range::within(place.on.clone(), bits.clone(), shifted, row);
        sums.push(rounding.accumulator(&place.on, z.clone(), r, row));
    }
    let address = place.operands[3].clone() + channel;
    tensor::uses(place.on, address, &results, row);
    let rest = R::F::from(M31::from(1)) - first.clone();
    let power = row.power(first, R::EF::from(rest) * weights.delta[1].clone());
    let sum: R::EF = weighted(&sums, &weights.rho);
    row.sums(-(power * sum * weights.kappa(Kind::Mixing).clone()));
}
