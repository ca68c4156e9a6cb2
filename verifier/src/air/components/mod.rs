//! The components of this project's own, one file each: what it enforces, its columns, its lookups.
//!
//! All rows of tensors hold the values of all lanes of a channel. Relations are told apart by the first element of
//! their tuples. In comments `+T` stands for the use of a tuple and `−T` for its yield; a row's multiplicities are 0
//! where it is off.

pub mod angles;
pub mod answer;
pub mod attend;
pub mod call;
pub mod carried_lanes;
pub mod cells;
pub mod compress;
pub mod embed;
pub mod form;
pub mod function;
pub mod gated;
pub mod groups;
pub mod head;
pub mod head_input;
pub mod lanes;
pub mod masks;
pub mod mixed;
pub mod norm;
pub mod norm_root;
pub mod outputs;
pub mod place;
pub mod positions;
pub mod product;
pub mod qk;
pub mod range;
pub mod record;
pub mod relations;
pub mod residual;
pub mod roots;
pub mod rotary;
pub mod round;
pub mod softmax;
pub mod table;
pub mod tensor;
pub mod tokens;
pub mod vectors;

#[cfg(test)]
mod tests;

use std::fmt;

use stwo::core::fields::m31::M31;
use stwo::core::fields::qm31::SecureField;
use stwo_constraint_framework::{EvalAtRow, FrameworkEval, InfoEvaluator};

use super::challenges::{Challenges, Weights};
use super::row::{FrameworkRow, Row};
use crate::spec::record::Packing;
use relations::{ANGLES, EMBEDDING, POSITIONS};

/// A component, with what its columns depend on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Component {
    /// [`tensor`]
    Tensor,
    /// [`range`]
    Range,
    /// [`lanes`]
    Lanes,
    /// [`carried_lanes`]: address of the first carried block
    CarriedLanes { base: u32 },
    /// [`call`]: number of operands, the operation's number included
    Call { operands: usize },
    /// [`cells`]
    Cells,
    /// [`embed`]: channels of a part, and the shift
    Embed { part: usize, shift: u32 },
    /// [`embed`] with learned positions: channels of a part, and the shift
    EmbedPositions { part: usize, shift: u32 },
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
    /// [`rotary`]: number of its first output, and pairs of a head
    Rotary { start: u32, half: usize },
    /// [`positions`]
    Positions,
    /// [`vectors`] of rotary angles
    AngleTable,
    /// [`vectors`] of learned positions: channels of a part
    PositionTable { part: usize },
    /// [`angles`]
    Angles,
    /// [`head_input`]
    HeadInput,
    /// [`vectors`] of embeddings, where the head has another matrix: channels of a part
    EmbeddingTable { part: usize },
    /// [`head`]: channels of its matrix, and whether that is the table of embeddings
    Head { width: usize, tied: bool },
    /// [`answer`]
    Answer,
    /// [`masks`]
    Masks,
    /// [`softmax`]: channels of a head
    Softmax { head_dim: usize },
    /// [`qk`]: channels of a head
    Qk { head_dim: usize },
    /// [`attend`]: channels of a head, and whether distances have a second limb
    Attend { head_dim: usize, far: bool },
    /// [`mixed`]
    Mixed,
    /// [`norm`]: whether the mean is taken away
    Norm { centred: bool },
    /// [`norm_root`]: as `norm`
    NormRoot { centred: bool },
    /// [`compress`]
    Compress,
    /// [`record`]: how its values are packed
    Record { packing: Packing },
    /// [`roots`]: blocks of a record
    Roots { blocks: usize },
    /// [`tokens`]
    Tokens,
}

impl Component {
    /// The component's constraints on a row of `lanes` lanes.
    pub fn evaluate<R: Row>(self, lanes: usize, weights: &Weights<R::C>, row: &mut R) {
        match self {
            Component::Tensor => tensor::evaluate(lanes, row),
            Component::Range => range::evaluate(row),
            Component::Lanes => lanes::evaluate(lanes, row),
            Component::CarriedLanes { .. } => carried_lanes::evaluate(lanes, row),
            Component::Call { operands } => call::evaluate(operands, row),
            Component::Cells => cells::evaluate(row),
            Component::Embed { part, shift } => embed::evaluate(part, shift, false, row),
            Component::EmbedPositions { part, shift } => embed::evaluate(part, shift, true, row),
            Component::Product { block } => product::evaluate(block, weights, lanes, row),
            Component::Round => round::evaluate(lanes, weights, row),
            Component::Table => table::evaluate(row),
            Component::Function { start } => function::evaluate(start, lanes, weights, row),
            Component::Residual { start } => residual::evaluate(start, lanes, weights, row),
            Component::Gated { start } => gated::evaluate(start, lanes, weights, row),
            Component::Rotary { start, half } => {
                rotary::evaluate(start, half, lanes, weights, row);
            }
            Component::Positions => positions::evaluate(lanes, row),
            Component::AngleTable => vectors::evaluate(ANGLES, angles::WIDTH, row),
            Component::PositionTable { part } => vectors::evaluate(POSITIONS, part, row),
            Component::Angles => angles::evaluate(row),
            Component::HeadInput => head_input::evaluate(lanes, weights, row),
            Component::EmbeddingTable { part } => vectors::evaluate(EMBEDDING, part, row),
            Component::Head { width, tied } => head::evaluate(width, tied, lanes, weights, row),
            Component::Answer => answer::evaluate(lanes, weights, row),
            Component::Masks => masks::evaluate(lanes, row),
            Component::Softmax { head_dim } => softmax::evaluate(head_dim, lanes, weights, row),
            Component::Qk { .. } => qk::evaluate(lanes, weights, row),
            Component::Attend { head_dim, far } => {
                attend::evaluate(head_dim, far, lanes, weights, row)
            }
            Component::Mixed => mixed::evaluate(lanes, weights, row),
            Component::Norm { centred } => norm::evaluate(centred, lanes, weights, row),
            Component::NormRoot { centred } => norm_root::evaluate(centred, weights, row),
            Component::Compress => compress::evaluate(row),
            Component::Record { packing } => record::evaluate(packing, row),
            Component::Roots { blocks } => roots::evaluate(blocks, row),
            Component::Tokens => tokens::evaluate(row),
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
            | Component::Gated { start }
            | Component::Rotary { start, .. } => Some(start),
            _ => None,
        }
    }

    /// Whether its number of rows depends on how many positions a chunk carries. Such a component has rows of its own and not
    /// an operation's: their constants follow from their number.
    pub fn grows(self) -> bool {
        matches!(
            self,
            Component::Tensor
                | Component::CarriedLanes { .. }
                | Component::Qk { .. }
                | Component::Attend { .. }
                | Component::Record { .. }
                | Component::Compress
        )
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
    pub fn rows(self, lanes: usize, log_rows: u32) -> Vec<Vec<M31>> {
        let rows = 0..1usize << log_rows;
        let row = |row: usize| match self {
            Component::Tensor => vec![M31::from(row as u32)],
            Component::CarriedLanes { base } => carried_lanes::constants(base, row as u32),
            Component::Qk { head_dim } => groups::constants(head_dim, row),
            Component::Attend { .. } => groups::constants(lanes, row),
            _ => vec![],
        };
        rows.map(row).collect()
    }

    /// Numbers that tell it from every other component.
    pub(super) fn words(self) -> [u32; 3] {
        let [kind, parameter] = match self {
            Component::Tensor => [1, 0],
            Component::Range => [2, 0],
            Component::Lanes => [3, 0],
            Component::Call { operands } => [4, operands as u32],
            Component::Cells => [5, 0],
            Component::Embed { part, shift } => return [6, part as u32, shift],
            Component::EmbedPositions { part, shift } => return [16, part as u32, shift],
            Component::Product { block } => [7, block as u32],
            Component::Round => [8, 0],
            Component::HeadInput => [9, 0],
            Component::EmbeddingTable { part } => [22, part as u32],
            Component::Head { width, tied } => return [10, width as u32, tied.into()],
            Component::Answer => [11, 0],
            Component::Table => [12, 0],
            Component::Function { start } => [13, start],
            Component::Residual { start } => [14, start],
            Component::Gated { start } => [15, start],
            Component::Rotary { start, half } => return [17, start, half as u32],
            Component::Positions => [18, 0],
            Component::AngleTable => [19, 0],
            Component::PositionTable { part } => [20, part as u32],
            Component::Angles => [21, 0],
            Component::Norm { centred } => [30, centred.into()],
            Component::NormRoot { centred } => [31, centred.into()],
            Component::Compress => [40, 0],
            Component::Record { packing } => [41, packing.values() as u32],
            Component::Roots { blocks } => [42, blocks as u32],
            Component::Tokens => [43, 0],
            Component::Masks => [32, 0],
            Component::Softmax { head_dim } => [33, head_dim as u32],
            Component::Qk { head_dim } => [34, head_dim as u32],
            Component::Attend { head_dim, far } => [35 + u32::from(far), head_dim as u32],
            Component::Mixed => [37, 0],
            Component::CarriedLanes { base } => [38, base],
        };
        [kind, parameter, 0]
    }
}

impl fmt::Display for Component {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.document_name())?;
        match self {
            // Of these a plan can have several.
            Component::Call { operands } => write!(f, "_{operands}"),
            Component::Embed { shift, .. } | Component::EmbedPositions { shift, .. } => {
                write!(f, "_{shift}")
            }
            _ => Ok(()),
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
