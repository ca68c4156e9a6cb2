//! What receipts need of a statement, whichever version it has.
//!
//! Owns: [`Stated`], with one implementation for statements of versions 1 and 2, and one for version 3: the format of its receipts, its
//! frontier, and how its roots follow from the tokens. Everything else of a receipt and of a session is one code for both.
//!
//! Absent on purpose: the statements themselves, their form and their encoding (`verify::statement`).

use std::fmt;

use serde::Serialize;
use starknet_types_core::felt::Felt;

use super::envelope::{ReceiptError, ReceiptOf, TokenCheck};
use super::strict::Decode;
use crate::spec::roots;
use crate::verify::checks::{Check, ensure, mapped};
use crate::verify::policy::Subject;
use crate::verify::statement::v3::{self, ChainError, extended};
use crate::verify::statement::{
    ChosenRoot, Frontier, PublicFacts, SessionId, Statement, StatementError, TokensRoot,
    felt_to_hex,
};

/// The `format` field of a receipt about a statement of version 1 or 2.
pub const RECEIPT_FORMAT: &str = "cairo-decode-receipt/1";

/// The `format` field of a receipt about a statement of version 3.
pub const TENSOR_RECEIPT_FORMAT: &str = "cairo-decode-receipt/2";

/// What one field of a frontier says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Carried {
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
pub struct Link<F> {
    /// Name of the check that compares it.
    pub check: &'static str,
    pub field: &'static str,
    pub of: fn(&F) -> Carried,
}

/// A type of statement that receipts are about.
pub trait Stated: Clone + fmt::Debug + PartialEq + Eq + Serialize + Decode + 'static {
    /// The `format` field of its receipts.
    const FORMAT: &'static str;

    /// The chosen tokens lead to their root.
    const CHOICES: TokenCheck<Self>;

    /// All tokens lead to theirs.
    const TOKENS: TokenCheck<Self>;

    /// The fields of a frontier besides the position, in order.
    const LINKS: &'static [Link<Self::Frontier>];

    type Frontier: Copy + fmt::Debug + PartialEq + Eq + Serialize + 'static;

    /// A session's first frontier; `None` for a prompt without tokens.
    fn start(prompt: &[u32]) -> Option<Self::Frontier>;

    fn position(frontier: &Self::Frontier) -> u32;

    fn last_token(frontier: &Self::Frontier) -> u32;

    /// Root that pins a prompt.
    ///
    /// # Errors
    /// A token that no prompt of such a statement has.
    fn prompt_root_of(prompt: &[u32]) -> Result<TokensRoot, ReceiptError>;

    /// What the verifier's side fixes.
    fn subject(&self) -> Subject;

    fn session_id(&self) -> SessionId;

    fn prompt_root(&self) -> TokensRoot;

    fn prompt_length(&self) -> u32;

    fn steps(&self) -> u32;

    fn frontier_in(&self) -> &Self::Frontier;

    fn frontier_out(&self) -> &Self::Frontier;

    /// How many of the chunk's tokens the prompt gives.
    fn forced_count(&self) -> u32;

    /// How many of them the policy chose.
    fn emitted_count(&self) -> u32;

    /// What can be refused without a proof.
    fn form_checks(&self) -> Vec<Check<'_, ReceiptError>>;

    /// Where the public output of another statement differs, field by field.
    fn differences(&self, other: &Self) -> Vec<StatementError>;

    /// The comparison with what a verified proof says, field by field.
    fn output_checks<'a>(&'a self, facts: &'a PublicFacts) -> Vec<Check<'a, ReceiptError>>;
}

/// What is read the same way of either type.
macro_rules! fields {
    () => {
        fn start(prompt: &[u32]) -> Option<Self::Frontier> {
            Self::Frontier::start(prompt)
        }

        fn position(frontier: &Self::Frontier) -> u32 {
            frontier.position
        }

        fn last_token(frontier: &Self::Frontier) -> u32 {
            frontier.last_token
        }

        fn subject(&self) -> Subject {
            self.into()
        }

        fn session_id(&self) -> SessionId {
            self.session_id
        }

        fn prompt_root(&self) -> TokensRoot {
            self.prompt_root
        }

        fn prompt_length(&self) -> u32 {
            self.prompt_length
        }

        fn steps(&self) -> u32 {
            self.steps
        }

        fn frontier_in(&self) -> &Self::Frontier {
            &self.frontier_in
        }

        fn frontier_out(&self) -> &Self::Frontier {
            &self.frontier_out
        }

        fn forced_count(&self) -> u32 {
            Self::forced_count(self)
        }

        fn emitted_count(&self) -> u32 {
            Self::emitted_count(self)
        }

        fn form_checks(&self) -> Vec<Check<'_, ReceiptError>> {
            mapped(Self::form_checks(self)).collect()
        }

        fn differences(&self, other: &Self) -> Vec<StatementError> {
            let output = other.to_output();
            let checks = Self::output_checks(self, &output, other.program_hash.0);
            checks
                .iter()
                .filter_map(|check| check.find().err())
                .collect()
        }

        fn output_checks<'a>(&'a self, facts: &'a PublicFacts) -> Vec<Check<'a, ReceiptError>> {
            mapped(Self::output_checks(self, &facts.output, facts.program_hash)).collect()
        }
    };
}

/// A link of each of these fields.
macro_rules! links {
    ($($field:ident: $of:expr),* $(,)?) => {
        &[$(Link {
            check: concat!("link of ", stringify!($field)),
            field: stringify!($field),
            of: $of,
        }),*]
    };
}

impl Stated for Statement {
    const FORMAT: &'static str = RECEIPT_FORMAT;

    const CHOICES: TokenCheck<Self> = ("emitted tokens fold to emitted_root", |receipt| {
        let computed = TokensRoot(roots::fold_tokens(receipt.emitted_tokens.iter().copied()));
        let root = receipt.statement.emitted_root;
        ensure(computed == root, || ReceiptError::Emitted {
            computed,
            root,
        })
    });

    const TOKENS: TokenCheck<Self> = ("all tokens lead to tokens_root", |receipt| {
        let before = receipt.statement.frontier_in.tokens_root.0;
        let computed = TokensRoot(roots::fold_tokens_onto(before, receipt.tokens()));
        let root = receipt.statement.frontier_out.tokens_root;
        ensure(computed == root, || ReceiptError::Tokens { computed, root })
    });

    const LINKS: &'static [Link<Frontier>] = links!(
        last_token: |frontier| Carried::Token(frontier.last_token),
        kv_root: |frontier| Carried::Root(frontier.kv_root.0),
        tokens_root: |frontier| Carried::Root(frontier.tokens_root.0),
    );

    type Frontier = Frontier;

    fn prompt_root_of(prompt: &[u32]) -> Result<TokensRoot, ReceiptError> {
        Ok(TokensRoot(roots::prompt_root(prompt)))
    }

    fields!();
}

impl Stated for v3::Statement {
    const FORMAT: &'static str = TENSOR_RECEIPT_FORMAT;

    const CHOICES: TokenCheck<Self> = ("listed choices lead to chosen_root", |receipt| {
        let before = receipt.statement.frontier_in.chosen_root.0;
        let computed = extended(before, receipt.choices())
            .map(ChosenRoot)
            .map_err(chain(
                "statement.frontier_in.chosen_root and emitted_tokens",
            ))?;
        let root = receipt.statement.frontier_out.chosen_root;
        ensure(computed == root, || ReceiptError::Chosen { computed, root })
    });

    const TOKENS: TokenCheck<Self> = ("all tokens lead to tokens_root", |receipt| {
        let before = receipt.statement.frontier_in.tokens_root.0;
        let computed = extended(before, receipt.consumed())
            .map(TokensRoot)
            .map_err(chain(
                "statement.frontier_in.tokens_root, forced_tokens and emitted_tokens",
            ))?;
        let root = receipt.statement.frontier_out.tokens_root;
        ensure(computed == root, || ReceiptError::Tokens { computed, root })
    });

    const LINKS: &'static [Link<v3::Frontier>] = links!(
        last_token: |frontier| Carried::Token(frontier.last_token),
        kv_root: |frontier| Carried::Root(frontier.kv_root.0),
        tokens_root: |frontier| Carried::Root(frontier.tokens_root.0),
        chosen_root: |frontier| Carried::Root(frontier.chosen_root.0),
    );

    type Frontier = v3::Frontier;

    fn prompt_root_of(prompt: &[u32]) -> Result<TokensRoot, ReceiptError> {
        let root = extended(Felt::ZERO, prompt.iter().copied().map(u64::from));
        root.map(TokensRoot).map_err(chain("prompt_tokens"))
    }

    fields!();
}

impl ReceiptOf<v3::Statement> {
    /// The tokens that the chunk's steps read, which are those behind the frontiers' roots: the first frontier's, and all of the chunk's
    /// but the last one, which the next chunk reads.
    fn consumed(&self) -> impl Iterator<Item = u64> {
        let first = self.statement.frontier_in.last_token;
        let read = std::iter::once(first).chain(self.tokens());
        let count = self.forced_tokens.len() + self.emitted_tokens.len();
        read.take(count).map(u64::from)
    }

    /// What each of the chunk's steps lists: 0 where the prompt gave the next token, else the chosen token and 1.
    fn choices(&self) -> impl Iterator<Item = u64> {
        let forced = self.forced_tokens.iter().map(|_| 0);
        let emitted = self.emitted_tokens.iter();
        forced.chain(emitted.map(|&token| u64::from(token) + 1))
    }
}

/// The error of a chain that reads these fields.
fn chain(field: &'static str) -> impl FnOnce(ChainError) -> ReceiptError {
    move |source| ReceiptError::Chain { field, source }
}
