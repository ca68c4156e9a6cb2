//! Operations of a plan: one file each, with what it computes, the ranges that make it sound, and its rows.

use std::ops::Range;

use stwo::core::fields::m31::M31;

use super::angles::AnglesByTable;
use super::chains::Chains;
use super::embed::Embed;
use super::error::BitsError;
use super::function::ByTable;
use super::gated::GatedProduct;
use super::head::Head;
use super::linear::Linear;
use super::masks::Masks;
use super::norm::Normed;
use super::numbers::Matmul;
use super::plan::{Plan, Tensor};
use super::positions::Positions;
use super::query_head::QueryHead;
use super::records::Records;
use super::residual::Residual;
use super::rotary::Rotary;
use super::values::Values;
use crate::air::components::Component;
use crate::air::components::tokens::CHAINS;
use crate::spec::poseidon2::Digest;

/// An operation of a plan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    Embed(Embed),
    Linear(Linear),
    Function(ByTable),
    Residual(Residual),
    Gated(GatedProduct),
    Positions(Positions),
    Angles(AnglesByTable),
    Rotary(Rotary),
    Norm(Normed),
    Masks(Masks),
    QueryHead(QueryHead),
    Head(Head),
    Records(Records),
    Chains(Chains),
}

impl Operation {
    pub(super) fn work(&self) -> &dyn Work {
        match self {
            Operation::Embed(operation) => operation,
            Operation::Linear(operation) => operation,
            Operation::Function(operation) => operation,
            Operation::Residual(operation) => operation,
            Operation::Gated(operation) => operation,
            Operation::Positions(operation) => operation,
            Operation::Angles(operation) => operation,
            Operation::Rotary(operation) => operation,
            Operation::Norm(operation) => operation,
            Operation::Masks(operation) => operation,
            Operation::QueryHead(operation) => operation,
            Operation::Head(operation) => operation,
            Operation::Records(operation) => operation,
            Operation::Chains(operation) => operation,
        }
    }

    /// What it is, in a word.
    pub fn name(&self) -> &'static str {
        self.work().name()
    }

    /// The tensors that it writes.
    pub fn writes(&self) -> Vec<Tensor> {
        self.work().writes()
    }

    /// The tensors that it reads and that an operation writes.
    pub fn reads(&self) -> Vec<Tensor> {
        self.work().reads()
    }
}

/// What an operation computes, and the rows that it has.
pub(super) trait Work {
    /// What it is, in a word.
    fn name(&self) -> &'static str;

    /// The tensors that it reads, each of which another operation writes.
    fn reads(&self) -> Vec<Tensor>;

    /// The tensors that it writes.
    fn writes(&self) -> Vec<Tensor>;

    /// The operands of its call, behind the operation's number.
    fn operands(&self, plan: &Plan) -> Vec<Operand>;

    /// Its matrix, and the component that takes its outputs.
    fn matmul(&self) -> Option<Matmul<'_>> {
        None
    }

    /// Addresses of the views by lanes that its rows use.
    fn views(&self) -> Vec<u32> {
        vec![]
    }

    /// The number of positions that it has constants for.
    fn context(&self) -> Option<usize> {
        None
    }

    /// Computes what it writes in some lanes. All lanes before have been computed, by all operations.
    ///
    /// # Errors
    /// A value whose range is checked, not proven, and that no proof can have.
    fn compute(
        &self,
        plan: &Plan,
        lanes: Range<usize>,
        values: &mut Values,
    ) -> Result<(), BitsError>;

    /// Its rows in the order of their index: the constants behind the place. Columns `first` are 0: that a row is its
    /// component's first one is for the component's table to say.
    fn constants(&self, plan: &Plan) -> Vec<Part>;

    /// How many these are. An operation with a matrix counts them without making them.
    fn counts(&self, plan: &Plan) -> Vec<(Component, usize)> {
        let parts = self.constants(plan);
        let count = |part: &Part| (part.component, part.rows.len());
        parts.iter().map(count).collect()
    }

    /// The components that [grow](Component::grows) with what is carried and that it has rows in, with the number of these
    /// rows where so many blocks are carried.
    fn grown(&self, _plan: &Plan, _blocks: u32) -> Vec<(Component, usize)> {
        vec![]
    }

    /// The same rows: the trace columns behind the operands. Rows of components that grow are whole, and only here.
    fn witness(&self, plan: &Plan, values: &Values) -> Vec<Part>;

    /// Rows of tables that only its rows look up: all their constants. Behind them each has a multiplicity.
    fn tables(&self, _plan: &Plan) -> Vec<Part> {
        vec![]
    }

    /// How many these are, without making them.
    fn table_counts(&self, _plan: &Plan) -> Vec<(Component, usize)> {
        vec![]
    }
}

/// An operand of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operand {
    /// The same in each chunk.
    Number(u32),
    /// The position of the chunk's first lane, `P`.
    Position,
    /// The number of blocks of carried positions, `N`: each but the last has one for each lane.
    Blocks,
    /// The number of positions in the last of these blocks; the number of lanes if there is none.
    LastKeys,
    /// The first group of a head's keys, with so many heads before: `heads · (N + 1)`.
    Group(u32),
}

impl Operand {
    /// Its value in a chunk.
    pub fn of(self, lanes: usize, chunk: &Chunk) -> u32 {
        let [blocks, last_keys] = carried_blocks(lanes, chunk.position);
        match self {
            Operand::Number(number) => number,
            Operand::Position => chunk.position,
            Operand::Blocks => blocks,
            Operand::LastKeys => last_keys,
            Operand::Group(heads) => heads * (blocks + 1),
        }
    }
}

/// The number of blocks of positions before this one, and the number of positions in the last of them: that of lanes if there is none.
pub fn carried_blocks(lanes: usize, position: u32) -> [u32; 2] {
    let lanes = lanes as u32;
    let blocks = position.div_ceil(lanes);
    [blocks, position + lanes - blocks * lanes]
}

/// What a chunk puts into a plan.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Chunk {
    /// The tokens that come in, of the first lanes: at least one, each below the number of tokens. A lane beyond them takes the token
    /// that the lane before chooses.
    pub tokens: Vec<u32>,
    /// The position of the first lane.
    pub position: u32,
    /// Number of the first lanes whose next token the prompt gives, so that their choices do not count.
    pub forced: usize,
    /// Keys and values of the positions before, as rows of the memory, block by block, each in the order of a record.
    pub carried: Vec<Vec<i64>>,
    /// The chains of the tokens that came in before, and of the listed choices.
    pub chains: [Digest; CHAINS],
}

impl Chunk {
    /// The first chunk of a session.
    pub fn first(tokens: &[u32]) -> Chunk {
        Chunk {
            tokens: tokens.to_vec(),
            ..Chunk::default()
        }
    }
}

/// Rows that an operation has in a component.
pub(super) struct Part {
    pub component: Component,
    pub rows: Vec<Vec<M31>>,
}
