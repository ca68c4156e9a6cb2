//! `scores`: query heads against the carried keys.

use super::Lowering;
use crate::ir::{Shape, ValueId};

/// Query heads per key/value head.
pub(super) fn group(shape: &Shape) -> usize {
    shape.heads / shape.kv_heads
}

pub(super) fn call(lowering: &Lowering<'_>, q: ValueId, layer: usize) -> String {
    format!("scores({}, cache{layer}, {})", lowering.var(q), group(&lowering.graph.shape))
}
