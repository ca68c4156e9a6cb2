//! `kv_append`: appends the step's rows to the layer's cache.

use super::Lowering;
use super::cost::Step;
use super::imports::Imports;
use crate::cost::Cost;
use crate::ir::ValueId;

pub(super) fn call(
    lowering: &Lowering<'_>,
    k: ValueId,
    v: ValueId,
    layer: usize,
    imports: &mut Imports,
) -> String {
    format!(
        "{}::<{}>(ref kv{layer}, {}, {}, ref row)",
        imports.item("kv", "kv_append"),
        imports.lanes(lowering.key_lanes.bits),
        lowering.var(k),
        lowering.var(v)
    )
}

pub(super) fn cost(lowering: &Lowering<'_>, step: Step<'_>, cost: &mut Cost) {
    cost.unit("kv_append", 1);
    values(lowering, ["kv_append.value", "kv_append.rest"], cost);
    keys(lowering, step.position, cost);
}

/// The cost of the append of a carried position to a layer's cache.
pub(super) fn carried_cost(lowering: &Lowering<'_>, position: usize, cost: &mut Cost) {
    cost.unit("carried", 1);
    values(lowering, ["carried.value", "carried.rest"], cost);
    keys(lowering, position, cost);
}

/// Four channels make a word, and two that are left over.
fn values(lowering: &Lowering<'_>, [value, rest]: [&'static str; 2], cost: &mut Cost) {
    let shape = &lowering.graph.shape;
    cost.unit(value, shape.kv_heads * (shape.head_dim / 4));
    cost.unit(
        rest,
        shape.kv_heads * usize::from(!shape.head_dim.is_multiple_of(4)),
    );
}

/// A key is added to the block that is being filled; a block's first one is the block, its last one closes it.
fn keys(lowering: &Lowering<'_>, position: usize, cost: &mut Cost) {
    let shape = &lowering.graph.shape;
    let lanes = lowering.key_lanes.rows();
    let filled = position % lanes;
    let last = usize::from(filled + 1 == lanes);
    let later = usize::from(filled != 0);
    // The first position of all makes the arrays of values.
    if position == 0 {
        values(lowering, ["append.new_value", "append.new_rest"], cost);
    }
    cost.unit("append.half", usize::from(2 * (filled + 1) == lanes));
    cost.unit("append.last", last);
    cost.unit("append.head", shape.kv_heads);
    cost.unit("append.later_head", later * shape.kv_heads);
    cost.unit("append.later_key", later * shape.kv_dim());
    cost.unit("append.last_head", last * shape.kv_heads);
    cost.unit("append.last_key", last * shape.kv_dim());
}
