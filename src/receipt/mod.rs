//! Documents of a session: what is written beside the proofs and how it is checked.
//!
//! | file | owns |
//! |---|---|
//! | `strict` | reading JSON with nothing left to chance; errors carry the field's path |
//! | `decode` | strict reading of the statement's types |
//! | `files` | bounded reading, atomic writing |
//! | `document` | what all documents share: format, form, reading and writing |
//! | `manifest` | `model.json`: the model a verifier expects |
//! | `tensors` | `model.json` of a model with tensor components |
//! | `envelope` | `chunk-0000.receipt.json`: binds one statement to one proof |
//! | `record` | which proof a receipt is about |
//! | `stated` | what receipts need of a statement, of versions 1 and 2, and of version 3 |
//! | `session` | `session.json`: prompt, policy, domain, progress |
//! | `continuity` | the chain of receipts: order, links, prompt, tokens |
//! | `listing` | the names of a session's files |
//! | `folder` | the session's folder: lock, completeness, sizes |
//! | `verify_session` | receipts with their proofs: a whole session, or one alone |
//!
//! Invariants: this module imports `spec`, `verify` and `air` only, so a verifier can be shipped without
//! the prover; a document that is read has exactly one meaning, and a document that is written
//! can be read.
//!
//! Absent on purpose: how a proof is verified (`verify` owns that), tokenisation (a receipt is about token ids;
//! the prompt's text in `session.json` is for people).

mod continuity;
mod decode;
mod document;
mod envelope;
mod files;
mod folder;
mod listing;
mod manifest;
mod record;
mod session;
mod stated;
pub(crate) mod strict;
mod tensors;
mod verify_session;
mod wrapped;

pub use continuity::{
    MAX_SESSION_STEPS, SessionError, SessionFacts, check_session, session_checks,
};
pub use document::{Document, DocumentError, MAX_DOCUMENT_BYTES};
pub use envelope::{
    Receipt, ReceiptError, ReceiptOf, TensorReceipt, TokenCheck, check_receipt, receipt_checks,
};
pub use files::{FileError, open_regular, read_bounded, write_atomic};
pub use folder::{
    FolderError, LOCK_FILE, MAX_CHUNKS, MAX_PROOF_BYTES, MAX_RECEIPTS_BYTES, SESSION_FILE,
    SessionDir, SessionWriter, proof_name, receipt_name, witness_name,
};
pub use manifest::{MODEL_FORMAT, Manifest};
pub use record::{Digest, DigestError, ProofIdentity, ProofRecord};
pub use session::{Completion, SESSION_FORMAT, Session};
pub use stated::{Carried, Link, RECEIPT_FORMAT, Stated, TENSOR_RECEIPT_FORMAT};
pub use strict::FormatError;
pub use tensors::{ModelManifest, TENSOR_MODEL_FORMAT, TensorManifest};
pub use verify_session::{
    Complete, ProofVerifier, Verified, VerifySessionError, verify_receipt, verify_session,
    verify_session_by, verify_tensor_receipt, verify_tensor_session,
};
pub use wrapped::{MAX_WRAPPED_CHUNKS, WRAPPED_FORMAT, Wrapped, wrapped_name};
