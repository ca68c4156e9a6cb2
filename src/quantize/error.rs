//! Everything that can go wrong between a float model and its integer graph, one variant per check.

use crate::ir::GraphError;
use crate::model::ModelError;

/// Why a model could not be quantised or measured.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    #[error("option `{option}` is {value}, outside {min}..={max}")]
    Option {
        option: &'static str,
        value: i64,
        min: i64,
        max: i64,
    },
    #[error("option `name` is {0:?}, expected a lower-case letter, then letters, digits or '_'")]
    Name(String),
    #[error("the text has no document (paragraphs are separated by blank lines)")]
    NoDocuments,
    #[error("document {document}: token {token} is outside the vocabulary of {vocab_size}")]
    Token {
        document: usize,
        token: u32,
        vocab_size: usize,
    },
    #[error("document {document}: {source}")]
    Document {
        document: usize,
        source: Box<ModelError>,
    },
    #[error("the float model's {site} is not finite on the calibration text")]
    NotFinite { site: String },
    #[error(
        "matrix `{matrix}`: its weights call for 2^{exponent} as scale, outside 2^{min}..=2^{max}"
    )]
    WeightScale {
        matrix: String,
        exponent: i32,
        min: i32,
        max: i32,
    },
    #[error(
        "the residual stream has {bits} fractional bits left, fewer than {min}: `{matrix}` is too coarse"
    )]
    ResidualScale { matrix: String, bits: i32, min: i32 },
    #[error("node `{node}`: cannot go from {from} to {to} fractional bits by dropping bits")]
    Shift { node: String, from: i32, to: i32 },
    #[error("the engine returned {found} logits, the model has {expected}")]
    Logits { found: usize, expected: usize },
    #[error(transparent)]
    Graph(#[from] GraphError),
}
