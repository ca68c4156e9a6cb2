//! Everything that can go wrong between a float model and its integer graph, one variant per check.

use super::documents::TextError;
use super::float::Site;
use crate::ir::GraphError;

/// Why a model could not be quantised or measured.
#[derive(Debug, thiserror::Error)]
pub enum QuantizeError {
    #[error("option `{option}` is {value}, and must be from {min} to {max}")]
    Option {
        option: &'static str,
        value: i64,
        min: i64,
        max: i64,
    },
    #[error(
        "{what}: builds of --target steps are of Llama and Mistral models without biases and with plain rotation; compile without --target steps"
    )]
    NotLlama { what: String },
    /// About the text, not about the model.
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(
        "{site} is not finite in the float model on the calibration text: the weights are too large for 32-bit floats, or damaged; check that the model works elsewhere"
    )]
    NotFinite { site: Site },
    #[error(
        "the float model's logits are not finite after token {token} of paragraph {document} of the held-out text: the weights are too large for 32-bit floats, or damaged; check that the model works elsewhere"
    )]
    LogitsNotFinite { document: usize, token: usize },
    #[error(
        "the weights of {} are too {} for int8: they would be multiples of 2^{}, and a matrix may have 2^{} to 2^{}; a model with weights of this size cannot be quantised", part(.matrix), size(*.exponent, *.max), -*.exponent, -*.max, -*.min
    )]
    WeightScale {
        matrix: String,
        exponent: i32,
        min: i32,
        max: i32,
    },
    #[error(
        "{} gives values too large to add to the others: {bits} fractional bits are left, and {min} are needed; try a calibration text like what the model will read, or a model without such large weights", part(.matrix)
    )]
    ResidualScale { matrix: String, bits: i32, min: i32 },
    #[error(
        "{}: its values have {from} fractional bits, and {to} are needed: on the calibration text something before it is too large; try a calibration text like what the model will read, or a model without such large weights", part(.node)
    )]
    Shift { node: String, from: i32, to: i32 },
    #[error("the engine returned {found} logits, the model has {expected}")]
    Logits { found: usize, expected: usize },
    #[error(
        "the quantised model does not fit this program's integers: {0}; try a calibration text like what the model will read, or a model without such large weights"
    )]
    Graph(#[from] GraphError),
}

/// A part of the model by its label, `layer0.q_proj`, for people.
pub(super) fn part(label: &str) -> String {
    let layer = label.split_once('.');
    let layer = layer.and_then(|(layer, part)| Some((layer.strip_prefix("layer")?, part)));
    match (label, layer) {
        (_, Some((layer, part))) => format!("`{part}` of layer {layer}"),
        ("embed" | "embedding", None) => "the embedding".to_string(),
        ("lm_head", None) => "the output matrix (`lm_head`)".to_string(),
        (label, None) => format!("`{label}`"),
    }
}

/// What weights are that call for a larger exponent than the largest, or for a smaller one than the smallest.
fn size(exponent: i32, max: i32) -> &'static str {
    match exponent > max {
        true => "small",
        false => "large",
    }
}
