//! The chain of receipts: out(t) = in(t+1) from the prompt to the last token.
//!
//! Owns: [`check_session`], which checks a session document, a model manifest and the receipts
//! in file order against each other, and [`SessionFacts`], what they establish together.
//!
//! Invariants: every receipt is about the same model, program, policy, domain, session and
//! prompt; the first frontier is the prompt's; each frontier is the previous one's successor in
//! all four fields; the generated tokens are exactly the emitted ones, and eos is the last.
//!
//! Absent on purpose: proofs. Each receipt must also pass `check_receipt` against its own
//! verified proof; only both together mean something. How a session was cut into chunks is no
//! claim, so `chunk_size` is not checked.

mod error;

use std::collections::BTreeMap;

use super::envelope::{Digest, Receipt};
use super::folder::{proof_name, receipt_name};
use super::manifest::Manifest;
use super::session::Session;
use crate::spec::roots;
use crate::verify::statement::{Domain, Frontier, Policy, Statement, StatementError, TokensRoot};

pub use error::SessionError;

/// What a chain of receipts says, as a whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionFacts {
    /// Number of receipts.
    pub chunks: u32,
    /// Number of steps over all chunks.
    pub steps: u32,
    /// The prompt's first frontier.
    pub first: Frontier,
    /// The frontier after the last receipt; the first one while there is none.
    pub last: Frontier,
    /// All emitted tokens in order.
    pub generated_tokens: Vec<u32>,
    /// True if nothing more is to be generated: all requested tokens are there, or eos is.
    pub finished: bool,
}

/// Checks that `receipts`, in file order, form the session.
///
/// A running session may have any number of chunks, none included; a complete one must have all.
///
/// # Errors
/// [`SessionError`], one variant per rule; the message names file and field.
pub fn check_session(
    session: &Session,
    manifest: &Manifest,
    receipts: &[Receipt],
) -> Result<SessionFacts, SessionError> {
    // 1. The session document is about this model and this model can do it.
    check_model(session, manifest)?;
    let first = Frontier::start(&session.prompt_tokens).ok_or(SessionError::NoPrompt)?;
    // 2. As many receipts as the document says.
    if let Some(end) = &session.completion {
        check_count(end.chunks, receipts.len())?;
    }
    // 3. Each receipt on its own: form, place, session, prompt, tokens.
    let mut seen = BTreeMap::new();
    for (index, receipt) in receipts.iter().enumerate() {
        check_place(index, receipt, &mut seen)?;
        check_belongs(index, &receipt.statement, session)?;
        receipt
            .check_tokens()
            .map_err(|source| SessionError::receipt(index, source))?;
        check_forced(index, receipt, &session.prompt_tokens)?;
    }
    // 4. The links: out(t) = in(t+1), from the prompt on.
    let mut frontier = first;
    for (index, receipt) in receipts.iter().enumerate() {
        check_link(index, &frontier, &receipt.statement.frontier_in)?;
        frontier = receipt.statement.frontier_out;
    }
    // 5. The tokens as a whole.
    let generated: Vec<u32> = receipts
        .iter()
        .flat_map(|receipt| &receipt.emitted_tokens)
        .copied()
        .collect();
    let finished = check_generated(session, &generated, frontier.position)?;
    Ok(SessionFacts {
        chunks: receipts.len() as u32,
        steps: frontier.position,
        first,
        last: frontier,
        generated_tokens: generated,
        finished,
    })
}

fn check_model(session: &Session, manifest: &Manifest) -> Result<(), SessionError> {
    let differs = |field, session: String, manifest: String| {
        Err(SessionError::Model {
            field,
            session,
            manifest,
        })
    };
    if session.model_root != manifest.model_root {
        let (ours, theirs) = (session.model_root, manifest.model_root);
        return differs("model_root", ours.to_string(), theirs.to_string());
    }
    if session.program_hash != manifest.program_hash {
        let (ours, theirs) = (session.program_hash, manifest.program_hash);
        return differs("program_hash", ours.to_string(), theirs.to_string());
    }
    if session.policy != manifest.policy {
        let (ours, theirs) = (session.policy, manifest.policy);
        return differs("policy", ours.to_string(), theirs.to_string());
    }
    for (index, &token) in session.prompt_tokens.iter().enumerate() {
        if token >= manifest.vocab_size {
            let vocab_size = manifest.vocab_size;
            return Err(SessionError::PromptToken {
                index,
                token,
                vocab_size,
            });
        }
    }
    // The last token needs no position of its own: it is not consumed.
    let steps = session.prompt_tokens.len() as u64 + u64::from(session.requested_tokens);
    if steps.saturating_sub(1) > u64::from(manifest.context_length) {
        let (prompt, requested) = (session.prompt_tokens.len(), session.requested_tokens);
        let context_length = manifest.context_length;
        return Err(SessionError::Context {
            prompt,
            requested,
            context_length,
        });
    }
    Ok(())
}

fn check_count(expected: u32, found: usize) -> Result<(), SessionError> {
    let expected = expected as usize;
    if found < expected {
        return Err(SessionError::MissingReceipt {
            file: receipt_name(found),
            expected,
        });
    }
    if found > expected {
        return Err(SessionError::ExtraReceipt {
            file: receipt_name(expected),
            expected,
        });
    }
    Ok(())
}

/// A receipt is about the proof with its own number, and no proof counts twice.
fn check_place(
    index: usize,
    receipt: &Receipt,
    seen: &mut BTreeMap<Digest, usize>,
) -> Result<(), SessionError> {
    let file = receipt_name(index);
    if let Some(&earlier) = seen.get(&receipt.proof.blake2s) {
        return Err(SessionError::RepeatedProof {
            file,
            earlier: receipt_name(earlier),
        });
    }
    seen.insert(receipt.proof.blake2s, index);
    let expected = proof_name(index);
    if receipt.proof.file != expected {
        let found = receipt.proof.file.clone();
        return Err(SessionError::ProofName {
            file,
            found,
            expected,
        });
    }
    Ok(())
}

/// Every field that all receipts of a session share.
fn check_belongs(
    index: usize,
    statement: &Statement,
    session: &Session,
) -> Result<(), SessionError> {
    let file = receipt_name(index);
    statement
        .check_form()
        .map_err(|source: StatementError| SessionError::receipt(index, source.into()))?;
    let prompt_root = TokensRoot(roots::prompt_root(&session.prompt_tokens));
    let shown = |policy: &Policy| policy.to_string();
    let (domain, ours): (&Domain, &Domain) = (&statement.domain, &session.domain);
    let rows = [
        (
            "domain.chain",
            domain.chain.to_string(),
            ours.chain.to_string(),
        ),
        (
            "domain.verifier",
            domain.verifier.to_string(),
            ours.verifier.to_string(),
        ),
        (
            "session_id",
            statement.session_id.to_string(),
            session.session_id.to_string(),
        ),
        (
            "model_root",
            statement.model_root.to_string(),
            session.model_root.to_string(),
        ),
        (
            "program_hash",
            statement.program_hash.to_string(),
            session.program_hash.to_string(),
        ),
        ("policy", shown(&statement.policy), shown(&session.policy)),
        (
            "prompt_length",
            statement.prompt_length.to_string(),
            session.prompt_tokens.len().to_string(),
        ),
        (
            "prompt_root",
            statement.prompt_root.to_string(),
            prompt_root.to_string(),
        ),
    ];
    for (field, receipt, session) in rows {
        if receipt != session {
            return Err(SessionError::Belongs {
                file,
                field,
                receipt,
                session,
            });
        }
    }
    Ok(())
}

/// The forced tokens of a chunk from position p are the prompt's from p + 1 on. Their number was
/// checked with the token lists.
fn check_forced(index: usize, receipt: &Receipt, prompt: &[u32]) -> Result<(), SessionError> {
    let first = receipt.statement.frontier_in.position as usize + 1;
    let expected = prompt.iter().skip(first);
    for (at, (&found, &expected)) in receipt.forced_tokens.iter().zip(expected).enumerate() {
        if found != expected {
            let file = receipt_name(index);
            return Err(SessionError::Forced {
                file,
                at,
                found,
                expected,
            });
        }
    }
    Ok(())
}

fn check_link(index: usize, before: &Frontier, found: &Frontier) -> Result<(), SessionError> {
    let file = receipt_name(index);
    let (from, to) = (before.position, found.position);
    if to > from {
        return Err(SessionError::Gap { file, from, to });
    }
    if to < from {
        return Err(SessionError::Overlap { file, from, to });
    }
    let differs = |field, found: String, expected: String| {
        let before = match index {
            0 => "the prompt gives".to_owned(),
            _ => format!("{} ends with", receipt_name(index - 1)),
        };
        Err(SessionError::Link {
            file: file.clone(),
            field,
            found,
            before,
            expected,
        })
    };
    if found.last_token != before.last_token {
        return differs(
            "last_token",
            found.last_token.to_string(),
            before.last_token.to_string(),
        );
    }
    if found.kv_root != before.kv_root {
        return differs(
            "kv_root",
            found.kv_root.to_string(),
            before.kv_root.to_string(),
        );
    }
    if found.tokens_root != before.tokens_root {
        let expected = before.tokens_root.to_string();
        return differs("tokens_root", found.tokens_root.to_string(), expected);
    }
    Ok(())
}

/// Eos ends the session, and the session is neither longer nor, once complete, shorter than
/// asked for. Returns whether it is finished.
fn check_generated(
    session: &Session,
    generated: &[u32],
    position: u32,
) -> Result<bool, SessionError> {
    let eos = session.policy.eos;
    let stop = generated.iter().position(|&token| Some(token) == eos);
    if let Some(at) = stop.filter(|at| at + 1 < generated.len()) {
        return Err(SessionError::AfterEos {
            at,
            more: generated.len() - at - 1,
        });
    }
    let (found, requested) = (generated.len(), session.requested_tokens);
    if found as u64 > u64::from(requested) {
        return Err(SessionError::TooMany { found, requested });
    }
    let prompt_done = position as usize + 1 >= session.prompt_tokens.len();
    let finished = prompt_done && (stop.is_some() || found as u64 == u64::from(requested));
    let Some(end) = &session.completion else {
        return Ok(finished);
    };
    if !finished {
        return Err(SessionError::Truncated { found, requested });
    }
    if end.generated_tokens.len() != found {
        let listed = end.generated_tokens.len();
        return Err(SessionError::GeneratedCount { listed, found });
    }
    for (at, (&listed, &found)) in end.generated_tokens.iter().zip(generated).enumerate() {
        if listed != found {
            return Err(SessionError::Generated { at, listed, found });
        }
    }
    Ok(finished)
}
