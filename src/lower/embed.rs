//! `embed`: the table is packed densely, 30 int8 per felt; each token starts a new felt.

use starknet_types_core::felt::Felt;

use super::Lowering;
use crate::ir::VerifiedGraph;
use crate::spec::kv::{kv_words, pack_kv};

/// Packed words of the table.
pub(super) fn table(graph: &VerifiedGraph) -> Vec<Felt> {
    let table = &graph.tables.embedding;
    (0..table.rows)
        .flat_map(|i| pack_kv(table.row(i)))
        .collect()
}

pub(super) fn call(lowering: &Lowering<'_>, shift: u32) -> String {
    let hidden = lowering.graph.shape.hidden;
    format!(
        "embed(tables::EMBEDDING.span(), {}, token, {hidden}, {:#x})",
        kv_words(hidden),
        1u128 << shift
    )
}
