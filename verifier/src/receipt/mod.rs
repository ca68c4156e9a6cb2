//! Documents of a session: what is written beside the proofs and how it is checked.
//!
//! | file | owns |
//! |---|---|
//! | `strict` | reading JSON with nothing left to chance; errors carry the field's path |
//! | `decode` | strict reading of the statement's types |
//! | `files` | bounded reading |
//! | `source` | where a session's files come from: a folder, or memory |
//! | `bundle` | a session in one file: which files are in it, and reading them there |
//! | `document` | what all documents share: format, form, reading |
//! | `manifest` | `model.json`: the model a verifier expects |
//! | `pins` | the part of `model.json` that pins the components |
//! | `envelope` | `chunk-0000.receipt.json`: binds one statement to one proof |
//! | `record` | which proof a receipt is about |
//! | `session` | `session.json`: prompt, policy, domain, progress |
//! | `continuity` | the chain of receipts: order, links, prompt, tokens |
//! | `expected` | what the verifier's side expects of a session beside its model |
//! | `listing` | the names of a session's files |
//! | `folder` | the session's folder, for reading: completeness, sizes |
//! | `verify_session` | what is checked of a session, and who verifies its proofs |
//! | `verification` | the front door: a session chunk by chunk or at once, or one receipt |
//!
//! Invariants: a document that is read has exactly one meaning, and the text that a document gives can be read.
//!
//! Absent on purpose: how a proof is verified (`verify` owns that), tokenisation (a receipt is about token ids;
//! the prompt's text in `session.json` is for people), and writing, which is the prover's (`receipt` in the package
//! `cairo-decode`).

mod bundle;
mod continuity;
mod decode;
mod document;
mod envelope;
mod expected;
mod files;
mod folder;
mod listing;
mod manifest;
mod pins;
mod record;
mod session;
mod source;
mod strict;
mod verification;
mod verify_session;
mod wrapped;

pub use bundle::{
    BUNDLE_FORMAT, BUNDLE_START, Contents, Listed, Placed, SessionBundle, size_limit,
};
pub use continuity::{
    MAX_SESSION_STEPS, SessionError, SessionFacts, check_session, session_checks,
};
pub use document::{Document, DocumentError, MAX_DOCUMENT_BYTES};
pub use envelope::{
    RECEIPT_FORMAT, Receipt, ReceiptError, TokenCheck, check_receipt, receipt_checks,
};
pub use expected::{Expected, TokenIds};
pub use files::{FileError, folder_of, open_regular, read_bounded};
pub use folder::{
    Chain, FolderError, MAX_PROOF_BYTES, MAX_RECEIPTS_BYTES, SESSION_FILE, SessionDir,
};
pub use listing::{Listing, MAX_CHUNKS, is_chunk_name, proof_name, receipt_name, witness_name};
pub use manifest::{MANIFEST_FILE, MODEL_FORMAT, Manifest, ModelFacts, check_eos, check_lines};
pub use record::{Digest, DigestError, ProofIdentity, ProofRecord};
pub use session::{Completion, SESSION_FORMAT, Session};
pub use source::{Files, Folder, MAX_FILES, Memory, check_file_count};
pub use strict::{Decode, FormatError, Object, Value};
pub use verification::{Accepted, Verification, verify_receipt, verify_session};
pub use verify_session::{Complete, ProofVerifier, Rejected};
pub use wrapped::{WRAPPED_FORMAT, Wrapped, wrapped_name};
