//! A matrix times the inputs of all lanes: `y_it = Σ_j W_ij x_jt`, without a column for `y`.
//!
//! Row: input `j` and a block of `k` outputs. Constants: the row's [`place`](super::place) (three operands, of which the first is the address `b` of the first input; the third is 0 where the call has only two, as a tuple that ends there is the same as
//! one with a 0 behind it), `j`, the weights `W_ij` of the block, `first` (1 in the first row of all) and `jump` (1 in the first row of
//! each later block). Values `x_jt`. A power `g = first + g' (1 − first − jump + jump β^k)`, so that a block whose first output is
//! number `r` among [all outputs](super::outputs) has `β^r`.
//!
//! `+T(b + j, x_j)`, and to the zero sum `κ g (Σ_i β^i W_ij) (Σ_t ρ^t x_jt)`.
//!
//! The row's number in its operation is a constant, as its weights and its power are: with a number of the prover's
//! choice, outputs could be permuted. Weights are 0 where a block has fewer outputs, and in padding.
//!
//! Cells of a row: `L + 3`, and 16.

use stwo::core::fields::m31::M31;

use super::place::place;
use super::tensor;
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Row, weighted};

/// Operands of a row: as many as any call with a product has.
pub const OPERANDS: usize = 3;

/// The constraints of a row.
pub fn evaluate<R: Row>(block: usize, weights: &Weights<R::C>, lanes: usize, row: &mut R) {
    let place = place(OPERANDS, row);
    let input = row.constant("input");
    let matrix = row.constants("weight", block);
    let first = row.constant("first");
    let jump = row.constant("jump");
    let values = row.values(lanes);

    tensor::uses(place.on, place.operands[0].clone() + input, &values, row);

    let stay = R::F::from(M31::from(1)) - first.clone() - jump.clone();
    let factor = R::EF::from(stay) + R::EF::from(jump) * weights.beta[block].clone();
    let power = row.power(first, factor);
    let column: R::EF = weighted(&matrix, &weights.beta);
    let input: R::EF = weighted(&values, &weights.rho);
    row.sums(power * column * input * weights.kappa(Kind::Matrix).clone());
}
