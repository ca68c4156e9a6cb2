//! Why a session is not proven: one variant per check.

use thiserror::Error;

use super::RequestError;
use crate::bundle::InsideBuild;
use crate::decode::DecodeError;
use crate::receipt::{DocumentError, FolderError, ReceiptError, WriterError};
use crate::verify::ProofError;

/// Why a session is not proven.
#[derive(Debug, Error)]
pub enum ProveSessionError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error("{0}; choose another -o")]
    InsideBuild(#[from] InsideBuild),
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
        "{receipt}: format: is {found:?}, the receipts of this program have {expected:?}: a receipt of another version; remove it, or use another -o"
    )]
    OtherFormat {
        receipt: String,
        found: String,
        expected: &'static str,
    },
    #[error("chunk {chunk}: {source}")]
    Make { chunk: usize, source: DecodeError },
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
