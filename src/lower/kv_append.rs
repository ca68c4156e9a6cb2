//! `kv_append`: appends the step's rows to the layer's cache.

use super::Lowering;
use crate::ir::ValueId;

pub(super) fn call(lowering: &Lowering<'_>, k: ValueId, v: ValueId, layer: usize) -> String {
    format!(
        "kv_append::<Lanes{}>(ref kv{layer}, {}, {}, ref row)",
        lowering.key_lanes.bits,
        lowering.var(k),
        lowering.var(v)
    )
}
