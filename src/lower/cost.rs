//! Declared costs: which kernels each operation calls, on how much.

use std::collections::BTreeMap;

use super::weights::graph_for;
use super::{LowerError, LowerOptions, Lowering};
use crate::air::cairo::Component;
use crate::casm::{Param, kernel};
use crate::cost::{Cost, Rows};
use crate::ir::{Len, Node, Op, StepValues, ValueId, VerifiedGraph};

/// A step whose cost is declared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Step<'a> {
    /// Its position.
    pub(super) position: usize,
    /// Whether it decides the next token; if not, the prompt gives it.
    pub(super) decides: bool,
    /// The values of its nodes: a few branches depend on them. Without them nothing saturates, no softmax weight
    /// vanishes, and the first of several values is the largest.
    pub(super) values: Option<&'a StepValues>,
}

impl Step<'_> {
    /// Positions that attention reads: the carried ones and its own.
    pub(super) fn positions(&self) -> usize {
        self.position + 1
    }
}

/// Consecutive steps whose cost is declared.
#[derive(Debug, Clone, Copy)]
pub struct Chunk<'a> {
    /// Position of the first one.
    pub position: usize,
    /// How many.
    pub steps: usize,
    /// Tokens of the prompt.
    pub prompt: usize,
    /// Values of each step's nodes, or none.
    pub values: &'a [StepValues],
}

impl Chunk<'_> {
    /// The steps.
    pub(super) fn all(&self) -> impl Iterator<Item = Step<'_>> {
        (0..self.steps).map(|i| Step {
            position: self.position + i,
            decides: self.position + i + 1 >= self.prompt,
            values: self.values.get(i),
        })
    }
}

/// What a chunk costs, but for what it always does.
#[derive(Debug, Clone)]
pub struct Declared {
    /// Each operation, in the graph's order.
    pub nodes: Vec<Cost>,
    /// Parts around the operations, by name.
    pub around: BTreeMap<&'static str, Cost>,
}

/// The cost of a chunk.
///
/// # Errors
/// A graph that cannot be lowered.
pub fn declare(
    graph: &VerifiedGraph,
    options: LowerOptions,
    chunk: Chunk<'_>,
) -> Result<Declared, LowerError> {
    let graph = &*graph_for(graph, options.weights)?;
    let lowering = Lowering::new(graph, options)?;
    let carry = &lowering.schedule.carry;
    let cost = |node: &Node| -> Result<Cost, LowerError> {
        let carried = carry.iter().any(|carried| carried.label == node.label);
        let mut cost = Cost::default();
        for step in chunk.all().filter(|step| step.decides || carried) {
            lowering.cost(node, step, &mut cost)?;
            cost.sites += 1;
        }
        Ok(cost)
    };
    Ok(Declared {
        nodes: graph.nodes.iter().map(cost).collect::<Result<_, _>>()?,
        around: super::around::declare(&lowering, &chunk)?,
    })
}

impl Lowering<'_> {
    fn cost(&self, node: &Node, step: Step<'_>, to: &mut Cost) -> Result<(), LowerError> {
        match node.op {
            Op::Embed { .. } => super::embed::cost(self, to),
            Op::RmsNorm { x, .. } => super::rmsnorm::cost(self, x, to),
            Op::Linear { x, matrix } => super::linear::cost(self, node, x, matrix, to)?,
            Op::Requantize { x, to: range } => {
                super::requantize::cost(self, node, x, range, step, to)?
            }
            Op::Rope { x, to: range } => super::rope::cost(self, node, x, range, step, to)?,
            Op::KvAppend { .. } => super::kv_append::cost(self, step, to),
            Op::Scores { .. } => super::scores::cost(self, step, to),
            Op::Softmax { scores, shift } => super::softmax::cost(self, scores, shift, step, to),
            Op::Mix { .. } => super::mix::cost(self, step, to),
            Op::Silu { x, index_shift } => super::silu::cost(self, x, index_shift, step, to),
            Op::Mul { a, b, to: range } => {
                super::elementwise::mul_cost(self, node, [a, b], range, step, to)?
            }
            Op::Add { a, .. } => super::elementwise::add_cost(self, a, to),
            Op::Argmax { x } => super::argmax::cost(self, x, step, to),
        }
        Ok(())
    }

    /// Elements of a value of fixed length.
    #[allow(
        clippy::unreachable,
        reason = "asked of values that the graph verifier has found to be of fixed length"
    )]
    pub(super) fn len(&self, id: ValueId) -> usize {
        match self.node(id).len {
            Len::Fixed(len) => len,
            Len::PerPosition => unreachable!("attention declares its own lengths"),
        }
    }
}

/// Adds `times` calls of a kernel.
pub(super) fn call_kernel(cost: &mut Cost, times: usize, path: &str, params: &[Param]) {
    let rows = kernel(path).rows(params, None, &[]);
    cost.kernels.add_all(&rows, times as u64);
}

/// Adds a call of a kernel over elements; for some of them the data choose other cases than `usual`.
pub(super) fn call_by_case(
    cost: &mut Cost,
    path: &str,
    params: impl Fn(usize) -> Vec<Param>,
    len: usize,
    usual: &'static [&'static str],
    others: &[(&'static [&'static str], usize)],
) {
    let kernel = kernel(path);
    cost.kernels
        .add_all(&kernel.rows(&params(len), None, usual), 1);
    let one = kernel.rows(&params(1), None, usual);
    for &(cases, times) in others {
        let other = kernel.rows(&params(1), None, cases);
        cost.kernels.replace(&one, &other, times as u64);
    }
}

/// Adds the addresses of values that a hint writes.
pub(super) fn hinted(cost: &mut Cost, values: usize) {
    cost.kernels
        .add(Component::MemoryAddressToId, values as u64);
}

/// Adds a call of the kernel for the first largest of `len` elements, which is at `index`.
pub(super) fn maximum(cost: &mut Cost, len: usize, index: usize) {
    let kernel = kernel("argmax::append_maximum");
    let rows: Rows = kernel.rows(&[Param::Span(len)], Some(index as i64), &[]);
    cost.kernels.add_all(&rows, 1);
}
