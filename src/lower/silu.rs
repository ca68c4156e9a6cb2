//! `silu`: the table index is a saturated rounding, counted from 0.

use super::{LowerError, Lowering, requantize::Rounding};
use crate::ir::{Node, ValueId};

pub(super) fn call(
    lowering: &Lowering<'_>,
    node: &Node,
    x: ValueId,
    index_shift: u32,
) -> Result<String, LowerError> {
    // At least 2^(index_shift + 7), so that the offset is at least 128 and −128 is representable.
    let magnitude = (lowering.node(x).range.magnitude() as i128).max(1 << (index_shift + 7));
    let index = Rounding::new(&node.label, magnitude, index_shift)?.saturation_from_zero(-128, 127);
    Ok(format!("silu({}, sigmoid, {index})", lowering.var(x)))
}
