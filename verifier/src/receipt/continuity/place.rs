//! What is checked of one receipt at its place in a session.
//!
//! Owns: [`Place`] and the lists of its checks, by what they need: who and where ([`Place::BELONGING`]), sizes
//! ([`Place::SIZES`]), what is hashed ([`Place::ROOTS`]), the frontier before it ([`Place::link`]). The session makes a check for
//! all its receipts before the next one, so no receipt is hashed before the sizes of all are known.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::fmt::Display;
use std::rc::Rc;

use super::SessionError;
use crate::receipt::envelope::{ReceiptError, ReceiptOf, TokenCheck};
use crate::receipt::listing::{proof_name, receipt_name};
use crate::receipt::session::Session;
use crate::receipt::stated::{Link, Stated};
use crate::verify::checks::{all, ensure};
use crate::verify::policy::Subject;
use crate::verify::statement::TokensRoot;

/// A receipt, and what its session expects at its place.
pub(super) struct Place<'a, S: Stated> {
    index: usize,
    receipt: &'a ReceiptOf<S>,
    session: &'a Session,
    /// Where the receipt before it ended, or the prompt's first frontier; `None` for a prompt of no tokens.
    before: Option<S::Frontier>,
    /// One for all receipts, computed when the first of them is asked.
    prompt_root: Rc<OnceCell<Result<TokensRoot, ReceiptError>>>,
}

/// A check of a place by name.
pub(super) type PlaceCheck<S> = (&'static str, fn(&Place<'_, S>) -> Result<(), SessionError>);

impl<'a, S: Stated> Place<'a, S> {
    /// The receipt is one of the session's.
    pub(super) const BELONGING: [PlaceCheck<S>; 9] = [
        ("a proof has its chunk's name", |p| p.check_name()),
        ("form of the statements", |p| p.check_form()),
        ("one domain.chain", |p| {
            p.same(
                "domain.chain",
                p.subject().domain.chain,
                p.session.domain.chain,
            )
        }),
        ("one domain.verifier", |p| {
            let (found, expected) = (p.subject().domain.verifier, p.session.domain.verifier);
            p.same("domain.verifier", found, expected)
        }),
        ("one session_id", |p| {
            p.same("session_id", p.says().session_id(), p.session.session_id)
        }),
        ("one model_root", |p| {
            p.same("model_root", p.subject().model_root, p.session.model_root)
        }),
        ("one program_hash", |p| {
            p.same(
                "program_hash",
                p.subject().program_hash,
                p.session.program_hash,
            )
        }),
        ("one policy", |p| {
            p.same("policy", p.subject().policy, p.session.policy)
        }),
        ("one prompt_length", |p| {
            let expected = p.session.prompt_tokens.len();
            p.same("prompt_length", p.says().prompt_length() as usize, expected)
        }),
    ];

    /// The receipt has as many tokens as steps, and starts at the position where the one before it ended.
    pub(super) const SIZES: [PlaceCheck<S>; 3] = [
        (ReceiptOf::<S>::FORCED_COUNT.0, |p| {
            p.tokens(ReceiptOf::FORCED_COUNT)
        }),
        (ReceiptOf::<S>::EMITTED_COUNT.0, |p| {
            p.tokens(ReceiptOf::EMITTED_COUNT)
        }),
        ("link of position", |p| p.check_position()),
    ];

    /// What takes a hash for every token.
    pub(super) const ROOTS: [PlaceCheck<S>; 5] = [
        ("one prompt_root", |p| {
            let (found, expected) = (p.says().prompt_root(), p.expected_prompt_root()?);
            p.same("prompt_root", found, expected)
        }),
        (S::CHOICES.0, |p| p.tokens(S::CHOICES)),
        (S::TOKENS.0, |p| p.tokens(S::TOKENS)),
        (ReceiptOf::<S>::LAST_TOKEN.0, |p| {
            p.tokens(ReceiptOf::LAST_TOKEN)
        }),
        ("forced tokens are the prompt's", |p| p.check_forced()),
    ];

    /// The places of all receipts of a session.
    pub(super) fn all(session: &'a Session, receipts: &'a [ReceiptOf<S>]) -> Rc<[Place<'a, S>]> {
        let prompt_root = Rc::new(OnceCell::new());
        let mut before = S::start(&session.prompt_tokens);
        let place = |(index, receipt): (usize, &'a ReceiptOf<S>)| {
            let out = before.map(|_| *receipt.statement.frontier_out());
            Place {
                index,
                receipt,
                session,
                before: std::mem::replace(&mut before, out),
                prompt_root: Rc::clone(&prompt_root),
            }
        };
        receipts.iter().enumerate().map(place).collect()
    }

    fn says(&self) -> &'a S {
        &self.receipt.statement
    }

    fn subject(&self) -> Subject {
        self.says().subject()
    }

    fn file(&self) -> String {
        receipt_name(self.index)
    }

    fn check_name(&self) -> Result<(), SessionError> {
        let (found, expected) = (&self.receipt.proof.file, proof_name(self.index));
        ensure(*found == expected, || SessionError::ProofName {
            file: self.file(),
            found: found.clone(),
            expected: expected.clone(),
        })
    }

    fn check_form(&self) -> Result<(), SessionError> {
        let form = all(self.says().form_checks());
        form.map_err(|source| SessionError::receipt(self.index, source))
    }

    /// One of the checks of the receipt's token lists.
    fn tokens(&self, (_, find): TokenCheck<S>) -> Result<(), SessionError> {
        find(self.receipt).map_err(|source| SessionError::receipt(self.index, source))
    }

    /// A field that all receipts of a session share.
    fn same<T: PartialEq + Display>(
        &self,
        field: &'static str,
        receipt: T,
        session: T,
    ) -> Result<(), SessionError> {
        ensure(receipt == session, || SessionError::Belongs {
            file: self.file(),
            field,
            receipt: receipt.to_string(),
            session: session.to_string(),
        })
    }

    fn expected_prompt_root(&self) -> Result<TokensRoot, SessionError> {
        let root = || S::prompt_root_of(&self.session.prompt_tokens);
        let root = self.prompt_root.get_or_init(root).clone();
        root.map_err(|source| SessionError::Prompt { source })
    }

    /// The forced tokens of a chunk from position p are the prompt's from p + 1 on. Their number was
    /// checked with the token lists.
    fn check_forced(&self) -> Result<(), SessionError> {
        let first = self.first_position() as usize + 1;
        let expected = self.session.prompt_tokens.iter().skip(first);
        let mut pairs = self.receipt.forced_tokens.iter().zip(expected).enumerate();
        match pairs.find(|(_, (found, expected))| found != expected) {
            None => Ok(()),
            Some((at, (&found, &expected))) => Err(SessionError::Forced {
                file: self.file(),
                at,
                found,
                expected,
            }),
        }
    }

    fn first_position(&self) -> u32 {
        S::position(self.says().frontier_in())
    }

    fn check_position(&self) -> Result<(), SessionError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let (file, from, to) = (self.file(), S::position(&before), self.first_position());
        match to.cmp(&from) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(SessionError::Gap { file, from, to }),
            Ordering::Less => Err(SessionError::Overlap { file, from, to }),
        }
    }

    /// The receipt starts where the one before it ended, in one field.
    pub(super) fn link(&self, link: &Link<S::Frontier>) -> Result<(), SessionError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let (found, expected) = ((link.of)(self.says().frontier_in()), (link.of)(&before));
        ensure(found == expected, || SessionError::Link {
            file: self.file(),
            field: link.field,
            found: found.to_string(),
            before: match self.index {
                0 => "the prompt gives".to_owned(),
                _ => format!("{} ends with", receipt_name(self.index - 1)),
            },
            expected: expected.to_string(),
        })
    }
}
