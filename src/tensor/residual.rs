//! The residual stream: a stream plus rounded products.

use std::ops::Range;

use super::error::{BitsError, PlanError};
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::Product;
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::residual::{FORM_BITS, LOW_BITS};

/// A stream is below this in magnitude: no sum of two is another number modulo `p`.
const STREAM: i64 = 1 << 28;

/// Name in refusals.
const NAME: &str = "residual";

/// A stream plus rounded products, one for each channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Residual {
    pub of: Product,
    /// Bits of what joins the stream, sign included.
    pub bits: u32,
    pub input: Tensor,
    pub stream: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A stream plus rounded products of at most so many bits, one for each channel. A product that can have more is checked: a step with one of more has no proof.
    ///
    /// # Errors
    /// Bits that no proof can have, an accumulator whose range cannot be proven, or a stream that can become too large.
    pub fn residual(
        &mut self,
        stream: Tensor,
        input: Tensor,
        of: Product,
        bits: u32,
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
        let (least, most) = (LOW_BITS, FORM_BITS);
        if bits < least || bits > most || of.shift > most - bits {
            let shift = of.shift;
            return Err(PlanError::StreamBits {
                bits,
                shift,
                least,
                most,
            });
        }
        let reaches = of.checked_reaches(NAME, input, bits)?;
        let added = reaches.into_iter().max().unwrap_or(0);
        let (reach, limit) = (stream.magnitude.saturating_add(added), STREAM);
        if reach >= limit {
            return Err(PlanError::Stream { reach, limit });
        }
        let output = self.tensor(stream.channels, reach);
        self.operations.push(Operation::Residual(Residual {
            of,
            bits,
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

    fn compute(&self, _: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
        let tensors = [self.input, self.output];
        let set = |values: &mut Values, output, lane, result| {
            values.check([output, lane], result, self.bits)?;
            let sum = values.channel(self.stream, output)[lane] + result;
            values.set(self.output, output, lane, sum);
            Ok(())
        };
        self.of.compute(tensors, &lanes, values, set)
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let behind = [self.bits - LOW_BITS, 1 << (self.bits - 1), 0];
        self.of.constants(plan, self.component(plan), &behind)
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        self.of.counts(plan, self.component(plan))
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let of = ([self.input, self.output], values);
        let row = |channel, [_, rests]: [Vec<i64>; 2]| {
            let [old, new] = [self.stream, self.output].map(|t| values.channel(t, channel));
            let mut own = old.to_vec();
            let half = 1i64 << (self.bits - 1);
            for ((new, old), rest) in new.iter().zip(old).zip(rests) {
                let limbs = new - old + half;
                own.extend([limbs & ((1 << LOW_BITS) - 1), limbs >> LOW_BITS, rest]);
            }
            own
        };
        self.of.witness(plan, of, self.component(plan), row)
    }
}
