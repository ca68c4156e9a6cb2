//! The front door of a verifier: a session, or one receipt, of a model.
//!
//! Owns: [`Verification`], which verifies a session chunk by chunk, so that somebody can watch; [`verify_session`] and
//! [`verify_receipt`], which do it at once; and [`Accepted`], what then holds.
//!
//! Invariant: an [`Accepted`] is of a session all of whose proofs were verified; only [`Verification::finish`] makes one.

use super::verify_session::{OwnProofs, verify_one};
use super::{Complete, Files, Manifest, ProofVerifier, Receipt, Rejected, Session, SessionDir};
use crate::verify::policy::Accept;
use crate::verify::tensors::TensorPins;

/// A session that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The session's document, all of whose fields but `prompt`, the text, and `chunk_size` were compared with the receipts.
    pub session: Session,
    /// The verified receipts, in order.
    pub chunks: Vec<Receipt>,
    /// Number of steps over all chunks.
    pub steps: u32,
    /// The tokens that the model chose, in order.
    pub generated_tokens: Vec<u32>,
    /// True if nothing more is to be generated: all requested tokens are there, or eos is.
    pub finished: bool,
}

/// A session that is being verified: its documents and the chain of its receipts hold, and so do the proofs of the chunks
/// that [`Verification::next_chunk`] has returned.
#[derive(Debug)]
pub struct Verification {
    of: Complete,
    pins: TensorPins,
    accept: Accept,
    /// How many of the first chunks are verified.
    verified: usize,
}

impl Verification {
    /// Reads a session's documents, and checks that they are a complete session of the manifest's model whose receipts form a
    /// chain. No proof is read yet.
    ///
    /// `accept` gives the domain and the model; the model must be the manifest's.
    ///
    /// # Errors
    /// The first thing that does not hold, naming file and field.
    pub fn open(
        files: impl Files + 'static,
        manifest: &Manifest,
        accept: &Accept,
    ) -> Result<Verification, Rejected> {
        Ok(Verification {
            of: Complete::open(SessionDir::of(files)?, &manifest.model)?,
            pins: manifest.tensors.clone(),
            accept: accept.clone(),
            verified: 0,
        })
    }

    /// The session's document.
    pub fn session(&self) -> &Session {
        &self.of.session
    }

    /// Number of the session's chunks.
    pub fn chunks(&self) -> usize {
        self.of.receipts.len()
    }

    /// Verifies the next chunk: its proof, and its receipt against it, which it returns. `None` when there is none left.
    ///
    /// # Errors
    /// The first thing that does not hold, naming file and field. The same chunk is the next one again.
    pub fn next_chunk(&mut self) -> Result<Option<&Receipt>, Rejected> {
        let Some(receipt) = self.of.receipts.get(self.verified) else {
            return Ok(None);
        };
        let mut proofs = OwnProofs { pins: &self.pins };
        self.of.verify(self.verified, &self.accept, &mut proofs)?;
        self.verified += 1;
        Ok(Some(receipt))
    }

    /// Verifies all chunks that are left.
    ///
    /// # Errors
    /// As [`Verification::next_chunk`].
    pub fn finish(mut self) -> Result<Accepted, Rejected> {
        while self.next_chunk()?.is_some() {}
        OwnProofs { pins: &self.pins }.finish(&self.of)?;
        let session = self.of;
        Ok(Accepted {
            session: session.session,
            chunks: session.receipts,
            steps: session.facts.steps,
            generated_tokens: session.facts.generated_tokens,
            finished: session.facts.finished,
        })
    }
}

/// Verifies a session: every proof under this verifier's parameters, every receipt against its proof, and the chain of
/// receipts from the prompt to the last token.
///
/// `accept` gives the domain and the model; the model must be the manifest's.
///
/// # Errors
/// The first thing that does not hold, naming file and field.
pub fn verify_session(
    files: impl Files + 'static,
    manifest: &Manifest,
    accept: &Accept,
) -> Result<Accepted, Rejected> {
    Verification::open(files, manifest, accept)?.finish()
}

/// Verifies the receipt in the file `name` with the proof beside it. Says nothing about what came before it.
///
/// # Errors
/// As [`verify_session`].
pub fn verify_receipt(
    files: &dyn Files,
    name: &str,
    manifest: &Manifest,
    accept: &Accept,
) -> Result<Receipt, Rejected> {
    verify_one(files, name, manifest, accept)
}
