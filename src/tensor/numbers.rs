//! The numbers of outputs: which component takes a matrix's outputs, and in which order all of them are numbered.

use super::plan::{Operation, Plan, Tensor};
use super::product::Matrix;

/// The components that take outputs of products from the zero sum, in the order in which their outputs are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taker {
    Round,
    Function,
    Residual,
    Gated,
}

impl Taker {
    /// Outputs that a row takes: they divide every block.
    pub fn outputs_of_row(self) -> usize {
        match self {
            Taker::Round | Taker::Function | Taker::Residual => 1,
            Taker::Gated => 2,
        }
    }
}

/// A matrix of an operation, whose outputs a component takes.
#[derive(Clone, Copy, Debug)]
pub struct Matmul<'a> {
    /// Place of its operation in the plan.
    pub operation: usize,
    pub taker: Taker,
    pub weights: &'a Matrix,
    pub input: Tensor,
}

impl Operation {
    /// Its matrix, if it has one; `operation` is its place in the plan.
    fn matmul(&self, operation: usize) -> Option<Matmul<'_>> {
        let (taker, weights, input) = match self {
            Operation::Linear { of, input, .. } => (Taker::Round, &of.weights, input),
            Operation::Function { of, input, .. } => (Taker::Function, &of.weights, input),
            Operation::Residual { of, input, .. } => (Taker::Residual, &of.weights, input),
            Operation::Gated { both, input, .. } => (Taker::Gated, both, input),
            Operation::Embed { .. } | Operation::Head { .. } => return None,
        };
        Some(Matmul {
            operation,
            taker,
            weights,
            input: *input,
        })
    }
}

impl Plan {
    /// The operations' matrices in the order in which their outputs are numbered: by the components that take them.
    pub fn matmuls(&self) -> Vec<Matmul<'_>> {
        let operations = self.operations.iter().enumerate();
        let of = operations.map(|(i, operation)| operation.matmul(i));
        let mut all: Vec<Matmul<'_>> = of.flatten().collect();
        all.sort_by_key(|matmul| matmul.taker);
        all
    }

    /// The number of the first output that a component takes. Each matrix starts at a block.
    pub fn start(&self, taker: Taker) -> u32 {
        let matmuls = self.matmuls();
        let before = matmuls.iter().filter(|matmul| matmul.taker < taker);
        let outputs = before.map(|m| m.weights.rows.len().next_multiple_of(self.block));
        outputs.sum::<usize>() as u32
    }
}
