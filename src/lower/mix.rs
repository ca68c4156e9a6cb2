//! `mix`: weighted mean of the carried values.

use super::cost::{Step, call_kernel};
use super::imports::Imports;
use super::{Lanes, LowerError, Lowering, scores::group};
use crate::casm::Param;
use crate::cost::Cost;
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
    imports: &mut Imports,
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
        "{}({}, cache{layer}, {}, {:#x}, {:#x})",
        imports.item("mix", "mix"),
        lowering.var(weights),
        group(&lowering.graph.shape),
        1u64 << shift,
        128u64 << shift,
    ))
}

pub(super) fn cost(lowering: &Lowering<'_>, step: Step<'_>, cost: &mut Cost) {
    let shape = &lowering.graph.shape;
    let lanes = Lanes::of(VALUE_LANE);
    let words = shape.head_dim.div_ceil(lanes.rows());
    let positions = Param::Span(step.positions());
    let params = [positions, positions, Param::Felt];
    call_kernel(cost, shape.heads * words, "linear::products", &params);
    lanes.split_cost(words, shape.heads, cost);
    let [factor, bias, offset, divisor] = [Param::Felt; 4];
    let params = [Param::Span(shape.head_dim), factor, bias, offset, divisor];
    call_kernel(cost, shape.heads, "requantize::append_scaled", &params);
    cost.unit("mix", 1);
    cost.unit("mix.kv_head", shape.kv_heads);
    cost.unit("mix.head", shape.heads);
    cost.unit("mix.word", shape.heads * words);
    cost.unit("mix.position", shape.heads * step.positions());
}
