//! Why a model has no portable program, and a chunk no run.

use thiserror::Error;

use crate::compile::CompileError;
use crate::decode::BuildError;
use crate::integers::Refusal;
use crate::trace::TraceError;

/// One variant for each check.
#[derive(Debug, Error)]
pub enum PortableError {
    #[error(
        "the integer model has {found} constants, and a program of plain Cairo at most {limit}: choose a smaller model or a shorter --context, or compile it without --target cairo"
    )]
    Constants { found: usize, limit: usize },
    #[error("a matrix has rows of {found} numbers; a constant array has at most {limit}")]
    Row { found: usize, limit: usize },
    #[error("keys and values have {bits} bits; a record's have at most 15")]
    RecordBits { bits: u32 },
    #[error(transparent)]
    Model(#[from] BuildError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("{field}: the files give {found}, the document says {expected}")]
    Differs {
        field: &'static str,
        found: String,
        expected: String,
    },
    #[error("the prompt is empty")]
    Prompt,
    #[error("the prompt has {found} tokens, the model {context} positions")]
    PromptLength { found: usize, context: u32 },
    #[error("token {place} of the prompt is {token}; the model has {tokens} tokens")]
    PromptToken {
        place: usize,
        token: u32,
        tokens: u32,
    },
    #[error("the session is at its end: {0}")]
    End(&'static str),
    #[error("a chunk of {steps} steps; a statement of this build has 1 to {most}")]
    Steps { steps: u32, most: u32 },
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(
        "the program's output differs from the statement at felt {place}: {found}, not {expected}: this is a bug of cairo-decode"
    )]
    Output {
        place: usize,
        found: String,
        expected: String,
    },
}
