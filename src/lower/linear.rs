//! `linear`: chooses the lane width from the proven bound on the accumulators and packs the weights.

use starknet_types_core::felt::Felt;

use super::{LowerError, Lowering};
use crate::ir::{Matrix, MatrixId, Range, ValueId, row_bound};

/// A division of a felt into lanes: `per_half` lanes of `bits` bits in each 128-bit half.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lanes {
    /// Width of a lane; accumulators stay below `2^(bits − 1)` in magnitude.
    pub bits: u32,
    /// Lanes in the low half, and again in the high half.
    pub per_half: usize,
}

impl Lanes {
    /// The divisions that the kernel library implements, densest first.
    pub const ALL: [Lanes; 5] = [
        Lanes::of(20),
        Lanes::of(24),
        Lanes::of(30),
        Lanes::of(40),
        Lanes::of(60),
    ];

    /// The division with most lanes.
    pub(super) const DENSEST: Lanes = Lanes::ALL[0];

    /// Lanes of `bits` bits, which fill 120 bits of a half.
    const fn of(bits: u32) -> Lanes {
        Lanes {
            bits,
            per_half: 120 / bits as usize,
        }
    }

    /// The densest division whose lanes hold values of at most `bound` in magnitude.
    pub(super) fn holding(bound: i128) -> Option<Lanes> {
        Lanes::ALL
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
        let weights: Vec<Felt> = (0..self.rows()).map(|i| self.weight(i)).collect();
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

    /// The word with `value` in every lane.
    pub(super) fn every(&self, value: u64) -> Felt {
        let lanes = (0..self.rows()).map(|i| Felt::from(value) * self.weight(i));
        lanes.fold(Felt::ZERO, |a, b| a + b)
    }

    /// What 1 in a lane is worth.
    fn weight(&self, lane: usize) -> Felt {
        let bit = lane / self.per_half * 128 + lane % self.per_half * self.bits as usize;
        Felt::TWO.pow(bit as u128)
    }
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    x: ValueId,
    matrix: MatrixId,
) -> Result<String, LowerError> {
    let matrix = lowering.graph.matrix(matrix);
    let lanes = Lanes::choose(matrix, lowering.node(x).range)?;
    Ok(format!(
        "linear::<Lanes{0}>(ref lanes{0}, {1}, {2}, {3})",
        lanes.bits,
        lowering.var(x),
        matrix.rows.div_ceil(lanes.rows()) * matrix.cols,
        matrix.rows,
    ))
}
