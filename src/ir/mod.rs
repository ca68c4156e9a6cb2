//! The step graph: what one decode step computes, as integer vectors with proven ranges.
//!
//! Owns the closed set of operations ([`Op`]), the graph and its constants ([`Graph`]), the range
//! rule of every operation, the graph verifier (the only maker of a [`VerifiedGraph`], the only
//! thing that can be lowered or run), the text form, and the reference interpreter.
//!
//! Invariants
//! - Nodes are in execution order; an operand is an earlier node.
//! - Every node carries its length and the range that its operation's rule proves; the verifier
//!   recomputes both and refuses a graph that claims anything else.
//! - Deliberately absent: floating point, model files, Cairo.

mod build;
mod range;
mod reference;
mod text;
mod verify;

pub use build::Builder;
pub use range::{Range, row_bound};
pub use reference::{KvCache, StepValues, run_step};
pub use verify::{GraphError, VerifiedGraph};

use crate::spec::requantize::Requant;
use crate::spec::rmsnorm::RmsNorm;
use serde::{Deserialize, Serialize};

/// Index of a node (and of the value it makes).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ValueId(pub u32);

/// Index of a weight matrix of the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MatrixId(pub u32);

/// Number of elements of a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Len {
    /// A fixed number of elements.
    Fixed(usize),
    /// Query heads × carried positions (scores and softmax weights), head-major.
    PerPosition,
}

/// One operation of a decode step. Semantics: the function of the same name in [`crate::spec`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Op {
    /// Row of the embedding table for the step's token, shifted left by `shift`.
    Embed { shift: u32 },
    /// RMS normalisation without gain.
    RmsNorm { x: ValueId, norm: RmsNorm },
    /// Exact accumulators of a matrix product.
    Linear { x: ValueId, matrix: MatrixId },
    /// Change of scale with rounding and saturation.
    Requantize { x: ValueId, to: Requant },
    /// Rotary embedding at the step's position, applied to accumulators, rounded once.
    Rope { x: ValueId, to: Requant },
    /// Appends the step's key and value rows (int8) to a layer's cache. Makes no value (length 0).
    KvAppend {
        k: ValueId,
        v: ValueId,
        layer: usize,
    },
    /// Scores of the query heads against all carried keys of a layer, this step's included.
    Scores { q: ValueId, layer: usize },
    /// Base-2 softmax numerators; `shift` leaves 7 fractional bits of the scores.
    Softmax { scores: ValueId, shift: u32 },
    /// Weighted mean of the carried values of a layer, with `shift` extra fractional bits.
    Mix {
        weights: ValueId,
        layer: usize,
        shift: u32,
    },
    /// `x · sigmoid(x)` through a table, exact product.
    Silu { x: ValueId, index_shift: u32 },
    /// Elementwise product, rounded and saturated.
    Mul { a: ValueId, b: ValueId, to: Requant },
    /// Elementwise sum.
    Add { a: ValueId, b: ValueId },
    /// Greedy choice; the value has one element, the token.
    Argmax { x: ValueId },
}

impl Op {
    /// The operation's name: of its section in `docs/spec.md`, its function in `spec`, its kernel.
    pub fn name(&self) -> &'static str {
        match self {
            Op::Embed { .. } => "embed",
            Op::RmsNorm { .. } => "rmsnorm",
            Op::Linear { .. } => "linear",
            Op::Requantize { .. } => "requantize",
            Op::Rope { .. } => "rope",
            Op::KvAppend { .. } => "kv_append",
            Op::Scores { .. } => "scores",
            Op::Softmax { .. } => "softmax",
            Op::Mix { .. } => "mix",
            Op::Silu { .. } => "silu",
            Op::Mul { .. } => "mul",
            Op::Add { .. } => "add",
            Op::Argmax { .. } => "argmax",
        }
    }

    /// The values that the operation reads.
    pub fn operands(&self) -> Vec<ValueId> {
        match *self {
            Op::Embed { .. } => vec![],
            Op::RmsNorm { x, .. }
            | Op::Linear { x, .. }
            | Op::Requantize { x, .. }
            | Op::Rope { x, .. }
            | Op::Silu { x, .. }
            | Op::Argmax { x } => vec![x],
            Op::KvAppend { k, v, .. } => vec![k, v],
            Op::Scores { q, .. } => vec![q],
            Op::Softmax { scores, .. } => vec![scores],
            Op::Mix { weights, .. } => vec![weights],
            Op::Mul { a, b, .. } | Op::Add { a, b } => vec![a, b],
        }
    }
}

/// An operation with its label, and what its rule proves of its value.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Node {
    /// Role, unique in the graph, made of letters, digits, `_` and `.`: `layer0.q_proj`.
    pub label: String,
    /// The operation.
    pub op: Op,
    /// Number of elements.
    pub len: Len,
    /// Proven range of every element.
    pub range: Range,
}

/// An int8 matrix, row-major.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    /// Name, unique in the graph: `layer0.q_proj`.
    pub name: String,
    /// Output length.
    pub rows: usize,
    /// Input length.
    pub cols: usize,
    /// `rows · cols` weights.
    pub data: Vec<i8>,
}

impl Matrix {
    /// Row `i`.
    pub fn row(&self, i: usize) -> &[i8] {
        &self.data[i * self.cols..(i + 1) * self.cols]
    }
}

/// Sizes that all operations of a graph share.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// Width of the residual stream.
    pub hidden: usize,
    /// Number of layers, each with one KV cache.
    pub layers: usize,
    /// Query heads.
    pub heads: usize,
    /// Key and value heads; divides `heads`.
    pub kv_heads: usize,
    /// Width of a head; even.
    pub head_dim: usize,
    /// Number of tokens.
    pub vocab: usize,
    /// Largest number of positions.
    pub context: usize,
}

impl Shape {
    /// Width of a layer's key row and of its value row.
    pub fn kv_dim(&self) -> usize {
        self.kv_heads * self.head_dim
    }

    /// int8 values that a step appends to the cache, over all layers.
    pub fn kv_values(&self) -> usize {
        2 * self.layers * self.kv_dim()
    }

    /// Field elements that a step appends to the cache.
    pub fn kv_words(&self) -> usize {
        crate::spec::kv::kv_words(self.kv_values())
    }
}

/// Constants besides the matrices.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tables {
    /// Embedding, vocab × hidden.
    pub embedding: Matrix,
    /// cos of each position and pair, context × head_dim/2, 14 fractional bits,
    /// at most `spec::rope::ROPE_MAX` in magnitude.
    pub rope_cos: Vec<i64>,
    /// sin, as `rope_cos`.
    pub rope_sin: Vec<i64>,
    /// `round(2^15 · 2^(−j/128))`, 128 entries (see `spec::softmax`).
    pub exp2: Vec<i64>,
    /// Sigmoid (see `spec::silu`).
    pub sigmoid: Vec<i64>,
}

/// A decode step of one model.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Graph {
    /// Name of the model: lower-case letters, digits, `_`, starting with a letter.
    pub name: String,
    /// Sizes.
    pub shape: Shape,
    /// Constants.
    pub tables: Tables,
    /// Weight matrices, by [`MatrixId`].
    pub matrices: Vec<Matrix>,
    /// Operations in execution order, by [`ValueId`].
    pub nodes: Vec<Node>,
}

impl Graph {
    /// The node that makes a value.
    pub fn node(&self, id: ValueId) -> &Node {
        &self.nodes[id.0 as usize]
    }

    /// A weight matrix.
    pub fn matrix(&self, id: MatrixId) -> &Matrix {
        &self.matrices[id.0 as usize]
    }
}
