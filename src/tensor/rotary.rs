//! Rounded products whose pairs of outputs are rotated by the angles of the lanes' positions.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::angles::Angles;
use super::constants::{flag, signed};
use super::error::{BitsError, PlanError};
use super::numbers::{Matmul, Taker};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::{Product, fewest_bits, form, half, holds};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::rotary::{BITS, LANE_VALUES};

/// Name in refusals.
const NAME: &str = "rotary";

/// Most bits of a rounded output, sign included.
const MAX_BITS: u32 = 15;

/// Products of heads, each of which rotates its output `i` with `i + h`, of `2 h` outputs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rotary {
    pub of: Product,
    /// Bits of the outputs before the rotation, sign included.
    pub bits: u32,
    /// Bits of the results, sign included.
    pub result_bits: u32,
    pub angles: Angles,
    pub input: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A product with rounding to so many bits, and a rotation of each head's outputs: `i` with `i + h`, by frequency `i` of `h`. A pair
    /// that does not rotate has the cosine `2^14` and the sine 0.
    ///
    /// # Errors
    /// Forms that do not fit, an output whose range cannot be proven, angles that are not the plan's, or another number of outputs
    /// than the heads have.
    pub fn rotary(
        &mut self,
        input: Tensor,
        of: Product,
        angles: Angles,
        heads: usize,
        bits: u32,
    ) -> Result<Tensor, PlanError> {
        self.written(NAME, input)?;
        self.has_angles(angles)?;
        let (found, expected) = (of.outputs(), heads * 2 * angles.frequencies);
        if found != expected {
            return Err(PlanError::Outputs {
                operation: NAME,
                found,
                expected,
            });
        }
        if bits > MAX_BITS {
            let limit = MAX_BITS;
            return Err(PlanError::RotatedBits { bits, limit });
        }
        form(NAME, bits, of.shift)?;
        let reaches = of.reaches(NAME, input)?;
        for (output, &reach) in reaches.iter().enumerate() {
            holds(NAME, output, reach, bits)?;
        }
        let reach = reaches.into_iter().max().unwrap_or(0);
        let magnitude = (reach * angles.largest + half(BITS)) >> BITS;
        // At most (2^14 − 1) · 2^15 before rounding, and 16 bits behind it: both are as the component needs them.
        let result_bits = fewest_bits(magnitude);
        let output = self.tensor(found, magnitude);
        self.operations.push(Operation::Rotary(Rotary {
            of,
            bits,
            result_bits,
            angles,
            input,
            output,
        }));
        Ok(output)
    }

    /// Requires angles that an operation before has written, with its ranges, and heads of one size: the component's powers step from head to head.
    fn has_angles(&self, angles: Angles) -> Result<(), PlanError> {
        let written = self.operations.iter().any(
            |operation| matches!(operation, Operation::Angles(other) if other.angles == angles),
        );
        if !written {
            return Err(PlanError::Unwritten {
                operation: NAME,
                address: angles.output.address,
                channels: angles.output.channels,
                magnitude: angles.output.magnitude,
            });
        }
        for operation in &self.operations {
            let Operation::Rotary(other) = operation else {
                continue;
            };
            let [found, expected] = [angles, other.angles].map(|angles| 2 * angles.frequencies);
            if found != expected {
                return Err(PlanError::HeadSize { found, expected });
            }
        }
        Ok(())
    }
}

impl Rotary {
    fn component(&self, plan: &Plan) -> Component {
        Component::Rotary {
            start: plan.start(Taker::Rotary),
            half: self.angles.frequencies,
        }
    }

    /// The first output of each pair, and its frequency.
    fn pairs(&self) -> impl Iterator<Item = (usize, usize)> {
        let half = self.angles.frequencies;
        let heads = (0..self.of.outputs()).step_by(2 * half);
        heads.flat_map(move |first| (0..half).map(move |frequency| (first + frequency, frequency)))
    }

    /// `x, r, y, r', x', q, y', q'` of a pair in a lane, from both accumulators, the cosine and the sine.
    fn lane(
        &self,
        output: usize,
        [left, right]: [i32; 2],
        [cos, sin]: [i64; 2],
    ) -> [i64; LANE_VALUES] {
        let other = output + self.angles.frequencies;
        let [x, x_rest] = self.of.round(output, left.into());
        let [y, y_rest] = self.of.round(other, right.into());
        let round = |sum: i64| {
            let shifted = sum + half(BITS);
            [shifted >> BITS, shifted & ((1 << BITS) - 1)]
        };
        let [left, left_rest] = round(x * cos - y * sin);
        let [right, right_rest] = round(y * cos + x * sin);
        [x, x_rest, y, y_rest, left, left_rest, right, right_rest]
    }

    /// Cosines and sines of a frequency, of all lanes.
    fn turns<'a>(&self, values: &'a Values, frequency: usize) -> [&'a [i64]; 2] {
        let channel = self.angles.channel(frequency);
        [0, CHANNELS].map(|behind| values.channel(self.angles.output, channel + behind))
    }
}

impl Work for Rotary {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.input, self.angles.output]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.input, self.output, self.angles.output]
            .map(Tensor::operand)
            .to_vec()
    }

    fn matmul(&self) -> Option<Matmul<'_>> {
        Some(Matmul {
            taker: Taker::Rotary,
            weights: &self.of.weights,
            input: self.input,
        })
    }

    fn compute(&self, _: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
        let accumulators = values.product(&self.of.weights, self.input, &lanes);
        for (output, frequency) in self.pairs() {
            let other = output + self.angles.frequencies;
            let pair = [output, other].map(|output| accumulators.of(output));
            for (i, lane) in lanes.clone().enumerate() {
                let turn = self.turns(values, frequency).map(|of| of[lane]);
                let [.., left, _, right, _] = self.lane(output, pair.map(|of| of[i]), turn);
                values.set(self.output, output, lane, left);
                values.set(self.output, other, lane, right);
            }
        }
        values.keep(self.output, &lanes, &accumulators);
        Ok(())
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let row = |(output, frequency): (usize, usize)| {
            let offset = self.angles.channel(frequency);
            let mut row = [output, offset].map(|n| M31::from(n as u32)).to_vec();
            row.extend(self.of.rounding(output));
            let [_, _, other] = self.of.rounding(output + self.angles.frequencies);
            row.push(other);
            for bits in [self.bits, self.result_bits] {
                row.extend([bits, 1 << (bits - 1)].map(M31::from));
            }
            row.extend([flag(false), flag(frequency == 0)]);
            row
        };
        vec![
            self.of.weights.constants(plan.block),
            Part {
                component: self.component(plan),
                rows: self.pairs().map(row).collect(),
            },
        ]
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        let pairs = (self.component(plan), self.pairs().count());
        vec![self.of.weights.count(plan.block), pairs]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let kept = values.kept(self.output);
        let row = |(output, frequency): (usize, usize)| {
            let pair = [output, output + self.angles.frequencies].map(|output| kept.of(output));
            let turns = self.turns(values, frequency);
            let lanes = (0..plan.lanes).flat_map(|lane| {
                self.lane(output, pair.map(|of| of[lane]), turns.map(|of| of[lane]))
            });
            let turns = turns.into_iter().flatten().copied();
            turns.chain(lanes).map(signed).collect()
        };
        vec![
            self.of.weights.witness(plan, self.input, values),
            Part {
                component: self.component(plan),
                rows: self.pairs().map(row).collect(),
            },
        ]
    }
}
