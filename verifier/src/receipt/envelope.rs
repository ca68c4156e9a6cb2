//! The receipt: the strict, versioned envelope that binds one statement to one proof.
//!
//! Owns: [`ReceiptOf`] (`chunk-0000.receipt.json`) of each type of statement, and
//! [`check_receipt`], the one place where a receipt meets the facts of a verified proof.
//!
//! Invariants: after [`check_receipt`], every field of the receipt except `proof.file`
//! has been compared with something that the proof or the verifier fixed;
//! `proof.file` is compared with the receipt's place in the session by `continuity`. A receipt's format says the type of its
//! statement, so none is read as the other.
//!
//! Absent on purpose: any field that nothing binds, proof verification itself, everything that takes more than one receipt, and
//! what differs between the types of statements (`stated`).

use serde::Serialize;
use thiserror::Error;

use super::document::Document;
use super::listing::proof_name;
use super::record::{ProofIdentity, ProofRecord, record_checks};
use super::stated::Stated;
use super::strict::{FormatError, Object, decode_fields};
use crate::verify::checks::{Check, all, ensure, mapped};
use crate::verify::policy::{Accept, PolicyError};
use crate::verify::statement::v3::{self, ChainError};
use crate::verify::statement::{ChosenRoot, PublicFacts, Statement, StatementError, TokensRoot};

/// A receipt about a statement of version 1 or 2.
pub type Receipt = ReceiptOf<Statement>;

/// A receipt about a statement of version 3: of a proof with tensor components.
pub type TensorReceipt = ReceiptOf<v3::Statement>;

/// The public record of one proven chunk.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReceiptOf<S> {
    pub statement: S,
    /// Token ids that came from the prompt, in order.
    pub forced_tokens: Vec<u32>,
    /// Token ids that the policy chose, in order; they follow the forced ones.
    pub emitted_tokens: Vec<u32>,
    pub proof: ProofRecord,
}

impl<S: Stated> Document for ReceiptOf<S> {
    const FORMAT: &'static str = S::FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(decode_fields!(
            object,
            ReceiptOf {
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

impl<S: Stated> ReceiptOf<S> {
    /// The receipt of chunk `index`, about a proof that verified with these facts.
    pub fn new(
        index: usize,
        statement: S,
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
        ReceiptOf {
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
            S::CHOICES,
            S::TOKENS,
            Self::LAST_TOKEN,
        ];
        checks.map(|(name, find)| Check::new(name, move || find(self)))
    }

    pub(super) const FORCED_COUNT: TokenCheck<S> = ("number of forced tokens", |receipt| {
        let found = receipt.forced_tokens.len();
        check_count("forced_tokens", found, receipt.statement.forced_count())
    });

    pub(super) const EMITTED_COUNT: TokenCheck<S> = ("number of emitted tokens", |receipt| {
        let found = receipt.emitted_tokens.len();
        check_count("emitted_tokens", found, receipt.statement.emitted_count())
    });

    pub(super) const LAST_TOKEN: TokenCheck<S> = ("the last token is the frontier's", |receipt| {
        let found = S::last_token(receipt.statement.frontier_out());
        let lists = [&receipt.emitted_tokens, &receipt.forced_tokens];
        let last = lists.iter().find_map(|list| list.last().copied());
        let last = last.unwrap_or(found);
        ensure(last == found, || ReceiptError::LastToken { found, last })
    });
}

/// A check of a receipt's token lists by name.
pub type TokenCheck<S> = (&'static str, fn(&ReceiptOf<S>) -> Result<(), ReceiptError>);

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
pub fn check_receipt<S: Stated>(
    receipt: &ReceiptOf<S>,
    facts: &PublicFacts,
    proof: &ProofIdentity,
    accept: &Accept,
) -> Result<(), ReceiptError> {
    all(receipt_checks(receipt, facts, proof, accept))
}

/// Every check of a receipt against a verified proof.
pub fn receipt_checks<'a, S: Stated>(
    receipt: &'a ReceiptOf<S>,
    facts: &'a PublicFacts,
    proof: &'a ProofIdentity,
    accept: &'a Accept,
) -> Vec<Check<'a, ReceiptError>> {
    let statement = &receipt.statement;
    let mut checks = vec![];
    // 1. The statement is well formed, and is one that this verifier is interested in.
    checks.extend(statement.form_checks());
    checks.extend(mapped(accept.statement_checks(statement.subject())));
    // 2. The proof verified under parameters that are strong enough.
    let strong = Check::new("security floor", || accept.check_security(facts));
    checks.extend(mapped([strong]));
    // 3. The proof's public output and program are the statement's.
    checks.extend(statement.output_checks(facts));
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
    #[error("emitted_tokens: fold to {computed}, statement.emitted_root is {root}")]
    Emitted {
        computed: TokensRoot,
        root: TokensRoot,
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
            ReceiptError::Emitted { .. } => "statement.emitted_root",
            ReceiptError::Chosen { .. } => "statement.frontier_out.chosen_root",
            ReceiptError::Tokens { .. } => "statement.frontier_out.tokens_root",
            ReceiptError::LastToken { .. } => "statement.frontier_out.last_token",
        };
        Some(field.to_string())
    }
}
