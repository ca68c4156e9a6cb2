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

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::envelope::{Receipt, ReceiptError};
use super::folder::{proof_name, receipt_name};
use super::manifest::Manifest;
use super::session::Session;
use crate::spec::roots;
use crate::verify::checks::{Checked, all, ensure, merged};
use crate::verify::statement::{Domain, Frontier, Statement, TokensRoot};

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

/// Checks that `receipts`, in file order, form the session: all of [`session_checks`].
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
    all(session_checks(session, manifest, receipts))?;
    let first = Frontier::start(&session.prompt_tokens).ok_or(SessionError::NoPrompt)?;
    let last = receipts.last().map(|last| last.statement.frontier_out);
    let last = last.unwrap_or(first);
    let generated_tokens = generated(receipts);
    Ok(SessionFacts {
        chunks: receipts.len() as u32,
        steps: last.position,
        first,
        last,
        finished: finished(session, &generated_tokens, last.position),
        generated_tokens,
    })
}

/// Every check of a session's receipts against each other, the session document and the manifest.
pub fn session_checks(
    session: &Session,
    manifest: &Manifest,
    receipts: &[Receipt],
) -> Vec<Checked<SessionError>> {
    let mut checks = vec![];
    // 1. The session document is about this model, and this model can do it.
    checks.extend(model_checks(session, manifest));
    // 2. As many receipts as the document says, each with a proof of its own.
    let end = session.completion.as_ref();
    let count = end.map_or(Ok(()), |end| check_count(end.chunks, receipts.len()));
    checks.push(("number of receipts", count));
    checks.push(("no proof twice", check_repeated(receipts)));
    // 3. Each receipt on its own: place, form, session, prompt, tokens. 4. Its link: out(t) = in(t+1).
    let mut before = Frontier::start(&session.prompt_tokens);
    let lists = receipts.iter().enumerate().map(|(index, receipt)| {
        let mut list = own_checks(index, receipt, session);
        list.extend(before.map_or(vec![], |before| link_checks(index, &before, receipt)));
        before = Some(receipt.statement.frontier_out);
        list
    });
    checks.extend(merged(lists));
    // 5. The tokens as a whole.
    checks.extend(generated_checks(session, receipts));
    checks
}

fn model_checks(session: &Session, manifest: &Manifest) -> [Checked<SessionError>; 6] {
    let same = |field, session: String, manifest: String| {
        ensure(session == manifest, || SessionError::Model {
            field,
            session,
            manifest,
        })
    };
    let vocab_size = manifest.vocab_size;
    let mut tokens = session.prompt_tokens.iter().enumerate();
    let outside = tokens.find(|(_, token)| **token >= vocab_size);
    let outside = outside.map(|(index, &token)| SessionError::PromptToken {
        index,
        token,
        vocab_size,
    });
    // The last token needs no position of its own: it is not consumed.
    let (prompt, requested) = (session.prompt_tokens.len(), session.requested_tokens);
    let steps = (prompt as u64 + u64::from(requested)).saturating_sub(1);
    let context_length = manifest.context_length;
    [
        (
            "session.model_root",
            same(
                "model_root",
                session.model_root.to_string(),
                manifest.model_root.to_string(),
            ),
        ),
        (
            "session.program_hash",
            same(
                "program_hash",
                session.program_hash.to_string(),
                manifest.program_hash.to_string(),
            ),
        ),
        (
            "session.policy",
            same(
                "policy",
                session.policy.to_string(),
                manifest.policy.to_string(),
            ),
        ),
        ("a prompt", ensure(prompt != 0, || SessionError::NoPrompt)),
        (
            "the prompt is in the vocabulary",
            outside.map_or(Ok(()), Err),
        ),
        (
            "the session is within the context",
            ensure(steps <= u64::from(context_length), || {
                SessionError::Context {
                    prompt,
                    requested,
                    context_length,
                }
            }),
        ),
    ]
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

/// No proof counts twice.
fn check_repeated(receipts: &[Receipt]) -> Result<(), SessionError> {
    let mut seen = BTreeMap::new();
    for (index, receipt) in receipts.iter().enumerate() {
        if let Some(earlier) = seen.insert(receipt.proof.blake2s, index) {
            return Err(SessionError::RepeatedProof {
                file: receipt_name(index),
                earlier: receipt_name(earlier),
            });
        }
    }
    Ok(())
}

/// What is checked of one receipt alone.
fn own_checks(index: usize, receipt: &Receipt, session: &Session) -> Vec<Checked<SessionError>> {
    let (found, expected) = (&receipt.proof.file, proof_name(index));
    let name = ensure(*found == expected, || SessionError::ProofName {
        file: receipt_name(index),
        found: found.clone(),
        expected,
    });
    let here = |source: ReceiptError| SessionError::receipt(index, source);
    let form = receipt.statement.check_form();
    let mut checks = vec![
        ("a proof has its chunk's name", name),
        (
            "form of the statements",
            form.map_err(|source| here(source.into())),
        ),
    ];
    checks.extend(belonging_checks(index, &receipt.statement, session));
    let tokens = receipt.token_checks().into_iter();
    checks.extend(tokens.map(|(name, found)| (name, found.map_err(here))));
    let forced = check_forced(index, receipt, &session.prompt_tokens);
    checks.push(("forced tokens are the prompt's", forced));
    checks
}

/// Every field that all receipts of a session share.
fn belonging_checks(
    index: usize,
    statement: &Statement,
    session: &Session,
) -> [Checked<SessionError>; 8] {
    let prompt_root = TokensRoot(roots::prompt_root(&session.prompt_tokens));
    let (domain, ours): (&Domain, &Domain) = (&statement.domain, &session.domain);
    let same = |name, field, receipt: String, session: String| {
        let found = ensure(receipt == session, || SessionError::Belongs {
            file: receipt_name(index),
            field,
            receipt,
            session,
        });
        (name, found)
    };
    [
        same(
            "one domain.chain",
            "domain.chain",
            domain.chain.to_string(),
            ours.chain.to_string(),
        ),
        same(
            "one domain.verifier",
            "domain.verifier",
            domain.verifier.to_string(),
            ours.verifier.to_string(),
        ),
        same(
            "one session_id",
            "session_id",
            statement.session_id.to_string(),
            session.session_id.to_string(),
        ),
        same(
            "one model_root",
            "model_root",
            statement.model_root.to_string(),
            session.model_root.to_string(),
        ),
        same(
            "one program_hash",
            "program_hash",
            statement.program_hash.to_string(),
            session.program_hash.to_string(),
        ),
        same(
            "one policy",
            "policy",
            statement.policy.to_string(),
            session.policy.to_string(),
        ),
        same(
            "one prompt_length",
            "prompt_length",
            statement.prompt_length.to_string(),
            session.prompt_tokens.len().to_string(),
        ),
        same(
            "one prompt_root",
            "prompt_root",
            statement.prompt_root.to_string(),
            prompt_root.to_string(),
        ),
    ]
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

/// A receipt starts where the one before it ended, in all four fields.
fn link_checks(index: usize, before: &Frontier, receipt: &Receipt) -> Vec<Checked<SessionError>> {
    let found = &receipt.statement.frontier_in;
    let file = || receipt_name(index);
    let (from, to) = (before.position, found.position);
    let position = match to.cmp(&from) {
        Ordering::Equal => Ok(()),
        Ordering::Greater => Err(SessionError::Gap {
            file: file(),
            from,
            to,
        }),
        Ordering::Less => Err(SessionError::Overlap {
            file: file(),
            from,
            to,
        }),
    };
    let same = |name, field, found: String, expected: String| {
        let linked = ensure(found == expected, || {
            let before = match index {
                0 => "the prompt gives".to_owned(),
                _ => format!("{} ends with", receipt_name(index - 1)),
            };
            SessionError::Link {
                file: file(),
                field,
                found,
                before,
                expected,
            }
        });
        (name, linked)
    };
    vec![
        ("link of position", position),
        same(
            "link of last_token",
            "last_token",
            found.last_token.to_string(),
            before.last_token.to_string(),
        ),
        same(
            "link of kv_root",
            "kv_root",
            found.kv_root.to_string(),
            before.kv_root.to_string(),
        ),
        same(
            "link of tokens_root",
            "tokens_root",
            found.tokens_root.to_string(),
            before.tokens_root.to_string(),
        ),
    ]
}

/// All emitted tokens in order.
fn generated(receipts: &[Receipt]) -> Vec<u32> {
    let emitted = receipts.iter().flat_map(|receipt| &receipt.emitted_tokens);
    emitted.copied().collect()
}

/// Where the end of sequence is, if it was generated.
fn stop(session: &Session, generated: &[u32]) -> Option<usize> {
    let eos = session.policy.eos;
    generated.iter().position(|&token| Some(token) == eos)
}

/// Whether nothing more is to be generated: all requested tokens are there, or eos is.
fn finished(session: &Session, generated: &[u32], position: u32) -> bool {
    let prompt_done = position as usize + 1 >= session.prompt_tokens.len();
    let all_there = generated.len() as u64 == u64::from(session.requested_tokens);
    prompt_done && (stop(session, generated).is_some() || all_there)
}

/// Eos ends the session, and the session is neither longer nor, once complete, shorter than asked for; its
/// document lists the tokens that the receipts have.
fn generated_checks(session: &Session, receipts: &[Receipt]) -> [Checked<SessionError>; 5] {
    let generated = generated(receipts);
    let (found, requested) = (generated.len(), session.requested_tokens);
    let last = receipts.last().map(|last| &last.statement.frontier_out);
    let position = last.map_or(0, |last| last.position);
    let at = stop(session, &generated).unwrap_or(found);
    let more = found.saturating_sub(at + 1);
    let complete = session.completion.is_some();
    let listed = session.completion.as_ref();
    let listed = listed.map_or(&generated, |end| &end.generated_tokens);
    let mut pairs = listed.iter().zip(&generated).enumerate();
    let differs = pairs.find(|(_, (listed, found))| listed != found);
    [
        (
            "nothing after eos",
            ensure(more == 0, || SessionError::AfterEos { at, more }),
        ),
        (
            "not more than requested",
            ensure(found as u64 <= u64::from(requested), || {
                SessionError::TooMany { found, requested }
            }),
        ),
        (
            "all that was requested",
            ensure(!complete || finished(session, &generated, position), || {
                SessionError::Truncated { found, requested }
            }),
        ),
        (
            "number of generated_tokens",
            ensure(listed.len() == found, || SessionError::GeneratedCount {
                listed: listed.len(),
                found,
            }),
        ),
        (
            "generated_tokens",
            differs.map_or(Ok(()), |(at, (&listed, &found))| {
                Err(SessionError::Generated { at, listed, found })
            }),
        ),
    ]
}
