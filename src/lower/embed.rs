//! `embed`: the table is packed densely, 30 int8 per felt; each token starts a new felt.

use starknet_types_core::felt::Felt;

use super::constants::{MAX_WORDS, part_name};
use super::cost::call_kernel;
use super::imports::Imports;
use super::{LowerError, Lowering, WeightLayout};
use crate::casm::Param;
use crate::cost::Cost;
use crate::ir::VerifiedGraph;
use crate::spec::kv::{kv_words, pack_kv};

/// Packed words of the table.
pub(super) fn table(graph: &VerifiedGraph) -> Vec<Felt> {
    let table = &graph.tables.embedding;
    (0..table.rows)
        .flat_map(|i| pack_kv(table.row(i)))
        .collect()
}

/// Words of the table.
pub(super) fn table_words(graph: &VerifiedGraph) -> usize {
    graph.shape.vocab * words(graph)
}

/// Words of a row.
pub(super) fn words(graph: &VerifiedGraph) -> usize {
    kv_words(graph.shape.hidden)
}

/// Whether an array of the program holds a row, if the program holds the table.
pub(super) fn check_width(graph: &VerifiedGraph, weights: WeightLayout) -> Result<(), LowerError> {
    let words = words(graph);
    match weights {
        WeightLayout::Pairs | WeightLayout::Ready if words > MAX_WORDS => {
            Err(LowerError::EmbeddingTooWide {
                words,
                limit: MAX_WORDS,
            })
        }
        WeightLayout::Pairs | WeightLayout::Ready | WeightLayout::Committed => Ok(()),
    }
}

/// Rows that one array of the program holds; at least one, see [`check_width`].
pub(super) fn rows_per_part(graph: &VerifiedGraph) -> usize {
    (MAX_WORDS / words(graph)).max(1)
}

/// The variable that holds the table where the program reads it.
pub(super) const VARIABLE: &str = "embedding";

pub(super) fn call(lowering: &Lowering<'_>, shift: u32, imports: &mut Imports) -> String {
    let graph = lowering.graph;
    let (parts, rows) = match lowering.options.weights {
        WeightLayout::Committed => (vec![VARIABLE.to_string()], graph.shape.vocab),
        WeightLayout::Pairs | WeightLayout::Ready => {
            let rows = rows_per_part(graph);
            let part = |part| format!("tables::{}.span()", part_name("EMBEDDING", part));
            let parts = 0..graph.shape.vocab.div_ceil(rows);
            (parts.map(part).collect(), rows)
        }
    };
    format!(
        "{}(array![{}], {}, {}, token, {}, {:#x})",
        imports.item("embed", "embed"),
        parts.join(", "),
        rows,
        words(graph),
        graph.shape.hidden,
        1u128 << shift
    )
}

pub(super) fn cost(lowering: &Lowering<'_>, cost: &mut Cost) {
    let graph = lowering.graph;
    call_kernel(cost, 1, "bytes::unpack_int8", &[Param::Span(words(graph))]);
    let hidden = Param::Span(graph.shape.hidden);
    call_kernel(
        cost,
        1,
        "elementwise::append_multiples",
        &[hidden, Param::Felt],
    );
    cost.unit("embed", 1);
}
