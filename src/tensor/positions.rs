//! The positions of the lanes.

use std::ops::Range;

use super::error::BitsError;
use super::operation::{Operand, Operation, Part, Work};
use super::plan::{Plan, Tensor, Tokens};
use super::values::Values;
use crate::air::components::Component;

/// The positions of all lanes, as a row of the memory that stands in the view of the tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Positions {
    pub output: Tensor,
}

impl Tokens {
    /// The row of positions.
    pub(super) fn of_positions(&self) -> Tensor {
        // The first one is an operand.
        Tensor::new(self.positions, 1, 1 << 28)
    }
}

impl Plan {
    /// Writes the lanes' positions. A plan whose operations read them has this operation once: [`check`](Plan::check) says so.
    pub fn positions(&mut self) -> Tensor {
        let output = self.tokens.of_positions();
        self.operations
            .push(Operation::Positions(Positions { output }));
        output
    }
}

impl Positions {
    /// One row, which has no columns behind the operands.
    fn part(&self) -> Vec<Part> {
        vec![Part {
            component: Component::Positions,
            rows: vec![vec![]],
        }]
    }
}

impl Work for Positions {
    fn name(&self) -> &'static str {
        "positions"
    }

    fn reads(&self) -> Vec<Tensor> {
        vec![]
    }

    fn writes(&self) -> Vec<Tensor> {
        vec![self.output]
    }

    fn operands(&self, _: &Plan) -> Vec<Operand> {
        vec![Operand::Position, self.output.operand()]
    }

    fn compute(&self, _: &Plan, lanes: Range<usize>, values: &mut Values) -> Result<(), BitsError> {
        let first = i64::from(values.chunk.position);
        for lane in lanes {
            values.set(self.output, 0, lane, first + lane as i64);
        }
        Ok(())
    }

    fn constants(&self, _: &Plan) -> Vec<Part> {
        self.part()
    }

    fn witness(&self, _: &Plan, _: &Values) -> Vec<Part> {
        self.part()
    }
}
