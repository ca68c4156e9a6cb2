//! Gated products: `round(f(z) u / 2^shift)` of the rounded outputs `z`, `u` of two matrices, and the ranges of it.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::{BitsError, PlanError};
use super::matrix::Matrix;
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::{
    ACCUMULATOR, Function, Product, checked, fewest_bits, form, half, longest, within,
};
use super::values::Values;
use crate::air::components::Component;

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
    /// Bits of the result, sign included. A result that can have more is checked: a step with one of more has no proof.
    pub bits: u32,
}

/// What follows from the ranges of a gated product.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Widths {
    /// Bits of `u`, sign included.
    pub up: u32,
    /// Largest magnitude of the result.
    pub magnitude: i64,
    /// Largest length of all results.
    pub length: i64,
}

impl Gated {
    /// Both matrices as one: the gate's output `i` is output `2 i`, the other's `2 i + 1`.
    pub(super) fn both(&self) -> Matrix {
        self.gate.weights.in_turns(&self.up.weights)
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
        let values = function.magnitudes(NAME, &gates, self.gate.shift)?;
        let ups = self.up.reaches(NAME, input)?;
        let largest = |reaches: &[i64]| reaches.iter().copied().max().unwrap_or(0);
        let up = fewest_bits(largest(&ups));
        form(NAME, up, self.up.shift)?;
        form(NAME, self.bits, self.shift)?;
        let mut results = vec![];
        for (output, (value, reach)) in values.iter().zip(&ups).enumerate() {
            let product = value.saturating_mul(*reach);
            within(NAME, output, product, ACCUMULATOR)?;
            results.push((product + half(self.shift)) >> self.shift);
        }
        let results = checked(results, self.bits);
        Ok(Widths {
            up,
            magnitude: largest(&results),
            length: longest(&results),
        })
    }

    /// The result and its rest for the function's value and `u`.
    pub(super) fn round(&self, value: i64, up: i64) -> [i64; 2] {
        let shifted = value * up + half(self.shift);
        let result = shifted >> self.shift;
        [result, shifted - (result << self.shift)]
    }
}

/// A gated product of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GatedProduct {
    pub of: Gated,
    /// The matrix that both of its matrices are.
    pub both: Matrix,
    pub widths: Widths,
    pub input: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A gated product.
    ///
    /// # Errors
    /// Forms that do not fit, an output whose range cannot be proven, or a table that has not all arguments.
    pub fn gated(&mut self, input: Tensor, of: Gated) -> Result<Tensor, PlanError> {
        self.written(NAME, input)?;
        let function = self.values_of(NAME, of.table)?;
        let widths = of.widths(function, input)?;
        let output = self.tensor(of.gate.outputs(), widths.magnitude);
        let output = output.within(widths.length).of_bits(of.bits);
        self.operations.push(Operation::Gated(GatedProduct {
            both: of.both(),
            of,
            widths,
            input,
            output,
        }));
        Ok(output)
    }
}

impl GatedProduct {
    fn component(&self, plan: &Plan) -> Component {
        let start = plan.start(Taker::Gated);
        Component::Gated { start }
    }

    /// `z, r, a, u, rest, o, q` of a channel in a lane, from both accumulators.
    fn lane(&self, plan: &Plan, channel: usize, [gate, up]: [i32; 2]) -> [i64; 7] {
        let [z, r] = self.of.gate.round(channel, gate.into());
        let [u, rest] = self.of.up.round(channel, up.into());
        let value = plan.tables[self.of.table].at(z);
        let [o, q] = self.of.round(value, u);
        [z, r, value, u, rest, o, q]
    }
}

impl Work for GatedProduct {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.input]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.input, self.output].map(Tensor::operand).to_vec()
    }

    fn matmul(&self) -> Option<Matmul<'_>> {
        Some(Matmul {
            taker: Taker::Gated,
            weights: &self.both,
            input: self.input,
        })
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        let accumulators = values.product(&self.both, self.input, &lanes);
        for channel in 0..self.output.channels {
            let pair = [0, 1].map(|i| accumulators.of(2 * channel + i));
            for (i, lane) in lanes.clone().enumerate() {
                let [.., result, _] = self.lane(plan, channel, pair.map(|of| of[i]));
                values.set_checked(self.output, [channel, lane], result, self.of.bits)?;
            }
        }
        values.keep(self.output, &lanes, &accumulators);
        Ok(())
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let row = |channel: usize| {
            let mut row = vec![M31::from(channel as u32)];
            for of in [&self.of.gate, &self.of.up] {
                row.extend(of.rounding(channel));
            }
            row.push(M31::from(self.of.table as u32));
            for bits in [self.widths.up, self.of.bits] {
                row.extend([bits, 1 << (bits - 1)].map(M31::from));
            }
            row.extend([self.of.shift, 1 << self.of.shift].map(M31::from));
            row.extend([signed(half(self.of.shift)), M31::from(0)]);
            row
        };
        vec![
            self.both.constants(plan.block),
            Part {
                component: self.component(plan),
                rows: (0..self.output.channels).map(row).collect(),
            },
        ]
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        let channels = (self.component(plan), self.output.channels);
        vec![self.both.count(plan.block), channels]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let kept = values.kept(self.output);
        let row = |channel: usize| {
            let pair = [0, 1].map(|i| kept.of(2 * channel + i));
            let lane = |lane: usize| self.lane(plan, channel, pair.map(|of| of[lane]));
            (0..plan.lanes).flat_map(lane).map(signed).collect()
        };
        vec![
            self.both.witness(plan, self.input, values),
            Part {
                component: self.component(plan),
                rows: (0..self.output.channels).map(row).collect(),
            },
        ]
    }
}
