//! `rope`: the table is packed 16 entries per felt, each position starting a new felt.

use starknet_types_core::felt::Felt;

use super::constants::{ANGLES, MAX_WORDS};
use super::cost::{Step, call_kernel};
use super::imports::Imports;
use super::requantize::{finish, finish_cost};
use super::{LowerError, Lowering};
use crate::casm::Param;
use crate::cost::Cost;
use crate::ir::{Node, ValueId, VerifiedGraph};
use crate::spec::requantize::Requant;
use crate::spec::rope::{ROPE_BITS, rotated};

/// Words per position.
pub(super) fn words(pairs: usize) -> usize {
    (2 * pairs).div_ceil(16)
}

/// Whether one array of the program holds the angles of `context` positions.
///
/// # Errors
/// [`LowerError::ContextTooLong`].
pub fn check_context(context: usize, head_dim: usize) -> Result<(), LowerError> {
    let words = words(head_dim / 2);
    let largest = MAX_WORDS / words;
    match context <= largest {
        true => Ok(()),
        false => Err(LowerError::ContextTooLong {
            context,
            words: context * words,
            limit: MAX_WORDS,
            largest,
        }),
    }
}

/// Packed words of the table: for each position its cosines, then its sines.
pub(super) fn table(graph: &VerifiedGraph) -> Vec<Felt> {
    let pairs = graph.shape.head_dim / 2;
    let row = |p: usize| {
        let range = p * pairs..(p + 1) * pairs;
        let cos = &graph.tables.rope_cos[range.clone()];
        ANGLES.pack(&[cos, &graph.tables.rope_sin[range]].concat())
    };
    (0..graph.shape.context).flat_map(row).collect()
}

/// The angles of the step's position, computed once.
pub(super) fn angles(graph: &VerifiedGraph, imports: &mut Imports) -> String {
    let pairs = graph.shape.head_dim / 2;
    format!(
        "{}(tables::ROPE.span(), {}, position, {pairs})",
        imports.item("rope", "angles"),
        words(pairs)
    )
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
    imports: &mut Imports,
) -> Result<String, LowerError> {
    let rope = imports.item("rope", "rope");
    finish(
        &format!("{rope}({}, angles)", lowering.var(x)),
        &node.label,
        magnitude(lowering, x),
        to,
        imports,
    )
}

/// What a rotated value can reach.
fn magnitude(lowering: &Lowering<'_>, x: ValueId) -> i128 {
    (lowering.node(x).range.magnitude() as i128 * 2) << ROPE_BITS
}

pub(super) fn cost(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
    step: Step<'_>,
    cost: &mut Cost,
) -> Result<(), LowerError> {
    let graph = lowering.graph;
    let (len, half) = (lowering.len(x), graph.shape.head_dim / 2);
    let params = [len, half, half].map(Param::Span);
    call_kernel(cost, 1, "rope::append_rotated", &params);
    cost.unit("rope", 1);
    let exact = step.values.map(|values| {
        let row = step.position * half..(step.position + 1) * half;
        let (cos, sin) = (&graph.tables.rope_cos, &graph.tables.rope_sin);
        rotated(values.get(x), &cos[row.clone()], &sin[row])
    });
    finish_cost(&node.label, magnitude(lowering, x), to, len, exact, cost)
}
