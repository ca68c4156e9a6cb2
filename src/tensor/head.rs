//! The choice of the next token, by the table of embeddings or by a matrix of the head's own.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::constants::{flag, signed};
use super::error::{BitsError, PlanError};
use super::matrix::{Matrix, Row};
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor};
use super::product::within;
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::head::{LIMB_BITS, part};
use crate::air::components::lanes::CHANNELS;

/// Name in refusals.
const NAME: &str = "head";

/// A logit must be below this in magnitude.
const LOGIT: i64 = 1 << 28;

/// The token with the largest logit `W x`, with the table of embeddings or the plan's output matrix for `W`; of equal ones the lowest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    pub input: Tensor,
    /// The largest logits, which are attained.
    pub maxima: Tensor,
    pub chosen: Tensor,
}

impl Plan {
    /// The choice of the next token. A plan has one: the head's messages, its powers and the sum over chosen tokens have no
    /// number of an operation in them.
    ///
    /// # Errors
    /// A logit whose range cannot be proven, or a second head.
    pub fn head(&mut self, input: Tensor) -> Result<(), PlanError> {
        let matrix = self.output();
        matrix.fits(NAME, input)?;
        self.written(NAME, input)?;
        if self.has_head() {
            return Err(PlanError::Heads);
        }
        for token in 0..matrix.outputs() {
            let reach = matrix.reach(token, input, 0);
            within(NAME, token, reach, LOGIT)?;
        }
        let row = |address| Tensor::new(address, 1, LOGIT);
        let (maxima, chosen) = (row(self.maxima), row(self.tokens.chosen));
        self.operations.push(Operation::Head(Head {
            input,
            maxima,
            chosen,
        }));
        Ok(())
    }

    /// The same by a matrix that is not the table of embeddings: a row for each token.
    ///
    /// # Errors
    /// As [`head`](Self::head), and a matrix with other tokens or of a width that no view has.
    pub fn own_head(&mut self, input: Tensor, matrix: Matrix) -> Result<(), PlanError> {
        let (found, expected) = (matrix.outputs(), self.embedding.outputs());
        if found != expected {
            return Err(PlanError::OutputTokens { found, expected });
        }
        if !matrix.inputs.is_multiple_of(CHANNELS) || matrix.inputs == 0 {
            return Err(PlanError::Width(matrix.inputs));
        }
        if self.has_head() {
            return Err(PlanError::Heads);
        }
        self.output = Some(matrix);
        self.head(input)
    }

    /// The matrix of the logits.
    pub(super) fn output(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding)
    }

    /// Whether there is a choice of a token.
    pub fn has_head(&self) -> bool {
        self.operations
            .iter()
            .any(|operation| matches!(operation, Operation::Head(_)))
    }

    /// Number of the head's messages, one for each of its input channels.
    pub(super) fn messages(&self) -> usize {
        if self.has_head() {
            self.output().inputs
        } else {
            0
        }
    }
}

impl Head {
    /// The rows of inputs, logits and the answer.
    fn parts(&self, plan: &Plan, [inputs, logits, answer]: [Vec<Vec<M31>>; 3]) -> Vec<Part> {
        let (width, tied) = (self.input.channels, plan.output.is_none());
        let of = |(component, rows)| Part { component, rows };
        [
            (Component::HeadInput, inputs),
            (Component::Head { width, tied }, logits),
            (Component::Answer, answer),
        ]
        .map(of)
        .into()
    }

    /// A token's row, with room for the multiplicities of its embedding.
    fn logits(&self, plan: &Plan, token: usize, values: &Values) -> Vec<M31> {
        let parts = match plan.output {
            Some(_) => 0,
            None => self.input.channels / part(self.input.channels),
        };
        let mut row = vec![M31::from(0); parts];
        let maxima = values.channel(self.maxima, 0);
        let chosen = values.channel(self.chosen, 0);
        let logits = values.kept(self.maxima).of(token);
        let token = token as i64;
        row.extend(maxima.iter().map(|&m| signed(m)));
        for lane in 0..plan.lanes {
            let before = i64::from(token < chosen[lane]);
            let distance = maxima[lane] - i64::from(logits[lane]) - before;
            let limb = |i: u32| (distance >> (LIMB_BITS * i)) & ((1 << LIMB_BITS) - 1);
            let flags = [token >= chosen[lane], token > chosen[lane]].map(i64::from);
            row.extend([flags[0], flags[1], limb(0), limb(1)].map(signed));
        }
        row
    }
}

impl Work for Head {
    fn name(&self) -> &'static str {
        NAME
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![self.input]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.maxima, self.chosen]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        [self.input, self.maxima, self.chosen]
            .map(Tensor::operand)
            .to_vec()
    }

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError> {
        let logits = values.product(plan.output(), self.input, &lanes);
        for (i, lane) in lanes.clone().enumerate() {
            let mut best = (0, i32::MIN);
            for token in 0..plan.embedding.outputs() {
                let logit = logits.of(token)[i];
                if logit > best.1 {
                    best = (token as i64, logit);
                }
            }
            values.set(self.chosen, 0, lane, best.0);
            let counts = lane >= values.chunk.forced;
            values.rows[plan.tokens.listed as usize][lane] = if counts { best.0 + 1 } else { 0 };
            values.set(self.maxima, 0, lane, best.1.into());
        }
        values.keep(self.maxima, &lanes, &logits);
        Ok(())
    }

    fn constants(&self, plan: &Plan) -> Vec<Part> {
        // The flags begin with the head, which happens to be with the component.
        let input = |j: usize| vec![M31::from(j as u32), flag(j == 0)];
        let matrix = plan.output();
        let tokens = matrix.outputs();
        let logit = |(token, row): (usize, &Row)| {
            let mut constants = vec![M31::from(token as u32)];
            constants.extend([token == 0, token + 1 == tokens].map(flag));
            constants.extend(row.numbers().iter().map(|&e| signed(e.into())));
            constants
        };
        let logits = matrix.rows().iter().enumerate();
        self.parts(
            plan,
            [
                (0..self.input.channels).map(input).collect(),
                logits.map(logit).collect(),
                vec![vec![]],
            ],
        )
    }

    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        let (width, tied) = (self.input.channels, plan.output.is_none());
        vec![
            (Component::HeadInput, width),
            (Component::Head { width, tied }, plan.output().outputs()),
            (Component::Answer, 1),
        ]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let inputs = self.input.addresses();
        let tokens = 0..plan.embedding.outputs();
        self.parts(
            plan,
            [
                inputs.map(|address| values.lanes(address)).collect(),
                tokens
                    .map(|token| self.logits(plan, token, values))
                    .collect(),
                vec![values.lanes(self.chosen.address)],
            ],
        )
    }

    /// The embeddings, where the head has another matrix: each part of each token once.
    fn tables(&self, plan: &Plan) -> Vec<Part> {
        if plan.output.is_none() {
            return vec![];
        }
        let width = part(plan.embedding.inputs);
        let of_part = |number: usize| {
            let rows = plan.embedding.rows().iter().enumerate();
            rows.map(move |(token, row)| {
                let key = [1, number, token].map(|number| M31::from(number as u32));
                let channels = (number * width..).take(width);
                let channels = channels.map(|channel| signed(row.at(channel).into()));
                key.into_iter().chain(channels).collect()
            })
        };
        let parts = 0..plan.embedding.inputs / width;
        vec![Part {
            component: Component::EmbeddingTable { part: width },
            rows: parts.flat_map(of_part).collect(),
        }]
    }

    fn table_counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        if plan.output.is_none() {
            return vec![];
        }
        let (embedding, width) = (&plan.embedding, part(plan.embedding.inputs));
        let rows = embedding.inputs / width * embedding.outputs();
        vec![(Component::EmbeddingTable { part: width }, rows)]
    }
}
