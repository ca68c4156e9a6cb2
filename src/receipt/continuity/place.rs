//! What is checked of one receipt at its place in a session.
//!
//! Owns: [`Place`] and the lists of its checks, by what they need: who and where ([`BELONGING`]), sizes
//! ([`SIZES`]), what is hashed ([`ROOTS`]), the frontier before it ([`LINKS`]). The session makes a check for
//! all its receipts before the next one, so no receipt is hashed before the sizes of all are known.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::fmt::Display;
use std::rc::Rc;

use super::SessionError;
use crate::receipt::envelope::{
    EMITTED_COUNT, EMITTED_ROOT, FORCED_COUNT, LAST_TOKEN, Receipt, TOKENS_ROOT, TokenCheck,
};
use crate::receipt::folder::{proof_name, receipt_name};
use crate::receipt::session::Session;
use crate::spec::roots;
use crate::verify::checks::ensure;
use crate::verify::statement::{Frontier, Statement, TokensRoot};

/// A receipt, and what its session expects at its place.
pub(super) struct Place<'a> {
    index: usize,
    receipt: &'a Receipt,
    session: &'a Session,
    /// Where the receipt before it ended, or the prompt's first frontier; `None` for a prompt of no tokens.
    before: Option<Frontier>,
    /// One for all receipts, computed when the first of them is asked.
    prompt_root: Rc<OnceCell<TokensRoot>>,
}

/// A check of a place by name.
pub(super) type PlaceCheck = (&'static str, fn(&Place<'_>) -> Result<(), SessionError>);

/// The receipt is one of the session's.
pub(super) const BELONGING: [PlaceCheck; 9] = [
    ("a proof has its chunk's name", |p| p.check_name()),
    ("form of the statements", |p| p.check_form()),
    ("one domain.chain", |p| {
        p.same(
            "domain.chain",
            p.says().domain.chain,
            p.session.domain.chain,
        )
    }),
    ("one domain.verifier", |p| {
        let (found, expected) = (p.says().domain.verifier, p.session.domain.verifier);
        p.same("domain.verifier", found, expected)
    }),
    ("one session_id", |p| {
        p.same("session_id", p.says().session_id, p.session.session_id)
    }),
    ("one model_root", |p| {
        p.same("model_root", p.says().model_root, p.session.model_root)
    }),
    ("one program_hash", |p| {
        p.same(
            "program_hash",
            p.says().program_hash,
            p.session.program_hash,
        )
    }),
    ("one policy", |p| {
        p.same("policy", p.says().policy, p.session.policy)
    }),
    ("one prompt_length", |p| {
        let expected = p.session.prompt_tokens.len();
        p.same("prompt_length", p.says().prompt_length as usize, expected)
    }),
];

/// The receipt has as many tokens as steps, and starts at the position where the one before it ended.
pub(super) const SIZES: [PlaceCheck; 3] = [
    (FORCED_COUNT.0, |p| p.tokens(FORCED_COUNT)),
    (EMITTED_COUNT.0, |p| p.tokens(EMITTED_COUNT)),
    ("link of position", |p| p.check_position()),
];

/// What takes a hash for every token.
pub(super) const ROOTS: [PlaceCheck; 5] = [
    ("one prompt_root", |p| {
        p.same(
            "prompt_root",
            p.says().prompt_root,
            p.expected_prompt_root(),
        )
    }),
    (EMITTED_ROOT.0, |p| p.tokens(EMITTED_ROOT)),
    (TOKENS_ROOT.0, |p| p.tokens(TOKENS_ROOT)),
    (LAST_TOKEN.0, |p| p.tokens(LAST_TOKEN)),
    ("forced tokens are the prompt's", |p| p.check_forced()),
];

/// The receipt starts where the one before it ended, in the fields besides the position.
pub(super) const LINKS: [PlaceCheck; 3] = [
    ("link of last_token", |p| {
        p.link("last_token", |frontier| frontier.last_token)
    }),
    ("link of kv_root", |p| {
        p.link("kv_root", |frontier| frontier.kv_root)
    }),
    ("link of tokens_root", |p| {
        p.link("tokens_root", |frontier| frontier.tokens_root)
    }),
];

impl<'a> Place<'a> {
    /// The places of all receipts of a session.
    pub(super) fn all(session: &'a Session, receipts: &'a [Receipt]) -> Rc<[Place<'a>]> {
        let prompt_root = Rc::new(OnceCell::new());
        let mut before = Frontier::start(&session.prompt_tokens);
        let place = |(index, receipt): (usize, &'a Receipt)| {
            let out = before.map(|_| receipt.statement.frontier_out);
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

    fn says(&self) -> &'a Statement {
        &self.receipt.statement
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
        let form = self.says().check_form();
        form.map_err(|source| SessionError::receipt(self.index, source.into()))
    }

    /// One of the checks of the receipt's token lists.
    fn tokens(&self, (_, find): TokenCheck) -> Result<(), SessionError> {
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

    fn expected_prompt_root(&self) -> TokensRoot {
        let root = || TokensRoot(roots::prompt_root(&self.session.prompt_tokens));
        *self.prompt_root.get_or_init(root)
    }

    /// The forced tokens of a chunk from position p are the prompt's from p + 1 on. Their number was
    /// checked with the token lists.
    fn check_forced(&self) -> Result<(), SessionError> {
        let first = self.says().frontier_in.position as usize + 1;
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

    fn check_position(&self) -> Result<(), SessionError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let (file, from, to) = (
            self.file(),
            before.position,
            self.says().frontier_in.position,
        );
        match to.cmp(&from) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(SessionError::Gap { file, from, to }),
            Ordering::Less => Err(SessionError::Overlap { file, from, to }),
        }
    }

    /// The receipt starts where the one before it ended, in one field.
    fn link<T: PartialEq + Display>(
        &self,
        field: &'static str,
        of: fn(&Frontier) -> T,
    ) -> Result<(), SessionError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let (found, expected) = (of(&self.says().frontier_in), of(&before));
        ensure(found == expected, || SessionError::Link {
            file: self.file(),
            field,
            found: found.to_string(),
            before: match self.index {
                0 => "the prompt gives".to_owned(),
                _ => format!("{} ends with", receipt_name(self.index - 1)),
            },
            expected: expected.to_string(),
        })
    }
}
