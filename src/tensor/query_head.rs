//! A query head of attention: its scores, weights and mixture in plain integers, and its constant rows. The rows of its groups of keys are in
//! [`groups`](super::groups).

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::attention::Attention;
use super::constants::signed;
use super::error::BitsError;
use super::operation::{Chunk, Operand, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::half;
use super::shares::{Reciprocal, distance, weight};
use super::values::Values;
use crate::air::components::Component;

/// A head's attention.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueryHead {
    pub of: Attention,
    /// Query heads before this one in the plan.
    pub before: u32,
    pub queries: Tensor,
    /// Of the chunk's own block.
    pub keys: Tensor,
    pub values: Tensor,
    /// Places of keys and values in a carried block.
    pub carried: [u32; 2],
    pub output: Tensor,
    /// The maximum, which nobody writes and which is attained; reciprocal, exponent and power.
    pub statistics: Tensor,
    pub masks: Tensor,
    /// Tables of the second limb of distances and of powers.
    pub zero: usize,
    pub power: usize,
    /// Bits of the second limb of distances that the range of scores needs.
    pub far: u32,
}

/// What normalises the weights of a lane.
#[derive(Clone, Copy, Debug)]
pub(super) struct Normal {
    pub maximum: i64,
    /// The sum of the weights of all keys that the lane sees.
    pub sum: i64,
    pub reciprocal: Reciprocal,
}

/// Scores of some lanes: for each key of all groups those of all of these lanes.
pub(super) struct Scores {
    width: usize,
    all: Vec<i32>,
}

impl Scores {
    /// Of a key.
    pub fn of(&self, key: usize) -> &[i32] {
        &self.all[key * self.width..][..self.width]
    }
}

/// Number of a head's groups in a chunk: the own block's, and one for each carried block.
pub(super) fn groups(plan: &Plan, chunk: &Chunk) -> usize {
    Operand::Blocks.of(plan.lanes, chunk) as usize + 1
}

/// How many keys of a group a lane sees: the first ones.
pub(super) fn seen(plan: &Plan, chunk: &Chunk, group: usize, lane: usize) -> usize {
    match group {
        0 => lane + 1,
        _ if group + 1 == groups(plan, chunk) => Operand::LastKeys.of(plan.lanes, chunk) as usize,
        _ => plan.lanes,
    }
}

impl QueryHead {
    /// The component of the constant row.
    fn component(&self) -> Component {
        Component::Softmax {
            head_dim: self.of.head_dim,
        }
    }

    /// Addresses of keys and values in a group's block.
    pub(super) fn block(&self, plan: &Plan, group: usize) -> [u32; 2] {
        match group.checked_sub(1) {
            None => [self.keys.address, self.values.address],
            Some(block) => self
                .carried
                .map(|offset| plan.carried_address(block as u32, offset)),
        }
    }

    /// `q · k` of each key of all groups, for some lanes.
    pub(super) fn scores(&self, plan: &Plan, values: &Values, lanes: &Range<usize>) -> Scores {
        let (keys, width) = (plan.lanes, lanes.len());
        let mut all = vec![];
        for group in 0..groups(plan, &values.chunk) {
            let [address, _] = self.block(plan, group);
            let mut block = vec![0i32; keys * width];
            for channel in 0..self.of.head_dim {
                let queries = &values.channel(self.queries, channel)[lanes.clone()];
                let keys = &values.rows[address as usize + channel];
                if let [query] = queries {
                    let scores = block.iter_mut().zip(keys);
                    scores.for_each(|(score, key)| *score += *key as i32 * *query as i32);
                    continue;
                }
                for (row, key) in block.chunks_exact_mut(width).zip(keys) {
                    for (score, query) in row.iter_mut().zip(queries) {
                        *score += *key as i32 * *query as i32;
                    }
                }
            }
            all.extend(block);
        }
        Scores { width, all }
    }

    /// A lane's maximum, and the reciprocal of its sum of weights.
    pub(super) fn statistics_of(&self, values: &Values, lane: usize) -> (i64, Reciprocal) {
        let of = |channel| values.channel(self.statistics, channel)[lane];
        let reciprocal = Reciprocal {
            mantissa: of(1),
            exponent: of(2) as u32,
        };
        (of(0), reciprocal)
    }

    /// The weight of a score.
    pub(super) fn weight(&self, plan: &Plan, maximum: i64, score: i64) -> i64 {
        let [distance, _] = distance(maximum, score, self.of.shift);
        weight(&plan.tables[self.of.weights], distance)
    }

    /// The scores of the keys of a group that a lane sees; the lane has this place in the scores.
    fn seen<'a>(
        &self,
        plan: &Plan,
        chunk: &Chunk,
        scores: &'a Scores,
        group: usize,
        [lane, place]: [usize; 2],
    ) -> impl Iterator<Item = i64> + 'a {
        let first = group * plan.lanes;
        let keys = first..first + seen(plan, chunk, group, lane);
        keys.map(move |key| scores.of(key)[place].into())
    }

    /// What normalises a lane's weights; the lane has this place in the scores.
    pub(super) fn normal(
        &self,
        plan: &Plan,
        chunk: &Chunk,
        scores: &Scores,
        lane: [usize; 2],
    ) -> Normal {
        let groups = 0..groups(plan, chunk);
        let seen: Vec<i64> = groups
            .flat_map(|group| self.seen(plan, chunk, scores, group, lane))
            .collect();
        let maximum = seen.iter().copied().max().unwrap_or(0);
        let weights = seen.iter().map(|&score| self.weight(plan, maximum, score));
        let sum = weights.sum();
        Normal {
            maximum,
            sum,
            reciprocal: Reciprocal::of(sum),
        }
    }

    /// `Σ_u p_u v_ud` of a lane, for all channels.
    fn mixture(
        &self,
        plan: &Plan,
        values: &Values,
        scores: &Scores,
        lane: [usize; 2],
        normal: Normal,
    ) -> Vec<i64> {
        let mut sums = vec![0; self.of.head_dim];
        for group in 0..groups(plan, &values.chunk) {
            let seen = self.seen(plan, &values.chunk, scores, group, lane);
            let shares: Vec<i64> = seen
                .map(|score| {
                    let weight = self.weight(plan, normal.maximum, score);
                    let [share, ..] = normal.reciprocal.share(weight);
                    share
                })
                .collect();
            let [_, block] = self.block(plan, group);
            for (channel, sum) in sums.iter_mut().enumerate() {
                let row = &values.rows[block as usize + channel];
                *sum += shares.iter().zip(row).map(|(p, v)| p * v).sum::<i64>();
            }
        }
        sums
    }

    /// A mixture's rounded result and its rest.
    fn round(&self, sum: i64) -> [i64; 2] {
        let shifted = sum + half(self.of.mixed_shift);
        let result = shifted >> self.of.mixed_shift;
        [result, shifted - (result << self.of.mixed_shift)]
    }
}

impl Work for QueryHead {
    fn name(&self) -> &'static str {
        "attention"
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.queries, self.keys, self.values, self.masks]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output, self.statistics]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        let tensors = [
            self.queries,
            self.keys,
            self.values,
            self.output,
            self.statistics,
        ];
        let mut operands = tensors.map(Tensor::operand).to_vec();
        operands.extend([
            Operand::Group(self.before),
            Operand::Blocks,
            Operand::LastKeys,
        ]);
        operands
    }

    /// Of the own block's values.
    fn views(&self) -> Vec<u32> {
        self.values.views()
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        let scores = self.scores(plan, values, &lanes);
        for (place, lane) in lanes.enumerate() {
            let normal = self.normal(plan, &values.chunk, &scores, [lane, place]);
            let reciprocal = normal.reciprocal;
            let own = [
                normal.maximum,
                reciprocal.mantissa,
                reciprocal.exponent.into(),
                reciprocal.power(),
            ];
            for (channel, value) in own.into_iter().enumerate() {
                values.set(self.statistics, channel, lane, value);
            }
            let sums = self.mixture(plan, values, &scores, [lane, place], normal);
            for (channel, sum) in sums.into_iter().enumerate() {
                let [result, _] = self.round(sum);
                values.set_checked(self.output, [channel, lane], result, self.of.bits)?;
            }
        }
        Ok(())
    }

    fn grown(&self, plan: &Plan, blocks: u32) -> Vec<(Component, usize)> {
        let groups = blocks as usize + 1;
        let [qk, attend] = self.components(plan);
        vec![
            (qk, groups * self.of.head_dim),
            (attend, groups * plan.lanes),
        ]
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let [keys, values] = self.carried.map(|offset| plan.carried_address(0, offset));
        let shift = self.of.shift;
        let softmax = [
            0,
            keys,
            values,
            plan.carried.step,
            // The masks of ones lie behind the causal ones.
            self.masks.address + plan.lanes as u32,
            self.of.weights as u32,
            self.zero as u32,
            shift,
            1 << shift,
            self.power as u32,
        ];
        let bits = self.of.bits;
        let shift = self.of.mixed_shift;
        let row = |channel: usize| {
            let mut row = [channel as u32, shift, 1 << shift].map(M31::from).to_vec();
            row.push(signed(half(shift)));
            row.extend([bits, 1 << (bits - 1), 0].map(M31::from));
            row
        };
        let mixed = (0..self.of.head_dim).map(row).collect();
        self.parts(softmax.map(M31::from).to_vec(), mixed)
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let group = Operand::Group(self.before).of(plan.lanes, &values.chunk);
        let skip = M31::from(group) * M31::from(plan.carried.step);
        let mut softmax = vec![skip];
        let scores = self.scores(plan, values, &(0..plan.lanes));
        let mut sums = vec![];
        for lane in 0..plan.lanes {
            let both = [lane, lane];
            let normal = self.normal(plan, &values.chunk, &scores, both);
            let of = normal.reciprocal;
            let own = [of.mantissa, of.exponent.into(), of.power()];
            let all = own.into_iter().chain(of.division(normal.sum));
            softmax.extend(all.map(signed));
            sums.push(self.mixture(plan, values, &scores, both, normal));
        }
        let row = |channel: usize| {
            let rounded = sums.iter().map(|sums| self.round(sums[channel]));
            let (results, rests): (Vec<_>, Vec<_>) = rounded.map(|[z, r]| (z, r)).unzip();
            [results, rests].concat().into_iter().map(signed).collect()
        };
        let mixed = (0..self.of.head_dim).map(row).collect();
        let mut parts = self.parts(softmax, mixed);
        parts.extend(self.groups(plan, values, &scores));
        parts
    }
}

impl QueryHead {
    fn parts(&self, softmax: Vec<M31>, mixed: Vec<Vec<M31>>) -> Vec<Part> {
        let of = |(component, rows)| Part { component, rows };
        [(self.component(), vec![softmax]), (Component::Mixed, mixed)]
            .map(of)
            .into()
    }
}
