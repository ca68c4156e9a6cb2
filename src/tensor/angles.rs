//! Cosines and sines of the lanes' positions.

use std::iter::repeat_n;
use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::{BitsError, PlanError};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor, Tokens};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::angles::WIDTH;
use crate::air::components::lanes::CHANNELS;
use crate::air::components::rotary::BITS;

/// Name in refusals.
const NAME: &str = "angles";

/// Largest magnitude of a cosine or sine, which stands for 1.
const ONE: i64 = 1 << BITS;

/// Where a plan has cosines and sines of its lanes' positions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Angles {
    /// For each eight frequencies the cosines, then the sines.
    pub output: Tensor,
    pub frequencies: usize,
    /// The largest `|cos| + |sin|`.
    pub largest: i64,
}

impl Angles {
    /// The channel of a frequency's cosine. The sine is eight channels behind.
    pub fn channel(&self, frequency: usize) -> usize {
        frequency / CHANNELS * WIDTH + frequency % CHANNELS
    }

    /// Parts of eight frequencies.
    fn parts(&self) -> usize {
        self.frequencies.div_ceil(CHANNELS)
    }
}

/// Cosines and sines by a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AnglesByTable {
    pub tokens: Tokens,
    /// By position, for each frequency the cosine and the sine.
    pub table: Vec<Vec<[i32; 2]>>,
    /// Number of its first part among those of all tables.
    pub first: usize,
    pub angles: Angles,
}

impl Plan {
    /// Cosines and sines of the lanes' positions from a table, which has for each position of the context and each frequency both, with 14
    /// bits behind the point. The positions beyond the context, which lanes may have that nobody asked for, have zeros.
    ///
    /// # Errors
    /// A table without positions or frequencies, with different numbers of frequencies, or with a number above 1.
    pub fn angles(&mut self, table: Vec<Vec<[i32; 2]>>) -> Result<Angles, PlanError> {
        let frequencies = table.first().map_or(0, Vec::len);
        for (position, row) in table.iter().enumerate() {
            if row.len() != frequencies {
                return Err(PlanError::Frequencies {
                    position,
                    found: row.len(),
                    expected: frequencies,
                });
            }
        }
        if frequencies == 0 {
            return Err(PlanError::NoAngles);
        }
        let pairs = table.iter().flatten();
        let magnitudes = pairs.map(|pair| pair.map(|value| i64::from(value).abs()));
        let (mut largest, mut magnitude) = (0, 0);
        for [cos, sin] in magnitudes {
            largest = largest.max(cos + sin);
            magnitude = magnitude.max(cos).max(sin);
        }
        if magnitude > ONE {
            let (value, limit) = (magnitude, ONE);
            return Err(PlanError::Angle { value, limit });
        }
        let first = self.operations.iter().map(|operation| match operation {
            Operation::Angles(other) => other.angles.parts(),
            _ => 0,
        });
        let first = first.sum();
        let parts = frequencies.div_ceil(CHANNELS);
        let angles = Angles {
            output: self.tensor(parts * WIDTH, magnitude),
            frequencies,
            largest,
        };
        self.operations.push(Operation::Angles(AnglesByTable {
            tokens: self.tokens,
            table,
            first,
            angles,
        }));
        Ok(angles)
    }
}

impl AnglesByTable {
    /// Cosines and then sines of eight frequencies at a position; zeros where the table has none.
    fn part(&self, position: usize, part: usize) -> Vec<i64> {
        let row = self.table.get(position).map_or(&[][..], Vec::as_slice);
        let pair = |frequency: usize| row.get(frequency).copied().unwrap_or([0; 2]);
        let of = |which: usize| {
            (part * CHANNELS..(part + 1) * CHANNELS).map(move |f| i64::from(pair(f)[which]))
        };
        of(0).chain(of(1)).collect()
    }

    /// Each part and lane, in the order of rows.
    fn rows(&self, plan: &Plan) -> impl Iterator<Item = (usize, usize)> {
        let lanes = plan.lanes;
        (0..self.angles.parts()).flat_map(move |part| (0..lanes).map(move |lane| (part, lane)))
    }
}

impl Work for AnglesByTable {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.tokens.of_positions()]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.angles.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        let tokens = Operand::Number(self.tokens.given);
        vec![tokens, self.angles.output.operand()]
    }

    fn views(&self) -> Vec<u32> {
        let outputs = self.angles.output.addresses().step_by(CHANNELS);
        [self.tokens.given].into_iter().chain(outputs).collect()
    }

    fn context(&self) -> Option<usize> {
        Some(self.table.len())
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        let first = values.chunk.position as usize;
        let rows = self.rows(plan).filter(|(_, lane)| lanes.contains(lane));
        for (part, lane) in rows {
            for (channel, value) in (part * WIDTH..).zip(self.part(first + lane, part)) {
                values.set(self.angles.output, channel, lane, value);
            }
        }
        Ok(())
    }

    /// Of a row: the lane, the part, its first channel.
    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let row = |(part, lane)| {
            let own = [lane, self.first + part, part * WIDTH];
            own.map(|number| M31::from(number as u32)).to_vec()
        };
        vec![Part {
            component: Component::Angles,
            rows: self.rows(plan).map(row).collect(),
        }]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let row = |(part, lane)| {
            let first = self.angles.output.address + (part * WIDTH) as u32;
            let mut row = values.view(self.tokens.given, lane);
            row.extend((0..WIDTH as u32).map(|i| values.element(first + i, lane)));
            row
        };
        vec![Part {
            component: Component::Angles,
            rows: self.rows(plan).map(row).collect(),
        }]
    }

    fn tables(&self, plan: &Plan) -> Vec<Part> {
        let positions = self.table.len() + plan.lanes - 1;
        let parts = (0..self.angles.parts()).flat_map(|part| repeat_n(part, positions).enumerate());
        let row = |(position, part): (usize, usize)| {
            let key = [1, self.first + part, position].map(|number| M31::from(number as u32));
            let angles = self.part(position, part).into_iter().map(signed);
            key.into_iter().chain(angles).collect()
        };
        vec![Part {
            component: Component::AngleTable,
            rows: parts.map(row).collect(),
        }]
    }

    fn table_counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        let positions = self.table.len() + plan.lanes - 1;
        vec![(Component::AngleTable, self.angles.parts() * positions)]
    }
}
