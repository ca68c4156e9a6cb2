//! `session.json`: what was asked for, and how far it got.
//!
//! Owns: [`Session`] and the rules between its fields. Invariants: the number of chunks and the
//! generated tokens are there exactly when the status is `complete`; the prompt has a token.
//!
//! Absent on purpose: anything a verifier would have to believe. The session document is a
//! claim; `continuity` checks it against the receipts, and `prompt` (the text) is for people,
//! since tokenisation is not proven.

use serde::Serialize;
use serde::ser::Serializer;

use super::document::Document;
use super::strict::{self, FormatError, Object};
use crate::verify::statement::{Domain, ModelRoot, Policy, ProgramHash, SessionId};

/// The `format` field of `session.json`.
pub const SESSION_FORMAT: &str = "cairo-decode-session/1";

/// One run from a prompt, cut into chunks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    pub session_id: SessionId,
    pub domain: Domain,
    pub model_root: ModelRoot,
    pub program_hash: ProgramHash,
    pub policy: Policy,
    /// The prompt as typed; not bound by any proof.
    pub prompt: String,
    /// The prompt's token ids, at least one.
    pub prompt_tokens: Vec<u32>,
    /// Steps per chunk the prover was asked for; a convenience, not a claim.
    pub chunk_size: u32,
    /// Tokens to generate after the prompt, unless eos comes first.
    pub requested_tokens: u32,
    /// Present once the session is complete.
    pub completion: Option<Completion>,
}

/// The end of a complete session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Number of receipts.
    pub chunks: u32,
    /// All emitted tokens in order.
    pub generated_tokens: Vec<u32>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    Running,
    Complete,
}

impl Status {
    const ALL: [Status; 2] = [Status::Running, Status::Complete];

    fn name(self) -> &'static str {
        match self {
            Status::Running => "running",
            Status::Complete => "complete",
        }
    }
}

impl strict::Decode for Status {
    fn decode(value: strict::Value<'_>) -> Result<Self, FormatError> {
        value.name(&Status::ALL, Status::name)
    }
}

impl Session {
    /// True once all chunks are proven.
    pub fn is_complete(&self) -> bool {
        self.completion.is_some()
    }
}

impl Document for Session {
    const FORMAT: &'static str = SESSION_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(Session {
            session_id: object.field("session_id")?,
            domain: object.field("domain")?,
            model_root: object.field("model_root")?,
            program_hash: object.field("program_hash")?,
            policy: object.field("policy")?,
            prompt: object.field("prompt")?,
            prompt_tokens: object.field("prompt_tokens")?,
            chunk_size: object.field("chunk_size")?,
            requested_tokens: object.field("requested_tokens")?,
            completion: completion(object)?,
        })
    }

    fn check_form(&self) -> Result<(), FormatError> {
        if self.prompt_tokens.is_empty() {
            let reason = "must have at least one token";
            return Err(FormatError::inconsistent("prompt_tokens", reason));
        }
        if self.chunk_size == 0 {
            return Err(FormatError::inconsistent(
                "chunk_size",
                "must be at least 1",
            ));
        }
        if self.requested_tokens == 0 {
            let reason = "must be at least 1";
            return Err(FormatError::inconsistent("requested_tokens", reason));
        }
        Ok(())
    }
}

/// `status`, `chunks` and `generated_tokens` say the same thing three times; they must agree.
fn completion(object: &mut Object<'_>) -> Result<Option<Completion>, FormatError> {
    let status: Status = object.field("status")?;
    let chunks: Option<u32> = object.field("chunks")?;
    let generated: Option<Vec<u32>> = object.field("generated_tokens")?;
    let wrong = |path: &str, reason: &str| Err(FormatError::inconsistent(path, reason));
    let (running, complete) = ("must be null while running", "must be there once complete");
    match (status, chunks, generated) {
        (Status::Running, None, None) => Ok(None),
        (Status::Complete, Some(chunks), Some(generated_tokens)) => Ok(Some(Completion {
            chunks,
            generated_tokens,
        })),
        (Status::Running, Some(_), _) => wrong("chunks", running),
        (Status::Running, None, Some(_)) => wrong("generated_tokens", running),
        (Status::Complete, None, _) => wrong("chunks", complete),
        (Status::Complete, Some(_), None) => wrong("generated_tokens", complete),
    }
}

impl Serialize for Session {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct File<'a> {
            session_id: SessionId,
            domain: Domain,
            model_root: ModelRoot,
            program_hash: ProgramHash,
            policy: Policy,
            prompt: &'a str,
            prompt_tokens: &'a [u32],
            chunk_size: u32,
            requested_tokens: u32,
            status: &'static str,
            chunks: Option<u32>,
            generated_tokens: Option<&'a [u32]>,
        }
        let completion = self.completion.as_ref();
        let status = if completion.is_some() {
            Status::Complete
        } else {
            Status::Running
        };
        File {
            session_id: self.session_id,
            domain: self.domain,
            model_root: self.model_root,
            program_hash: self.program_hash,
            policy: self.policy,
            prompt: &self.prompt,
            prompt_tokens: &self.prompt_tokens,
            chunk_size: self.chunk_size,
            requested_tokens: self.requested_tokens,
            status: status.name(),
            chunks: completion.map(|end| end.chunks),
            generated_tokens: completion.map(|end| end.generated_tokens.as_slice()),
        }
        .serialize(serializer)
    }
}
