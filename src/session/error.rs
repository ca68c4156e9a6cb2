//! Why a session is not proven: one variant per check.

use std::path::PathBuf;

use thiserror::Error;

use super::RequestError;
use crate::chunk::ChunkError;
use crate::decode::DecodeError;
use crate::profile::ProfileError;
use crate::prove::ProveError;
use crate::receipt::{DocumentError, FolderError, ReceiptError, WriterError};
use crate::trace::TraceError;
use crate::verify::ProofError;

/// Why a session is not proven.
#[derive(Debug, Error)]
pub enum ProveSessionError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(
        "{}: inside the build {}, which is replaced as a whole when its model is compiled again; choose another -o",
        dir.display(), build.display()
    )]
    InsideBuild { dir: PathBuf, build: PathBuf },
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Writer(#[from] WriterError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(
        "{receipt}: statement.{field}: is {found}, this session has {expected}: a receipt of another session; remove it, or use another -o"
    )]
    Foreign {
        receipt: String,
        field: &'static str,
        found: String,
        expected: String,
    },
    #[error(
        "{receipt}: format: is {found:?}, the receipts of this build have {expected:?}: a receipt of another kind of build; remove it, or use another -o"
    )]
    OtherKind {
        receipt: String,
        found: String,
        expected: &'static str,
    },
    #[error("chunk {chunk}: {source}")]
    Make { chunk: usize, source: MakeError },
    #[error(
        "chunk {chunk}: {problem}; its length is given, {steps} steps, as chunks after it hold, so it is not split and nothing is removed; go on on a machine with more memory, or prove into another -o"
    )]
    GivenLength {
        chunk: usize,
        steps: usize,
        problem: String,
    },
    #[error(
        "chunk {chunk}: the proof just made does not verify: {source}: this is a bug of cairo-decode"
    )]
    SelfCheck { chunk: usize, source: ProofError },
    #[error(
        "chunk {chunk}: the receipt just made is refused: {source}: this is a bug of cairo-decode"
    )]
    Receipt {
        chunk: usize,
        source: Box<ReceiptError>,
    },
}

/// Why a chunk is not decoded, or not proven.
#[derive(Debug, Error)]
pub enum MakeError {
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(
        "the program's output differs from the engine's at field {field}: this is a bug of cairo-decode"
    )]
    Output { field: usize },
    #[error(transparent)]
    Components(#[from] ProfileError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error(transparent)]
    Tensors(DecodeError),
}

impl From<DecodeError> for MakeError {
    fn from(error: DecodeError) -> MakeError {
        match error {
            DecodeError::Prove(error) => MakeError::Prove(error),
            error => MakeError::Tensors(error),
        }
    }
}

impl MakeError {
    /// What is too long, if a chunk of fewer steps could be proven.
    pub(super) fn too_long(&self) -> Option<&ProveError> {
        match self {
            MakeError::Prove(error) if error.too_long() => Some(error),
            _ => None,
        }
    }
}
