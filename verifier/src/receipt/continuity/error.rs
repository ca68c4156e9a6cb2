//! Why receipts do not form a session: one variant per rule of `check_session`.
//!
//! Invariant: every message starts with the name of a file of the session's folder, so that the
//! folder's path can be put before it.

use thiserror::Error;

use super::MAX_SESSION_STEPS;
use crate::receipt::envelope::ReceiptError;
use crate::receipt::folder::SESSION_FILE;
use crate::receipt::listing::receipt_name;

/// Why receipts do not form the session.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    #[error("session.json: {field}: is {session}, the model manifest has {manifest}")]
    Model {
        field: &'static str,
        session: String,
        manifest: String,
    },
    #[error("session.json: prompt_tokens: must have at least one token")]
    NoPrompt,
    #[error(
        "session.json: prompt_tokens[{index}]: token {token} is outside the vocabulary of \
         {vocab_size}"
    )]
    PromptToken {
        index: usize,
        token: u32,
        vocab_size: u32,
    },
    #[error("session.json: {source}")]
    Prompt { source: ReceiptError },
    #[error(
        "session.json: requested_tokens: {prompt} prompt tokens and {requested} more do not fit \
         the model's {context_length} positions"
    )]
    Context {
        prompt: usize,
        requested: u32,
        context_length: u32,
    },
    #[error(
        "session.json: requested_tokens: {prompt} prompt tokens and {requested} more are too many; a session has at \
         most {MAX_SESSION_STEPS} steps"
    )]
    Steps { prompt: usize, requested: u32 },
    #[error("{file}: missing receipt; the session has {expected} chunks")]
    MissingReceipt { file: String, expected: usize },
    #[error("{file}: extra receipt; the session has {expected} chunks")]
    ExtraReceipt { file: String, expected: usize },
    #[error("{file}: proof.blake2s: the same proof as in {earlier}")]
    RepeatedProof { file: String, earlier: String },
    #[error("{file}: proof.file: is {found}, expected {expected}; the receipt is out of place")]
    ProofName {
        file: String,
        found: String,
        expected: String,
    },
    #[error("{file}: statement.{field}: is {receipt}, the session has {session}")]
    Belongs {
        file: String,
        field: &'static str,
        receipt: String,
        session: String,
    },
    #[error("{file}: {source}")]
    Receipt { file: String, source: ReceiptError },
    #[error("{file}: forced_tokens[{at}]: is {found}, the prompt has {expected}")]
    Forced {
        file: String,
        at: usize,
        found: u32,
        expected: u32,
    },
    #[error(
        "{file}: statement.frontier_in.position: is {to}, but the chain only reaches {from}; a \
         chunk is missing or out of order"
    )]
    Gap { file: String, from: u32, to: u32 },
    #[error(
        "{file}: statement.frontier_in.position: is {to}, but the chain is already at {from}; a \
         chunk is repeated or out of order"
    )]
    Overlap { file: String, from: u32, to: u32 },
    #[error("{file}: statement.frontier_in.{field}: is {found}, {before} {expected}")]
    Link {
        file: String,
        field: &'static str,
        found: String,
        before: String,
        expected: String,
    },
    #[error("session.json: policy.eos: generated token {at} is eos, but {more} more follow")]
    AfterEos { at: usize, more: usize },
    #[error("session.json: requested_tokens: is {requested}, but {found} tokens were generated")]
    TooMany { found: usize, requested: u32 },
    #[error(
        "session.json: status: is complete, but only {found} of {requested} tokens were \
         generated, and eos was not reached"
    )]
    Truncated { found: usize, requested: u32 },
    #[error("session.json: generated_tokens: lists {listed} tokens, the receipts have {found}")]
    GeneratedCount { listed: usize, found: usize },
    #[error("session.json: generated_tokens[{at}]: is {listed}, the receipts have {found}")]
    Generated { at: usize, listed: u32, found: u32 },
}

impl SessionError {
    /// The name of the file that it is about.
    pub fn file(&self) -> &str {
        match self {
            SessionError::MissingReceipt { file, .. }
            | SessionError::ExtraReceipt { file, .. }
            | SessionError::RepeatedProof { file, .. }
            | SessionError::ProofName { file, .. }
            | SessionError::Belongs { file, .. }
            | SessionError::Receipt { file, .. }
            | SessionError::Forced { file, .. }
            | SessionError::Gap { file, .. }
            | SessionError::Overlap { file, .. }
            | SessionError::Link { file, .. } => file,
            SessionError::Model { .. }
            | SessionError::NoPrompt
            | SessionError::PromptToken { .. }
            | SessionError::Prompt { .. }
            | SessionError::Context { .. }
            | SessionError::Steps { .. }
            | SessionError::AfterEos { .. }
            | SessionError::TooMany { .. }
            | SessionError::Truncated { .. }
            | SessionError::GeneratedCount { .. }
            | SessionError::Generated { .. } => SESSION_FILE,
        }
    }

    /// The field that it is about; `None` for a file that is missing, or there too much.
    pub fn field(&self) -> Option<String> {
        let field = match self {
            SessionError::MissingReceipt { .. } | SessionError::ExtraReceipt { .. } => return None,
            SessionError::Prompt { source } | SessionError::Receipt { source, .. } => {
                return source.field();
            }
            SessionError::PromptToken { index, .. } => {
                return Some(format!("prompt_tokens[{index}]"));
            }
            SessionError::Belongs { field, .. } => return Some(format!("statement.{field}")),
            SessionError::Forced { at, .. } => return Some(format!("forced_tokens[{at}]")),
            SessionError::Link { field, .. } => {
                return Some(format!("statement.frontier_in.{field}"));
            }
            SessionError::Generated { at, .. } => return Some(format!("generated_tokens[{at}]")),
            SessionError::Model { field, .. } => field,
            SessionError::NoPrompt => "prompt_tokens",
            SessionError::Context { .. }
            | SessionError::Steps { .. }
            | SessionError::TooMany { .. } => "requested_tokens",
            SessionError::RepeatedProof { .. } => "proof.blake2s",
            SessionError::ProofName { .. } => "proof.file",
            SessionError::Gap { .. } | SessionError::Overlap { .. } => {
                "statement.frontier_in.position"
            }
            SessionError::AfterEos { .. } => "policy.eos",
            SessionError::Truncated { .. } => "status",
            SessionError::GeneratedCount { .. } => "generated_tokens",
        };
        Some(field.to_string())
    }

    pub(super) fn receipt(index: usize, source: ReceiptError) -> Self {
        SessionError::Receipt {
            file: receipt_name(index),
            source,
        }
    }
}
