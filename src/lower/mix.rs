//! `mix`: weighted mean of the carried values.

use super::{Lowering, scores::group};
use crate::ir::ValueId;

pub(super) fn call(lowering: &Lowering<'_>, weights: ValueId, layer: usize, shift: u32) -> String {
    format!(
        "mix({}, cache{layer}, {}, {:#x}, {:#x})",
        lowering.var(weights),
        group(&lowering.graph.shape),
        1u64 << shift,
        128u64 << shift,
    )
}
