//! `wrapped.json`: one proof for all chunks of a session, small enough for a contract.
//!
//! Owns: [`Wrapped`] and its rules. Invariant: everything that the proof speaks about is in the session's
//! receipts; this document adds only what names the circuit, and the proof itself.
//!
//! Absent on purpose: parameters and circuit roots of the aggregation; the verifier has them.

use serde::Serialize;

use super::document::Document;
use super::strict::{FormatError, Object, decode_fields};
use crate::verify::statement::{CircuitRoot, ProgramHash, ProofFelt, SessionId};

/// The `format` field of `wrapped.json`.
pub const WRAPPED_FORMAT: &str = "cairo-decode-wrapped/1";
/// Name of the document in a session's folder.
pub const WRAPPED_FILE: &str = "wrapped.json";
/// Most chunks that one wrapped proof covers.
pub const MAX_WRAPPED_CHUNKS: u32 = 16;
/// Most felts of a transaction, and so of a wrapped proof.
const MAX_FELTS: usize = 5_000;

/// A wrapped session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrapped {
    pub session_id: SessionId,
    pub program_hash: ProgramHash,
    /// The circuit that verifies one chunk's proof of that program.
    pub leaf_root: CircuitRoot,
    /// Chunks that are covered: those of the session, from the first on.
    pub chunks: u32,
    /// The proof, as a contract takes it.
    pub proof: Vec<ProofFelt>,
}

impl Document for Wrapped {
    const FORMAT: &'static str = WRAPPED_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(decode_fields!(
            object,
            Wrapped {
                session_id,
                program_hash,
                leaf_root,
                chunks,
                proof,
            }
        ))
    }

    fn check_form(&self) -> Result<(), FormatError> {
        if self.chunks == 0 || self.chunks > MAX_WRAPPED_CHUNKS {
            let reason = format!("must be 1 to {MAX_WRAPPED_CHUNKS}");
            return Err(FormatError::inconsistent("chunks", reason));
        }
        if self.proof.is_empty() || self.proof.len() > MAX_FELTS {
            let reason = format!("must have 1 to {MAX_FELTS} felts");
            return Err(FormatError::inconsistent("proof", reason));
        }
        Ok(())
    }
}
