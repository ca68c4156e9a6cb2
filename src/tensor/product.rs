//! What a plan's operations have of constants: matrices with their rounding, and tables of functions; and the ranges
//! that follow from them.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::{flag, signed};
use super::error::{BitsError, PlanError};
use super::matrix::{Matrix, Row};
use super::operation::Part;
use super::plan::{Plan, Tensor, root};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::range::MAX_BITS;

/// Most bits of a rounded result and its rest together: the form that stands for an accumulator is below `2^30`.
const FORM_BITS: u32 = 30;

/// An accumulator must be below this in magnitude, its bias included.
pub(super) const ACCUMULATOR: i64 = 1 << 29;

/// The same where the rounded result is checked to have its bits: the form that stands for the accumulator is at most `2^29 + 2^15` in magnitude, and both are together below `p`.
const CHECKED_ACCUMULATOR: i64 = (3 << 29) - (1 << 16);

impl Matrix {
    /// The largest magnitude of `Σ_j W_ij x_j + bias` for an input: no sum is above that of all magnitudes, nor above the product of the lengths of weights and input. The
    /// second is far below the first where the input is a norm.
    pub(super) fn reach(&self, output: usize, input: Tensor, bias: i64) -> i64 {
        let weights = self.row(output).numbers();
        let weights = || weights.iter().map(|&w| i64::from(w));
        let all: i64 = weights().map(i64::abs).sum();
        let by_magnitudes = all.saturating_mul(input.magnitude);
        let square: i128 = weights().map(|w| i128::from(w * w)).sum();
        let product = square.saturating_mul(i128::from(input.length).pow(2));
        let by_lengths = i64::try_from(product.isqrt()).unwrap_or(i64::MAX);
        by_magnitudes.min(by_lengths).saturating_add(bias.abs())
    }

    /// Requires as many inputs in each row as a tensor has channels.
    pub(super) fn fits(&self, operation: &'static str, input: Tensor) -> Result<(), PlanError> {
        // A block without inputs has no row of `product`, so its outputs would have the powers of the next block.
        if self.inputs == 0 {
            return Err(PlanError::NoInputs { operation });
        }
        let mut lengths = self.rows().iter().map(Row::len);
        let wrong = lengths.find(|&length| length != self.inputs);
        let found = wrong.unwrap_or(self.inputs);
        let expected = input.channels;
        let wrong = PlanError::Inputs {
            operation,
            found,
            expected,
        };
        (found == expected).then_some(()).ok_or(wrong)
    }

    /// The constants of its rows of `product`: for each block of outputs a row for each input.
    pub(super) fn constants(&self, block: usize) -> Part {
        let row = |first: usize, input: usize| {
            let mut row = vec![M31::from(input as u32)];
            row.extend((first..first + block).map(|output| {
                let weights = self.rows().get(output);
                signed(weights.map_or(0, |row| row.at(input).into()))
            }));
            row.extend([flag(false), flag(input == 0)]);
            row
        };
        let blocks = (0..self.outputs()).step_by(block);
        let rows = blocks.flat_map(|first| (0..self.inputs).map(move |input| row(first, input)));
        Part {
            component: Component::Product { block },
            rows: rows.collect(),
        }
    }

    /// How many these are.
    pub(super) fn count(&self, block: usize) -> (Component, usize) {
        let rows = self.outputs().div_ceil(block) * self.inputs;
        (Component::Product { block }, rows)
    }

    /// The inputs in these rows.
    pub(super) fn witness(&self, plan: &Plan, input: Tensor, values: &Values) -> Part {
        let block = plan.block;
        let inputs: Vec<Vec<M31>> = input.addresses().map(|a| values.lanes(a)).collect();
        let blocks = 0..self.outputs().div_ceil(block);
        Part {
            component: Component::Product { block },
            rows: blocks.flat_map(|_| inputs.iter().cloned()).collect(),
        }
    }
}

/// Requires a number that an output can reach to be below a limit.
pub(super) fn within(
    operation: &'static str,
    output: usize,
    reach: i64,
    limit: i64,
) -> Result<(), PlanError> {
    let wrong = PlanError::Range {
        operation,
        output,
        reach,
        limit,
    };
    (reach < limit).then_some(()).ok_or(wrong)
}

/// Half of `2^shift`, which rounding adds.
pub fn half(shift: u32) -> i64 {
    (1 << shift) >> 1
}

/// Requires that results of `bits` bits, sign included, and rests of `shift` bits are forms of an accumulator.
pub(super) fn form(operation: &'static str, bits: u32, shift: u32) -> Result<(), PlanError> {
    let fits = shift <= MAX_BITS && (1..=MAX_BITS).contains(&bits) && shift + bits <= FORM_BITS;
    let wrong = PlanError::Bits {
        operation,
        bits,
        shift,
    };
    fits.then_some(()).ok_or(wrong)
}

/// The length of channels of these magnitudes.
pub(super) fn longest(reaches: &[i64]) -> i64 {
    root(reaches.iter().map(|&reach| i128::from(reach).pow(2)).sum())
}

/// Fewest bits, sign included, that hold all numbers of at most this magnitude.
pub(super) fn fewest_bits(reach: i64) -> u32 {
    i64::BITS - reach.leading_zeros() + 1
}

/// What results can reach that are checked to have at most so many bits.
pub(super) fn checked(mut reaches: Vec<i64>, bits: u32) -> Vec<i64> {
    let half = 1 << (bits - 1);
    reaches
        .iter_mut()
        .for_each(|reach| *reach = half.min(*reach));
    reaches
}

/// Requires a rounded result of at most this magnitude to fit into `bits` bits.
pub(super) fn holds(
    operation: &'static str,
    output: usize,
    reach: i64,
    bits: u32,
) -> Result<(), PlanError> {
    let wrong = PlanError::Result {
        operation,
        output,
        reach,
        bits,
    };
    (reach < 1 << (bits - 1)).then_some(()).ok_or(wrong)
}

/// A matrix with biases, and how its outputs are rounded: `round((W x + bias) / 2^shift)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    pub weights: Matrix,
    pub bias: Vec<i32>,
    pub shift: u32,
}

impl Product {
    pub fn outputs(&self) -> usize {
        self.weights.outputs()
    }

    /// The largest magnitude of each rounded output, where every accumulator is small enough to be proven.
    pub(super) fn reaches(
        &self,
        operation: &'static str,
        input: Tensor,
    ) -> Result<Vec<i64>, PlanError> {
        self.reaches_below(operation, input, ACCUMULATOR)
    }

    /// The same of outputs that are checked to have at most so many bits: what they can reach then.
    pub(super) fn checked_reaches(
        &self,
        operation: &'static str,
        input: Tensor,
        bits: u32,
    ) -> Result<Vec<i64>, PlanError> {
        let reaches = self.reaches_below(operation, input, CHECKED_ACCUMULATOR)?;
        Ok(checked(reaches, bits))
    }

    fn reaches_below(
        &self,
        operation: &'static str,
        input: Tensor,
        limit: i64,
    ) -> Result<Vec<i64>, PlanError> {
        self.weights.fits(operation, input)?;
        if self.bias.len() != self.outputs() {
            return Err(PlanError::Biases {
                operation,
                found: self.bias.len(),
                expected: self.outputs(),
            });
        }
        // One bit is the least that a result can have.
        form(operation, 1, self.shift)?;
        let rounded = |(output, &bias): (usize, &i32)| {
            let reach = self.weights.reach(output, input, bias.into());
            within(operation, output, reach, limit)?;
            Ok((reach + half(self.shift)) >> self.shift)
        };
        self.bias.iter().enumerate().map(rounded).collect()
    }

    /// The largest length of all rounded outputs together, with these magnitudes: `‖W x‖` is at most `‖x‖` times the root of the largest sum of magnitudes in a row and the largest
    /// in a column; a bias adds its length, and rounding half a unit for each output.
    pub(super) fn length(&self, input: Tensor, reaches: &[i64]) -> i64 {
        // Neither sum has more than 2^32 magnitudes below 2^32.
        let (mut rows, mut columns) = (0u64, vec![0u64; self.weights.inputs]);
        for row in self.weights.rows() {
            let magnitudes: Vec<u64> = row
                .numbers()
                .iter()
                .map(|w| w.unsigned_abs().into())
                .collect();
            let pairs = columns.iter_mut().zip(&magnitudes);
            pairs.for_each(|(sum, w)| *sum += w);
            rows = rows.max(magnitudes.iter().sum());
        }
        let largest = i128::from(rows) * i128::from(columns.into_iter().max().unwrap_or(0));
        let biases = self.bias.iter().map(|&b| i128::from(b).pow(2)).sum();
        let product = i128::from(root(largest)) * i128::from(input.length);
        let whole = (product + i128::from(root(biases))) >> self.shift;
        let rounding = root(self.bias.len() as i128);
        let length = i64::try_from(whole).unwrap_or(i64::MAX);
        length.saturating_add(1 + rounding).min(longest(reaches))
    }

    /// An output's rounded result and its rest, of the product of its row and the inputs.
    pub(super) fn round(&self, output: usize, product: i64) -> [i64; 2] {
        let shifted = product + i64::from(self.bias[output]) + half(self.shift);
        let result = shifted >> self.shift;
        [result, shifted - (result << self.shift)]
    }

    /// The same for all lanes: the results, and the rests.
    pub(super) fn rounded(&self, output: usize, products: &[i32]) -> [Vec<i64>; 2] {
        let round = |&product: &i32| self.round(output, product.into());
        let both = products.iter().map(round);
        let (results, rests) = both.map(|[result, rest]| (result, rest)).unzip();
        [results, rests]
    }

    /// Computes the products of an operation in some lanes, keeps them, and hands each rounded one over: with its output and its lane.
    pub(super) fn compute(
        &self,
        [input, output]: [Tensor; 2],
        lanes: &Range<usize>,
        values: &mut Values,
        mut then: impl FnMut(&mut Values, usize, usize, i64) -> Result<(), BitsError>,
    ) -> Result<(), BitsError> {
        let accumulators = values.product(&self.weights, input, lanes);
        for channel in 0..self.outputs() {
            for (lane, &accumulator) in lanes.clone().zip(accumulators.of(channel)) {
                let [result, _] = self.round(channel, accumulator.into());
                then(values, channel, lane, result)?;
            }
        }
        values.keep(output, lanes, &accumulators);
        Ok(())
    }

    /// The constants of its rows: those of `product`, then for each output one of the component that takes it: the output, its rounding,
    /// and what all its rows have behind.
    pub(super) fn constants(&self, plan: &Plan, taker: Component, behind: &[u32]) -> Vec<Part> {
        let row = |output: usize| {
            let mut row = vec![M31::from(output as u32)];
            row.extend(self.rounding(output));
            row.extend(behind.iter().copied().map(M31::from));
            row
        };
        vec![
            self.weights.constants(plan.block),
            Part {
                component: taker,
                rows: (0..self.outputs()).map(row).collect(),
            },
        ]
    }

    /// How many these are, in each component.
    pub(super) fn counts(&self, plan: &Plan, taker: Component) -> Vec<(Component, usize)> {
        vec![self.weights.count(plan.block), (taker, self.outputs())]
    }

    /// The same rows: the trace columns behind the operands. `row` makes those of an output of its results and rests.
    pub(super) fn witness(
        &self,
        plan: &Plan,
        ([input, output], values): ([Tensor; 2], &Values),
        taker: Component,
        row: impl Fn(usize, [Vec<i64>; 2]) -> Vec<i64>,
    ) -> Vec<Part> {
        let kept = values.kept(output);
        let row = |channel: usize| {
            let own = row(channel, self.rounded(channel, kept.of(channel)));
            own.into_iter().map(signed).collect()
        };
        vec![
            self.weights.witness(plan, input, values),
            Part {
                component: taker,
                rows: (0..self.outputs()).map(row).collect(),
            },
        ]
    }

    /// The constants of an output's rounding.
    pub(super) fn rounding(&self, output: usize) -> [M31; 3] {
        let offset = half(self.shift) + i64::from(self.bias[output]);
        [
            M31::from(self.shift),
            M31::from(1 << self.shift),
            signed(offset),
        ]
    }
}

/// A function's values for the arguments from `first` on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Function {
    pub first: i64,
    pub values: Vec<i32>,
}

impl Function {
    /// Requires arguments of 16 bits, and values that are integers of the field by far.
    pub(super) fn check(&self) -> Result<(), PlanError> {
        let half = 1i64 << (MAX_BITS - 1);
        let arguments = self.values.len();
        let fits = (-half..half).contains(&self.first)
            && arguments > 0
            && self.first + arguments as i64 <= half;
        if !fits {
            let first = self.first;
            return Err(PlanError::Arguments { first, arguments });
        }
        let mut values = self.values.iter().map(|&value| i64::from(value));
        match values.find(|value| value.abs() >= ACCUMULATOR) {
            None => Ok(()),
            Some(value) => Err(PlanError::Value {
                value,
                limit: ACCUMULATOR,
            }),
        }
    }

    fn highest(&self) -> i64 {
        self.first + self.values.len() as i64 - 1
    }

    /// Fewest bits, sign included, that hold every argument.
    fn bits(&self) -> u32 {
        // The lowest number of so many bits is farther from 0 by one.
        fewest_bits(self.highest().max(-1 - self.first))
    }

    /// The value for an argument, which is one of the table.
    pub(super) fn at(&self, argument: i64) -> i64 {
        self.values[(argument - self.first) as usize].into()
    }

    /// The largest magnitudes of the values for arguments of at most these magnitudes, one for each output; requires that the table
    /// has all of them, and that arguments and rests of `shift` bits are forms of an accumulator.
    pub(super) fn magnitudes(
        &self,
        operation: &'static str,
        arguments: &[i64],
        shift: u32,
    ) -> Result<Vec<i64>, PlanError> {
        form(operation, self.bits(), shift)?;
        let [lowest, highest] = [self.first, self.highest()];
        let outside = |(_, reach): &(usize, &i64)| -**reach < lowest || **reach > highest;
        if let Some((output, &reach)) = arguments.iter().enumerate().find(outside) {
            return Err(PlanError::Argument {
                operation,
                output,
                reach,
                lowest,
                highest,
            });
        }
        let reach = arguments.iter().copied().max().unwrap_or(0);
        let mut largest = vec![];
        for argument in 0..=reach {
            let both = [argument, -argument].map(|argument| self.at(argument).abs());
            let before = largest.last().copied().unwrap_or(0);
            largest.push(both.into_iter().fold(before, i64::max));
        }
        Ok(arguments.iter().map(|&of| largest[of as usize]).collect())
    }
}
