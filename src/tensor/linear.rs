//! Rounded products.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::{PlanError, StreamError};
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::{Product, form, holds};
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
    /// A product with rounding to so many bits.
    ///
    /// # Errors
    /// Forms that do not fit, or an output whose range cannot be proven.
    pub fn linear(&mut self, input: Tensor, of: Product, bits: u32) -> Result<Tensor, PlanError> {
        self.written(NAME, input)?;
        form(NAME, bits, of.shift)?;
        let reaches = of.reaches(NAME, input)?;
        for (output, &reach) in reaches.iter().enumerate() {
            holds(NAME, output, reach, bits)?;
        }
        let length = of.length(input, &reaches);
        let magnitude = reaches.into_iter().max().unwrap_or(0);
        let output = self.tensor(of.outputs(), magnitude).within(length);
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

    fn compute(
        &self,
        _: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), StreamError> {
        let accumulators = values.product(&self.of.weights, self.input, &lanes);
        for output in 0..self.of.outputs() {
            for (lane, &accumulator) in lanes.clone().zip(accumulators.of(output)) {
                let [result, _] = self.of.round(output, accumulator.into());
                values.set(self.output, output, lane, result);
            }
        }
        values.keep(self.output, &lanes, &accumulators);
        Ok(())
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let row = |output: usize| {
            let mut row = vec![M31::from(output as u32)];
            row.extend(self.of.rounding(output));
            row.extend([self.bits, 1 << (self.bits - 1), 0].map(M31::from));
            row
        };
        vec![
            self.of.weights.constants(plan.block),
            Part {
                component: Component::Round,
                rows: (0..self.of.outputs()).map(row).collect(),
            },
        ]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let row = |output| {
            let [results, rests] = self.of.rounded(output, values.kept(self.output).of(output));
            [results, rests].concat().into_iter().map(signed).collect()
        };
        vec![
            self.of.weights.witness(plan, self.input, values),
            Part {
                component: Component::Round,
                rows: (0..self.of.outputs()).map(row).collect(),
            },
        ]
    }
}
