//! `scores`: query heads against the carried keys, which are packed like weights.

use super::{Lanes, LowerError, Lowering};
use crate::ir::{Op, Shape, ValueId, VerifiedGraph};

/// Query heads per key/value head.
pub(super) fn group(shape: &Shape) -> usize {
    shape.heads / shape.kv_heads
}

/// The densest lanes that hold the scores of every layer, for keys of any int8 value.
pub(super) fn key_lanes(graph: &VerifiedGraph) -> Result<Lanes, LowerError> {
    let mut widest = Lanes::DENSEST;
    for node in graph
        .nodes
        .iter()
        .filter(|node| matches!(node.op, Op::Scores { .. }))
    {
        let magnitude = node.range.magnitude() as i128;
        let lanes = Lanes::holding(magnitude).ok_or_else(|| LowerError::TooWide {
            node: node.label.clone(),
            magnitude,
            shift: 0,
        })?;
        if lanes.bits > widest.bits {
            widest = lanes;
        }
    }
    Ok(widest)
}

pub(super) fn call(lowering: &Lowering<'_>, q: ValueId, layer: usize) -> String {
    format!(
        "scores::<Lanes{}>({}, cache{layer}, {})",
        lowering.key_lanes.bits,
        lowering.var(q),
        group(&lowering.graph.shape)
    )
}
