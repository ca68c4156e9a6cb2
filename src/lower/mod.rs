//! Lowers a verified graph to a Cairo package that a person can read.
//!
//! Owns the text of the generated package: one kernel call per operation, the constants of each
//! call (derived from the proven ranges), and the packing of weights and tables. One file per
//! operation, named as its section in `docs/spec.md`.
//!
//! Invariants
//! - The same graph and model root give byte-identical files.
//! - Every bias and lane width follows from a proven range; nothing is assumed.
//! - A program that reads its weights is made from ranges that hold for any weights, and from none of them.
//! - Deliberately absent: compiling, running; the kernels themselves (they are in `cairo/`).

mod argmax;
mod around;
mod claims;
mod constants;
mod cost;
mod elementwise;
mod embed;
mod imports;
mod kv_append;
mod linear;
mod mix;
mod package;
mod requantize;
mod rmsnorm;
mod rope;
mod schedule;
mod scores;
mod silu;
mod softmax;
mod step;
mod unpacked;
mod weights;

pub use cost::{Chunk, Declared, declare};
pub use linear::{Lanes, Products};
pub use package::{ANGLES, CONSTANTS, Package, lower};
pub use rope::check_context;

pub use weights::{PAIR, WeightLayout, committed_words};

use std::collections::BTreeSet;

use thiserror::Error;

use imports::Imports;
use schedule::Schedule;

use crate::cost::CostError;
use crate::ir::{GraphError, Node, Op, ValueId, VerifiedGraph};

/// Why a graph cannot be lowered.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum LowerError {
    #[error(
        "matrix {matrix:?}: an accumulator can reach {bound}, more than the widest lane (60 bits) holds"
    )]
    AccumulatorTooWide { matrix: String, bound: i128 },
    #[error("with weights of any value: {0}; use --weights pairs")]
    AnyWeights(#[from] GraphError),
    #[error(
        "--context: {context} tokens need {words} words for their rotary angles, and the program's array holds {limit}; pass --context {largest}, or less"
    )]
    ContextTooLong {
        context: usize,
        words: usize,
        limit: usize,
        largest: usize,
    },
    #[error(
        "a row of the embedding needs {words} words, and one array of the program holds {limit}; use --weights committed"
    )]
    EmbeddingTooWide { words: usize, limit: usize },
    #[error(
        "name {name:?}: is no Cairo name, collides with another one, or is used by the generated code"
    )]
    Name { name: String },
    #[error(
        "matrix {matrix:?}: one array of the program holds {limit} words, less than its {columns} columns; use --weights pairs"
    )]
    TooManyColumns {
        matrix: String,
        columns: usize,
        limit: usize,
    },
    #[error(
        "node {node:?}: a magnitude of {magnitude} with a shift of {shift} does not fit the program's 128-bit divisions"
    )]
    TooWide {
        node: String,
        magnitude: i128,
        shift: u32,
    },
    #[error(transparent)]
    Cost(#[from] CostError),
    #[error(
        "no operation says where the constant {name:?} comes from: this is a bug of cairo-decode"
    )]
    UnknownConstant { name: String },
}

/// What the lowering of one operation may use.
struct Lowering<'a> {
    graph: &'a VerifiedGraph,
    /// The operations in program order.
    schedule: Schedule<'a>,
    /// The lanes that carried keys are packed in.
    key_lanes: Lanes,
    options: LowerOptions,
    /// Labels of the products that are claimed.
    claimed: BTreeSet<&'a str>,
}

/// What a lowering may choose, with the same results.
#[derive(Debug, Clone, Copy, Default)]
pub struct LowerOptions {
    pub products: Products,
    pub weights: WeightLayout,
}

/// The variable of the generated code that holds a node's value.
fn variable(node: &Node) -> String {
    node.label.replace('.', "_")
}

impl<'a> Lowering<'a> {
    fn new(graph: &'a VerifiedGraph, options: LowerOptions) -> Result<Lowering<'a>, LowerError> {
        let mut lowering = Lowering {
            graph,
            schedule: Schedule::new(graph),
            key_lanes: scores::key_lanes(graph)?,
            options,
            claimed: BTreeSet::new(),
        };
        lowering.claimed = linear::claimed(&lowering)?;
        Ok(lowering)
    }

    fn node(&self, id: ValueId) -> &Node {
        self.graph.node(id)
    }

    /// The variable that holds a value.
    fn var(&self, id: ValueId) -> String {
        variable(self.node(id))
    }

    /// The Cairo expression of one operation.
    fn call(&self, node: &Node, imports: &mut Imports) -> Result<String, LowerError> {
        match node.op {
            Op::Embed { shift } => Ok(embed::call(self, shift, imports)),
            Op::RmsNorm { x, norm } => rmsnorm::call(self, node, x, norm, imports),
            Op::Linear { x, matrix } => linear::call(self, node, x, matrix, imports),
            Op::Requantize { x, to } => requantize::call(self, node, x, to, imports),
            Op::Rope { x, to } => rope::call(self, node, x, to, imports),
            Op::KvAppend { k, v, layer } => Ok(kv_append::call(self, k, v, layer, imports)),
            Op::Scores { q, layer } => Ok(scores::call(self, q, layer, imports)),
            Op::Softmax { scores, shift } => softmax::call(self, node, scores, shift, imports),
            Op::Mix {
                weights,
                layer,
                shift,
            } => mix::call(self, node, weights, layer, shift, imports),
            Op::Silu { x, index_shift } => silu::call(self, node, x, index_shift, imports),
            Op::Mul { a, b, to } => elementwise::mul(self, node, a, b, to, imports),
            Op::Add { a, b } => Ok(elementwise::add(self, a, b, imports)),
            Op::Argmax { x } => Ok(argmax::call(self, x, imports)),
        }
    }
}
