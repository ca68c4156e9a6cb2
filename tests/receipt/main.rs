//! Receipts, manifests and sessions: strict documents, binding to a proof's facts, the chain of
//! receipts, and the session's folder. No proof is made here; the facts are what a verifier
//! would hand over.

mod bundle;
mod chain;
#[path = "../support/command.rs"]
mod command;
mod documents;
mod ends;
mod files;
mod fixtures;
mod folder;
mod necessity;
mod receipt_attacks;
mod root_attacks;
mod session_attacks;
mod tamper;
mod wrapped;
