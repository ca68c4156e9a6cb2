//! Rows of groups of keys: those of `qk` and `attend`, which hang below the constant row of a [query head](super::query_head).
//!
//! Their constants are those of a row's number: which head has it depends on the number of carried blocks.

use rayon::prelude::*;
use stwo::core::fields::m31::M31;

use super::constants::{flag, signed};
use super::operation::{Operand, Part};
use super::plan::Plan;
use super::query_head::{QueryHead, Scores, groups, seen};
use super::shares::distance;
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::attend::DISTANCE_BITS;

/// A group of a head: the head's number in the plan, the group's in the component and in the head.
struct Group<'a> {
    operation: u32,
    head: &'a QueryHead,
    scores: &'a Scores,
    number: u32,
    of_head: usize,
    last: bool,
    /// Whether distances have a second limb.
    far: bool,
}

impl Plan {
    /// Whether distances have a second limb: in all heads, if one needs it.
    fn far(&self) -> bool {
        self.query_heads().any(|(_, head)| head.far > 0)
    }
}

impl QueryHead {
    /// The components of its groups.
    pub(super) fn components(&self, plan: &Plan) -> [Component; 2] {
        let head_dim = self.of.head_dim;
        let far = plan.far();
        [
            Component::Qk { head_dim },
            Component::Attend { head_dim, far },
        ]
    }

    /// The rows of its groups in a chunk.
    pub(super) fn groups(&self, plan: &Plan, values: &Values, scores: &Scores) -> [Part; 2] {
        let (count, far) = (groups(plan, &values.chunk), plan.far());
        let first = Operand::Group(self.before).of(plan.lanes, &values.chunk);
        let mut heads = plan.query_heads();
        let place = heads.find(|(_, head)| head.before == self.before);
        let group = |of_head: usize| Group {
            operation: place.map_or(0, |(place, _)| place as u32 + 1),
            head: self,
            scores,
            number: first + of_head as u32,
            of_head,
            last: of_head + 1 == count,
            far,
        };
        let all = |of: &(dyn Fn(&Group<'_>) -> Vec<Vec<M31>> + Sync)| {
            let rows: Vec<Vec<Vec<M31>>> = (0..count)
                .into_par_iter()
                .map(|of_head| of(&group(of_head)))
                .collect();
            rows.into_iter().flatten().collect::<Vec<Vec<M31>>>()
        };
        let [qk, attend] = self.components(plan);
        [
            Part {
                component: qk,
                rows: all(&|group| group.products(plan, values)),
            },
            Part {
                component: attend,
                rows: all(&|group| group.keys(plan, values)),
            },
        ]
    }
}

impl Group<'_> {
    /// `e`, `op`, `new`, the next `new`, `own`, `carried`, `step`, `block`: of a row, the group's last one or not.
    fn chain(&self, plan: &Plan, own: u32, carried: u32, last: bool) -> Vec<M31> {
        let new = self.of_head == 0;
        let next = new && !last;
        let step = M31::from(plan.carried.step);
        let first = M31::from(self.number - self.of_head as u32);
        let own = M31::from(own) - first * step;
        let carried = M31::from(carried) - (first + M31::from(1)) * step;
        vec![
            M31::from(1),
            M31::from(self.operation),
            flag(new),
            flag(next),
            own,
            carried,
            step,
            M31::from(self.number) * step + if new { own } else { carried },
        ]
    }

    /// Rows of `qk`.
    fn products(&self, plan: &Plan, values: &Values) -> Vec<Vec<M31>> {
        let head = self.head;
        let [keys, _] = head.block(plan, self.of_head);
        let carried = plan.carried_address(0, head.carried[0]);
        let row = |channel: u32| {
            let last = channel as usize + 1 == head.of.head_dim;
            let mut row = self.chain(plan, head.keys.address, carried, last);
            row.push(M31::from(head.queries.address));
            row.extend(values.lanes(head.queries.address + channel));
            row.extend(values.lanes(keys + channel));
            row
        };
        (0..head.of.head_dim as u32).map(row).collect()
    }

    /// Rows of `attend`.
    fn keys(&self, plan: &Plan, values: &Values) -> Vec<Vec<M31>> {
        (0..plan.lanes)
            .map(|key| self.key(plan, values, key))
            .collect()
    }

    fn key(&self, plan: &Plan, values: &Values, key: usize) -> Vec<M31> {
        let (head, lanes) = (self.head, plan.lanes);
        let carried = plan.carried_address(0, head.carried[1]);
        let mut row = self.chain(plan, head.values.address, carried, key + 1 == lanes);
        let count = groups(plan, &values.chunk);
        let last_group = self.number as usize - self.of_head + count - 1;
        let last_keys = Operand::LastKeys.of(lanes, &values.chunk);
        let shift = head.of.shift;
        let statistics = head.statistics.address;
        // The masks of ones lie behind the causal ones.
        let ones = i64::from(head.masks.address) + lanes as i64;
        let shared = [
            last_group as u32,
            last_keys,
            statistics,
            ones as u32,
            head.of.weights as u32,
            head.zero as u32,
            shift,
            1 << shift,
        ];
        row.extend(shared.map(M31::from));
        let behind = M31::from(self.number) - M31::from(last_group as u32);
        let inverse = if self.last {
            M31::from(0)
        } else {
            behind.inverse()
        };
        let hidden = if self.last {
            lanes as i64 - i64::from(last_keys)
        } else {
            0
        };
        let new = if self.of_head == 0 { lanes as i64 } else { 0 };
        let mask = ones + hidden - new;
        row.extend([flag(self.last), inverse, signed(mask)]);
        let [_, block] = head.block(plan, self.of_head);
        let channels = head.values.at(block).addresses();
        row.extend(channels.map(|address| signed(values.at(address, key))));
        let mask = mask as u32 + key as u32;
        for address in (statistics..).take(4).chain([mask]) {
            row.extend(values.lanes(address));
        }
        for lane in 0..lanes {
            self.lane(plan, values, [key, lane], &mut row);
        }
        row
    }

    /// Whether no key before has the same score, of those that the lane sees.
    fn is_first(&self, plan: &Plan, values: &Values, key: usize, lane: usize) -> bool {
        let score = |group: usize, key: usize| self.scores.of(group * plan.lanes + key)[lane];
        let own = score(self.of_head, key);
        let before =
            (0..self.of_head * plan.lanes + key).map(|key| (key / plan.lanes, key % plan.lanes));
        let mut seen = before.filter(|&(group, key)| key < seen(plan, &values.chunk, group, lane));
        !seen.any(|(group, key)| score(group, key) == own)
    }

    /// Adds the values of a lane to the row of a key.
    fn lane(&self, plan: &Plan, values: &Values, [key, lane]: [usize; 2], row: &mut Vec<M31>) {
        let head = self.head;
        let score = i64::from(self.scores.of(self.of_head * plan.lanes + key)[lane]);
        let (maximum, reciprocal) = head.statistics_of(values, lane);
        let weights = &plan.tables[head.of.weights];
        let seen = key < seen(plan, &values.chunk, self.of_head, lane);
        let zero = M31::from(0);
        if !seen {
            // The distance is what gives the score, whatever it is.
            let scale = M31::from(1 << head.of.shift);
            let low = signed(maximum - score) * scale.inverse();
            let weight = signed(weights.values[0].into());
            row.extend([low, zero, zero, weight, zero, zero, zero, zero]);
            if self.far {
                row.extend([0, 1, 0].map(M31::from));
            }
            return;
        }
        let [distance, rest] = distance(maximum, score, head.of.shift);
        let (low, high) = (
            distance & ((1 << DISTANCE_BITS) - 1),
            distance >> DISTANCE_BITS,
        );
        let near = i64::from(high == 0);
        let weight = i64::from(weights.values[low as usize]);
        let [share, below, above] = match near {
            1 => reciprocal.share(weight),
            _ => [0; 3],
        };
        let attained =
            i64::from(distance == 0 && rest == 0 && self.is_first(plan, values, key, lane));
        row.extend([low, low, rest, weight, attained, share, below, above].map(signed));
        if self.far {
            row.extend([high, near, near].map(signed));
        }
    }
}
