//! Rounded products.

use std::ops::Range;

use super::error::{BitsError, PlanError};
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::{Product, form};
use super::values::Values;
use crate::air::components::Component;

/// Name in refusals.
const NAME: &str = "linear";

/// Rounded products, in `bits` bits with the sign.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Linear {
    pub of: Product,
    pub bits: u32,
    pub input: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A product with rounding to so many bits. A result that can have more is checked: a step with one of more has no proof.
    ///
    /// # Errors
    /// Forms that do not fit, or an accumulator whose range cannot be proven.
    pub fn linear(&mut self, input: Tensor, of: Product, bits: u32) -> Result<Tensor, PlanError> {
        self.written(NAME, input)?;
        form(NAME, bits, of.shift)?;
        let reaches = of.checked_reaches(NAME, input, bits)?;
        let length = of.length(input, &reaches);
        let magnitude = reaches.into_iter().max().unwrap_or(0);
        let output = self.tensor(of.outputs(), magnitude).within(length);
        let output = output.of_bits(bits);
        self.operations.push(Operation::Linear(Linear {
            of,
            bits,
            input,
            output,
        }));
        Ok(output)
    }
}

impl Work for Linear {
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
            taker: Taker::Round,
            weights: &self.of.weights,
            input: self.input,
        })
    }

    fn compute(&self, _: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
        let tensors = [self.input, self.output];
        let set = |values: &mut Values, output, lane, result| {
            values.set_checked(self.output, [output, lane], result, self.bits)
        };
        self.of.compute(tensors, &lanes, values, set)
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let behind = [self.bits, 1 << (self.bits - 1), 0];
        self.of.constants(plan, Component::Round, &behind)
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        self.of.counts(plan, Component::Round)
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let of = ([self.input, self.output], values);
        let row = |_, rounded: [Vec<i64>; 2]| rounded.concat();
        self.of.witness(plan, of, Component::Round, row)
    }
}
