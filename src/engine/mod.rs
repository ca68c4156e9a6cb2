//! The integer engine: the step graph at native speed.
//!
//! Bit for bit the reference interpreter (`ir::run_step`), with flat buffers that are reused from
//! step to step, 32-bit accumulators where the proven range allows them, and no logits where the
//! prompt already gives the next token.
//!
//! Invariants
//! - After `step`, the cache holds exactly one more position, whether the token was decided or not.
//! - Deliberately absent: roots, statements, witnesses (`chunk` builds them from the cache).

use crate::ir::{KvCache, Node, Op, ValueId, VerifiedGraph};
use crate::spec::argmax::argmax;
use crate::spec::requantize::requantize;
use crate::spec::{embed, mix, rmsnorm, rope, scores, silu, softmax};

/// A graph with its carried state.
#[derive(Debug, Clone)]
pub struct Engine<'g> {
    graph: &'g VerifiedGraph,
    cache: KvCache,
    values: Vec<Vec<i64>>,
    /// Nodes up to here (the last append to a cache) are what later steps depend on.
    carried: usize,
}

impl<'g> Engine<'g> {
    /// An engine with an empty cache.
    pub fn new(graph: &'g VerifiedGraph) -> Engine<'g> {
        Engine::with_cache(graph, KvCache::new(graph.shape.layers))
    }

    /// An engine that goes on from a cache, which must have the graph's shape.
    pub fn with_cache(graph: &'g VerifiedGraph, cache: KvCache) -> Engine<'g> {
        let last = graph
            .nodes
            .iter()
            .rposition(|n| matches!(n.op, Op::KvAppend { .. }));
        let values = vec![Vec::new(); graph.nodes.len()];
        Engine {
            graph,
            cache,
            values,
            carried: last.map_or(0, |i| i + 1),
        }
    }

    /// The carried keys and values.
    pub fn cache(&self) -> &KvCache {
        &self.cache
    }

    /// Position of the next step.
    pub fn position(&self) -> usize {
        self.cache.positions()
    }

    /// Runs a step for `token` and returns the model's choice of the next token.
    ///
    /// `token` must be below the vocabulary's size, the position below the context's length.
    pub fn step(&mut self, token: u32) -> u32 {
        self.run(token, self.graph.nodes.len());
        self.values.last().map_or(0, |v| v[0] as u32)
    }

    /// Runs only what later steps depend on: the step's keys and values.
    pub fn carry(&mut self, token: u32) {
        self.run(token, self.carried);
    }

    /// The value of a node in the last step; of one that the last step did not run, in an earlier step.
    pub fn value(&self, id: ValueId) -> &[i64] {
        &self.values[id.0 as usize]
    }

    /// The logits of the last [`Engine::step`].
    pub fn logits(&self) -> &[i64] {
        match self.graph.nodes.last() {
            Some(Node {
                op: Op::Argmax { x },
                ..
            }) => &self.values[x.0 as usize],
            _ => &[],
        }
    }

    fn run(&mut self, token: u32, until: usize) {
        let position = self.position();
        for (i, node) in self.graph.nodes[..until].iter().enumerate() {
            let mut out = std::mem::take(&mut self.values[i]);
            out.clear();
            self.node(node, token, position, &mut out);
            self.values[i] = out;
        }
    }

    fn node(&mut self, node: &Node, token: u32, position: usize, out: &mut Vec<i64>) {
        let (graph, shape) = (self.graph, self.graph.shape);
        let tables = &graph.tables;
        let at = |id: ValueId| self.values[id.0 as usize].as_slice();
        match node.op {
            Op::Embed { shift } => *out = embed::embed(tables.embedding.row(token as usize), shift),
            Op::RmsNorm { x, norm } => *out = rmsnorm::rmsnorm(at(x), norm),
            Op::Linear { x, matrix } => {
                let matrix = graph.matrix(matrix);
                // The node's range bounds every accumulator, partial sums included.
                if node.range.magnitude() < i32::MAX as i64 {
                    let x: Vec<i32> = at(x).iter().map(|&x| x as i32).collect();
                    let dot =
                        |row: &[i8]| row.iter().zip(&x).map(|(&w, &x)| w as i32 * x).sum::<i32>();
                    out.extend(
                        matrix
                            .data
                            .chunks_exact(matrix.cols)
                            .map(|row| dot(row) as i64),
                    );
                } else {
                    *out = crate::spec::linear::linear(&matrix.data, at(x));
                }
            }
            Op::Requantize { x, to } => out.extend(at(x).iter().map(|&x| requantize(x, to))),
            Op::Rope { x, to } => {
                let half = shape.head_dim / 2;
                let row = position * half..(position + 1) * half;
                *out = rope::rope(
                    at(x),
                    &tables.rope_cos[row.clone()],
                    &tables.rope_sin[row],
                    to,
                );
            }
            Op::KvAppend { k, v, layer } => {
                let (k, v) = (to_int8(at(k)), to_int8(at(v)));
                self.cache.keys[layer].push(k);
                self.cache.values[layer].push(v);
            }
            Op::Scores { q, layer } => {
                *out = scores::scores(at(q), &self.cache.keys[layer], shape.heads, shape.head_dim);
            }
            Op::Softmax { scores, shift } => {
                for head in at(scores).chunks_exact(position + 1) {
                    out.extend(softmax::softmax(head, &tables.exp2, shift));
                }
            }
            Op::Mix {
                weights,
                layer,
                shift,
            } => {
                let rows = &self.cache.values[layer];
                *out = mix::mix(at(weights), rows, shape.heads, shape.head_dim, shift);
            }
            Op::Silu { x, index_shift } => {
                out.extend(
                    at(x)
                        .iter()
                        .map(|&x| silu::silu(x, &tables.sigmoid, index_shift)),
                );
            }
            Op::Mul { a, b, to } => {
                out.extend(at(a).iter().zip(at(b)).map(|(a, b)| requantize(a * b, to)));
            }
            Op::Add { a, b } => out.extend(at(a).iter().zip(at(b)).map(|(a, b)| a + b)),
            Op::Argmax { x } => out.push(argmax(at(x)) as i64),
        }
    }
}

fn to_int8(row: &[i64]) -> Vec<i8> {
    row.iter().map(|&x| x as i8).collect()
}

impl crate::quantize::IntegerEngine for Engine<'_> {
    fn restart(&mut self) {
        *self = Engine::new(self.graph);
    }

    fn logits(&mut self, token: u32) -> Vec<i64> {
        self.step(token);
        Engine::logits(self).to_vec()
    }
}
