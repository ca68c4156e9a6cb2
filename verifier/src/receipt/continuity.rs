//! The chain of receipts: out(t) = in(t+1) from the prompt to the last token.
//!
//! Owns: [`check_session`], which checks a session document, a model manifest and the receipts
//! in file order against each other, and [`SessionFacts`], what they establish together.
//!
//! Invariants: every receipt is about the same model, program, policy, domain, session and
//! prompt; the first frontier is the prompt's; each frontier is the previous one's successor in
//! all fields; the generated tokens are exactly the emitted ones, and eos is the last.
//!
//! What it costs: sizes are compared before anything is hashed. From then on there are as many receipts as the
//! document says, each with as many tokens as its steps, and all of them within [`MAX_SESSION_STEPS`]; every
//! token is hashed twice.
//!
//! Absent on purpose: proofs. Each receipt must also pass `check_receipt` against its own
//! verified proof; only both together mean something. How a session was cut into chunks is no
//! claim, so `chunk_size` is not checked.

mod error;
mod place;

use std::collections::BTreeMap;
use std::fmt::Display;
use std::rc::Rc;

use super::envelope::Receipt;
use super::listing::receipt_name;
use super::manifest::ModelFacts;
use super::session::Session;
use crate::verify::checks::{Check, all, ensure};
use crate::verify::statement::Frontier;
use place::{LINKS, Place, PlaceCheck};

pub use error::SessionError;

/// Most steps of a session, whatever its model's context: about four times the largest context that a program can
/// be compiled for. Each step's token is hashed twice.
pub const MAX_SESSION_STEPS: u64 = 1 << 17;

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
    manifest: &ModelFacts,
    receipts: &[Receipt],
) -> Result<SessionFacts, SessionError> {
    all(session_checks(session, manifest, receipts))?;
    let first = Frontier::start(&session.prompt_tokens).ok_or(SessionError::NoPrompt)?;
    let last = receipts.last().map(|last| last.statement.frontier_out);
    let last = last.unwrap_or(first);
    Ok(SessionFacts {
        chunks: receipts.len() as u32,
        steps: last.position,
        first,
        last,
        finished: finished(session, receipts),
        generated_tokens: generated(receipts).collect(),
    })
}

/// Every check of a session's receipts against each other, the session document and the manifest.
pub fn session_checks<'a>(
    session: &'a Session,
    manifest: &'a ModelFacts,
    receipts: &'a [Receipt],
) -> Vec<Check<'a, SessionError>> {
    let places = Place::all(session, receipts);
    let of_each = |(name, find): PlaceCheck| {
        let places = Rc::clone(&places);
        Check::new(name, move || places.iter().try_for_each(find))
    };
    let mut checks = vec![];
    // 1. The session document is about this model, and this model can do it.
    checks.extend(model_checks(session, manifest));
    // 2. As many receipts as the document says, each with a proof of its own.
    checks.push(Check::new("number of receipts", || {
        let end = session.completion.as_ref();
        end.map_or(Ok(()), |end| check_count(end.chunks, receipts.len()))
    }));
    checks.push(Check::new("no proof twice", || check_repeated(receipts)));
    // 3. Each receipt is one of this session, in its place.
    checks.extend(Place::BELONGING.map(of_each));
    // 4. Sizes: nothing was hashed until here but what a statement holds.
    checks.extend(Place::SIZES.map(of_each));
    checks.extend(size_checks(session, receipts));
    // 5. Roots: the prompt's, and those of each receipt's tokens. 6. Links: out(t) = in(t+1).
    checks.extend(Place::ROOTS.map(of_each));
    checks.extend(LINKS.iter().map(|link| {
        let places = Rc::clone(&places);
        Check::new(link.check, move || {
            places.iter().try_for_each(|place| place.link(link))
        })
    }));
    // 7. The tokens as a whole.
    checks.extend(generated_checks(session, receipts));
    checks
}

fn model_checks<'a>(
    session: &'a Session,
    manifest: &'a ModelFacts,
) -> [Check<'a, SessionError>; 7] {
    // The last token needs no position of its own: it is not consumed.
    let (prompt, requested) = (session.prompt_tokens.len(), session.requested_tokens);
    let steps = (prompt as u64 + u64::from(requested)).saturating_sub(1);
    let context_length = manifest.context_length;
    [
        of_model(
            "session.model_root",
            "model_root",
            session.model_root,
            manifest.model_root,
        ),
        of_model(
            "session.program_hash",
            "program_hash",
            session.program_hash,
            manifest.program_hash,
        ),
        of_model("session.policy", "policy", session.policy, manifest.policy),
        Check::new("a prompt", move || {
            ensure(prompt != 0, || SessionError::NoPrompt)
        }),
        Check::new("number of steps", move || {
            ensure(steps <= MAX_SESSION_STEPS, || SessionError::Steps {
                prompt,
                requested,
            })
        }),
        Check::new("the session is within the context", move || {
            ensure(steps <= u64::from(context_length), || {
                SessionError::Context {
                    prompt,
                    requested,
                    context_length,
                }
            })
        }),
        Check::new("the prompt is in the vocabulary", || {
            let vocab_size = manifest.vocab_size;
            let mut tokens = session.prompt_tokens.iter().enumerate();
            match tokens.find(|(_, token)| **token >= vocab_size) {
                None => Ok(()),
                Some((index, &token)) => Err(SessionError::PromptToken {
                    index,
                    token,
                    vocab_size,
                }),
            }
        }),
    ]
}

/// A field of the session document is the manifest's.
fn of_model<'a, T: PartialEq + Display + 'a>(
    name: &'static str,
    field: &'static str,
    session: T,
    manifest: T,
) -> Check<'a, SessionError> {
    Check::new(name, move || {
        ensure(session == manifest, || SessionError::Model {
            field,
            session: session.to_string(),
            manifest: manifest.to_string(),
        })
    })
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

/// All emitted tokens in order.
fn generated(receipts: &[Receipt]) -> impl Iterator<Item = u32> {
    let emitted = receipts.iter().flat_map(|receipt| &receipt.emitted_tokens);
    emitted.copied()
}

/// How many they are.
fn count(receipts: &[Receipt]) -> usize {
    receipts.iter().map(|r| r.emitted_tokens.len()).sum()
}

/// Where the end of sequence is, if it was generated.
fn stop(session: &Session, receipts: &[Receipt]) -> Option<usize> {
    let eos = session.policy.eos?;
    generated(receipts).position(|token| token == eos)
}

/// Whether nothing more is to be generated: all requested tokens are there, or eos is.
fn finished(session: &Session, receipts: &[Receipt]) -> bool {
    let last = receipts.last().map(|last| last.statement.frontier_out);
    let position = last.map_or(0, |last| last.position);
    let prompt_done = position as usize + 1 >= session.prompt_tokens.len();
    let all_there = count(receipts) as u64 == u64::from(session.requested_tokens);
    prompt_done && (all_there || stop(session, receipts).is_some())
}

/// The session has as many tokens as were asked for, and as its document lists.
fn size_checks<'a>(session: &'a Session, receipts: &'a [Receipt]) -> [Check<'a, SessionError>; 3] {
    let (found, requested) = (count(receipts), session.requested_tokens);
    [
        Check::new("not more than requested", move || {
            ensure(found as u64 <= u64::from(requested), || {
                SessionError::TooMany { found, requested }
            })
        }),
        Check::new("all that was requested", move || {
            let whole = !session.is_complete() || finished(session, receipts);
            ensure(whole, || SessionError::Truncated { found, requested })
        }),
        Check::new("number of generated_tokens", move || {
            let end = session.completion.as_ref();
            let listed = end.map_or(found, |end| end.generated_tokens.len());
            ensure(listed == found, || SessionError::GeneratedCount {
                listed,
                found,
            })
        }),
    ]
}

/// Eos ends the session, and its document lists the tokens that the receipts have.
fn generated_checks<'a>(
    session: &'a Session,
    receipts: &'a [Receipt],
) -> [Check<'a, SessionError>; 2] {
    [
        Check::new("nothing after eos", move || {
            let found = count(receipts);
            let at = stop(session, receipts).unwrap_or(found);
            let more = found.saturating_sub(at + 1);
            ensure(more == 0, || SessionError::AfterEos { at, more })
        }),
        Check::new("generated_tokens", move || {
            let end = session.completion.iter();
            let listed = end.flat_map(|end| &end.generated_tokens).copied();
            let mut pairs = listed.zip(generated(receipts)).enumerate();
            match pairs.find(|(_, (listed, found))| listed != found) {
                None => Ok(()),
                Some((at, (listed, found))) => Err(SessionError::Generated { at, listed, found }),
            }
        }),
    ]
}
