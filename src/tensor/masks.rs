//! Which keys of a block the lanes see.

use std::ops::Range;

use super::constants::signed;
use super::error::BitsError;
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::values::Values;
use crate::air::components::Component;

/// Masks of a block's keys, one row for each: `L` causal ones, `L` of ones, `L` of zeros.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Masks {
    pub output: Tensor,
}

impl Plan {
    /// The masks, which are written once.
    pub(super) fn masks(&mut self) -> Tensor {
        let mut operations = self.operations.iter();
        let there = operations.find_map(|operation| match operation {
            Operation::Masks(masks) => Some(masks.output),
            _ => None,
        });
        there.unwrap_or_else(|| {
            let output = self.tensor(3 * self.lanes, 1);
            self.operations.push(Operation::Masks(Masks { output }));
            output
        })
    }
}

impl Masks {
    /// Whether the lanes see the key of a row.
    fn row(lanes: usize, row: usize) -> Vec<i64> {
        let sees = |lane: usize| match row / lanes {
            0 => row <= lane,
            1 => true,
            _ => false,
        };
        (0..lanes).map(|lane| i64::from(sees(lane))).collect()
    }
}

impl Work for Masks {
    fn name(&self) -> &'static str {
        "masks"
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        vec![self.output.operand()]
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        for row in 0..self.output.channels {
            let seen = Masks::row(plan.lanes, row);
            for lane in lanes.clone() {
                values.set(self.output, row, lane, seen[lane]);
            }
        }
        Ok(())
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let rows = 0..self.output.channels;
        let row = |row| {
            Masks::row(plan.lanes, row)
                .into_iter()
                .map(signed)
                .collect()
        };
        vec![Part {
            component: Component::Masks,
            rows: rows.map(row).collect(),
        }]
    }

    /// A row has its operand only.
    fn witness(&self, _: &Plan, _: &Values) -> Vec<Part> {
        vec![Part {
            component: Component::Masks,
            rows: vec![vec![]; self.output.channels],
        }]
    }
}
