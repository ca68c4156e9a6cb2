//! `add` and `mul`.

use super::{LowerError, Lowering, requantize::finish};
use crate::ir::{Node, ValueId};
use crate::spec::requantize::Requant;

pub(super) fn add(lowering: &Lowering<'_>, a: ValueId, b: ValueId) -> String {
    format!("add({}, {})", lowering.var(a), lowering.var(b))
}

pub(super) fn mul(
    lowering: &Lowering<'_>,
    node: &Node,
    a: ValueId,
    b: ValueId,
    to: Requant,
) -> Result<String, LowerError> {
    let magnitude =
        lowering.node(a).range.magnitude() as i128 * lowering.node(b).range.magnitude() as i128;
    finish(
        &format!("mul({}, {})", lowering.var(a), lowering.var(b)),
        &node.label,
        magnitude,
        to,
    )
}
