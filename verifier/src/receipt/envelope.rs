//! The receipt: the strict, versioned envelope that binds one statement to one proof.
//!
//! Owns: [`Receipt`] (`chunk-0000.receipt.json`), how the statement's roots follow from its tokens, and
//! [`check_receipt`], the one place where a receipt meets the facts of a verified proof.
//!
//! Invariants: after [`check_receipt`], every field of the receipt except `proof.file`
//! has been compared with something that the proof or the verifier fixed;
//! `proof.file` is compared with the receipt's place in the session by `continuity`.
//!
//! Absent on purpose: any field that nothing binds, proof verification itself, and everything that takes more than one receipt.

use serde::Serialize;
use thiserror::Error;

use super::document::Document;
use super::listing::proof_name;
use super::record::{ProofIdentity, ProofRecord, record_checks};
use super::strict::{FormatError, Object, decode_fields};
use crate::verify::checks::{Check, all, ensure, mapped};
use crate::verify::policy::{Accept, PolicyError};
use crate::verify::statement::{
    ChainError, ChosenRoot, PublicFacts, Statement, StatementError, TokensRoot, extended,
};

/// The `format` field of a receipt.
pub const RECEIPT_FORMAT: &str = "cairo-decode-receipt/2";

/// The public record of one proven chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Receipt {
    pub statement: Statement,
    /// Token ids that came from the prompt, in order.
    pub forced_tokens: Vec<u32>,
    /// Token ids that the policy chose, in order; they follow the forced ones.
    pub emitted_tokens: Vec<u32>,
    pub proof: ProofRecord,
}

impl Document for Receipt {
    const FORMAT: &'static str = RECEIPT_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(decode_fields!(
            object,
            Receipt {
                statement,
                forced_tokens,
                emitted_tokens,
                proof
            }
        ))
    }

    fn check_form(&self) -> Result<(), FormatError> {
        let file = &self.proof.file;
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
        if file.is_empty() || file.starts_with('.') || !file.bytes().all(plain) {
            let reason = format!("{file:?} is no plain file name");
            return Err(FormatError::inconsistent("proof.file", reason));
        }
        Ok(())
    }
}

impl Receipt {
    /// The receipt of chunk `index`, about a proof that verified with these facts.
    pub fn new(
        index: usize,
        statement: Statement,
        (forced_tokens, emitted_tokens): (Vec<u32>, Vec<u32>),
        proof: &ProofIdentity,
        facts: &PublicFacts,
    ) -> Self {
        let proof = ProofRecord {
            file: proof_name(index),
            bytes: proof.bytes,
            blake2s: proof.blake2s,
            params: facts.params,
            security_bits: facts.security_bits,
        };
        Receipt {
            statement,
            forced_tokens,
            emitted_tokens,
            proof,
        }
    }

    /// The chunk's tokens in order: forced, then emitted.
    pub fn tokens(&self) -> impl Iterator<Item = u32> {
        self.forced_tokens
            .iter()
            .chain(&self.emitted_tokens)
            .copied()
    }

    /// Checks the token lists against the statement's counts and roots.
    ///
    /// # Errors
    /// [`ReceiptError::Count`], [`ReceiptError::LastToken`], and what the statement's roots give.
    pub fn check_tokens(&self) -> Result<(), ReceiptError> {
        all(self.token_checks())
    }

    /// The checks of the token lists. Numbers first: a list that is as long as the statement says is hashed, no other.
    pub fn token_checks(&self) -> [Check<'_, ReceiptError>; 5] {
        let checks = [
            Self::FORCED_COUNT,
            Self::EMITTED_COUNT,
            Self::CHOICES,
            Self::TOKENS,
            Self::LAST_TOKEN,
        ];
        checks.map(|(name, find)| Check::new(name, move || find(self)))
    }

    pub(super) const FORCED_COUNT: TokenCheck = ("number of forced tokens", |receipt| {
        let found = receipt.forced_tokens.len();
        check_count("forced_tokens", found, receipt.statement.forced_count())
    });

    pub(super) const EMITTED_COUNT: TokenCheck = ("number of emitted tokens", |receipt| {
        let found = receipt.emitted_tokens.len();
        check_count("emitted_tokens", found, receipt.statement.emitted_count())
    });

    pub(super) const CHOICES: TokenCheck = ("listed choices lead to chosen_root", |receipt| {
        let before = receipt.statement.frontier_in.chosen_root.0;
        let computed = extended(before, receipt.choices())
            .map(ChosenRoot)
            .map_err(chain(
                "statement.frontier_in.chosen_root and emitted_tokens",
            ))?;
        let root = receipt.statement.frontier_out.chosen_root;
        ensure(computed == root, || ReceiptError::Chosen { computed, root })
    });

    pub(super) const TOKENS: TokenCheck = ("all tokens lead to tokens_root", |receipt| {
        let before = receipt.statement.frontier_in.tokens_root.0;
        let computed = extended(before, receipt.consumed())
            .map(TokensRoot)
            .map_err(chain(
                "statement.frontier_in.tokens_root, forced_tokens and emitted_tokens",
            ))?;
        let root = receipt.statement.frontier_out.tokens_root;
        ensure(computed == root, || ReceiptError::Tokens { computed, root })
    });

    pub(super) const LAST_TOKEN: TokenCheck = ("the last token is the frontier's", |receipt| {
        let found = receipt.statement.frontier_out.last_token;
        let lists = [&receipt.emitted_tokens, &receipt.forced_tokens];
        let last = lists.iter().find_map(|list| list.last().copied());
        let last = last.unwrap_or(found);
        ensure(last == found, || ReceiptError::LastToken { found, last })
    });
}

impl Receipt {
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
pub(super) fn chain(field: &'static str) -> impl FnOnce(ChainError) -> ReceiptError {
    move |source| ReceiptError::Chain { field, source }
}

/// A check of a receipt's token lists by name.
pub type TokenCheck = (&'static str, fn(&Receipt) -> Result<(), ReceiptError>);

/// A list is as long as the statement says.
fn check_count(field: &'static str, found: usize, expected: u32) -> Result<(), ReceiptError> {
    ensure(found as u64 == u64::from(expected), || {
        ReceiptError::Count {
            field,
            found,
            expected,
        }
    })
}

/// Binds one receipt to one verified proof. `facts` must come from the verification of the very
/// bytes that `proof` identifies.
///
/// # Errors
/// [`ReceiptError`], in this order: the statement's form, what the verifier accepts, security,
/// the proof's public output against the statement, the proof's identity and parameters, the
/// token lists. The message names the field.
pub fn check_receipt(
    receipt: &Receipt,
    facts: &PublicFacts,
    proof: &ProofIdentity,
    accept: &Accept,
) -> Result<(), ReceiptError> {
    all(receipt_checks(receipt, facts, proof, accept))
}

/// Every check of a receipt against a verified proof.
pub fn receipt_checks<'a>(
    receipt: &'a Receipt,
    facts: &'a PublicFacts,
    proof: &'a ProofIdentity,
    accept: &'a Accept,
) -> Vec<Check<'a, ReceiptError>> {
    let statement = &receipt.statement;
    let mut checks = vec![];
    // 1. The statement is well formed, and is one that this verifier is interested in.
    checks.extend(mapped(statement.form_checks()));
    checks.extend(mapped(accept.statement_checks(statement)));
    // 2. The proof verified under parameters that are strong enough.
    let strong = Check::new("security floor", || accept.check_security(facts));
    checks.extend(mapped([strong]));
    // 3. The proof's public output and program are the statement's.
    checks.extend(mapped(
        statement.output_checks(&facts.output, facts.program_hash),
    ));
    // 4. The record describes this proof.
    checks.extend(record_checks(&receipt.proof, facts, proof));
    // 5. The tokens in clear are those behind the roots.
    checks.extend(receipt.token_checks());
    checks
}

/// Why a receipt is not accepted, or is not about the proof at hand.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum ReceiptError {
    #[error(transparent)]
    Statement(#[from] StatementError),
    #[error(transparent)]
    Policy(#[from] PolicyError),
    #[error("proof.{field}: receipt says {receipt}, proof has {proof}")]
    Proof {
        field: &'static str,
        receipt: String,
        proof: String,
    },
    #[error("{field}: has {found} tokens, the statement's positions give {expected}")]
    Count {
        field: &'static str,
        found: usize,
        expected: u32,
    },
    #[error(
        "forced_tokens and emitted_tokens: list choices that lead to {computed}, \
         statement.frontier_out.chosen_root is {root}"
    )]
    Chosen {
        computed: ChosenRoot,
        root: ChosenRoot,
    },
    #[error("{field}: {source}")]
    Chain {
        field: &'static str,
        source: ChainError,
    },
    #[error(
        "forced_tokens and emitted_tokens: lead to {computed}, \
         statement.frontier_out.tokens_root is {root}"
    )]
    Tokens {
        computed: TokensRoot,
        root: TokensRoot,
    },
    #[error("statement.frontier_out.last_token: is {found}, the chunk's last token is {last}")]
    LastToken { found: u32, last: u32 },
}

impl ReceiptError {
    /// The field that it is about; of a root and the tokens that do not lead to it, the root.
    pub fn field(&self) -> Option<String> {
        let field = match self {
            ReceiptError::Statement(error) => return error.field(),
            ReceiptError::Policy(error) => return error.field().map(str::to_string),
            ReceiptError::Proof { field, .. } => return Some(format!("proof.{field}")),
            ReceiptError::Count { field, .. } | ReceiptError::Chain { field, .. } => field,
            ReceiptError::Chosen { .. } => "statement.frontier_out.chosen_root",
            ReceiptError::Tokens { .. } => "statement.frontier_out.tokens_root",
            ReceiptError::LastToken { .. } => "statement.frontier_out.last_token",
        };
        Some(field.to_string())
    }
}
