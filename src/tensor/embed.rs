//! The embeddings of the lanes' tokens, with or without learned positions.

use std::iter::repeat_n;
use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::signed;
use super::error::{BitsError, PlanError};
use super::matrix::{Matrix, Row};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor, Tokens, root};
use super::product::{ACCUMULATOR, within};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::embed::MAX_SHIFT;
use crate::air::components::head;
use crate::air::components::lanes::CHANNELS;

/// Name in refusals.
const NAME: &str = "embed";

/// The embeddings of the tokens that come in, `2^shift e`, or with positions `2^shift e + p`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    pub tokens: Tokens,
    pub shift: u32,
    /// A vector for each position of the context, which is added.
    pub positions: Option<Matrix>,
    pub output: Tensor,
}

/// The largest magnitude of a matrix's numbers.
fn largest(matrix: &Matrix) -> i64 {
    let numbers = matrix.rows().iter().flat_map(Row::numbers);
    let magnitudes = numbers.map(|number| i64::from(number).abs());
    magnitudes.max().unwrap_or(0)
}

/// The largest length of a matrix's rows.
fn longest(matrix: &Matrix) -> i64 {
    let square = |row: &Row| {
        let numbers = row.numbers().into_iter();
        numbers.map(|number| i128::from(number).pow(2)).sum()
    };
    let squares = matrix.rows().iter().map(square);
    root(squares.max().unwrap_or(0))
}

impl Plan {
    /// The embeddings of the tokens that come in.
    pub fn embed(&mut self) -> Tensor {
        self.push_embed(0, None)
    }

    /// The same times `2^shift`, for a stream with a finer scale than embeddings have.
    ///
    /// # Errors
    /// A shift that makes a number too large.
    pub fn embed_scaled(&mut self, shift: u32) -> Result<Tensor, PlanError> {
        self.scales(shift, 0)?;
        Ok(self.push_embed(shift, None))
    }

    /// The same plus the vectors of the lanes' positions, one for each position of the context. The positions beyond it, which lanes may
    /// have that nobody asked for, have zeros.
    ///
    /// # Errors
    /// Vectors that have not the embedding's channels, a shift that makes a number too large, or a second such operation.
    pub fn embed_positions(&mut self, positions: Matrix, shift: u32) -> Result<Tensor, PlanError> {
        let has_positions = |operation: &Operation| matches!(operation, Operation::Embed(of) if of.positions.is_some());
        if self.operations.iter().any(has_positions) {
            return Err(PlanError::PositionTables);
        }
        let mut lengths = positions.rows().iter().map(Row::len);
        let expected = self.embedding.inputs;
        if let Some(found) = lengths.find(|&length| length != expected) {
            return Err(PlanError::Inputs {
                operation: NAME,
                found,
                expected,
            });
        }
        self.scales(shift, largest(&positions))?;
        Ok(self.push_embed(shift, Some(positions)))
    }

    /// Requires `2^shift e + p` to be small enough, for positions of at most a magnitude.
    fn scales(&self, shift: u32, positions: i64) -> Result<(), PlanError> {
        if shift > MAX_SHIFT {
            let limit = MAX_SHIFT;
            return Err(PlanError::EmbedShift { shift, limit });
        }
        let magnitude = (largest(&self.embedding) << shift) + positions;
        within(NAME, 0, magnitude, ACCUMULATOR)
    }

    fn push_embed(&mut self, shift: u32, positions: Option<Matrix>) -> Tensor {
        let most = |of: fn(&Matrix) -> i64| {
            (of(&self.embedding) << shift) + positions.as_ref().map_or(0, of)
        };
        let (magnitude, length) = (most(largest), most(longest));
        let output = self.tensor(self.embedding.inputs, magnitude).within(length);
        self.operations.push(Operation::Embed(Embed {
            tokens: self.tokens,
            shift,
            positions,
            output,
        }));
        output
    }
}

impl Embed {
    /// Channels of a part.
    fn part(&self) -> usize {
        head::part(self.output.channels)
    }

    fn component(&self) -> Component {
        let (part, shift) = (self.part(), self.shift);
        match self.positions {
            Some(_) => Component::EmbedPositions { part, shift },
            None => Component::Embed { part, shift },
        }
    }

    /// The lane and the part of each row.
    fn rows(&self, plan: &Plan) -> impl Iterator<Item = (usize, usize)> {
        let (lanes, parts) = (plan.lanes, self.output.channels / self.part());
        (0..parts).flat_map(move |part| (0..lanes).map(move |lane| (lane, part)))
    }

    /// A number of a position's vector: 0 beyond the context.
    fn of_position(&self, position: usize, channel: usize) -> i64 {
        let positions = self.positions.as_ref();
        let vector = positions.and_then(|positions| positions.rows().get(position));
        vector.map_or(0, |vector| vector.at(channel).into())
    }
}

impl Work for Embed {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        let positions = self.positions.as_ref();
        positions
            .map(|_| self.tokens.of_positions())
            .into_iter()
            .collect()
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.tokens.given, self.output.address]
            .map(Operand::Number)
            .to_vec()
    }

    fn views(&self) -> Vec<u32> {
        let outputs = self.output.addresses().step_by(CHANNELS);
        [self.tokens.given].into_iter().chain(outputs).collect()
    }

    fn context(&self) -> Option<usize> {
        let positions = self.positions.as_ref();
        positions.map(|positions| positions.outputs())
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        for lane in lanes {
            let token = values.rows[self.tokens.given as usize][lane] as usize;
            let position = values.chunk.position as usize + lane;
            for (channel, &value) in plan.embedding.row(token).numbers().iter().enumerate() {
                let scaled = i64::from(value) << self.shift;
                let sum = scaled + self.of_position(position, channel);
                values.set(self.output, channel, lane, sum);
            }
        }
        Ok(())
    }

    /// A row for each part and lane.
    fn constants(&self, plan: &Plan) -> Vec<Part> {
        let row = |(lane, part)| [lane, part].map(|n: usize| M31::from(n as u32)).to_vec();
        vec![Part {
            component: self.component(),
            rows: self.rows(plan).map(row).collect(),
        }]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let row = |(lane, part): (usize, usize)| {
            let token = values.rows[self.tokens.given as usize][lane] as usize;
            let position = values.chunk.position as usize + lane;
            let channels = part * self.part()..(part + 1) * self.part();
            let mut row = values.view(self.tokens.given, lane);
            let embedding = plan.embedding.row(token);
            row.extend(
                channels
                    .clone()
                    .map(|channel| signed(embedding.at(channel).into())),
            );
            if self.positions.is_some() {
                row.extend(channels.map(|channel| signed(self.of_position(position, channel))));
            }
            row
        };
        vec![Part {
            component: self.component(),
            rows: self.rows(plan).map(row).collect(),
        }]
    }

    fn tables(&self, plan: &Plan) -> Vec<Part> {
        let Some(positions) = &self.positions else {
            return vec![];
        };
        let width = self.part();
        let count = positions.outputs() + plan.lanes - 1;
        let parts = 0..self.output.channels / width;
        let row = |(position, part): (usize, usize)| {
            let key = [1, part, position].map(|number| M31::from(number as u32));
            let channels = part * width..(part + 1) * width;
            let vector = channels.map(|channel| signed(self.of_position(position, channel)));
            key.into_iter().chain(vector).collect()
        };
        let rows = parts.flat_map(|part| repeat_n(part, count).enumerate());
        vec![Part {
            component: Component::PositionTable { part: width },
            rows: rows.map(row).collect(),
        }]
    }

    fn table_counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        let Some(positions) = &self.positions else {
            return vec![];
        };
        let width = self.part();
        let parts = self.output.channels / width;
        let rows = parts * (positions.outputs() + plan.lanes - 1);
        vec![(Component::PositionTable { part: width }, rows)]
    }
}
