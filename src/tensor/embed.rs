//! The embeddings of the lanes' tokens.

use std::ops::Range;

use super::constants::signed;
use super::error::StreamError;
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor, Tokens, root};
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::lanes::CHANNELS;

/// The embeddings of the tokens that come in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Embed {
    pub tokens: Tokens,
    pub output: Tensor,
}

impl Plan {
    /// The embeddings of the tokens that come in.
    pub fn embed(&mut self) -> Tensor {
        let values = self.embedding.rows.iter().flatten();
        let magnitude = values
            .map(|&value| i64::from(value).abs())
            .max()
            .unwrap_or(0);
        let squares = self.embedding.rows.iter().map(|row| {
            let squares = row.iter().map(|&value| i128::from(value).pow(2));
            squares.sum()
        });
        let length = root(squares.max().unwrap_or(0));
        let output = self.tensor(self.embedding.inputs, magnitude).within(length);
        let tokens = self.tokens;
        self.operations
            .push(Operation::Embed(Embed { tokens, output }));
        output
    }
}

impl Embed {
    fn component(&self) -> Component {
        let width = self.output.channels;
        Component::Embed { width }
    }
}

impl Work for Embed {
    fn name(&self) -> &'static str {
        "embed"
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![]
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

    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), StreamError> {
        for lane in lanes {
            let token = values.rows[self.tokens.given as usize][lane] as usize;
            for (channel, &value) in plan.embedding.rows[token].iter().enumerate() {
                values.set(self.output, channel, lane, value.into());
            }
        }
        Ok(())
    }

    /// A row for each lane.
    fn constants(&self, plan: &Plan) -> Vec<Part> {
        vec![Part {
            component: self.component(),
            rows: vec![vec![]; plan.lanes],
        }]
    }

    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part> {
        let row = |lane: usize| {
            let view = self.tokens.given..self.tokens.given + CHANNELS as u32;
            let addresses = view.chain(self.output.addresses());
            let at = |address: u32| signed(values.rows[address as usize][lane]);
            addresses.map(at).collect()
        };
        vec![Part {
            component: self.component(),
            rows: (0..plan.lanes).map(row).collect(),
        }]
    }
}
