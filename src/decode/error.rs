//! Why there is no build, no chunk, or no proof.

use thiserror::Error;

use crate::air::layout::SizeError;
use crate::compile::CompileError;
use crate::integers::{EncodingError, RangeError};
use crate::program::{self, ScheduleError};
use crate::prove::ProveError;
use crate::prove::tensor::calls::CallError;
use crate::tensor::{BitsError, ChunkError, PlanError};
use crate::trace::TraceError;
use crate::verify::ProofError;
use crate::verify::statement::StatementError;
use crate::verify::tensors::PinsError;

/// Why a description has no build.
#[derive(Debug, Error)]
pub enum BuildError {
    #[error(transparent)]
    Plan(#[from] PlanError),
    #[error(transparent)]
    Ranges(#[from] RangeError),
    #[error("{field}: the files give {found}, the manifest says {expected}")]
    Differs {
        field: &'static str,
        found: String,
        expected: String,
    },
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Pins(#[from] PinsError),
    #[error("the integer model: {0}")]
    Encoding(#[from] EncodingError),
    #[error(
        "the model has {found} positions; a session has at most {limit}: give a smaller context"
    )]
    Context { found: usize, limit: u32 },
    #[error(
        "the proof of a chunk behind {context} positions takes about {needed} MB of memory with {lanes} lanes, and at most {limit} MB are taken where nobody chooses lanes: give a smaller context (--context), or choose the lanes (--lanes)"
    )]
    Memory {
        context: u32,
        lanes: usize,
        needed: u64,
        limit: u64,
    },
    #[error(transparent)]
    Size(#[from] SizeError),
    #[error("tensors.roots: has {found}; a build has one root: compile the model again")]
    Sets { found: String },
    #[error(transparent)]
    Machine(#[from] ProveError),
}

/// Why a chunk is not decoded or not proven.
#[derive(Debug, Error)]
pub enum DecodeError {
    #[error("the prompt is empty")]
    Prompt,
    #[error("the prompt has {found} tokens, the model {context} positions")]
    PromptLength { found: usize, context: u32 },
    #[error("token {place} of the prompt is {token}; the model has {tokens} tokens")]
    PromptToken {
        place: usize,
        token: u32,
        tokens: usize,
    },
    #[error("the session is at its end: {0}")]
    End(&'static str),
    #[error("a chunk of {steps} steps; this build has 1 to {lanes} lanes")]
    Steps { steps: usize, lanes: usize },
    #[error(transparent)]
    Accept(#[from] ChunkError),
    #[error(transparent)]
    Bits(#[from] BitsError),
    #[error(transparent)]
    Chunk(#[from] program::ChunkError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Size(#[from] SizeError),
    #[error(transparent)]
    Call(#[from] CallError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error("the proof does not verify: {0}")]
    Proof(#[from] ProofError),
    #[error("program and decoder disagree: {0}: this is a bug of cairo-decode")]
    Statement(#[from] StatementError),
}
