//! The reference interpreter: runs a step node by node with the functions of `spec`.
//!
//! Slow and obvious. It asserts nothing by itself: [`StepValues`] hands every node's value to the
//! tests, which compare them with the engine, with the program, and with the proven ranges.

use super::{Len, Op, ValueId, VerifiedGraph};
use crate::spec;

/// Carried keys and values, per layer one row per position.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KvCache {
    /// Keys: layers × positions × kv_dim.
    pub keys: Vec<Vec<Vec<i8>>>,
    /// Values: layers × positions × kv_dim.
    pub values: Vec<Vec<Vec<i8>>>,
}

impl KvCache {
    /// An empty cache for a number of layers.
    pub fn new(layers: usize) -> KvCache {
        KvCache {
            keys: vec![vec![]; layers],
            values: vec![vec![]; layers],
        }
    }

    /// Number of carried positions.
    pub fn positions(&self) -> usize {
        self.keys.first().map_or(0, Vec::len)
    }

    /// The int8 values of one position in the order that the KV root packs them: for each layer its
    /// key row, then its value row.
    pub fn position(&self, t: usize) -> Vec<i8> {
        let rows = self.keys.iter().zip(&self.values);
        rows.flat_map(|(k, v)| k[t].iter().chain(&v[t]).copied())
            .collect()
    }
}

/// The value of every node of one step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepValues(Vec<Vec<i64>>);

impl StepValues {
    /// The value of a node.
    pub fn get(&self, id: ValueId) -> &[i64] {
        &self.0[id.0 as usize]
    }

    /// The chosen token: the last node's value.
    pub fn token(&self) -> u32 {
        self.0.last().map_or(0, |v| v[0] as u32)
    }

    /// The logits: the operand of the last node.
    pub fn logits<'a>(&'a self, graph: &VerifiedGraph) -> &'a [i64] {
        let last = graph.nodes.last().map(|n| n.op.operands()[0]);
        last.map_or(&[], |id| self.get(id))
    }
}

/// Runs one step for `token` at position `cache.positions()`, appending to the cache.
///
/// `token` must be below the vocabulary's size and the position below the context's length.
pub fn run_step(graph: &VerifiedGraph, cache: &mut KvCache, token: u32) -> StepValues {
    let shape = graph.shape;
    let position = cache.positions();
    let tables = &graph.tables;
    let mut values: Vec<Vec<i64>> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let at = |id: ValueId| values[id.0 as usize].as_slice();
        let value = match node.op {
            Op::Embed { shift } => spec::embed::embed(tables.embedding.row(token as usize), shift),
            Op::RmsNorm { x, norm } => spec::rmsnorm::rmsnorm(at(x), norm),
            Op::Linear { x, matrix } => spec::linear::linear(&graph.matrix(matrix).data, at(x)),
            Op::Requantize { x, to } => at(x)
                .iter()
                .map(|&x| spec::requantize::requantize(x, to))
                .collect(),
            Op::Rope { x, to } => {
                let half = shape.head_dim / 2;
                let row = position * half..(position + 1) * half;
                spec::rope::rope(
                    at(x),
                    &tables.rope_cos[row.clone()],
                    &tables.rope_sin[row],
                    to,
                )
            }
            Op::KvAppend { k, v, layer } => {
                let int8 = |row: &[i64]| row.iter().map(|&x| x as i8).collect();
                let (k, v) = (int8(at(k)), int8(at(v)));
                cache.keys[layer].push(k);
                cache.values[layer].push(v);
                vec![]
            }
            Op::Scores { q, layer } => {
                spec::scores::scores(at(q), &cache.keys[layer], shape.heads, shape.head_dim)
            }
            Op::Softmax { scores, shift } => at(scores)
                .chunks_exact(position + 1)
                .flat_map(|s| spec::softmax::softmax(s, &tables.exp2, shift))
                .collect(),
            Op::Mix {
                weights,
                layer,
                shift,
            } => {
                let rows = &cache.values[layer];
                spec::mix::mix(at(weights), rows, shape.heads, shape.head_dim, shift)
            }
            Op::Silu { x, index_shift } => at(x)
                .iter()
                .map(|&x| spec::silu::silu(x, &tables.sigmoid, index_shift))
                .collect(),
            Op::Mul { a, b, to } => spec::elementwise::mul(at(a), at(b), to),
            Op::Add { a, b } => spec::elementwise::add(at(a), at(b)),
            Op::Argmax { x } => vec![spec::argmax::argmax(at(x)) as i64],
        };
        debug_assert!(node.len == Len::PerPosition || node.len == Len::Fixed(value.len()));
        values.push(value);
    }
    StepValues(values)
}
