//! `mix`: weighted mean of the carried values.

use super::{LowerError, Lowering, scores::group};
use crate::ir::{Node, ValueId};
use crate::spec::softmax::MAX_WEIGHT;

/// Width of the lanes that carried values are packed in.
const VALUE_LANE: u32 = 60;

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    weights: ValueId,
    layer: usize,
    shift: u32,
) -> Result<String, LowerError> {
    // A lane holds Σ e·v over at most the whole context, |v| ≤ 128.
    let magnitude = lowering.graph.shape.context as i128 * MAX_WEIGHT as i128 * 128;
    if magnitude >= 1 << (VALUE_LANE - 1) {
        return Err(LowerError::TooWide {
            node: node.label.clone(),
            magnitude,
            shift,
        });
    }
    Ok(format!(
        "mix({}, cache{layer}, {}, {:#x}, {:#x})",
        lowering.var(weights),
        group(&lowering.graph.shape),
        1u64 << shift,
        128u64 << shift,
    ))
}
