//! The components of this project's own, one file each: what it enforces, its columns, its lookups.
//!
//! All rows of tensors hold the values of all lanes of a channel. Relations are told apart by the first element of
//! their tuples. In comments `+T` stands for the use of a tuple and `−T` for its yield; a row's multiplicities are 0
//! where it is off.

pub mod answer;
pub mod call;
pub mod cells;
pub mod embed;
pub mod form;
pub mod function;
pub mod gated;
pub mod head;
pub mod head_input;
pub mod lanes;
pub mod norm;
pub mod norm_root;
pub mod outputs;
pub mod place;
pub mod product;
pub mod range;
pub mod relations;
pub mod residual;
pub mod round;
pub mod table;
pub mod tensor;

#[cfg(test)]
mod tests;

use std::fmt;

use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::SecureField;
use stwo_constraint_framework::{EvalAtRow, FrameworkEval, InfoEvaluator};

use super::challenges::{Challenges, Weights};
use super::row::{FrameworkRow, Row};

/// A component, with what its columns depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// [`tensor`]
    Tensor,
    /// [`range`]
    Range,
    /// [`lanes`]
    Lanes,
    /// [`call`]: number of operands, the operation's number included
    Call { operands: usize },
    /// [`cells`]
    Cells,
    /// [`embed`]: channels of an embedding
    Embed { width: usize },
    /// [`product`]: outputs in a block
    Product { block: usize },
    /// [`round`]
    Round,
    /// [`table`]
    Table,
    /// [`function`]: number of its first output
    Function { start: u32 },
    /// [`residual`]: number of its first output
    Residual { start: u32 },
    /// [`gated`]: number of its first output
    Gated { start: u32 },
    /// [`head_input`]
    HeadInput,
    /// [`head`]: channels of an embedding
    Head { width: usize },
    /// [`answer`]
    Answer,
    /// [`norm`]: whether the mean is taken away
    Norm { centred: bool },
    /// [`norm_root`]: as `norm`
    NormRoot { centred: bool },
}

impl Component {
    /// The component's constraints on a row of `lanes` lanes.
    pub fn evaluate<R: Row>(self, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
        match self {
            Component::Tensor => tensor::evaluate(lanes, row),
            Component::Range => range::evaluate(row),
            Component::Lanes => lanes::evaluate(lanes, row),
            Component::Call { operands } => call::evaluate(operands, row),
            Component::Cells => cells::evaluate(row),
            Component::Embed { width } => embed::evaluate(width, row),
            Component::Product { block } => product::evaluate(block, weights, lanes, row),
            Component::Round => round::evaluate(lanes, weights, row),
            Component::Table => table::evaluate(row),
            Component::Function { start } => function::evaluate(start, lanes, weights, row),
            Component::Residual { start } => residual::evaluate(start, lanes, weights, row),
            Component::Gated { start } => gated::evaluate(start, lanes, weights, row),
            Component::HeadInput => head_input::evaluate(lanes, weights, row),
            Component::Head { width } => head::evaluate(width, lanes, weights, row),
            Component::Answer => answer::evaluate(lanes, weights, row),
            Component::Norm { centred } => norm::evaluate(centred, lanes, weights, row),
            Component::NormRoot { centred } => norm_root::evaluate(centred, weights, row),
        }
    }
}

impl Component {
    /// The number of its first output among all outputs, of a component that takes outputs of products.
    pub fn start(self) -> Option<u32> {
        match self {
            Component::Round => Some(0),
            Component::Function { start }
            | Component::Residual { start }
            | Component::Gated { start } => Some(start),
            _ => None,
        }
    }

    /// Whether its number of rows depends on how many positions a chunk carries. Such a component has rows of its own and not
    /// an operation's: their constants follow from their number.
    pub fn grows(self) -> bool {
        matches!(self, Component::Tensor)
    }

    /// The first part of its columns' names: with the size, where it can have several. So a component of one size can read no
    /// column of another, which would come twice in it.
    pub fn columns_of(self, log_rows: u32) -> String {
        if self.grows() {
            format!("{self}_{log_rows}")
        } else {
            self.to_string()
        }
    }

    /// The constants of all rows of a component that [grows](Self::grows), row by row.
    pub fn rows(self, log_rows: u32) -> Vec<Vec<M31>> {
        match self {
            Component::Tensor => (0..1 << log_rows).map(|a| vec![M31::from(a)]).collect(),
            _ => vec![],
        }
    }

    /// Numbers that tell it from every other component.
    pub(super) fn words(self) -> [u32; 2] {
        match self {
            Component::Tensor => [1, 0],
            Component::Range => [2, 0],
            Component::Lanes => [3, 0],
            Component::Call { operands } => [4, operands as u32],
            Component::Cells => [5, 0],
            Component::Embed { width } => [6, width as u32],
            Component::Product { block } => [7, block as u32],
            Component::Round => [8, 0],
            Component::HeadInput => [9, 0],
            Component::Head { width } => [10, width as u32],
            Component::Answer => [11, 0],
            Component::Table => [12, 0],
            Component::Function { start } => [13, start],
            Component::Residual { start } => [14, start],
            Component::Gated { start } => [15, start],
            Component::Norm { centred } => [30, centred.into()],
            Component::NormRoot { centred } => [31, centred.into()],
        }
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Component::Tensor => f.write_str("tensor"),
            Component::Range => f.write_str("range"),
            Component::Lanes => f.write_str("lanes"),
            Component::Call { operands } => write!(f, "call_{operands}"),
            Component::Cells => f.write_str("cells"),
            Component::Embed { .. } => f.write_str("embed"),
            Component::Product { .. } => f.write_str("product"),
            Component::Round => f.write_str("round"),
            Component::Table => f.write_str("table"),
            Component::Function { .. } => f.write_str("function"),
            Component::Residual { .. } => f.write_str("residual"),
            Component::Gated { .. } => f.write_str("gated"),
            Component::HeadInput => f.write_str("head_input"),
            Component::Head { .. } => f.write_str("head"),
            Component::Answer => f.write_str("answer"),
            Component::Norm { .. } => f.write_str("norm"),
            Component::NormRoot { .. } => f.write_str("norm_root"),
        }
    }
}

/// Columns of a component, by tree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Columns {
    /// Names of the constant columns, in the order in which the definition asks for them.
    pub constants: Vec<String>,
    pub trace: usize,
    pub interaction: usize,
}

/// A component of a proof, as the library takes it.
pub struct Evaluator<'a> {
    pub component: Component,
    pub lanes: usize,
    pub log_rows: u32,
    pub challenges: &'a Challenges,
    name: String,
}

impl<'a> Evaluator<'a> {
    /// The component with so many rows.
    pub fn new(
        component: Component,
        lanes: usize,
        log_rows: u32,
        challenges: &'a Challenges,
    ) -> Self {
        Evaluator {
            component,
            lanes,
            log_rows,
            challenges,
            name: component.columns_of(log_rows),
        }
    }

    /// The columns, as the definition asks for them.
    pub fn columns(&self) -> Columns {
        let info = self.evaluate(InfoEvaluator::new(
            self.log_rows,
            vec![],
            SecureField::default(),
        ));
        let count = |tree: usize| info.mask_offsets.get(tree).map_or(0, Vec::len);
        Columns {
            constants: info
                .preprocessed_columns
                .iter()
                .map(|id| id.id.clone())
                .collect(),
            trace: count(1),
            interaction: count(2),
        }
    }
}

impl FrameworkEval for Evaluator<'_> {
    fn log_size(&self) -> u32 {
        self.log_rows
    }

    fn max_constraint_log_degree_bound(&self) -> u32 {
        self.log_rows + 1
    }

    fn evaluate<E: EvalAtRow>(&self, eval: E) -> E {
        let mut row = FrameworkRow::new(eval, &self.challenges.elements, &self.name);
        self.component
            .evaluate(self.lanes, &self.challenges.weights, &mut row);
        row.finish()
    }
}
