//! The numbers of outputs: which component takes a matrix's outputs, and in which order all of them are numbered.

use super::matrix::Matrix;
use super::operation::Work;
use super::plan::{Plan, Tensor};
use crate::air::components::Component;

/// The components that take outputs of products from the zero sum, in the order in which their outputs are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Taker {
    Round,
    Function,
    Residual,
    Gated,
    Rotary,
}

impl Taker {
    /// By how many outputs the power of a row that is off is ahead of the row before: they divide every block.
    pub fn outputs_of_row(self) -> usize {
        match self {
            Taker::Round | Taker::Function | Taker::Residual | Taker::Rotary => 1,
            Taker::Gated => 2,
        }
    }

    /// What takes outputs with this component.
    pub(super) fn of(component: Component) -> Option<Taker> {
        match component {
            Component::Round => Some(Taker::Round),
            Component::Function { .. } => Some(Taker::Function),
            Component::Residual { .. } => Some(Taker::Residual),
            Component::Gated { .. } => Some(Taker::Gated),
            Component::Rotary { .. } => Some(Taker::Rotary),
            _ => None,
        }
    }
}

/// A matrix of an operation, whose outputs a component takes.
#[derive(Clone, Copy, Debug)]
pub struct Matmul<'a> {
    pub taker: Taker,
    pub weights: &'a Matrix,
    pub input: Tensor,
}

impl Plan {
    /// The operations' matrices in the order in which their outputs are numbered: by the components that take them.
    pub fn matmuls(&self) -> Vec<Matmul<'_>> {
        let operations = self.operations.iter();
        let of = operations.filter_map(|operation| operation.work().matmul());
        let mut all: Vec<Matmul<'_>> = of.collect();
        all.sort_by_key(|matmul| matmul.taker);
        all
    }

    /// Places of the operations in the order in which their rows stand in the components: those with a matrix as
    /// [`matmuls`](Self::matmuls) orders them, as rows of `product` have the order of the outputs.
    pub(super) fn order(&self) -> Vec<usize> {
        let taker = |place: &usize| {
            let matmul = self.operations[*place].work().matmul();
            matmul.map(|matmul| matmul.taker)
        };
        let mut order: Vec<usize> = (0..self.operations.len()).collect();
        order.sort_by_key(taker);
        order
    }

    /// Rows that are off behind those of an operation in a component that takes outputs, up to the next block: each matrix starts at one.
    pub(super) fn rows_off(&self, component: Component, operation: &dyn Work) -> usize {
        let (Some(taker), Some(matmul)) = (Taker::of(component), operation.matmul()) else {
            return 0;
        };
        let outputs = matmul.weights.outputs();
        (outputs.next_multiple_of(self.block) - outputs) / taker.outputs_of_row()
    }

    /// The number of the first output that a component takes. Each matrix starts at a block.
    pub fn start(&self, taker: Taker) -> u32 {
        let matmuls = self.matmuls();
        let before = matmuls.iter().filter(|matmul| matmul.taker < taker);
        let outputs = before.map(|m| m.weights.outputs().next_multiple_of(self.block));
        outputs.sum::<usize>() as u32
    }
}
