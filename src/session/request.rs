//! What is asked of the prover, and whether a folder already holds an answer to the same question.

use std::path::Path;

use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::decode::Build;
use crate::receipt::{
    Completion, Document, FormatError, MAX_CHUNKS, MAX_DOCUMENT_BYTES, ModelFacts, Session,
};
use crate::verify::statement::{Domain, SessionId};

/// A generation to prove.
#[derive(Debug, Clone)]
pub struct Request {
    /// The prompt as typed.
    pub prompt: String,
    /// Its tokens.
    pub prompt_tokens: Vec<u32>,
    /// Tokens to generate, unless the end of sequence comes first; at least one.
    pub new_tokens: u32,
    /// Decode steps per chunk at most, at least one; as many as a proof of the build has lanes if `None`.
    pub chunk: Option<u32>,
    /// Where the receipts are meant to count.
    pub domain: Domain,
    /// Identity of the session; a random one if `None`.
    pub session_id: Option<SessionId>,
}

/// Why a request cannot be served.
#[derive(Debug, Error)]
pub enum RequestError {
    #[error("-n: must be at least 1")]
    NoTokens,
    #[error("--chunk: must be at least 1")]
    NoChunk,
    #[error("--chunk: {chunk} steps; a proof of this build has 1 to {lanes}, its lanes")]
    LongChunk { chunk: u32, lanes: u32 },
    #[error(
        "--domain: a contract takes wrapped sessions, and this build's proofs cannot be wrapped; compile the model with --proofs foldable-16, or leave the option out"
    )]
    NotWrapped,
    #[error("the prompt has no tokens")]
    EmptyPrompt,
    #[error(
        "the system gives no random number for the session's identity: {source}; choose one with --session-id"
    )]
    NoRandomNumber { source: getrandom::Error },
    #[error(
        "prompt of {prompt} tokens and {new} new ones need {needed} positions, the model's context has {context}"
    )]
    Context {
        prompt: usize,
        new: u32,
        needed: usize,
        context: u32,
    },
    #[error(
        "session.json: would have up to {found} bytes once the session is complete, and at most {limit} are read; use a smaller -n, or a shorter prompt"
    )]
    TooLarge { found: u64, limit: u64 },
    #[error(
        "--chunk: {steps} steps in chunks of at most {chunk} are more than {MAX_CHUNKS} chunks, the limit for a session; use a larger --chunk, or a smaller -n"
    )]
    TooManyChunks { steps: usize, chunk: u32 },
    #[error("session.json: {0}")]
    Document(FormatError),
    #[error(
        "{dir}/session.json: {field} is {found}, but {option} gives {asked}; use another -o, or the same command to go on"
    )]
    OtherSession {
        dir: String,
        field: &'static str,
        found: String,
        option: &'static str,
        asked: String,
    },
}

impl Request {
    /// Number of decode steps: all prompt tokens but the last are forced, then one step per new token.
    pub fn steps(&self) -> usize {
        self.prompt_tokens.len() - 1 + self.new_tokens as usize
    }

    /// Checks the request against the model. Returns the steps that a chunk has at most.
    ///
    /// # Errors
    /// The first thing that cannot be served.
    pub fn check(&self, build: &Build) -> Result<u32, RequestError> {
        if self.new_tokens == 0 {
            return Err(RequestError::NoTokens);
        }
        if self.chunk == Some(0) {
            return Err(RequestError::NoChunk);
        }
        if self.prompt_tokens.is_empty() {
            return Err(RequestError::EmptyPrompt);
        }
        let (needed, context) = (self.steps(), build.manifest.model.context_length);
        if needed > context as usize {
            let (prompt, new) = (self.prompt_tokens.len(), self.new_tokens);
            return Err(RequestError::Context {
                prompt,
                new,
                needed,
                context,
            });
        }
        if !self.domain.is_local() && !build.set.is_foldable() {
            return Err(RequestError::NotWrapped);
        }
        let lanes = build.plan.lanes as u32;
        match self.chunk {
            Some(chunk) if chunk > lanes => Err(RequestError::LongChunk { chunk, lanes }),
            chunk => Ok(chunk.unwrap_or(lanes)),
        }
    }

    /// Checks that the document of the session can be written when the session is complete, before anything is proven.
    ///
    /// # Errors
    /// [`RequestError::TooLarge`], [`RequestError::TooManyChunks`], or a document that breaks its own rules.
    pub(super) fn check_end(
        &self,
        vocab_size: u32,
        session: &Session,
        chunk: u32,
    ) -> Result<(), RequestError> {
        let steps = self.steps();
        if steps.div_ceil(chunk as usize) > MAX_CHUNKS {
            return Err(RequestError::TooManyChunks { steps, chunk });
        }
        // No token's number is longer than the last one's.
        let last = vocab_size.saturating_sub(1);
        let longest = Session {
            chunk_size: chunk.max(session.chunk_size),
            completion: Some(Completion {
                chunks: MAX_CHUNKS as u32,
                generated_tokens: vec![last; self.new_tokens as usize],
            }),
            ..session.clone()
        };
        let text = longest.to_json().map_err(RequestError::Document)?;
        let (found, limit) = (text.len() as u64, MAX_DOCUMENT_BYTES);
        match found <= limit {
            true => Ok(()),
            false => Err(RequestError::TooLarge { found, limit }),
        }
    }

    /// A new session for this request, with the identity that it asks for or a random one.
    ///
    /// # Errors
    /// [`RequestError::NoRandomNumber`].
    pub(super) fn session(
        &self,
        manifest: &ModelFacts,
        chunk: u32,
    ) -> Result<Session, RequestError> {
        let id = match self.session_id {
            Some(id) => id,
            None => random_session_id()?,
        };
        Ok(self.session_of(manifest, id, chunk))
    }

    fn session_of(&self, manifest: &ModelFacts, session_id: SessionId, chunk: u32) -> Session {
        Session {
            session_id,
            domain: self.domain,
            model_root: manifest.model_root,
            program_hash: manifest.program_hash,
            policy: manifest.policy,
            prompt: self.prompt.clone(),
            prompt_tokens: self.prompt_tokens.clone(),
            chunk_size: chunk,
            requested_tokens: self.new_tokens,
            completion: None,
        }
    }

    /// Whether a session on disk answers this request.
    ///
    /// # Errors
    /// The first field that differs.
    pub(super) fn same_as(
        &self,
        manifest: &ModelFacts,
        session: &Session,
        dir: &Path,
    ) -> Result<(), RequestError> {
        let id = self.session_id.unwrap_or(session.session_id);
        let asked = self.session_of(manifest, id, session.chunk_size);
        let tokens = |session: &Session| format!("{:?}", session.prompt_tokens);
        let rows: [(&str, &str, Field); 8] = [
            ("model_root", "the build", &|s| s.model_root.to_string()),
            ("program_hash", "the build", &|s| s.program_hash.to_string()),
            ("policy", "the build", &|s| s.policy.to_string()),
            ("domain", "--domain", &|s| s.domain.to_string()),
            ("session_id", "--session-id", &|s| s.session_id.to_string()),
            ("prompt_tokens", "the prompt", &tokens),
            ("prompt", "the prompt", &|s| format!("{:?}", s.prompt)),
            ("requested_tokens", "-n", &|s| {
                s.requested_tokens.to_string()
            }),
        ];
        for (field, option, value) in rows {
            let (found, asked) = (value(session), value(&asked));
            if found != asked {
                return Err(RequestError::OtherSession {
                    dir: dir.display().to_string(),
                    field,
                    found,
                    option,
                    asked,
                });
            }
        }
        Ok(())
    }
}

/// What a session's field says.
type Field<'a> = &'a dyn Fn(&Session) -> String;

/// An identity that no other session has: a felt from the system's random numbers. 384 bits below a modulus of 252
/// leave a bias of 2⁻¹³².
///
/// # Errors
/// [`RequestError::NoRandomNumber`].
pub fn random_session_id() -> Result<SessionId, RequestError> {
    let mut bytes = [0; 48];
    getrandom::fill(&mut bytes).map_err(|source| RequestError::NoRandomNumber { source })?;
    Ok(SessionId(Felt::from_bytes_be_slice(&bytes)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use crate::verify::statement::{ModelRoot, Policy, ProgramHash};

    use super::*;

    /// A generation whose document could never be completed is refused before anything is proven, and so is one of more
    /// chunks than a session can have.
    #[test]
    fn a_session_that_cannot_end_is_refused() {
        let domain = Domain::local();
        let check = |new_tokens: u32, chunk: u32, vocab: u32| {
            let request = Request {
                prompt: "a".to_string(),
                prompt_tokens: vec![1],
                new_tokens,
                chunk: Some(chunk),
                domain,
                session_id: None,
            };
            let session = Session {
                session_id: SessionId(Felt::ONE),
                domain,
                model_root: ModelRoot(Felt::ONE),
                program_hash: ProgramHash(Felt::ONE),
                policy: Policy::greedy(None),
                prompt: request.prompt.clone(),
                prompt_tokens: request.prompt_tokens.clone(),
                chunk_size: chunk,
                requested_tokens: new_tokens,
                completion: None,
            };
            let written = session.to_json().expect("a document").len() as u64;
            assert!(
                written < MAX_DOCUMENT_BYTES,
                "what is written first is small"
            );
            request.check_end(vocab, &session, chunk)
        };
        assert!(check(10_000, 64, 50_000).is_ok());
        let many = check(200_000, 64, 50_000)
            .expect_err("too large")
            .to_string();
        assert!(
            many.starts_with("session.json: would have up to "),
            "{many}"
        );
        // As many tokens whose numbers are shorter have room.
        assert!(check(100_000, 64, 10).is_ok());
        let chunks = check(10_001, 1, 10).expect_err("too many").to_string();
        assert!(
            chunks.starts_with("--chunk: 10001 steps in chunks of at most 1"),
            "{chunks}"
        );
    }

    /// Identities differ, and all of their bits do: the upper and the lower 64 are not the same twice.
    #[test]
    fn identities_differ_in_all_bits() {
        const MANY: usize = 64;
        let ids = (0..MANY).map(|_| random_session_id().expect("a random number").0);
        let bytes: Vec<[u8; 32]> = ids.map(|id| id.to_bytes_be()).collect();
        for (from, to) in [(0, 8), (24, 32)] {
            let parts: BTreeSet<&[u8]> = bytes.iter().map(|id| &id[from..to]).collect();
            assert_eq!(parts.len(), MANY, "bytes {from} to {to}");
        }
        // As many are above half of the modulus as below, but for one run in 10^14.
        let above = bytes.iter().filter(|id| id[0] >= 4).count();
        assert!((4..=60).contains(&above), "{above} of {MANY}");
    }
}
