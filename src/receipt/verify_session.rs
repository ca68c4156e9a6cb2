//! Verifies receipts with their proofs: all of a session, or one alone.
//!
//! Owns: [`verify_session_by`], the one list of what is checked of a session, and [`ProofVerifier`], the
//! difference between a session whose proofs are verified one by one and one whose proofs were wrapped: who
//! verifies the proofs, and what is known of each one afterwards.
//!
//! A manifest says of which kind a model's proofs are; a proof of the other kind is refused.

use std::path::Path;
use std::time::{Duration, Instant};

use thiserror::Error;

use super::{
    Document, DocumentError, FolderError, Manifest, ProofIdentity, ReceiptError, ReceiptOf,
    Session, SessionDir, SessionFacts, Stated, TensorManifest, check_receipt, files::read_bounded,
    folder::MAX_PROOF_BYTES,
};
use crate::verify::policy::Accept;
use crate::verify::statement::{PublicFacts, Statement, v3};
use crate::verify::tensors::{TensorPins, verify_tensors};
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
pub struct Verified<S = Statement> {
    pub receipt: ReceiptOf<S>,
    /// Reading and verifying proof and receipt.
    pub time: Duration,
}

/// A complete session whose receipts form a chain; its proofs are still to be verified.
#[derive(Debug)]
pub struct Complete<'a, S = Statement> {
    pub folder: &'a SessionDir,
    pub session: &'a Session,
    pub receipts: &'a [ReceiptOf<S>],
}

impl<S> Clone for Complete<'_, S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S> Copy for Complete<'_, S> {}

/// Verifies the proofs of a session's chunks.
pub trait ProofVerifier<S: Stated = Statement> {
    type Error: From<VerifySessionError>;

    /// Verifies chunk `index`'s proof. Returns what the proof is of, and which bytes it has.
    ///
    /// Asked for every chunk in order.
    ///
    /// # Errors
    /// A proof that is missing, is not the one of the receipt's record, or does not verify.
    fn verify(
        &mut self,
        session: Complete<'_, S>,
        index: usize,
    ) -> Result<(PublicFacts, ProofIdentity), Self::Error>;

    /// Nothing is left over once all chunks are verified.
    ///
    /// # Errors
    /// What is.
    fn finish(&mut self, session: Complete<'_, S>) -> Result<(), Self::Error>;
}

/// Verifies the proof beside each receipt.
struct OwnProofs<'a> {
    /// What the manifest pins of the tensor components, if the model's proofs have some.
    pins: Option<&'a TensorPins>,
}

impl<S: Stated> ProofVerifier<S> for OwnProofs<'_> {
    type Error = VerifySessionError;

    fn verify(
        &mut self,
        session: Complete<'_, S>,
        index: usize,
    ) -> Result<(PublicFacts, ProofIdentity), VerifySessionError> {
        let (folder, receipt) = (session.folder, &session.receipts[index]);
        let (bytes, identity) = folder.load_proof(index, receipt)?;
        let facts = facts(&bytes, &folder.proof_path(index), self.pins)?;
        Ok((facts, identity))
    }

    fn finish(&mut self, _: Complete<'_, S>) -> Result<(), VerifySessionError> {
        // A proof without a receipt was refused with the folder.
        Ok(())
    }
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
    let mut proofs = OwnProofs { pins: None };
    verify_session_by(dir, manifest, accept, &mut proofs, observe)
}

/// [`verify_session`] of a model whose proofs have tensor components: its receipts are about statements of version 3.
///
/// # Errors
/// As [`verify_session`].
pub fn verify_tensor_session(
    dir: &Path,
    manifest: &TensorManifest,
    accept: &Accept,
    observe: &mut dyn FnMut(usize, &Verified<v3::Statement>),
) -> Result<(Session, SessionFacts<v3::Frontier>), VerifySessionError> {
    let pins = Some(&manifest.tensors);
    let mut proofs = OwnProofs { pins };
    verify_session_by(dir, &manifest.model, accept, &mut proofs, observe)
}

/// [`verify_session`] with proofs that `proofs` verifies. Everything else is the same.
///
/// # Errors
/// The first thing that does not hold, naming file and field.
pub fn verify_session_by<S: Stated, V: ProofVerifier<S>>(
    dir: &Path,
    manifest: &Manifest,
    accept: &Accept,
    proofs: &mut V,
    observe: &mut dyn FnMut(usize, &Verified<S>),
) -> Result<(Session, SessionFacts<S::Frontier>), V::Error> {
    let folder = SessionDir::open(dir).map_err(VerifySessionError::from)?;
    // 1. The session is complete.
    let session = complete(&folder)?;
    // 2. Its receipts form a chain from the prompt to the last token.
    let (receipts, reached) = folder
        .check_receipts(&session, manifest)
        .map_err(VerifySessionError::from)?;
    let whole = Complete {
        folder: &folder,
        session: &session,
        receipts: &receipts,
    };
    // 3. Every receipt has a proof that says the same, of the model and domain that are asked for.
    for (i, receipt) in receipts.iter().enumerate() {
        let start = Instant::now();
        let (facts, identity) = proofs.verify(whole, i)?;
        check(receipt, &folder.receipt_path(i), &facts, &identity, accept)?;
        let verified = Verified {
            receipt: receipt.clone(),
            time: start.elapsed(),
        };
        observe(i, &verified);
    }
    proofs.finish(whole)?;
    Ok((session, reached))
}

/// The session document of a complete session.
fn complete(folder: &SessionDir) -> Result<Session, VerifySessionError> {
    let session = folder.load_session()?;
    if session.is_complete() {
        return Ok(session);
    }
    Err(VerifySessionError::Running {
        dir: folder.path().display().to_string(),
        receipts: folder.count_receipts()?,
    })
}

/// Verifies one receipt with the proof beside it. Says nothing about what came before it.
///
/// # Errors
/// As [`verify_session`].
pub fn verify_receipt(file: &Path, accept: &Accept) -> Result<Verified, VerifySessionError> {
    verify_receipt_by(file, accept, None)
}

/// [`verify_receipt`] of a model whose proofs have tensor components.
///
/// # Errors
/// As [`verify_session`].
pub fn verify_tensor_receipt(
    file: &Path,
    accept: &Accept,
    manifest: &TensorManifest,
) -> Result<Verified<v3::Statement>, VerifySessionError> {
    verify_receipt_by(file, accept, Some(&manifest.tensors))
}

fn verify_receipt_by<S: Stated>(
    file: &Path,
    accept: &Accept,
    pins: Option<&TensorPins>,
) -> Result<Verified<S>, VerifySessionError> {
    let start = Instant::now();
    let receipt = ReceiptOf::<S>::read(file)?;
    let proof = file.with_file_name(&receipt.proof.file);
    let bytes = read_bounded(&proof, MAX_PROOF_BYTES).map_err(FolderError::from)?;
    let identity = ProofIdentity::of(&bytes);
    let facts = facts(&bytes, &proof, pins)?;
    check(&receipt, file, &facts, &identity, accept)?;
    Ok(Verified {
        receipt,
        time: start.elapsed(),
    })
}

/// What a proof's bytes prove.
fn facts(
    bytes: &[u8],
    file: &Path,
    pins: Option<&TensorPins>,
) -> Result<PublicFacts, VerifySessionError> {
    let verified = match pins {
        None => verify_proof(bytes),
        Some(pins) => verify_tensors(bytes, pins).map(|found| found.facts),
    };
    verified.map_err(|source| VerifySessionError::Proof {
        file: file.display().to_string(),
        source,
    })
}

fn check<S: Stated>(
    receipt: &ReceiptOf<S>,
    file: &Path,
    facts: &PublicFacts,
    identity: &ProofIdentity,
    accept: &Accept,
) -> Result<(), VerifySessionError> {
    check_receipt(receipt, facts, identity, accept).map_err(|source| VerifySessionError::Receipt {
        file: file.display().to_string(),
        source: Box::new(source),
    })
}
