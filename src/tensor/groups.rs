//! Rows of groups of keys: those of `qk` and `attend`, which hang below the constant rows of [query heads](super::query_head).
//!
//! They are no operation's alone: a row's constants are its number's, and which head has it depends on the number of carried blocks.

use std::collections::BTreeMap;

use rayon::prelude::*;
use stwo::core::fields::m31::M31;

use super::constants::{MIN_LOG_ROWS, flag, signed};
use super::operation::Operand;
use super::plan::Plan;
use super::query_head::{QueryHead, groups, sees};
use super::shares::distance;
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::attend::DISTANCE_BITS;

/// Rows of components that are no operation's alone.
type Tables = BTreeMap<Component, Vec<Vec<M31>>>;

/// A group of a head: the head's place in the plan, the head, the group's number in the component, and in the head.
struct Group<'a> {
    place: usize,
    head: &'a QueryHead,
    number: u32,
    of_head: usize,
    last: bool,
}

impl Plan {
    /// The component that weighs keys.
    fn attend(&self) -> Option<Component> {
        let (_, head) = self.query_heads().next()?;
        Some(Component::Attend {
            head_dim: head.of.head_dim,
            far: self.far(),
        })
    }

    /// Whether distances have a second limb: in all heads, if one needs it.
    fn far(&self) -> bool {
        self.query_heads().any(|(_, head)| head.far > 0)
    }

    /// Addresses of the views of carried values.
    pub(super) fn carried_views(&self) -> Vec<u32> {
        let blocks = 1..=self.carried.blocks;
        let heads = self.query_heads().flat_map(|(_, head)| {
            let block = |group| {
                let [_, values] = head.block(self, group);
                head.values.at(values).views()
            };
            blocks.clone().flat_map(block)
        });
        heads.collect()
    }

    /// The groups of all heads in a chunk.
    fn groups(&self, values: &Values) -> Vec<Group<'_>> {
        let count = groups(self, &values.chunk);
        let mut all = vec![];
        for (place, head) in self.query_heads() {
            let first = Operand::Group(head.before).of(self.lanes, &values.chunk);
            all.extend((0..count).map(|of_head| Group {
                place,
                head,
                number: first + of_head as u32,
                of_head,
                last: of_head + 1 == count,
            }));
        }
        all
    }
}

/// The constants of all rows that the largest number of carried blocks needs, up to a power of two: rows that no head has are off.
pub(super) fn constants(plan: &Plan) -> Tables {
    let Some((component, (_, head))) = plan.attend().zip(plan.query_heads().next()) else {
        return Tables::new();
    };
    let heads = plan.query_heads().count();
    let (lanes, step) = (plan.lanes, M31::from(plan.carried.step()));
    let table = |rows_of_group: usize, of: &dyn Fn(usize, M31, u32) -> Vec<M31>| {
        let rows = heads * (plan.carried.blocks + 1) * rows_of_group;
        let rows = 0..rows.next_power_of_two().max(1 << MIN_LOG_ROWS);
        let row = |number: usize| {
            let group = M31::from((number / rows_of_group) as u32);
            let place = number % rows_of_group;
            let mut row = vec![M31::from(number as u32), flag(place + 1 == rows_of_group)];
            row.extend(of(number, group, place as u32));
            row
        };
        rows.map(row).collect::<Vec<Vec<M31>>>()
    };
    let qk = table(head.of.head_dim, &|number, group, channel| {
        let channel = M31::from(channel);
        let begins = channel == M31::from(0);
        let starts = [number == 0, begins && number > 0].map(flag);
        [[channel, group * step + channel], starts].concat()
    });
    // The masks of ones lie behind the causal ones.
    let ones = head.masks.address + lanes as u32;
    let attend = table(lanes, &|number, group, key| {
        let starts = [number == 0, key == 0 && number > 0].map(flag);
        let own = [M31::from(key), group, group * step, M31::from(ones + key)];
        [&own[..], &starts].concat()
    });
    Tables::from([(Component::Qk, qk), (component, attend)])
}

/// The rows of a chunk that are on.
pub(super) fn witness(plan: &Plan, values: &Values) -> Tables {
    let Some(component) = plan.attend() else {
        return Tables::new();
    };
    let groups = plan.groups(values);
    let all = |of: &(dyn Fn(&Group<'_>) -> Vec<Vec<M31>> + Sync)| {
        let rows: Vec<Vec<Vec<M31>>> = groups.par_iter().map(of).collect();
        rows.into_iter().flatten().collect::<Vec<Vec<M31>>>()
    };
    let qk = all(&|group| group.products(plan, values));
    let attend = all(&|group| group.keys(plan, values));
    Tables::from([(Component::Qk, qk), (component, attend)])
}

impl Group<'_> {
    /// `e`, `op`, `new`, the next `new`, `own`, `carried`, `block`: of a row, the group's last one or not.
    fn chain(&self, plan: &Plan, own: u32, carried: u32, last: bool) -> Vec<M31> {
        let new = self.of_head == 0;
        let next = new && !last;
        let step = M31::from(plan.carried.step());
        let first = M31::from(self.number - self.of_head as u32);
        let own = M31::from(own) - first * step;
        let carried = M31::from(carried) - (first + M31::from(1)) * step;
        vec![
            M31::from(1),
            M31::from(self.place as u32 + 1),
            flag(new),
            flag(next),
            own,
            carried,
            if new { own } else { carried },
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
        let shared = [
            last_group as u32,
            last_keys,
            statistics,
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
        let mask = hidden - new;
        row.extend([flag(self.last), inverse, signed(mask)]);
        let [_, block] = head.block(plan, self.of_head);
        let channels = head.values.at(block).addresses();
        row.extend(channels.map(|address| values.lanes(address)[key]));
        let ones = i64::from(head.masks.address) + (lanes + key) as i64;
        let mask = (ones + mask) as u32;
        for address in (statistics..).take(4).chain([mask]) {
            row.extend(values.lanes(address));
        }
        for lane in 0..lanes {
            row.extend(self.lane(plan, values, key, lane));
        }
        row
    }

    /// Whether no key before has the same score, of those that the lane sees.
    fn is_first(&self, plan: &Plan, values: &Values, key: usize, lane: usize) -> bool {
        let score = |group, key| self.head.scores_of(plan, values, group, key)[lane];
        let own = score(self.of_head, key);
        let before =
            (0..self.of_head * plan.lanes + key).map(|key| (key / plan.lanes, key % plan.lanes));
        let mut seen = before.filter(|&(group, key)| sees(plan, &values.chunk, group, key, lane));
        !seen.any(|(group, key)| score(group, key) == own)
    }

    /// The values of a lane.
    fn lane(&self, plan: &Plan, values: &Values, key: usize, lane: usize) -> Vec<M31> {
        let head = self.head;
        let score = i64::from(head.scores_of(plan, values, self.of_head, key)[lane]);
        let (maximum, reciprocal) = head.statistics_of(values, lane);
        let weights = &plan.tables[head.of.weights];
        let seen = sees(plan, &values.chunk, self.of_head, key, lane);
        let zero = M31::from(0);
        if !seen {
            // The distance is what gives the score, whatever it is.
            let scale = M31::from(1 << head.of.shift);
            let low = signed(maximum - score) * scale.inverse();
            let weight = signed(weights.values[0].into());
            let mut row = vec![low, zero, zero, weight, zero, zero, zero, zero];
            if plan.far() {
                row.extend([0, 1, 0].map(M31::from));
            }
            return row;
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
        let mut row = vec![low, low, rest, weight, attained, share, below, above];
        if plan.far() {
            row.extend([high, near, near]);
        }
        row.into_iter().map(signed).collect()
    }
}
