//! `linear`: chooses the lane width from the proven bound on the accumulators and packs the weights.

use starknet_types_core::felt::Felt;

use super::{Layout, LowerError, Lowering};
use crate::ir::{Matrix, MatrixId, Op, Range, ValueId, VerifiedGraph, row_bound};

/// A division of a felt into lanes: `per_half` lanes of `bits` bits in each 128-bit half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// Width of a lane; accumulators stay below `2^(bits − 1)` in magnitude.
    pub bits: u32,
    /// Lanes in the low half, and again in the high half.
    pub per_half: usize,
}

/// The divisions that the kernel library implements, densest first.
const LANES: [Lanes; 5] = [
    Lanes {
        bits: 20,
        per_half: 6,
    },
    Lanes {
        bits: 24,
        per_half: 5,
    },
    Lanes {
        bits: 30,
        per_half: 4,
    },
    Lanes {
        bits: 40,
        per_half: 3,
    },
    Lanes {
        bits: 60,
        per_half: 2,
    },
];

impl Lanes {
    /// The division with most lanes.
    pub(super) const DENSEST: Lanes = LANES[0];

    /// The densest division whose lanes hold values of at most `bound` in magnitude.
    pub(super) fn holding(bound: i128) -> Option<Lanes> {
        LANES
            .into_iter()
            .find(|lanes| bound < 1 << (lanes.bits - 1))
    }

    /// The densest division that holds every accumulator of `matrix` for inputs in `x`.
    ///
    /// # Errors
    /// A bound that no lane holds.
    pub fn choose(matrix: &Matrix, x: Range) -> Result<Lanes, LowerError> {
        let bound = (0..matrix.rows)
            .map(|i| row_bound(matrix.row(i), x))
            .max()
            .unwrap_or(0);
        Lanes::holding(bound).ok_or_else(|| LowerError::AccumulatorTooWide {
            matrix: matrix.name.clone(),
            bound,
        })
    }

    /// Rows that share a felt.
    pub fn rows(&self) -> usize {
        2 * self.per_half
    }

    /// The matrix as words: for each block of rows, one word per column, `Σ_i w[i][j]·2^lane(i)`
    /// as a signed sum in the field; missing rows of the last block are zero.
    pub fn pack(&self, matrix: &Matrix) -> Vec<Felt> {
        let weight = |i: usize| {
            let bit = i / self.per_half * 128 + i % self.per_half * self.bits as usize;
            Felt::TWO.pow(bit as u128)
        };
        let weights: Vec<Felt> = (0..self.rows()).map(weight).collect();
        let mut words = Vec::new();
        for block in (0..matrix.rows).step_by(self.rows()) {
            let rows = block..matrix.rows.min(block + self.rows());
            for j in 0..matrix.cols {
                let lane = |i: usize| Felt::from(matrix.row(i)[j]) * weights[i - block];
                words.push(rows.clone().map(lane).fold(Felt::ZERO, |a, b| a + b));
            }
        }
        words
    }

    /// The matrix with two blocks of rows per word, see `cairo/src/compact.cairo`; a last block without
    /// a partner has zeros beside it.
    pub fn pack_pairs(&self, matrix: &Matrix) -> Vec<Felt> {
        let blocks = matrix.rows.div_ceil(self.rows());
        let weight = |row: usize, j: usize| match row < matrix.rows {
            true => i64::from(matrix.row(row)[j]),
            false => 0,
        };
        let mut words = Vec::new();
        for first in (0..blocks).step_by(2) {
            for j in 0..matrix.cols {
                let lane = |i: usize| {
                    let row = first * self.rows() + i;
                    let lower = (weight(row, j) + 128) as u64;
                    let upper = (weight(row + self.rows(), j) + 128) as u64;
                    let bit = i / self.per_half * 128 + i % self.per_half * self.bits as usize;
                    Felt::from(lower + (upper << (self.bits / 2))) * Felt::TWO.pow(bit as u128)
                };
                words.push((0..self.rows()).map(lane).fold(Felt::ZERO, |a, b| a + b));
            }
        }
        words
    }
}

/// Name of a matrix's constant.
pub(super) fn constant(matrix: &Matrix) -> String {
    matrix.name.replace('.', "_").to_uppercase()
}

/// The matrices in the order of their use, each with the range of its input.
pub(super) fn uses(graph: &VerifiedGraph) -> impl Iterator<Item = (MatrixId, Range)> {
    graph.nodes.iter().filter_map(|node| match node.op {
        Op::Linear { x, matrix } => Some((matrix, graph.node(x).range)),
        _ => None,
    })
}

/// A matrix's place among them.
fn place(graph: &VerifiedGraph, id: MatrixId) -> usize {
    uses(graph)
        .position(|(matrix, _)| matrix == id)
        .unwrap_or_default()
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    x: ValueId,
    id: MatrixId,
) -> Result<String, LowerError> {
    let matrix = lowering.graph.matrix(id);
    let lanes = Lanes::choose(matrix, lowering.node(x).range)?;
    let words = match lowering.layout {
        Layout::Fast => format!("weights::{}.span()", constant(matrix)),
        Layout::Compact => format!("*matrices.at({})", place(lowering.graph, id)),
    };
    Ok(format!(
        "linear::<Lanes{}>({words}, {}, {})",
        lanes.bits,
        lowering.var(x),
        matrix.rows,
    ))
}
