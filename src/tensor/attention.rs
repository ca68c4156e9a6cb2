//! Attention of a layer: the ranges that make it sound, and one operation for each of its query heads.
//!
//! *What a caller chooses.* The probability of a key is `exp(u S) / Σ exp(u S')` of integer scores `S = q · k`, with a real number `u`: the
//! product of the units of `q` and `k`, divided by `√head_dim`. No operation multiplies by it. It is in
//! the table of weights: a unit of distance is `2^shift` units of the score, so the weight of the distance `d` is `exp(−2^shift u d)`, times
//! `2^15 − 1` and rounded. (A model with powers of 2 has `log2(e)` in `u`.) As distances are rounded down, a
//! weight is too large by a factor between 1 and `exp(2^shift u)`; what all keys share of it cancels. So `2^shift u` is the relative error of
//! weights, and of probabilities; and there are the roundings: at most `(1/2 + p · keys / 2) / 2^15` by weights, with `p` the
//! probability, `2^-13 p` by the reciprocal, `2^-14` by the result.
//!
//! *Choosing `shift`.* A table has at most `2^16` distances. If the proven range of scores has no larger distance, one limb is enough. If it
//! has, distances get a second limb, and every weight beyond the table is 0: choose the least `shift` for which
//! weights are 0 there, `2^(shift + 16) u ≥ 11`. The plan says which of both it is ([`QueryHead::far`](super::query_head::QueryHead)). All
//! layers can share one table if their products `2^shift u` are equal: the unit of `q` is the caller's choice.

use super::carried::{carried_bits, magnitude};
use super::error::PlanError;
use super::operation::Operation;
use super::plan::{Plan, Tensor};
use super::product::{ACCUMULATOR, form, half};
use super::query_head::QueryHead;
use super::shares::{MAX_KEYS, SHARE_BITS, WEIGHT_BITS, powers, zero};
use crate::air::components::attend::{DISTANCE_BITS, NEAREST};
use crate::air::components::lanes::CHANNELS;
use crate::air::components::softmax::STATISTICS;

/// Name in refusals.
const NAME: &str = "attention";

/// Most bits of a distance and its rest together: the form that stands for it is below `2^30`.
const FORM_BITS: u32 = 30;

/// Attention of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Attention {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; as many query heads share each.
    pub kv_heads: usize,
    /// Channels of a head.
    pub head_dim: usize,
    /// A unit of distance is `2^shift` units of the score.
    pub shift: u32,
    /// Table of the weights of distances: its first argument, `−2^15`, is distance 0. Below `2^15`, and at least `2^14` at distance 0.
    pub weights: usize,
    /// Of the mixture of values, whose probabilities have the unit `2^-13`.
    pub mixed_shift: u32,
    /// Bits of the result, sign included. A result that can have more is checked: a step with one of more has no proof.
    pub bits: u32,
}

/// What follows from the ranges of attention.
struct Ranges {
    /// Bits of the second limb of a distance.
    far: u32,
    /// Largest magnitude of the result.
    magnitude: i64,
}

impl Plan {
    /// Attention: queries of all heads, one after the other; keys and values of all of theirs. The results are those of all query heads.
    ///
    /// Keys and values of earlier positions are in the carried blocks ([`Plan::carry`] comes before); the operations are the masks (once in a
    /// plan) and one for each query head.
    ///
    /// # Errors
    /// Shapes that do not fit, ranges that cannot be proven, or a table that is no table of weights.
    pub fn attention(
        &mut self,
        queries: Tensor,
        keys: Tensor,
        values: Tensor,
        of: Attention,
    ) -> Result<Tensor, PlanError> {
        for tensor in [queries, keys, values] {
            self.written(NAME, tensor)?;
        }
        of.shape(queries, [keys, values])?;
        self.one_head_dim(of.head_dim)?;
        let bits = [carried_bits(NAME, keys)?, carried_bits(NAME, values)?];
        let ranges = of.ranges(self, queries.magnitude, bits.map(magnitude))?;
        let carried = [
            self.carried_tensor(keys, bits[0]),
            self.carried_tensor(values, bits[1]),
        ];
        let masks = self.masks();
        let zero = self.table_of(zero(ranges.far));
        let power = self.table_of(powers());
        let output = self.tensor(of.heads * of.head_dim, ranges.magnitude);
        let output = output.of_bits(of.bits);
        let first = self.query_heads().count() as u32;
        for head in 0..of.heads {
            // The maximum, which is attained, is a score; the others are positive numbers of at most 28 bits.
            let statistics = self.tensor(STATISTICS, ACCUMULATOR);
            let shared = head / (of.heads / of.kv_heads);
            let part = |tensor: Tensor, head: usize| tensor.part(head * of.head_dim, of.head_dim);
            self.operations.push(Operation::QueryHead(QueryHead {
                of,
                before: first + head as u32,
                queries: part(queries, head),
                keys: part(keys, shared),
                values: part(values, shared),
                carried: carried.map(|tensor| tensor.offset + (shared * of.head_dim) as u32),
                output: part(output, head),
                statistics,
                masks,
                zero,
                power,
                far: ranges.far,
            }));
        }
        Ok(output)
    }

    /// The operations of query heads.
    pub(super) fn query_heads(&self) -> impl Iterator<Item = (usize, &QueryHead)> {
        let operations = self.operations.iter().enumerate();
        operations.filter_map(|(place, operation)| match operation {
            Operation::QueryHead(head) => Some((place, head)),
            _ => None,
        })
    }

    /// All heads have as many channels: the powers of their results have no gaps.
    fn one_head_dim(&self, found: usize) -> Result<(), PlanError> {
        match self.query_heads().next() {
            Some((_, head)) if head.of.head_dim != found => Err(PlanError::HeadDim {
                found,
                expected: head.of.head_dim,
            }),
            _ => Ok(()),
        }
    }
}

impl Attention {
    /// Requires heads of whole views that fit the tensors.
    fn shape(&self, queries: Tensor, both: [Tensor; 2]) -> Result<(), PlanError> {
        if !self.head_dim.is_multiple_of(CHANNELS) || self.head_dim == 0 {
            return Err(PlanError::HeadChannels(self.head_dim));
        }
        if self.kv_heads == 0 || !self.heads.is_multiple_of(self.kv_heads) || self.heads == 0 {
            return Err(PlanError::SharedHeads {
                heads: self.heads,
                kv_heads: self.kv_heads,
            });
        }
        let [keys, values] = both;
        for (tensor, found, heads) in [
            ("queries", queries.channels, self.heads),
            ("keys", keys.channels, self.kv_heads),
            ("values", values.channels, self.kv_heads),
        ] {
            let expected = heads * self.head_dim;
            if found != expected {
                return Err(PlanError::HeadsChannels {
                    tensor,
                    found,
                    expected,
                });
            }
        }
        Ok(())
    }

    /// Checks all ranges, of queries, keys and values with at most these magnitudes.
    fn ranges(&self, plan: &Plan, query: i64, [key, value]: [i64; 2]) -> Result<Ranges, PlanError> {
        let keys = (plan.carried.blocks as usize + 1) * plan.lanes;
        if keys > MAX_KEYS {
            return Err(PlanError::Keys {
                keys,
                limit: MAX_KEYS,
            });
        }
        let products = query.saturating_mul(key);
        let reach = products.saturating_mul(self.head_dim as i64);
        if reach >= ACCUMULATOR {
            let limit = ACCUMULATOR;
            return Err(PlanError::Score { reach, limit });
        }
        let far = self.weights(plan, 2 * reach)?;
        form(NAME, self.bits, self.mixed_shift)?;
        // Probabilities are 1 together, and half a unit more for each key. This is below 2^29, as there are at most 2^15 keys, and values of 15 bits.
        let reach = ((1 << SHARE_BITS) + keys as i64 / 2) * value;
        let magnitude = (reach + half(self.mixed_shift)) >> self.mixed_shift;
        let magnitude = magnitude.min(1 << (self.bits - 1));
        Ok(Ranges { far, magnitude })
    }

    /// Requires a table of weights for all distances of scores that are at most so far from each other, and returns the bits of
    /// their second limb.
    fn weights(&self, plan: &Plan, farthest: i64) -> Result<u32, PlanError> {
        let table = plan.values_of(NAME, self.weights)?;
        if table.first != NEAREST {
            return Err(PlanError::Nearest {
                found: table.first,
                expected: NEAREST,
            });
        }
        let (limit, least) = (1 << WEIGHT_BITS, 1 << (WEIGHT_BITS - 1));
        let mut weights = table.values.iter().enumerate();
        if let Some((distance, &value)) = weights.find(|(_, value)| !(0..limit).contains(*value)) {
            return Err(PlanError::Weight {
                distance,
                value,
                limit,
            });
        }
        let value = table.values[0];
        if value < least {
            return Err(PlanError::NearestWeight { value, least });
        }
        // With more bits in front of it, the form that stands for a distance would pass 2^30. A second limb fits: scores are below 2^29.
        let (shift, limit) = (self.shift, FORM_BITS - DISTANCE_BITS);
        if shift > limit {
            return Err(PlanError::Distance { shift, limit });
        }
        let distance = farthest >> shift;
        let needed = (distance + 1).min(1 << DISTANCE_BITS) as usize;
        let found = table.values.len();
        if found < needed {
            return Err(PlanError::Distances { found, needed });
        }
        Ok(i64::BITS - (distance >> DISTANCE_BITS).leading_zeros())
    }
}
