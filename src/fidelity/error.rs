//! Why fidelity cannot be measured: one variant per check.

use super::documents::TextError;

/// Why fidelity could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum FidelityError {
    /// About the text, not about the model.
    #[error(transparent)]
    Text(#[from] TextError),
    #[error(
        "the float model's logits are not finite after token {token} of paragraph {document} of the held-out text: the weights are too large for 32-bit floats, or damaged; check that the model works elsewhere"
    )]
    LogitsNotFinite { document: usize, token: usize },
    #[error("the engine returned {found} logits, the model has {expected}")]
    Logits { found: usize, expected: usize },
}
