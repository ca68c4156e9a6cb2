//! Outputs of products: their numbers, and how a component takes them from the sum of [`product`](super::product).
//!
//! The outputs of all matrices are numbered in one sequence. The output with the number `n` is in the zero sum as `β^n Σ_t ρ^t y_t`, once as the
//! product of a matrix's row and the inputs, and once with a minus as its accumulator, of the row of another component that *takes* it.
//!
//! *Each number belongs to one row.* If two outputs had one power, only the sum of their errors would have to be 0: a row of one component could absorb what a
//! row of another has too much. So the outputs are numbered component by component, and inside a component in the order of its rows:
//! those of `round` first, then those of `function`, `residual`, `gated` and `rotary`. A component counts its own rows from `β^0` on, by
//! constants, and multiplies by `β^start`. `start` is a parameter of the component, thus in the layout and in the transcript: the number of
//! outputs of the components before it, each matrix rounded up to whole blocks of `product`. The plan makes `start` and the order of the products' rows from one list; a test
//! computes all powers of its constants and finds each of them once.
//!
//! Rows of padding have the powers of the next component's outputs. They must not add anything: the scale `2^s`, `on` and the offset are 0 there.

use stwo::core::fields::m31::M31;

use super::range;
use crate::air::challenges::{Kind, Weights};
use crate::air::row::{Base, Row, weighted};

/// How an output is rounded: constants `s`, `2^s`, and `offset = 2^(s − 1) + c` with the bias `c` (for `s = 0` only `c`).
pub struct Rounding<F> {
    shift: F,
    scale: F,
    offset: F,
}

/// The constants of a rounding; `number` tells it from the row's others.
pub fn rounding<R: Row>(number: usize, row: &mut R) -> Rounding<R::F> {
    Rounding {
        shift: row.numbered_constant("shift", number),
        scale: row.numbered_constant("scale", number),
        offset: row.numbered_constant("offset", number),
    }
}

impl<F: Base> Rounding<F> {
    /// Of another output with the same shift, whose offset is a constant of its own.
    pub fn with_offset<R: Row<F = F>>(&self, number: usize, row: &mut R) -> Rounding<F> {
        Rounding {
            shift: self.shift.clone(),
            scale: self.scale.clone(),
            offset: row.numbered_constant("offset", number),
        }
    }

    /// The accumulator without its bias, `2^s z + on r − offset`, of a result `z` and a rest `r`: `R(s, r)`.
    pub fn accumulator<R: Row<F = F>>(&self, on: &F, result: F, rest: F, row: &mut R) -> F {
        range::within(on.clone(), self.shift.clone(), rest.clone(), row);
        result * self.scale.clone() + rest * on.clone() - self.offset.clone()
    }
}

/// Takes the row's outputs, all lanes of one after the other, from the sum of products: constant `first` (1 in the component's first row), a power
/// `g = first + (1 − first) β^n g'` for `n` outputs in a row, and to the zero sum `−κ β^start g Σ_i β^i Σ_t ρ^t y_it`.
pub fn take<R: Row>(start: u32, outputs: &[Vec<R::F>], weights: &Weights<R::C>, row: &mut R) {
    let first = row.constant("first");
    let rest = R::F::from(M31::from(1)) - first.clone();
    let step = weights.beta[outputs.len()].clone();
    let power = row.power(first, R::EF::from(rest) * step);
    for (output, accumulators) in outputs.iter().enumerate() {
        adds(start, &power, output, accumulators, weights, row);
    }
}

/// Takes one output from the sum of products: to the zero sum `−κ β^start g β^exponent Σ_t ρ^t y_t`, with the row's power `g`.
pub fn adds<R: Row>(
    start: u32,
    power: &R::EF,
    exponent: usize,
    accumulators: &[R::F],
    weights: &Weights<R::C>,
    row: &mut R,
) {
    let sum: R::EF = weighted(accumulators, &weights.rho);
    let weighed = power.clone() * sum * weights.beta[exponent].clone();
    row.sums(-(weighed * weights.start(start).clone() * weights.kappa(Kind::Matrix).clone()));
}
