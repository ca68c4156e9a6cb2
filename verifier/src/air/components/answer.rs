//! The token that the [`head`](super::head) has chosen, for each lane.
//!
//! Row: the last one of the head's operation. Constants: its [`place`](super::place) (three operands, of which the third is the address `b` of the
//! answer). Values `token_t`. `+T(b, token)`, and to the zero sum `−κ' on Σ_t ρ^t token_t`.
//!
//! Cells of a row: `L + 3`, and 12.

use super::place::place;
use super::tensor;
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, weights: &Weights<R::C>, row: &mut R) {
    let place = place(3, row);
    let tokens = row.values(lanes);
    tensor::uses(place.on.clone(), place.operands[2].clone(), &tokens, row);
    let sum: R::EF = weighted(&tokens, &weights.rho);
    row.sums(-(sum * place.on * weights.kappa(Kind::Token).clone()));
}
