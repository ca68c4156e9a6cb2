//! The front door of a verifier: a session, or one receipt, of a model of either kind.
//!
//! Owns: [`Verification`], which verifies a session chunk by chunk, so that somebody can watch; [`verify_session`] and
//! [`verify_receipt`], which do it at once; and [`Accepted`], what then holds.
//!
//! Invariant: an [`Accepted`] is of a session all of whose proofs were verified; only [`Verification::finish`] makes one.

use super::verify_session::{OwnProofs, verify_one};
use super::{
    Complete, Files, ModelManifest, ProofVerifier, Receipt, Rejected, Session, SessionDir, Stated,
    TensorReceipt,
};
use crate::verify::policy::Accept;
use crate::verify::statement::{ModelRoot, SessionId, Statement, v3};
use crate::verify::tensors::TensorPins;

/// A session that was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The session's document, all of whose fields but `prompt`, the text, and `chunk_size` were compared with the receipts.
    pub session: Session,
    /// The verified receipts, in order.
    pub chunks: Vec<Chunk>,
    /// Number of steps over all chunks.
    pub steps: u32,
    /// The tokens that the model chose, in order.
    pub generated_tokens: Vec<u32>,
    /// True if nothing more is to be generated: all requested tokens are there, or eos is.
    pub finished: bool,
}

/// A receipt of either kind that was verified with its proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Chunk {
    /// The model's proofs have no tensor components.
    Cairo(Receipt),
    /// They have some.
    Tensors(TensorReceipt),
}

/// The same expression of a receipt of either kind.
macro_rules! of_receipt {
    ($chunk:expr, $receipt:ident => $value:expr) => {
        match $chunk {
            Chunk::Cairo($receipt) => $value,
            Chunk::Tensors($receipt) => $value,
        }
    };
}

impl Chunk {
    /// The session that it is a chunk of.
    pub fn session_id(&self) -> SessionId {
        of_receipt!(self, receipt => receipt.statement.session_id())
    }

    /// The model that it is of.
    pub fn model_root(&self) -> ModelRoot {
        of_receipt!(self, receipt => receipt.statement.subject().model_root)
    }

    /// The position of its first step.
    pub fn first_position(&self) -> u32 {
        of_receipt!(self, receipt => position(&receipt.statement))
    }

    /// Number of its steps.
    pub fn steps(&self) -> u32 {
        of_receipt!(self, receipt => receipt.statement.steps())
    }

    /// Number of the prompt's tokens.
    pub fn prompt_length(&self) -> u32 {
        of_receipt!(self, receipt => receipt.statement.prompt_length())
    }

    /// Token ids that came from the prompt, in order.
    pub fn forced_tokens(&self) -> &[u32] {
        of_receipt!(self, receipt => &receipt.forced_tokens)
    }

    /// Token ids that the policy chose, in order; they follow the forced ones.
    pub fn emitted_tokens(&self) -> &[u32] {
        of_receipt!(self, receipt => &receipt.emitted_tokens)
    }

    /// Security that the proof's parameters give, in bits.
    pub fn security_bits(&self) -> u32 {
        of_receipt!(self, receipt => receipt.proof.security_bits)
    }
}

/// Where a statement's first step is.
fn position<S: Stated>(statement: &S) -> u32 {
    S::position(statement.frontier_in())
}

/// A session that is being verified: its documents and the chain of its receipts hold, and so do the proofs of the chunks
/// that [`Verification::next_chunk`] has returned.
#[derive(Debug)]
pub struct Verification {
    of: Kind,
    accept: Accept,
    verified: Vec<Chunk>,
}

#[derive(Debug)]
enum Kind {
    Cairo(Complete<Statement>),
    Tensors(Complete<v3::Statement>, TensorPins),
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
        manifest: &ModelManifest,
        accept: &Accept,
    ) -> Result<Verification, Rejected> {
        let folder = SessionDir::of(files)?;
        let of = match manifest {
            ModelManifest::Cairo(manifest) => Kind::Cairo(Complete::open(folder, manifest)?),
            ModelManifest::Tensors(manifest) => {
                let session = Complete::open(folder, &manifest.model)?;
                Kind::Tensors(session, manifest.tensors.clone())
            }
        };
        Ok(Verification {
            of,
            accept: accept.clone(),
            verified: vec![],
        })
    }

    /// The session's document.
    pub fn session(&self) -> &Session {
        match &self.of {
            Kind::Cairo(session) => &session.session,
            Kind::Tensors(session, _) => &session.session,
        }
    }

    /// Number of the session's chunks.
    pub fn chunks(&self) -> usize {
        match &self.of {
            Kind::Cairo(session) => session.receipts.len(),
            Kind::Tensors(session, _) => session.receipts.len(),
        }
    }

    /// Verifies the next chunk: its proof, and its receipt against it. `None` when there is none left.
    ///
    /// # Errors
    /// The first thing that does not hold, naming file and field. The same chunk is the next one again.
    pub fn next_chunk(&mut self) -> Result<Option<&Chunk>, Rejected> {
        let index = self.verified.len();
        if index == self.chunks() {
            return Ok(None);
        }
        let chunk = match &self.of {
            Kind::Cairo(session) => {
                session.verify(index, &self.accept, &mut OwnProofs { pins: None })?;
                Chunk::Cairo(session.receipts[index].clone())
            }
            Kind::Tensors(session, pins) => {
                let mut proofs = OwnProofs { pins: Some(pins) };
                session.verify(index, &self.accept, &mut proofs)?;
                Chunk::Tensors(session.receipts[index].clone())
            }
        };
        self.verified.push(chunk);
        Ok(self.verified.last())
    }

    /// Verifies all chunks that are left.
    ///
    /// # Errors
    /// As [`Verification::next_chunk`].
    pub fn finish(mut self) -> Result<Accepted, Rejected> {
        while self.next_chunk()?.is_some() {}
        let chunks = self.verified;
        match self.of {
            Kind::Cairo(session) => accepted(session, None, chunks),
            Kind::Tensors(session, pins) => accepted(session, Some(&pins), chunks),
        }
    }
}

/// What holds of a session all of whose chunks are verified.
fn accepted<S: Stated>(
    session: Complete<S>,
    pins: Option<&TensorPins>,
    chunks: Vec<Chunk>,
) -> Result<Accepted, Rejected> {
    OwnProofs { pins }.finish(&session)?;
    Ok(Accepted {
        session: session.session,
        chunks,
        steps: session.facts.steps,
        generated_tokens: session.facts.generated_tokens,
        finished: session.facts.finished,
    })
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
    manifest: &ModelManifest,
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
    manifest: &ModelManifest,
    accept: &Accept,
) -> Result<Chunk, Rejected> {
    Ok(match manifest {
        ModelManifest::Cairo(_) => Chunk::Cairo(verify_one(files, name, accept, None)?),
        ModelManifest::Tensors(manifest) => {
            Chunk::Tensors(verify_one(files, name, accept, Some(&manifest.tensors))?)
        }
    })
}
