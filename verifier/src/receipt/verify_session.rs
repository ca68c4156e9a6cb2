//! Verifies receipts with their proofs: all of a session, or one alone.
//!
//! Owns: [`Complete`], the one list of what is checked of a session, whoever verifies its proofs, and [`ProofVerifier`], the
//! difference between a session whose proofs are verified one by one and one whose proofs were wrapped: who
//! verifies the proofs, and what is known of each one afterwards. [`OwnProofs`] verifies the proof beside each receipt.

use std::path::{Path, PathBuf};

use thiserror::Error;

use super::{
    Document, DocumentError, Files, FolderError, MAX_DOCUMENT_BYTES, MAX_PROOF_BYTES, Manifest,
    ModelFacts, ProofIdentity, Receipt, ReceiptError, SESSION_FILE, Session, SessionDir,
    SessionFacts, check_receipt,
};
use crate::verify::ProofError;
use crate::verify::policy::Accept;
use crate::verify::statement::PublicFacts;
use crate::verify::tensors::{TensorPins, verify_tensors};

/// Why a session or a receipt is not accepted: it was read and does not hold, or it could not be read.
#[derive(Debug, Error)]
pub enum Rejected {
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
    #[error("{file}: {field}: is {found}, expected {expected}")]
    Expected {
        file: String,
        field: &'static str,
        found: String,
        expected: String,
    },
}

impl Rejected {
    /// The file that it is about, or the session's folder.
    pub fn file(&self) -> PathBuf {
        match self {
            Rejected::Document(error) => error.file().to_path_buf(),
            Rejected::Folder(error) => error.file(),
            Rejected::Running { dir, .. } => Path::new(dir).join(SESSION_FILE),
            Rejected::Proof { file, .. }
            | Rejected::Receipt { file, .. }
            | Rejected::Expected { file, .. } => PathBuf::from(file),
        }
    }

    /// The field of that file that it is about, for example `statement.frontier_in.position`. `None` for a file as a whole:
    /// one that is missing, or no document, or a proof, which has no fields.
    pub fn field(&self) -> Option<String> {
        match self {
            Rejected::Document(error) => error.field().map(str::to_string),
            Rejected::Folder(error) => error.field(),
            Rejected::Running { .. } => Some("status".to_string()),
            Rejected::Proof { .. } => None,
            Rejected::Receipt { source, .. } => source.field(),
            Rejected::Expected { field, .. } => Some((*field).to_string()),
        }
    }
}

/// A complete session whose receipts form a chain; its proofs are still to be verified.
#[derive(Debug)]
pub struct Complete {
    pub folder: SessionDir,
    pub session: Session,
    pub receipts: Vec<Receipt>,
    /// What the receipts say as a whole.
    pub facts: SessionFacts,
}

/// Verifies the proofs of a session's chunks.
pub trait ProofVerifier {
    type Error: From<Rejected>;

    /// Verifies chunk `index`'s proof. Returns what the proof is of, and which bytes it has.
    ///
    /// Asked for every chunk in order.
    ///
    /// # Errors
    /// A proof that is missing, is not the one of the receipt's record, or does not verify.
    fn verify(
        &mut self,
        session: &Complete,
        index: usize,
    ) -> Result<(PublicFacts, ProofIdentity), Self::Error>;

    /// Nothing is left over once all chunks are verified.
    ///
    /// # Errors
    /// What is.
    fn finish(&mut self, session: &Complete) -> Result<(), Self::Error>;
}

/// Verifies the proof beside each receipt.
pub(super) struct OwnProofs<'a> {
    /// What the manifest pins of the components.
    pub(super) pins: &'a TensorPins,
}

impl ProofVerifier for OwnProofs<'_> {
    type Error = Rejected;

    fn verify(
        &mut self,
        session: &Complete,
        index: usize,
    ) -> Result<(PublicFacts, ProofIdentity), Rejected> {
        let (folder, receipt) = (&session.folder, &session.receipts[index]);
        let (bytes, identity) = folder.load_proof(index, receipt)?;
        let facts = facts(&bytes, &folder.proof_path(index), self.pins)?;
        Ok((facts, identity))
    }

    fn finish(&mut self, _: &Complete) -> Result<(), Rejected> {
        // A proof without a receipt was refused with the folder.
        Ok(())
    }
}

/// What is checked of a session, in these steps:
///
/// 1. it is complete ([`Complete::open`]);
/// 2. its receipts form a chain from the prompt to the last token ([`Complete::open`]);
/// 3. every receipt has a proof that says the same, of the model and domain that are asked for ([`Complete::verify`]);
/// 4. no proof is left over ([`Complete::verify_all`]).
impl Complete {
    /// The session of a folder.
    ///
    /// # Errors
    /// A session that is not complete, or the first thing that does not hold between its documents and the manifest.
    pub fn open(folder: SessionDir, manifest: &ModelFacts) -> Result<Complete, Rejected> {
        let session = folder.load_session()?;
        if !session.is_complete() {
            return Err(Rejected::Running {
                dir: folder.path().display().to_string(),
                receipts: folder.count_receipts()?,
            });
        }
        let (receipts, facts) = folder.check_receipts(&session, manifest)?;
        Ok(Complete {
            folder,
            session,
            receipts,
            facts,
        })
    }

    /// Verifies chunk `index`: its proof, which `proofs` verifies, and its receipt against it.
    ///
    /// `accept` gives the domain and the model; the model must be that of the manifest.
    ///
    /// # Errors
    /// The first thing that does not hold, naming file and field.
    pub fn verify<V: ProofVerifier>(
        &self,
        index: usize,
        accept: &Accept,
        proofs: &mut V,
    ) -> Result<(), V::Error> {
        let (facts, identity) = proofs.verify(self, index)?;
        let file = self.folder.receipt_path(index);
        check(&self.receipts[index], &file, &facts, &identity, accept)?;
        Ok(())
    }

    /// Verifies all chunks, and that nothing is left over.
    ///
    /// # Errors
    /// As [`Complete::verify`].
    pub fn verify_all<V: ProofVerifier>(
        &self,
        accept: &Accept,
        proofs: &mut V,
    ) -> Result<(), V::Error> {
        for index in 0..self.receipts.len() {
            self.verify(index, accept, proofs)?;
        }
        proofs.finish(self)
    }
}

/// The receipt in the file `name`, verified with the proof beside it. It has to be of the manifest's model, and of the accepted one.
///
/// # Errors
/// As [`Complete::verify`].
pub(super) fn verify_one(
    files: &dyn Files,
    name: &str,
    manifest: &Manifest,
    accept: &Accept,
) -> Result<Receipt, Rejected> {
    let file = files.place().join(name);
    let bytes = files.read(name, MAX_DOCUMENT_BYTES);
    let receipt = Receipt::of_file(&file, &bytes.map_err(DocumentError::from)?)?;
    let proof = &receipt.proof.file;
    let bytes = files
        .read(proof, MAX_PROOF_BYTES)
        .map_err(FolderError::from)?;
    let identity = ProofIdentity::of(&bytes);
    let facts = facts(&bytes, &files.place().join(proof), &manifest.tensors)?;
    check(&receipt, &file, &facts, &identity, accept)?;
    // The proof was verified under the manifest's root of constants: that says something of the manifest's model alone.
    let of_manifest = manifest.accept(receipt.statement.domain);
    match of_manifest.check_statement(&receipt.statement) {
        Ok(()) => Ok(receipt),
        Err(error) => Err(Rejected::Receipt {
            file: file.display().to_string(),
            source: Box::new(error.into()),
        }),
    }
}

/// What a proof's bytes prove.
fn facts(bytes: &[u8], file: &Path, pins: &TensorPins) -> Result<PublicFacts, Rejected> {
    let verified = verify_tensors(bytes, pins).map(|found| found.facts);
    verified.map_err(|source| Rejected::Proof {
        file: file.display().to_string(),
        source,
    })
}

fn check(
    receipt: &Receipt,
    file: &Path,
    facts: &PublicFacts,
    identity: &ProofIdentity,
    accept: &Accept,
) -> Result<(), Rejected> {
    check_receipt(receipt, facts, identity, accept).map_err(|source| Rejected::Receipt {
        file: file.display().to_string(),
        source: Box::new(source),
    })
}
