//! A wrapped session's documents: which chunks each covers, and whether its proof is one of them.
//!
//! Invariants: what is checked of a wrapped session is what `verify` checks of any session; only who verifies
//! the proofs differs. The circuit comes from the caller, never from the folder: the documents name one, and
//! it must be that one.
//!
//! What a wrapped proof is about: the common part of all its chunks, the frontier before the first one, and the frontier behind the
//! last one. The tokens of the receipts between are those of its chains. The roots of keys and values between are not: a frontier inside is
//! what the receipts on both sides say.
//!
//! Absent on purpose: the chunks' own proofs. If one lies beside its receipt, it must be the one of the
//! receipt's record. If it does not, nothing says which bytes it had: of a record then `bytes` and `blake2s`
//! are not checked, everything else is.

use std::path::{Path, PathBuf};

use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use super::circuit::pcs_config;
use super::fold::{self, Kind};
use super::shape::AGGREGATE;
use super::span::Span;
use super::verify::verify_packed;
use super::{WrapError, digest_felt};
use crate::receipt::{
    Complete, Document, Manifest, ProofIdentity, ProofVerifier, Receipt, Rejected, Session,
    SessionDir, SessionFacts, Wrapped, wrapped_name,
};
use crate::verify::params;
use crate::verify::policy::Accept;
use crate::verify::statement::{CircuitRoot, PublicFacts};

/// A verified wrapped session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WrappedSession {
    pub session: Session,
    /// What its receipts say as a whole.
    pub facts: SessionFacts,
    /// Which of its chunks each wrapped proof covers.
    pub proofs: Vec<Covered>,
}

/// Chunks in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    pub first: usize,
    pub chunks: usize,
}

/// The wrapped documents of a session, read in order.
struct Documents {
    /// The circuit that the caller trusts to be the program's.
    leaf_root: [u8; 32],
    /// Names of the documents that were read.
    read: Vec<String>,
    proofs: Vec<Covered>,
    /// The first chunk that none of them covers.
    covered: usize,
}

impl Documents {
    fn new(leaf_root: [u8; 32]) -> Documents {
        Documents {
            leaf_root,
            read: vec![],
            proofs: vec![],
            covered: 0,
        }
    }

    /// Reads the document of the first chunk that is not covered yet, of which there must be one.
    fn next(&mut self, session: &Complete) -> Result<Wrapped, WrapError> {
        let file = session.folder.path().join(wrapped_name(self.covered));
        if !file.exists() {
            return Err(WrapError::NotWrapped { file });
        }
        let wrapped = Wrapped::read(&file)?;
        let left = session.receipts.len() - self.covered;
        let chunks = (wrapped.chunks as usize).min(left);
        let document = &session.session;
        let rows = [
            (
                "session_id",
                wrapped.session_id.to_string(),
                document.session_id.to_string(),
            ),
            (
                "program_hash",
                wrapped.program_hash.to_string(),
                document.program_hash.to_string(),
            ),
            (
                "first_chunk",
                wrapped.first_chunk.to_string(),
                self.covered.to_string(),
            ),
            ("chunks", wrapped.chunks.to_string(), chunks.to_string()),
            (
                "leaf_root",
                wrapped.leaf_root.to_string(),
                CircuitRoot(digest_felt(&self.leaf_root)).to_string(),
            ),
        ];
        for (field, found, expected) in rows {
            if found != expected {
                return Err(WrapError::Differs {
                    file,
                    field,
                    found,
                    expected,
                });
            }
        }
        self.read.push(wrapped.name());
        self.proofs.push(Covered {
            first: self.covered,
            chunks,
        });
        self.covered += chunks;
        Ok(wrapped)
    }

    /// There is no document that was not read.
    fn finish(&self, folder: &SessionDir) -> Result<(), WrapError> {
        match beside(folder, &self.read)?.into_iter().next() {
            Some(file) => Err(WrapError::ExtraWrapped { file }),
            None => Ok(()),
        }
    }
}

/// Verifies the wrapped proofs instead of the chunks' own.
struct WrappedProofs<'a> {
    documents: Documents,
    manifest: &'a Manifest,
}

impl ProofVerifier for WrappedProofs<'_> {
    type Error = WrapError;

    fn verify(
        &mut self,
        session: &Complete,
        index: usize,
    ) -> Result<(PublicFacts, ProofIdentity), WrapError> {
        if index == self.documents.covered {
            let wrapped = self.documents.next(session)?;
            let covered = &session.receipts[index..self.documents.covered];
            let span = Span::joined(&spans(covered)).ok_or(WrapError::Inner)?;
            let value = fold::public_value(Kind::Fold, &span, self.documents.leaf_root);
            let felts: Vec<Felt> = wrapped.proof.iter().map(|felt| felt.0).collect();
            verify_packed(fold::ROOT, value, &felts).map_err(|source| WrapError::Proof {
                file: session.folder.path().join(wrapped.name()),
                source,
            })?;
        }
        let receipt = &session.receipts[index];
        let folder = &session.folder;
        let identity = match folder.proof_path(index).exists() {
            true => folder.load_proof(index, receipt)?.1,
            false => ProofIdentity {
                bytes: receipt.proof.bytes,
                blake2s: receipt.proof.blake2s,
            },
        };
        Ok((self.proven(receipt), identity))
    }

    fn finish(&mut self, session: &Complete) -> Result<(), WrapError> {
        self.documents.finish(&session.folder)
    }
}

impl WrappedProofs<'_> {
    /// What the wrapped proof proves of one of its receipts' chunks: the circuit is one program's, and accepts proofs with one set of
    /// parameters. The output is the receipt's own, of which the proof is about the two ends of the chain.
    fn proven(&self, receipt: &Receipt) -> PublicFacts {
        let params = self.manifest.tensors.set().params;
        PublicFacts {
            program_hash: self.manifest.model.program_hash.0,
            output: receipt.statement.to_output().to_vec(),
            params,
            security_bits: params::pcs_config(&params).security_bits(),
        }
    }
}

/// Verifies a wrapped session: everything that `verify_session` checks, with wrapped proofs by the circuit
/// `leaf_root` for the chunks' own.
///
/// # Errors
/// The first thing that does not hold.
pub fn verify(
    dir: &Path,
    manifest: &Manifest,
    accept: &Accept,
    leaf_root: [u8; 32],
) -> Result<WrappedSession, WrapError> {
    // The circuits' proofs; those inside them are compared receipt by receipt.
    let (found, floor) = (
        pcs_config(&AGGREGATE).security_bits(),
        accept.min_security_bits(),
    );
    if found < floor {
        return Err(WrapError::Security { found, floor });
    }
    let mut proofs = WrappedProofs {
        documents: Documents::new(leaf_root),
        manifest,
    };
    let folder = SessionDir::open(dir).map_err(Rejected::from)?;
    let whole = Complete::open(folder, &manifest.model)?;
    whole.verify_all(accept, &mut proofs)?;
    Ok(WrappedSession {
        session: whole.session,
        facts: whole.facts,
        proofs: proofs.documents.proofs,
    })
}

/// A wrapped session, read and checked as documents: the receipts form a complete session of the model, and the
/// wrapped documents cover all of them, each once, by the circuit `leaf_root`. Says nothing about the proofs.
///
/// # Errors
/// What is missing, or the first field that differs.
pub fn open(
    dir: &Path,
    manifest: &Manifest,
    leaf_root: [u8; 32],
) -> Result<(Session, Vec<Receipt>, Vec<Wrapped>), WrapError> {
    let folder = SessionDir::open(dir)?;
    let session = folder.load_session()?;
    if !session.is_complete() {
        return Err(WrapError::Running);
    }
    let (receipts, facts) = folder.check_receipts(&session, &manifest.model)?;
    let whole = Complete {
        folder,
        session,
        receipts,
        facts,
    };
    let mut documents = Documents::new(leaf_root);
    let mut wrapped = vec![];
    while documents.covered < whole.receipts.len() {
        wrapped.push(documents.next(&whole)?);
    }
    documents.finish(&whole.folder)?;
    Ok((whole.session, whole.receipts, wrapped))
}

/// What the receipts' chunks say.
pub(super) fn spans(receipts: &[Receipt]) -> Vec<Span<QM31>> {
    let span = |receipt: &Receipt| Span::of(&receipt.statement.to_output());
    receipts.iter().map(span).collect()
}

/// Files of wrapped documents in a folder that do not have one of these names.
pub(super) fn beside(dir: &SessionDir, known: &[String]) -> Result<Vec<PathBuf>, WrapError> {
    let mut names = dir.wrapped_names()?;
    names.retain(|name| !known.contains(name));
    Ok(names.iter().map(|name| dir.path().join(name)).collect())
}
