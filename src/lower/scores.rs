//! `scores`: query heads against the carried keys, which are packed like weights.

use super::cost::{Step, call_kernel};
use super::imports::Imports;
use super::{Lanes, LowerError, Lowering};
use crate::casm::Param;
use crate::cost::Cost;
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

pub(super) fn call(
    lowering: &Lowering<'_>,
    q: ValueId,
    layer: usize,
    imports: &mut Imports,
) -> String {
    format!(
        "{}::<{}>({}, cache{layer}, {})",
        imports.item("scores", "scores"),
        imports.lanes(lowering.key_lanes.bits),
        lowering.var(q),
        group(&lowering.graph.shape)
    )
}

pub(super) fn cost(lowering: &Lowering<'_>, step: Step<'_>, cost: &mut Cost) {
    let shape = &lowering.graph.shape;
    let lanes = lowering.key_lanes;
    let (full, open) = (
        step.positions() / lanes.rows(),
        !step.positions().is_multiple_of(lanes.rows()),
    );
    for blocks in [full, usize::from(open)] {
        if blocks > 0 {
            let words = Param::Span(blocks * shape.head_dim);
            let params = [words, Param::Span(shape.head_dim), Param::Felt];
            call_kernel(cost, shape.heads, "linear::products", &params);
        }
    }
    lanes.split_cost(full + usize::from(open), shape.heads, cost);
    cost.unit("scores", 1);
    cost.unit("scores.kv_head", shape.kv_heads);
    cost.unit("scores.head", shape.heads);
    cost.unit("scores.full", shape.heads * usize::from(full > 0));
    cost.unit("scores.open", shape.heads * usize::from(open));
}
