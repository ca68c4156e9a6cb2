//! Why a model has no portable program, and a chunk no run.

use thiserror::Error;

use super::document::PORTABLE_FILE;
use crate::compile::CompileError;
use crate::decode::{BuildError, DecodeError};
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
    Model(BuildError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error("{field} is {found}, but {PORTABLE_FILE} says {expected}; compile the model again")]
    Differs {
        field: &'static str,
        found: String,
        expected: String,
    },
    #[error(transparent)]
    Session(#[from] DecodeError),
    #[error("a chunk of {steps} steps; a statement of this build has 1 to {most}")]
    Steps { steps: u32, most: u32 },
    #[error(transparent)]
    Refusal(#[from] Refusal),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(
        "the program states {found} as {field}, and {PORTABLE_FILE} with the integer model {expected}: compile the model again; if it says so of a new build, this is a bug of cairo-decode"
    )]
    Output {
        field: &'static str,
        found: String,
        expected: String,
    },
}

impl From<BuildError> for PortableError {
    /// The same error, but that this kind of builds calls its document otherwise.
    fn from(error: BuildError) -> PortableError {
        match error {
            BuildError::Differs {
                field,
                found,
                expected,
            } => PortableError::Differs {
                field,
                found,
                expected,
            },
            error => PortableError::Model(error),
        }
    }
}
