//! `rope`: the table is packed 16 entries per felt, each position starting a new felt.

use starknet_types_core::felt::Felt;

use super::{LowerError, Lowering, constants::ANGLES, requantize::finish};
use crate::ir::{Node, ValueId, VerifiedGraph};
use crate::spec::requantize::Requant;
use crate::spec::rope::ROPE_BITS;

/// Words per position.
fn words(pairs: usize) -> usize {
    (2 * pairs).div_ceil(16)
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
pub(super) fn angles(graph: &VerifiedGraph) -> String {
    let pairs = graph.shape.head_dim / 2;
    format!(
        "angles(tables::ROPE.span(), {}, position, {pairs})",
        words(pairs)
    )
}

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    to: Requant,
) -> Result<String, LowerError> {
    let magnitude = (lowering.node(x).range.magnitude() as i128 * 2) << ROPE_BITS;
    finish(
        &format!("rope({}, angles)", lowering.var(x)),
        &node.label,
        magnitude,
        to,
    )
}
