//! The inputs of the head, against the prover's messages about them.
//!
//! The head's rows sum over channels inside a row, so each needs `X_j = Σ_t ρ^t x_jt` for all channels `j`. The prover sends these
//! numbers, and `τ` is drawn after that. Row: a channel `j`. Constants: the row's [`place`](super::place) (three operands, of which the first is the
//! address `b` of the first input), `j`, and `first` (1 in the first row). Values `x_t`. A power `g = first τ + (1 − first) τ g'`, which is `τ^(j+1)`.
//!
//! `+T(b + j, x)`, and to the zero sum `on g Σ_t ρ^t x_t`. The verifier takes away `Σ_j τ^(j+1) X_j`. The exponents start at 1: with
//! `τ^0` a wrong message could cancel any other error.
//!
//! Cells of a row: `L + 3`, and 16.

use stwo::core::fields::m31::M31;

use super::place::place;
use super::tensor;
use crate::air::challenges::Weights;
use crate::air::row::{Row, weighted};

/// Operands of the head's operation, which are the first trace columns.
pub const OPERANDS: usize = 3;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(OPERANDS, row);
    let input = row.constant("input");
    let first = row.constant("first");
    let values = row.values(lanes);
    let address = place.operands[0].clone() + input;
    tensor::uses(place.on.clone(), address, &values, row);

    let rest = R::F::from(M31::from(1)) - first.clone();
    // The power without its first factor τ, which is outside.
    let power = row.power(first, R::EF::from(rest) * weights.tau.clone());
    let sum: R::EF = weighted(&values, &weights.rho);
    row.sums(power * sum * place.on * weights.tau.clone());
}
