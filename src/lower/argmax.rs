//! `argmax`: greedy choice over the raw accumulators.

use super::Lowering;
use super::cost::{Step, maximum};
use super::imports::Imports;
use crate::cost::Cost;
use crate::ir::ValueId;

pub(super) fn call(lowering: &Lowering<'_>, x: ValueId, imports: &mut Imports) -> String {
    let argmax = imports.item("argmax", "argmax");
    format!("{argmax}({})", lowering.var(x))
}

pub(super) fn cost(lowering: &Lowering<'_>, x: ValueId, step: Step<'_>, cost: &mut Cost) {
    let token = step.values.map_or(0, |values| values.token() as usize);
    maximum(cost, lowering.len(x), token);
    cost.unit("argmax", 1);
}
