//! The residual stream: a stream plus rounded products.

use std::ops::Range;

use super::error::{PlanError, StreamError};
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::Product;
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::residual::{BOUND, LOW_BITS, MAX_SHIFT};

/// Name in refusals.
const NAME: &str = "residual";

/// A stream plus rounded products, one for each channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    pub of: Product,
    pub input: Tensor,
    pub stream: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A stream plus rounded products, one for each channel. A range of the sum that is beyond the bound of streams is not proven, but checked.
    ///
    /// # Errors
    /// A shift or a stream that no proof can have, or an output whose range cannot be proven.
    pub fn residual(
        &mut self,
        stream: Tensor,
        input: Tensor,
        of: Product,
    ) -> Result<Tensor, PlanError> {
        self.written(NAME, input)?;
        self.written(NAME, stream)?;
        if of.outputs() != stream.channels {
            return Err(PlanError::Outputs {
                operation: NAME,
                found: of.outputs(),
                expected: stream.channels,
            });
        }
        if of.shift > MAX_SHIFT {
            return Err(PlanError::StreamShift {
                shift: of.shift,
                limit: MAX_SHIFT,
            });
        }
        let (reach, limit) = (stream.magnitude, i64::from(BOUND));
        if reach > limit {
            return Err(PlanError::Stream { reach, limit });
        }
        let reaches = of.reaches(NAME, input)?;
        let sum = reach + reaches.into_iter().max().unwrap_or(0);
        let output = self.tensor(stream.channels, sum.min(limit));
        self.operations.push(Operation::Residual(Residual {
            of,
            input,
            stream,
            output,
        }));
        Ok(output)
    }
}

impl Residual {
    fn component(&self, plan: &Plan) -> Component {
        let start = plan.start(Taker::Residual);
        Component::Residual { start }
    }

    /// Requires the results to be within the stream's bound.
    fn within_bound(&self, lanes: &Range<usize>, values: &Values) -> Result<(), StreamError> {
        let bound = i64::from(BOUND);
        for channel in 0..self.output.channels {
            let row = values.channel(self.output, channel);
            for (lane, &value) in lanes.clone().zip(&row[lanes.clone()]) {
                if !(-bound..bound).contains(&value) {
                    return Err(StreamError {
                        operation: values.operation,
                        channel,
                        lane,
                        value,
                        bound,
                    });
                }
            }
        }
        Ok(())
    }
}

impl Work for Residual {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.input, self.stream]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.input, self.output, self.stream]
            .map(Tensor::operand)
            .to_vec()
    }

    fn matmul(&self) -> Option<Matmul<'_>> {
        Some(Matmul {
            taker: Taker::Residual,
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
        let tensors = [self.input, self.output];
        let set = |values: &mut Values, output, lane, result| {
            let sum = values.channel(self.stream, output)[lane] + result;
            values.set(self.output, output, lane, sum);
        };
        self.of.compute(tensors, &lanes, values, set);
        self.within_bound(&lanes, values)
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        self.of.constants(plan, self.component(plan), &[0])
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        self.of.counts(plan, self.component(plan))
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let of = ([self.input, self.output], values);
        let row = |channel, [_, rests]: [Vec<i64>; 2]| {
            let [old, new] = [self.stream, self.output].map(|t| values.channel(t, channel));
            let mut own = old.to_vec();
            for (sum, rest) in new.iter().zip(rests) {
                let limbs = sum + i64::from(BOUND);
                own.extend([limbs & ((1 << LOW_BITS) - 1), limbs >> LOW_BITS, rest]);
            }
            own
        };
        self.of.witness(plan, of, self.component(plan), row)
    }
}
