//! Gated products: `round(f(z) u / 2^shift)` of the rounded outputs `z`, `u` of two matrices, and the ranges of it.

use super::error::PlanError;
use super::plan::Tensor;
use super::product::{ACCUMULATOR, Function, Matrix, Product, fewest_bits, form, half, within};

/// Name in refusals.
const NAME: &str = "gated";

/// Two products of the same inputs, and a function of the first by a table of the plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gated {
    pub gate: Product,
    pub up: Product,
    pub table: usize,
    /// Of the product of both.
    pub shift: u32,
}

/// What follows from the ranges of a gated product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Bits of `u`, sign included.
    pub up: u32,
    /// Bits of the result, sign included.
    pub result: u32,
    /// Largest magnitude of the result.
    pub magnitude: i64,
}

impl Gated {
    /// Both matrices as one: the gate's output `i` is output `2 i`, the other's `2 i + 1`.
    pub(super) fn both(&self) -> Matrix {
        let pairs = self.gate.weights.rows.iter().zip(&self.up.weights.rows);
        Matrix {
            inputs: self.gate.weights.inputs,
            rows: pairs
                .flat_map(|(gate, up)| [gate.clone(), up.clone()])
                .collect(),
        }
    }

    /// Checks all ranges for an input.
    pub(super) fn widths(&self, function: &Function, input: Tensor) -> Result<Widths, PlanError> {
        let (found, expected) = (self.up.outputs(), self.gate.outputs());
        if found != expected {
            return Err(PlanError::Outputs {
                operation: NAME,
                found,
                expected,
            });
        }
        let gates = self.gate.reaches(NAME, input)?;
        let value = function.magnitude(NAME, &gates, self.gate.shift)?;
        let ups = self.up.reaches(NAME, input)?;
        let largest = |reaches: &[i64]| reaches.iter().copied().max().unwrap_or(0);
        let up = fewest_bits(largest(&ups));
        form(NAME, up, self.up.shift)?;
        // One bit is the least that a result can have.
        form(NAME, 1, self.shift)?;
        for (output, reach) in ups.iter().enumerate() {
            within(NAME, output, value * reach, ACCUMULATOR)?;
        }
        let magnitude = (value * largest(&ups) + half(self.shift)) >> self.shift;
        let result = fewest_bits(magnitude);
        form(NAME, result, self.shift)?;
        Ok(Widths {
            up,
            result,
            magnitude,
        })
    }

    /// The result and its rest for the function's value and `u`.
    pub(super) fn round(&self, value: i64, up: i64) -> [i64; 2] {
        let shifted = value * up + half(self.shift);
        let result = shifted >> self.shift;
        [result, shifted - (result << self.shift)]
    }
}
