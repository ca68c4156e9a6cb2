//! From a float model and calibration text to an integer step graph, and how faithful that graph is.
//!
//! Owns the choice of every scale. All scales are powers of two, so a change of scale is a shift. Norm
//! gains are folded into the matrices that follow, `log2(e) / sqrt(head_dim)` into the query projection.
//!
//! Invariants
//! - The same model, text and options give the same graph, bit for bit: sums run in index order, maps are
//!   ordered, nothing depends on threads.
//! - No float leaves this module inside a graph; what is measured in floats ([`FidelityReport`]) is a
//!   report, not an input to anything proven.
//!
//! Deliberately absent: the semantics of the operations (`spec`), range proofs (`ir`), fine-tuning.

mod assemble;
mod diagnosis;
pub mod documents;
mod error;
pub mod fidelity;
pub mod float;
pub mod llama;
mod options;
mod parameters;
mod readable;
mod root;
mod scales;
pub mod statistics;
mod tables;
pub mod texts;
mod verdict;
mod weights;

pub use diagnosis::Cause;
pub use documents::{Documents, TextError};
pub use error::QuantizeError;
pub use fidelity::{
    FidelityReport, Follower, IntegerEngine, NoProof, ReferenceEngine, Scaled, Stop, divergence,
    fidelity, follow,
};
pub use float::Site;
pub use options::QuantOptions;
pub(crate) use readable::in_json;
pub use readable::{readable, readable_change};
pub use root::{model_root, shape_root};
pub use statistics::Statistics;
pub use verdict::{MAX_DIVERGENCE, MAX_PERPLEXITY_RATIO, MIN_AGREEMENT, MIN_TOKENS, Verdict};
pub use weights::{Folding, QuantMatrix, quantize_matrix};

use crate::ir::VerifiedGraph;
use crate::model::Model;
use llama::Llama;
use starknet_types_core::felt::Felt;

/// Name of every graph: what a person calls the model changes neither the model root nor the program.
pub const GRAPH_NAME: &str = "model";

/// An integer model.
#[derive(Debug, Clone, PartialEq)]
pub struct Quantized {
    pub graph: VerifiedGraph,
    /// Fractional bits of the value of each node, by `ValueId`: an element `x` stands for `x · 2^-bits`.
    pub fractional_bits: Vec<i32>,
    /// Fractional bits of the logits.
    pub logit_bits: i32,
    /// Commits to the quantised parameters, the configuration and the tokenizer, see [`model_root`].
    pub model_root: Felt,
}

/// Quantises `model`, its scales calibrated on the documents of `calibration` (separated by blank lines).
///
/// # Errors
/// As [`quantize_on`], or a text that cannot be used.
pub fn quantize(
    model: &Model,
    calibration: &str,
    options: &QuantOptions,
) -> Result<Quantized, QuantizeError> {
    options.check()?;
    let documents = Documents::encode(calibration, &model.tokenizer)?;
    quantize_on(model, &documents, options)
}

/// Quantises `model`, its scales calibrated on `documents`.
///
/// # Errors
/// Options out of range, floats that are not finite, or values that no scale of the program fits.
pub fn quantize_on(
    model: &Model,
    documents: &Documents,
    options: &QuantOptions,
) -> Result<Quantized, QuantizeError> {
    options.check()?;
    let context = options
        .context
        .unwrap_or(model.config.max_position_embeddings);
    // 1. What the float model's values look like.
    let statistics = Statistics::collect(model, documents, context)?;
    // 2. Matrices to int8, which fixes the scale of every accumulator.
    let llama = Llama::of(model)?;
    let parameters = parameters::parameters(&llama, &model.config, &statistics, options)?;
    // 3. The graph, with the scale of every other value.
    let model_of = (&model.config, &llama);
    let assembled = assemble::assemble(model_of, parameters, &statistics, options)?;
    let model_root = model_root(
        &assembled.graph,
        &model.config_digest,
        &model.tokenizer_digest,
    );
    Ok(Quantized {
        graph: assembled.graph,
        fractional_bits: assembled.fractional_bits,
        logit_bits: assembled.logit_bits,
        model_root,
    })
}
