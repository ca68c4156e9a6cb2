//! `argmax`: greedy choice over the raw accumulators.

use super::Lowering;
use crate::ir::ValueId;

pub(super) fn call(lowering: &Lowering<'_>, x: ValueId) -> String {
    let bias = (lowering.node(x).range.magnitude() as u128 + 1).next_power_of_two();
    format!("argmax({}, {bias:#x})", lowering.var(x))
}
