//! What is checked of one receipt at its place in a session.
//!
//! Owns: [`Place`] and the lists of its checks, by what they need: who and where ([`Place::BELONGING`]), sizes
//! ([`Place::SIZES`]), what is hashed ([`Place::ROOTS`]), the frontier before it ([`Place::link`]). The session makes a check for
//! all its receipts before the next one, so no receipt is hashed before the sizes of all are known.

use std::cell::OnceCell;
use std::cmp::Ordering;
use std::fmt::{self, Display};
use std::rc::Rc;

use starknet_types_core::felt::Felt;

use super::SessionError;
use crate::receipt::envelope::{Receipt, ReceiptError, TokenCheck, chain};
use crate::receipt::listing::{proof_name, receipt_name};
use crate::receipt::session::Session;
use crate::verify::checks::{all, ensure};
use crate::verify::statement::{Frontier, Statement, TokensRoot, extended, felt_to_hex};

/// What one field of a frontier says.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Carried {
    Token(u32),
    Root(Felt),
}

impl fmt::Display for Carried {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Carried::Token(token) => write!(f, "{token}"),
            Carried::Root(root) => f.write_str(&felt_to_hex(root)),
        }
    }
}

/// A field of a frontier that the next chunk must start with.
pub(super) struct Link {
    /// Name of the check that compares it.
    pub(super) check: &'static str,
    field: &'static str,
    of: fn(&Frontier) -> Carried,
}

/// The fields of a frontier besides the position, in order.
pub(super) const LINKS: [Link; 4] = [
    Link {
        check: "link of last_token",
        field: "last_token",
        of: |frontier| Carried::Token(frontier.last_token),
    },
    Link {
        check: "link of kv_root",
        field: "kv_root",
        of: |frontier| Carried::Root(frontier.kv_root.0),
    },
    Link {
        check: "link of tokens_root",
        field: "tokens_root",
        of: |frontier| Carried::Root(frontier.tokens_root.0),
    },
    Link {
        check: "link of chosen_root",
        field: "chosen_root",
        of: |frontier| Carried::Root(frontier.chosen_root.0),
    },
];

/// A receipt, and what its session expects at its place.
pub(super) struct Place<'a> {
    index: usize,
    receipt: &'a Receipt,
    session: &'a Session,
    /// Where the receipt before it ended, or the prompt's first frontier; `None` for a prompt of no tokens.
    before: Option<Frontier>,
    /// One for all receipts, computed when the first of them is asked.
    prompt_root: Rc<OnceCell<Result<TokensRoot, ReceiptError>>>,
}

/// A check of a place by name.
pub(super) type PlaceCheck = (&'static str, fn(&Place<'_>) -> Result<(), SessionError>);

impl<'a> Place<'a> {
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
        (Receipt::FORCED_COUNT.0, |p| p.tokens(Receipt::FORCED_COUNT)),
        (Receipt::EMITTED_COUNT.0, |p| {
            p.tokens(Receipt::EMITTED_COUNT)
        }),
        ("link of position", |p| p.check_position()),
    ];

    /// What takes a hash for every token.
    pub(super) const ROOTS: [PlaceCheck; 5] = [
        ("one prompt_root", |p| {
            let (found, expected) = (p.says().prompt_root, p.expected_prompt_root()?);
            p.same("prompt_root", found, expected)
        }),
        (Receipt::CHOICES.0, |p| p.tokens(Receipt::CHOICES)),
        (Receipt::TOKENS.0, |p| p.tokens(Receipt::TOKENS)),
        (Receipt::LAST_TOKEN.0, |p| p.tokens(Receipt::LAST_TOKEN)),
        ("forced tokens are the prompt's", |p| p.check_forced()),
    ];

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
        let form = all(self.says().form_checks());
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

    fn expected_prompt_root(&self) -> Result<TokensRoot, SessionError> {
        let root = || {
            let prompt = self.session.prompt_tokens.iter().copied().map(u64::from);
            let root = extended(Felt::ZERO, prompt);
            root.map(TokensRoot).map_err(chain("prompt_tokens"))
        };
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
        self.says().frontier_in.position
    }

    fn check_position(&self) -> Result<(), SessionError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let (file, from, to) = (self.file(), before.position, self.first_position());
        match to.cmp(&from) {
            Ordering::Equal => Ok(()),
            Ordering::Greater => Err(SessionError::Gap { file, from, to }),
            Ordering::Less => Err(SessionError::Overlap { file, from, to }),
        }
    }

    /// The receipt starts where the one before it ended, in one field.
    pub(super) fn link(&self, link: &Link) -> Result<(), SessionError> {
        let Some(before) = self.before else {
            return Ok(());
        };
        let (found, expected) = ((link.of)(&self.says().frontier_in), (link.of)(&before));
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
