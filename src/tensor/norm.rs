//! Norms: each lane's channels over their length, RMSNorm and LayerNorm. Gains, and what a LayerNorm adds, belong to the next matrix.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::{BitsError, PlanError};
use super::length::{self, Length, scaled};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor, root};
use super::product::{Function, half};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::norm::{HALF_BITS, MAX_EXPONENT, RESULT_BITS};
use crate::air::components::norm_root::{CHANNEL_BITS, PRODUCT, WHOLE_BITS};

/// Name in refusals.
const NAME: &str = "norm";

/// Fewest and most bits of results, sign included: their rests have 14 to 16 bits.
pub const BITS: [u32; 2] = [14, 16];

/// The least number that stands for eps: with a smaller one a mantissa could have more than 19 bits.
pub const LEAST_FLOOR: i64 = 1 << 10;

/// What a result can be beyond `K / 2^c`, times `2^c`: `K / N + N / 2` for the root `N`, which is at least `2^11`.
const EXCESS: i64 = (1 << 18) + (1 << 10) + 1;

/// Which norm.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// RMSNorm: channels over the root of their mean square.
    Rms,
    /// LayerNorm: the mean is taken away first.
    Layer,
}

/// A norm: `x_i √d / ‖x‖` in a unit of its own, [`unit`](Self::unit), with `d` channels and, beside them, one that stands for eps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Norm {
    pub kind: NormKind,
    /// Bits that the stream gets before all else: the mean, the length and the results of small streams are exact to `2^−grain` of its unit.
    pub grain: u32,
    /// `⌊√(d eps) 2^grain⌋` with eps in squares of the stream's unit; at least `2^10`.
    pub floor: i64,
    /// Of a result, sign included.
    pub bits: u32,
}

impl Norm {
    /// The finest norm for streams of so many channels that are at most `magnitude`. `eps` is in squares of the stream's unit: a model's `eps` over the square of what one unit of the
    /// stream stands for. It is raised to `2^20 / (4^grain d)` where it is smaller.
    ///
    /// *What there is to choose.* The range of the results alone: with `bits` bits one channel that has all of the length is `2^(bits − 1)`, and nothing is larger, whatever the
    /// stream is. So there is no shift that depends on the stream: the lane's unit follows its length. 15 bits are the finest that products take in this project; with 14 the
    /// accumulators of the next matrix are half as large. The largest `|x|` of the stream and the number of channels decide the grain: as fine as a proof of every such stream can have.
    ///
    /// A norm of this is refused by the plan only for its number of channels, its bits, or a stream that is too long even with the grain 0.
    pub fn finest(kind: NormKind, channels: usize, magnitude: i64, eps: f64, bits: u32) -> Norm {
        let of = |grain: u32| {
            let floor = (channels as f64 * eps).sqrt() * f64::from(1u32 << grain);
            let floor = (floor as i64).max(LEAST_FLOOR);
            Norm {
                kind,
                grain,
                floor,
                bits,
            }
        };
        let mut finest = (0..WHOLE_BITS).rev().map(of);
        let fits =
            |norm: &Norm| norm.floor < 1 << WHOLE_BITS && norm.length(channels, magnitude).is_ok();
        finest.find(fits).unwrap_or_else(|| of(0))
    }

    /// What a result of 1 stands for, where normalised channels have the mean square 1: `2^shift √d / K`.
    pub fn unit(&self, channels: usize) -> f64 {
        let shift = f64::from(1u32 << self.shift());
        shift * (channels as f64).sqrt() / f64::from(PRODUCT)
    }

    /// Bits that the rounding of results takes away.
    pub fn shift(&self) -> u32 {
        RESULT_BITS.saturating_sub(self.bits)
    }

    fn centred(&self) -> bool {
        self.kind == NormKind::Layer
    }

    /// `2^g x`.
    fn wholes(&self, input: Tensor, lane: usize, values: &Values) -> Vec<i64> {
        let channels = 0..input.channels;
        let of = |channel| values.channel(input, channel)[lane] << self.grain;
        channels.map(of).collect()
    }

    /// Requires every stream of so many channels that are at most `magnitude` to have a unit, and numbers that are congruent to be equal.
    fn length(&self, channels: usize, magnitude: i64) -> Result<(), PlanError> {
        let most = i128::from(magnitude.max(1)) << self.grain.min(2 * WHOLE_BITS);
        let floor = i128::from(self.floor);
        let found = channels as i128 * (most + 1).pow(2) + floor.pow(2);
        let limit = (MAX_EXPONENT + 1) + (RESULT_BITS / 2);
        let numbers = channels as i128 * (most + 1) + floor;
        // In the unit 2^15 each number adds at most its square and itself.
        let fits = found + (numbers << (MAX_EXPONENT + 1)) < 1 << (2 * limit);
        if !fits || most >= 1 << WHOLE_BITS {
            return Err(PlanError::NormLength {
                channels,
                magnitude,
                grain: self.grain,
            });
        }
        Ok(())
    }

    /// Requires what its components can prove.
    fn check(&self, stream: Tensor) -> Result<(), PlanError> {
        let limit = (1 << CHANNEL_BITS) - 1;
        if !(1..=limit).contains(&stream.channels) {
            return Err(PlanError::NormChannels {
                channels: stream.channels,
                limit,
            });
        }
        if !(BITS[0]..=BITS[1]).contains(&self.bits) {
            return Err(PlanError::NormBits {
                bits: self.bits,
                least: BITS[0],
                most: BITS[1],
            });
        }
        let limit = 1 << WHOLE_BITS;
        if !(LEAST_FLOOR..limit).contains(&self.floor) {
            return Err(PlanError::NormFloor {
                floor: self.floor,
                least: LEAST_FLOOR,
                limit,
            });
        }
        self.length(stream.channels, stream.magnitude)
    }

    /// The largest length of all results: what one of them can be, and half a unit of rounding for each.
    fn longest(&self, channels: usize) -> i64 {
        let rounded = (root(channels as i128) + 1) / 2;
        ((i64::from(PRODUCT) + EXCESS) >> self.shift()) + 1 + rounded
    }

    /// The largest magnitude of a result.
    fn magnitude(&self) -> i64 {
        (i64::from(PRODUCT) + EXCESS + half(self.shift())) >> self.shift()
    }
}

/// A norm of a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Normed {
    pub of: Norm,
    /// Numbers of the plan's tables: squares, powers of two, least sums.
    pub tables: [usize; 3],
    pub input: Tensor,
    /// `e`, `2^e`, `h`, and the mean where it is taken away.
    pub statistics: Tensor,
    pub output: Tensor,
}

impl Plan {
    /// A norm without gain.
    ///
    /// # Errors
    /// A stream, a grain, an eps or bits that no proof can have, or another kind of norm in the same plan.
    pub fn norm(&mut self, stream: Tensor, of: Norm) -> Result<Tensor, PlanError> {
        let normed = self.norms(stream, 1, of)?;
        Ok(Tensor::joined(&normed))
    }

    /// A norm of each of so many equal parts, without gain: an operation, and a tensor, for each.
    ///
    /// # Errors
    /// As [`norm`](Self::norm), or channels that do not divide.
    pub fn norms(
        &mut self,
        input: Tensor,
        parts: usize,
        of: Norm,
    ) -> Result<Vec<Tensor>, PlanError> {
        self.written(NAME, input)?;
        if parts == 0 || !input.channels.is_multiple_of(parts) {
            let channels = input.channels;
            return Err(PlanError::NormParts { channels, parts });
        }
        let channels = input.channels / parts;
        let part = |tensor: Tensor, number: usize| tensor.part(number * channels, channels);
        of.check(part(input, 0))?;
        let mut norms = self
            .operations
            .iter()
            .filter_map(|operation| match operation {
                Operation::Norm(norm) => Some(norm.of.kind),
                _ => None,
            });
        if norms.any(|kind| kind != of.kind) {
            return Err(PlanError::NormKinds);
        }
        let tables = self.norm_tables()?;
        let numbers = 3 + usize::from(of.centred());
        let statistics = (0..parts).map(|_| self.tensor(numbers, 1 << WHOLE_BITS));
        let statistics: Vec<Tensor> = statistics.collect();
        let outputs = self.tensor(input.channels, of.magnitude());
        let mut normed = vec![];
        for (number, statistics) in statistics.into_iter().enumerate() {
            let output = part(outputs, number).within(of.longest(channels));
            self.operations.push(Operation::Norm(Normed {
                of,
                tables,
                input: part(input, number),
                statistics,
                output,
            }));
            normed.push(output);
        }
        Ok(normed)
    }

    fn norm_tables(&mut self) -> Result<[usize; 3], PlanError> {
        let exponents = || 0..=MAX_EXPONENT;
        let squares = Function {
            first: -1 << (HALF_BITS - 1),
            values: length::tops().map(|top| top as i32).collect(),
        };
        let powers = Function {
            first: 0,
            values: exponents().map(|exponent| 1 << exponent).collect(),
        };
        let least = Function {
            first: 0,
            values: exponents()
                .map(|exponent| length::least(exponent) as i32)
                .collect(),
        };
        Ok([
            self.table_once(squares)?,
            self.table_once(powers)?,
            self.table_once(least)?,
        ])
    }
}

impl Normed {
    fn components(&self) -> [Component; 2] {
        let centred = self.of.centred();
        [Component::NormRoot { centred }, Component::Norm { centred }]
    }

    /// A lane's row of `norm_root` behind its operands.
    fn root(&self, lane: usize, values: &Values) -> Vec<M31> {
        let view = self.statistics.address..self.statistics.address + 8;
        let view = view.map(|address| values.rows[address as usize][lane]);
        let wholes = self.of.wholes(self.input, lane, values);
        let centred = self.of.centred();
        let length = Length::of(&wholes, self.of.floor, centred);
        let own = length.row(&wholes, self.of.floor, centred);
        view.chain(own).map(signed).collect()
    }

    /// A channel's row of `norm` behind its operands.
    fn channel(&self, channel: usize, values: &Values) -> Vec<M31> {
        let input = values.channel(self.input, channel);
        let statistics: Vec<&[i64]> = (0..self.statistics.channels)
            .map(|number| values.channel(self.statistics, number))
            .collect();
        let mut row = [input]
            .iter()
            .chain(&statistics)
            .copied()
            .flatten()
            .copied()
            .collect::<Vec<i64>>();
        for (lane, x) in input.iter().enumerate() {
            let mean = statistics.get(3).map_or(0, |means| means[lane]);
            let exponent = statistics[0][lane] as u32;
            let whole = (x << self.of.grain) - mean;
            row.extend(scaled(whole, exponent));
            let odd = 2 * (whole >> exponent) + 1;
            let shifted = odd * statistics[2][lane] + half(self.of.shift());
            let result = values.channel(self.output, channel)[lane];
            row.extend([result, shifted - (result << self.of.shift())]);
        }
        row.into_iter().map(signed).collect()
    }
}

impl Work for Normed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.input]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.statistics, self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.input, self.statistics, self.output]
            .map(Tensor::operand)
            .to_vec()
    }

    fn views(&self) -> Vec<u32> {
        vec![self.statistics.address]
    }

    fn compute(&self, _: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
        for lane in lanes {
            let wholes = self.of.wholes(self.input, lane, values);
            let length = Length::of(&wholes, self.of.floor, self.of.centred());
            let statistics = [
                length.exponent.into(),
                1 << length.exponent,
                length.mantissa,
                length.mean,
            ];
            let statistics = statistics.into_iter().take(self.statistics.channels);
            for (number, statistic) in statistics.enumerate() {
                values.set(self.statistics, number, lane, statistic);
            }
            for (channel, &whole) in wholes.iter().enumerate() {
                let [result, _] = length.result(whole, self.of.shift());
                values.set(self.output, channel, lane, result);
            }
        }
        Ok(())
    }

    /// A row for each lane, then one for each channel.
    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let [roots, channels] = self.components();
        let [squares, powers, least] = self.tables.map(|table| table as i64);
        let d = self.input.channels as i64;
        let root = [squares, powers, least, self.of.floor, d + 1, d - 1, 0];
        let (bits, shift) = (self.of.bits, self.of.shift());
        let channel = |channel: usize| {
            let row = [
                channel as i64,
                1 << self.of.grain,
                squares,
                bits.into(),
                1 << (bits - 1),
                shift.into(),
                1 << shift,
                half(shift),
                (channel == 0).into(),
                0,
            ];
            row.map(signed).to_vec()
        };
        vec![
            Part {
                component: roots,
                rows: vec![root.map(signed).to_vec(); plan.lanes],
            },
            Part {
                component: channels,
                rows: (0..self.input.channels).map(channel).collect(),
            },
        ]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let [roots, channels] = self.components();
        let root = |lane| self.root(lane, values);
        let channel = |channel| self.channel(channel, values);
        vec![
            Part {
                component: roots,
                rows: (0..plan.lanes).map(root).collect(),
            },
            Part {
                component: channels,
                rows: (0..self.input.channels).map(channel).collect(),
            },
        ]
    }
}
