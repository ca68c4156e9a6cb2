//! `softmax`: the bias that makes scores comparable, and the rounding of the exponent.

use super::{LowerError, Lowering};
use crate::ir::{Node, ValueId};

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    scores: ValueId,
    shift: u32,
) -> Result<String, LowerError> {
    let magnitude = lowering.node(scores).range.magnitude() as i128;
    if magnitude >= 1 << 100 {
        return Err(LowerError::TooWide {
            node: node.label.clone(),
            magnitude,
            shift,
        });
    }
    let bias = (magnitude as u128 + 1).next_power_of_two();
    let half = if shift == 0 { 0 } else { 1u128 << (shift - 1) };
    let var = lowering.var(scores);
    let divisor = 1u128 << shift;
    Ok(format!(
        "softmax({var}, exp2, {bias:#x}, {half:#x}, {divisor:#x})"
    ))
}
