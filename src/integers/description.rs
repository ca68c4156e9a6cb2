//! The operations of a decode step and their constants.
//!
//! Bits are those of signed numbers, the sign included: `b` bits hold `-2^(b-1)` to below `2^(b-1)`.

use serde::{Deserialize, Serialize};

/// A decode step: operations in their order, and the constants that several of them share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Description {
    /// Positions of a sequence.
    pub context: usize,
    pub embedding: Embedding,
    /// The output matrix, by token; none where it is the embedding.
    pub output: Option<Matrix>,
    /// Cosines and sines of rotary operations; empty without them.
    pub angles: Angles,
    /// Tables of functions.
    pub tables: Vec<Table>,
    /// Inputs are numbers of operations before.
    pub operations: Vec<Operation>,
}

/// Vectors of tokens and, in some families, of positions: `x = 2^shift E[token] + P[position]`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Embedding {
    /// By token.
    pub tokens: Matrix,
    pub shift: u32,
    /// By position, one for each of the context; none without learned positions.
    pub positions: Option<Matrix>,
}

/// A matrix of integers: `rows` of `inputs` numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Matrix {
    pub inputs: usize,
    pub rows: Vec<Vec<i32>>,
}

/// A matrix with biases, and how its outputs are rounded: `round((W x + bias) / 2^shift)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Product {
    pub weights: Matrix,
    pub bias: Vec<i32>,
    pub shift: u32,
}

/// A function's values for the arguments from `first` on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Table {
    pub first: i64,
    pub values: Vec<i32>,
}

/// Cosines and sines with 14 fractional bits, by position: one for each pair of a head.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Angles {
    pub cos: Vec<Vec<i32>>,
    pub sin: Vec<Vec<i32>>,
}

/// A division by the root of the sum of squares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Norm {
    /// Whether the mean is taken away first.
    pub centred: bool,
    /// Channels are multiplied by `2^grain` first.
    pub grain: u32,
    /// One channel more in the sum of squares, which keeps it from 0.
    pub floor: i64,
    /// Bits that the product of channel and reciprocal drops.
    pub shift: u32,
}

/// All query heads of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attention {
    pub heads: usize,
    /// Query head `h` reads the keys and values of head `h / (heads / kv_heads)`.
    pub kv_heads: usize,
    pub head_dim: usize,
    /// Bits of keys and of values, sign included, that a carried one is checked to have.
    pub key_bits: u32,
    pub value_bits: u32,
    /// Bits of a score that a distance drops.
    pub score_shift: u32,
    /// Number of the table of weights: the arguments are distances from 0 on, the weight beyond them is 0.
    pub weights: usize,
    /// Bits that the mixture of values drops.
    pub mix_shift: u32,
    /// Bits of a mixture: a step with one of more is refused.
    pub mix_bits: u32,
}

/// Two products of the same inputs: `round(table(gate) up / 2^shift)`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gated {
    pub gate: Product,
    pub up: Product,
    pub table: usize,
    pub shift: u32,
    /// Bits of a result: a step with one of more is refused.
    pub bits: u32,
}

/// An operation. Each input is the number of an operation before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    /// The vector of the token, which begins the stream.
    Embed,
    /// `x / ‖x‖`.
    Norm { input: usize, norm: Norm },
    /// A product with rounding, whose results have so many bits: a step with one of more is refused.
    Linear {
        input: usize,
        of: Product,
        bits: u32,
    },
    /// A function of rounded products, by a table.
    Function {
        input: usize,
        of: Product,
        table: usize,
    },
    /// Rounded products, rotated by the position: pairs are `i` and `i + half` of each `2 half` outputs.
    Rotary {
        input: usize,
        of: Product,
        half: usize,
    },
    /// Mixtures of values.
    Attention {
        queries: usize,
        keys: usize,
        values: usize,
        of: Attention,
    },
    /// A stream plus rounded products, which have so many bits: a step with one of more is refused.
    Residual {
        stream: usize,
        input: usize,
        of: Product,
        bits: u32,
    },
    /// A gated product.
    Gated { input: usize, of: Gated },
    /// Logits of all tokens, `E x`: the token is the first of the largest.
    Head { input: usize },
    /// Each of `heads` equal parts of the channels over its own length. Only products without a stream and rotations read it: their matrix has the inputs of one head, and
    /// is multiplied with each.
    HeadNorm {
        input: usize,
        norm: Norm,
        heads: usize,
    },
}

impl Description {
    /// The matrix of the logits.
    pub fn output(&self) -> &Matrix {
        self.output.as_ref().unwrap_or(&self.embedding.tokens)
    }
}

impl Operation {
    /// How many heads it normalises by themselves: what reads it multiplies the same matrix with each.
    pub fn heads(&self) -> usize {
        match self {
            Operation::HeadNorm { heads, .. } => *heads,
            _ => 1,
        }
    }

    /// The name of its section in the specification.
    pub fn name(&self) -> &'static str {
        match self {
            Operation::Embed => "embed",
            Operation::Norm { .. } => "norm",
            Operation::Linear { .. } => "linear",
            Operation::Function { .. } => "function",
            Operation::Rotary { .. } => "rotary",
            Operation::Attention { .. } => "attention",
            Operation::Residual { .. } => "residual",
            Operation::Gated { .. } => "gated",
            Operation::Head { .. } => "head",
            Operation::HeadNorm { .. } => "head norm",
        }
    }

    /// The operations whose values it reads.
    pub fn reads(&self) -> Vec<usize> {
        match self {
            Operation::Embed => vec![],
            Operation::Norm { input, .. }
            | Operation::Linear { input, .. }
            | Operation::Function { input, .. }
            | Operation::Rotary { input, .. }
            | Operation::Gated { input, .. }
            | Operation::HeadNorm { input, .. }
            | Operation::Head { input } => vec![*input],
            Operation::Attention {
                queries,
                keys,
                values,
                ..
            } => vec![*queries, *keys, *values],
            Operation::Residual { stream, input, .. } => vec![*stream, *input],
        }
    }
}

/// Half of `2^shift`, which rounding adds.
pub fn half(shift: u32) -> i64 {
    (1 << shift) >> 1
}
