//! `wrapped-0000.json`: one proof for chunks of a session in a row, small enough for a contract.
//!
//! Owns: [`Wrapped`] and its rules. A session has as many of these documents as it takes, each named by its
//! first chunk. Invariant: everything that the proof speaks about is in the session's receipts; this document
//! adds only which of them it covers, what names the circuit, and the proof itself.
//!
//! Absent on purpose: parameters and root of the fold circuit; the verifier has them.

use serde::Serialize;

use super::document::Document;
use super::listing::MAX_CHUNKS;
use super::strict::{FormatError, Object, decode_fields};
use crate::verify::statement::{CircuitRoot, ProgramHash, ProofFelt, SessionId};

/// The `format` field of `wrapped-0000.json`.
pub const WRAPPED_FORMAT: &str = "cairo-decode-wrapped/3";
const WRAPPED_START: &str = "wrapped-";
const WRAPPED_END: &str = ".json";

/// Name of the document whose first chunk is `first_chunk`, for example `wrapped-0016.json`.
pub fn wrapped_name(first_chunk: usize) -> String {
    format!("{WRAPPED_START}{first_chunk:04}{WRAPPED_END}")
}

/// Whether a file's name is like that of such a document.
pub(super) fn is_wrapped_name(name: &str) -> bool {
    name.starts_with(WRAPPED_START) && name.ends_with(WRAPPED_END)
}

/// Most felts of a transaction, and so of a wrapped proof.
const MAX_FELTS: usize = 5_000;

/// Chunks of a session under one proof.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Wrapped {
    pub session_id: SessionId,
    pub program_hash: ProgramHash,
    /// The circuit that verifies one chunk's proof of that program.
    pub leaf_root: CircuitRoot,
    /// The first of the session's chunks that is covered.
    pub first_chunk: u32,
    /// How many are covered.
    pub chunks: u32,
    /// The proof, as a contract takes it.
    pub proof: Vec<ProofFelt>,
}

impl Wrapped {
    /// Name of this document's file.
    pub fn name(&self) -> String {
        wrapped_name(self.first_chunk as usize)
    }
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
                first_chunk,
                chunks,
                proof,
            }
        ))
    }

    fn check_form(&self) -> Result<(), FormatError> {
        let most = MAX_CHUNKS as u32;
        if self.chunks == 0 || self.chunks > most {
            let reason = format!("must be 1 to {most}");
            return Err(FormatError::inconsistent("chunks", reason));
        }
        if self.first_chunk.checked_add(self.chunks).is_none() {
            let reason = "must leave room for the chunks".to_string();
            return Err(FormatError::inconsistent("first_chunk", reason));
        }
        if self.proof.is_empty() || self.proof.len() > MAX_FELTS {
            let reason = format!("must have 1 to {MAX_FELTS} felts");
            return Err(FormatError::inconsistent("proof", reason));
        }
        Ok(())
    }
}
