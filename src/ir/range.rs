//! Ranges, and the range rule of every operation.

use super::{Graph, Len, Op};
use crate::spec::requantize::{Requant, requantize};
use crate::spec::softmax::MAX_WEIGHT;
use crate::spec::{MAX_MAGNITUDE, rmsnorm, rope::ROPE_BITS, silu};
use serde::{Deserialize, Serialize};

/// A non-empty range of integers, both ends included.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Range {
    lo: i64,
    hi: i64,
}

impl Range {
    /// The range from `lo` to `hi`; `None` if it is empty or reaches `MAX_MAGNITUDE`.
    pub fn new(lo: i64, hi: i64) -> Option<Range> {
        (lo <= hi && lo > -MAX_MAGNITUDE && hi < MAX_MAGNITUDE).then_some(Range { lo, hi })
    }

    /// Smallest value.
    pub fn lo(&self) -> i64 {
        self.lo
    }

    /// Largest value.
    pub fn hi(&self) -> i64 {
        self.hi
    }

    /// Largest magnitude.
    pub fn magnitude(&self) -> i64 {
        self.lo.abs().max(self.hi.abs())
    }

    /// Whether `x` lies in the range.
    pub fn contains(&self, x: i64) -> bool {
        (self.lo..=self.hi).contains(&x)
    }

    fn symmetric(bound: i128) -> Option<Range> {
        let bound = i64::try_from(bound).ok()?;
        Range::new(-bound, bound)
    }

    fn requantized(&self, to: Requant) -> Option<Range> {
        Range::new(requantize(self.lo, to), requantize(self.hi, to))
    }
}

/// The proven bound on the accumulator of one row: `Σ_j |w| · max |x|`, computed exactly from the weights.
pub fn row_bound(row: &[i8], x: Range) -> i128 {
    row.iter().map(|&w| (w as i128).abs()).sum::<i128>() * x.magnitude() as i128
}

/// Length and range of an operation's value; `None` where the range would be empty or too large.
///
/// The operands must exist; lengths are checked by the verifier.
pub(super) fn infer(graph: &Graph, op: &Op) -> Option<(Len, Range)> {
    let shape = &graph.shape;
    let at = |id| graph.node(id);
    let zero = Range { lo: 0, hi: 0 };
    Some(match *op {
        Op::Embed { shift } => {
            let data = &graph.tables.embedding.data;
            let bound = data.iter().map(|w| (*w as i128).abs()).max()? << shift.min(64);
            (Len::Fixed(shape.hidden), Range::symmetric(bound)?)
        }
        Op::RmsNorm { x, norm } => (
            at(x).len,
            Range::symmetric(rmsnorm::output_bound(norm) as i128)?,
        ),
        Op::Linear { x, matrix } => {
            let matrix = graph.matrices.get(matrix.0 as usize)?;
            let range = at(x).range;
            let bound = (0..matrix.rows)
                .map(|i| row_bound(matrix.row(i), range))
                .max()?;
            (Len::Fixed(matrix.rows), Range::symmetric(bound)?)
        }
        Op::Requantize { x, to } => (at(x).len, at(x).range.requantized(to)?),
        Op::Rope { x, to } => {
            // |x·cos − y·sin| ≤ |x| + |y| scaled by at most 2^14 each.
            let bound = (at(x).range.magnitude() as i128 * 2) << ROPE_BITS;
            (at(x).len, Range::symmetric(bound)?.requantized(to)?)
        }
        Op::KvAppend { .. } => (Len::Fixed(0), zero),
        Op::Scores { q, .. } => {
            let bound = at(q).range.magnitude() as i128 * 128 * shape.head_dim as i128;
            (Len::PerPosition, Range::symmetric(bound)?)
        }
        Op::Softmax { .. } => (Len::PerPosition, Range::new(0, MAX_WEIGHT)?),
        Op::Mix { shift, .. } => {
            // A weighted mean of int8 values, with `shift` fractional bits.
            (
                Len::Fixed(shape.heads * shape.head_dim),
                Range::symmetric(128 << shift.min(64))?,
            )
        }
        Op::Silu { x, .. } => {
            let bound = (at(x).range.magnitude() as i128) << silu::SIGMOID_BITS;
            (at(x).len, Range::symmetric(bound)?)
        }
        Op::Mul { a, b, to } => {
            let bound = at(a).range.magnitude() as i128 * at(b).range.magnitude() as i128;
            (at(a).len, Range::symmetric(bound)?.requantized(to)?)
        }
        Op::Add { a, b } => {
            let (a, b) = (at(a), at(b));
            (
                a.len,
                Range::new(a.range.lo + b.range.lo, a.range.hi + b.range.hi)?,
            )
        }
        Op::Argmax { .. } => (Len::Fixed(1), Range::new(0, shape.vocab as i64 - 1)?),
    })
}
