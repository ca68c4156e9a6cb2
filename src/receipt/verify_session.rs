//! Verifies receipts with their proofs: all of a session, or one alone.

use std::path::Path;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::{
    Document, DocumentError, FolderError, Manifest, ProofIdentity, Receipt, ReceiptError, Session,
    SessionDir, SessionFacts, check_receipt, files::read_bounded, folder::MAX_PROOF_BYTES,
};
use crate::verify::policy::Accept;
use crate::verify::{ProofError, verify_proof};

/// Why a session or a receipt is rejected.
#[derive(Debug, Error)]
pub enum VerifySessionError {
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(
        "{dir}/session.json: status: is `running`, {receipts} receipts so far; run the same `prove` again to finish it"
    )]
    Running { dir: String, receipts: usize },
    #[error("{file}: {source}")]
    Proof { file: String, source: ProofError },
    #[error("{file}: {source}")]
    Receipt {
        file: String,
        source: Box<ReceiptError>,
    },
}

/// One verified receipt.
#[derive(Debug, Clone)]
pub struct Verified {
    pub receipt: Receipt,
    /// Reading and verifying proof and receipt.
    pub time: Duration,
}

/// Verifies a session's folder: every proof under this verifier's parameters, every receipt against its
/// proof, and the chain of receipts from the prompt to the last token.
///
/// `accept` gives the domain and the model; the model must be `manifest`'s.
///
/// # Errors
/// The first thing that does not hold, naming file and field.
pub fn verify_session(
    dir: &Path,
    manifest: &Manifest,
    accept: &Accept,
    observe: &mut dyn FnMut(usize, &Verified),
) -> Result<(Session, SessionFacts), VerifySessionError> {
    let folder = SessionDir::open(dir)?;
    let (session, receipts, facts) = folder.check(manifest)?;
    if !session.is_complete() {
        let dir = dir.display().to_string();
        return Err(VerifySessionError::Running {
            dir,
            receipts: receipts.len(),
        });
    }
    for (i, receipt) in receipts.into_iter().enumerate() {
        let start = Instant::now();
        let (bytes, identity) = folder.load_proof(i, &receipt)?;
        check(
            &receipt,
            &folder.receipt_path(i),
            &bytes,
            &identity,
            &folder.proof_path(i),
            accept,
        )?;
        observe(
            i,
            &Verified {
                receipt,
                time: start.elapsed(),
            },
        );
    }
    Ok((session, facts))
}

/// Verifies one receipt with the proof beside it. Says nothing about what came before it.
///
/// # Errors
/// As [`verify_session`].
pub fn verify_receipt(file: &Path, accept: &Accept) -> Result<Verified, VerifySessionError> {
    let start = Instant::now();
    let receipt = Receipt::read(file)?;
    let proof = file.with_file_name(&receipt.proof.file);
    let bytes = read_bounded(&proof, MAX_PROOF_BYTES).map_err(FolderError::from)?;
    let identity = ProofIdentity::of(&bytes);
    check(&receipt, file, &bytes, &identity, &proof, accept)?;
    Ok(Verified {
        receipt,
        time: start.elapsed(),
    })
}

fn check(
    receipt: &Receipt,
    file: &Path,
    bytes: &[u8],
    identity: &ProofIdentity,
    proof: &Path,
    accept: &Accept,
) -> Result<(), VerifySessionError> {
    let facts = verify_proof(bytes).map_err(|source| VerifySessionError::Proof {
        file: proof.display().to_string(),
        source,
    })?;
    check_receipt(receipt, &facts, identity, accept).map_err(|source| VerifySessionError::Receipt {
        file: file.display().to_string(),
        source: Box::new(source),
    })
}
