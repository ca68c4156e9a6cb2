//! The constants that a chunk makes once, before its first step, of what is packed in the program or in its input.

use std::collections::BTreeSet;

use super::imports::Imports;
use super::silu::SIGMOID;
use super::softmax::EXP2;
use super::weights::{self, Parts};
use super::{LowerError, Lowering, WeightLayout, embed};
use crate::ir::{Node, Op};
use crate::spec::silu::SIGMOID_ENTRIES;
use crate::spec::softmax::EXP2_ENTRIES;

/// Such a constant; in the order of the fields that hold them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Unpacked {
    /// The packed rows of the embedding, where the program reads them.
    Embedding,
    /// The table of 2^−x.
    Exp2,
    /// The weight words of a division into lanes.
    Words(Parts),
    /// The table of the sigmoid.
    Sigmoid,
}

impl Unpacked {
    /// The field, and the variable, that holds it.
    pub(super) fn variable(&self) -> String {
        match self {
            Unpacked::Embedding => embed::VARIABLE.to_string(),
            Unpacked::Exp2 => EXP2.to_string(),
            Unpacked::Words(parts) => weights::variable(parts.lanes),
            Unpacked::Sigmoid => SIGMOID.to_string(),
        }
    }

    /// Whether a step takes from it in order: `decide` goes on where `carry` stopped.
    pub(super) fn is_consumed(&self) -> bool {
        matches!(self, Unpacked::Words(_))
    }

    /// The variable as a pattern.
    pub(super) fn pattern(&self) -> String {
        match self.is_consumed() {
            true => format!("mut {}", self.variable()),
            false => self.variable(),
        }
    }

    /// The expression that makes it.
    pub(super) fn expression(&self, lowering: &Lowering<'_>, imports: &mut Imports) -> String {
        let mut table = |name: &str, len: usize| {
            let unpack = imports.item("bytes", "unpack_table");
            format!("{unpack}(tables::{}.span(), {len})", name.to_uppercase())
        };
        match self {
            Unpacked::Exp2 => table(EXP2, EXP2_ENTRIES),
            Unpacked::Sigmoid => table(SIGMOID, SIGMOID_ENTRIES),
            Unpacked::Embedding => {
                let words = embed::table_words(lowering.graph);
                format!("{}(ref words, {words})", imports.item("kv", "take"))
            }
            Unpacked::Words(parts) => parts.separated(lowering.options.weights, imports),
        }
    }
}

/// What is unpacked for `nodes`.
pub(super) fn reads(
    lowering: &Lowering<'_>,
    nodes: &[&Node],
) -> Result<BTreeSet<Unpacked>, LowerError> {
    let mut unpacked = BTreeSet::new();
    if lowering.options.weights.is_separated() {
        let products = lowering.products(nodes.iter().copied())?;
        let read = |parts: &Parts| products.iter().any(|p| p.lanes == parts.lanes);
        let parts = weights::parts(lowering)?.into_iter().filter(read);
        unpacked.extend(parts.map(Unpacked::Words));
    }
    let committed = lowering.options.weights == WeightLayout::Committed;
    unpacked.extend(nodes.iter().filter_map(|node| match node.op {
        Op::Embed { .. } if committed => Some(Unpacked::Embedding),
        Op::Softmax { .. } => Some(Unpacked::Exp2),
        Op::Silu { .. } => Some(Unpacked::Sigmoid),
        _ => None,
    }));
    Ok(unpacked)
}
