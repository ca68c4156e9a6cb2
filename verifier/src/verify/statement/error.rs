//! Why a public output is no statement, or a statement is refused: one variant per rule, and the field that it is about.

use thiserror::Error;

use super::{ChainId, ChainIdError, ContractAddress, MAX_POSITION, OUTPUT_LEN, VERSION};

/// Why a public output is no statement, a statement is not well formed, or the two differ.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum StatementError {
    #[error("public output: has {found} felts, a statement has {OUTPUT_LEN}")]
    OutputLength { found: usize },
    #[error("{field}: {value} is too large for this field")]
    TooLarge { field: &'static str, value: String },
    #[error("statement.domain.chain: {0}")]
    Chain(#[from] ChainIdError),
    #[error("statement.policy.kind: unknown policy {value}")]
    PolicyKind { value: String },
    #[error("statement.boundary: unknown boundary kind {value}")]
    Boundary { value: String },
    #[error("statement.version: is {found}, this program reads {VERSION}")]
    Version { found: String },
    #[error("statement.domain.verifier: must be 0x0 in the domain `local`, is {found}")]
    LocalVerifier { found: ContractAddress },
    #[error("statement.domain.verifier: must not be 0x0 on chain {chain}")]
    NoVerifier { chain: ChainId },
    #[error("statement.prompt_length: is {found}, allowed are 1 to {MAX_POSITION} tokens")]
    PromptLength { found: u32 },
    #[error("statement.steps: is 0, a chunk has at least one step")]
    NoSteps,
    #[error("statement.frontier_{side}.position: is {found}, the largest is {MAX_POSITION}")]
    Position { side: &'static str, found: u32 },
    #[error(
        "statement.frontier_out.position: is {to}, but {steps} steps from position {from} end at \
         {}",
        u64::from(*from) + u64::from(*steps)
    )]
    Steps { from: u32, steps: u32, to: u32 },
    #[error("{field}: receipt says {receipt}, proof says {proof}")]
    Differs {
        field: &'static str,
        receipt: String,
        proof: String,
    },
}

impl StatementError {
    /// The field of the receipt that it is about; `None` for the output as a whole.
    pub fn field(&self) -> Option<String> {
        let field = match self {
            StatementError::OutputLength { .. } => return None,
            StatementError::TooLarge { field, .. } | StatementError::Differs { field, .. } => field,
            StatementError::Chain(_) => "statement.domain.chain",
            StatementError::PolicyKind { .. } => "statement.policy.kind",
            StatementError::Boundary { .. } => "statement.boundary",
            StatementError::Version { .. } => "statement.version",
            StatementError::LocalVerifier { .. } | StatementError::NoVerifier { .. } => {
                "statement.domain.verifier"
            }
            StatementError::PromptLength { .. } => "statement.prompt_length",
            StatementError::NoSteps => "statement.steps",
            StatementError::Position { side, .. } => {
                return Some(format!("statement.frontier_{side}.position"));
            }
            StatementError::Steps { .. } => "statement.frontier_out.position",
        };
        Some(field.to_string())
    }
}
