//! The receipt: the strict, versioned envelope that binds one statement to one proof.
//!
//! Owns: [`Receipt`] (`chunk-0000.receipt.json`), [`ProofRecord`], [`Digest`] and
//! [`check_receipt`], the one place where a receipt meets the facts of a verified proof.
//!
//! Invariants: after [`check_receipt`], every field of the receipt except `proof.file`
//! has been compared with something that the proof or the verifier fixed;
//! `proof.file` is compared with the receipt's place in the session by `continuity`.
//!
//! Absent on purpose: any field that nothing binds, proof verification itself, and everything that takes more than one receipt.

use std::fmt;
use std::str::FromStr;

use blake2::{Blake2s256, Digest as _};
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::document::Document;
use super::strict::{FormatError, Object, decode_canonical, decode_fields, decode_struct};
use crate::spec::roots;
use crate::verify::checks::{Check, all, ensure, mapped};
use crate::verify::policy::{Accept, PolicyError};
use crate::verify::statement::{ProofParams, PublicFacts, Statement, StatementError, TokensRoot};

/// The `format` field of a receipt.
pub const RECEIPT_FORMAT: &str = "cairo-decode-receipt/1";

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

/// Which proof a receipt is about and how it was made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ProofRecord {
    /// Name of the proof's file, beside the receipt.
    pub file: String,
    /// Size of that file.
    pub bytes: u64,
    /// Blake2s-256 of that file.
    pub blake2s: Digest,
    pub params: ProofParams,
    /// Security that the parameters give, in bits.
    pub security_bits: u32,
}

decode_struct!(ProofRecord {
    file,
    bytes,
    blake2s,
    params,
    security_bits
});
decode_canonical!(Digest);

/// A Blake2s-256 digest; 64 lower-case hexadecimal digits as text.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("must be 64 lower-case hexadecimal digits")]
pub struct DigestError;

impl FromStr for Digest {
    type Err = DigestError;
    fn from_str(text: &str) -> Result<Self, DigestError> {
        let mut digest = Digest([0; 32]);
        hex::decode_to_slice(text, &mut digest.0).map_err(|_| DigestError)?;
        if digest.to_string() == text {
            Ok(digest)
        } else {
            Err(DigestError)
        }
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Size and digest of a proof's bytes, as the verifier read them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProofIdentity {
    pub bytes: u64,
    pub blake2s: Digest,
}

impl ProofIdentity {
    /// Identity of these bytes.
    pub fn of(proof: &[u8]) -> Self {
        let blake2s = Digest(Blake2s256::digest(proof).into());
        ProofIdentity {
            bytes: proof.len() as u64,
            blake2s,
        }
    }
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
    /// [`ReceiptError::Count`], [`ReceiptError::Emitted`], [`ReceiptError::Tokens`],
    /// [`ReceiptError::LastToken`].
    pub fn check_tokens(&self) -> Result<(), ReceiptError> {
        all(self.token_checks())
    }

    /// The checks of the token lists, as [`TOKEN_CHECKS`] has them.
    pub fn token_checks(&self) -> [Check<'_, ReceiptError>; 5] {
        TOKEN_CHECKS.map(|(name, find)| Check::new(name, move || find(self)))
    }

    fn check_forced_count(&self) -> Result<(), ReceiptError> {
        let found = self.forced_tokens.len();
        check_count("forced_tokens", found, self.statement.forced_count())
    }

    fn check_emitted_count(&self) -> Result<(), ReceiptError> {
        let found = self.emitted_tokens.len();
        check_count("emitted_tokens", found, self.statement.emitted_count())
    }

    fn check_emitted_root(&self) -> Result<(), ReceiptError> {
        let computed = TokensRoot(roots::fold_tokens(self.emitted_tokens.iter().copied()));
        let root = self.statement.emitted_root;
        ensure(computed == root, || ReceiptError::Emitted {
            computed,
            root,
        })
    }

    fn check_tokens_root(&self) -> Result<(), ReceiptError> {
        let before = self.statement.frontier_in.tokens_root.0;
        let computed = TokensRoot(roots::fold_tokens_onto(before, self.tokens()));
        let root = self.statement.frontier_out.tokens_root;
        ensure(computed == root, || ReceiptError::Tokens { computed, root })
    }

    fn check_last_token(&self) -> Result<(), ReceiptError> {
        let found = self.statement.frontier_out.last_token;
        let lists = [&self.emitted_tokens, &self.forced_tokens];
        let last = lists.iter().find_map(|list| list.last().copied());
        let last = last.unwrap_or(found);
        ensure(last == found, || ReceiptError::LastToken { found, last })
    }
}

/// A check of a receipt's token lists by name.
pub(super) type TokenCheck = (&'static str, fn(&Receipt) -> Result<(), ReceiptError>);

pub(super) const FORCED_COUNT: TokenCheck =
    ("number of forced tokens", Receipt::check_forced_count);
pub(super) const EMITTED_COUNT: TokenCheck =
    ("number of emitted tokens", Receipt::check_emitted_count);
pub(super) const EMITTED_ROOT: TokenCheck = (
    "emitted tokens fold to emitted_root",
    Receipt::check_emitted_root,
);
pub(super) const TOKENS_ROOT: TokenCheck =
    ("all tokens lead to tokens_root", Receipt::check_tokens_root);
pub(super) const LAST_TOKEN: TokenCheck = (
    "the last token is the frontier's",
    Receipt::check_last_token,
);

/// The checks of the token lists. Numbers first: a list that is as long as the statement says is hashed, no other.
const TOKEN_CHECKS: [TokenCheck; 5] = [
    FORCED_COUNT,
    EMITTED_COUNT,
    EMITTED_ROOT,
    TOKENS_ROOT,
    LAST_TOKEN,
];

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
    let output = statement.output_checks(&facts.output, facts.program_hash);
    checks.extend(mapped(output));
    // 4. The record describes this proof.
    checks.extend(record_checks(&receipt.proof, facts, proof));
    // 5. The tokens in clear are those behind the roots.
    checks.extend(receipt.token_checks());
    checks
}

fn record_checks<'a>(
    record: &'a ProofRecord,
    facts: &'a PublicFacts,
    proof: &'a ProofIdentity,
) -> [Check<'a, ReceiptError>; 12] {
    let (said, found) = (&record.params, &facts.params);
    let (said_bound, bound) = (
        said.log_last_layer_degree_bound,
        found.log_last_layer_degree_bound,
    );
    [
        same("bytes", record.bytes, proof.bytes),
        same("blake2s", record.blake2s, proof.blake2s),
        same("params.channel", said.channel.name(), found.channel.name()),
        same("params.log_blowup", said.log_blowup, found.log_blowup),
        same("params.queries", said.queries, found.queries),
        same("params.pow_bits", said.pow_bits, found.pow_bits),
        same(
            "params.interaction_pow_bits",
            said.interaction_pow_bits,
            found.interaction_pow_bits,
        ),
        same("params.fold_step", said.fold_step, found.fold_step),
        same("params.log_last_layer_degree_bound", said_bound, bound),
        same(
            "params.lifting_log_size",
            Lifting(said.lifting_log_size),
            Lifting(found.lifting_log_size),
        ),
        same(
            "params.preprocessed",
            said.preprocessed.name(),
            found.preprocessed.name(),
        ),
        same("security_bits", record.security_bits, facts.security_bits),
    ]
}

/// A field of the record is the proof's.
fn same<'a, T: PartialEq + fmt::Display + 'a>(
    field: &'static str,
    receipt: T,
    proof: T,
) -> Check<'a, ReceiptError> {
    Check::new(field, move || {
        ensure(receipt == proof, || ReceiptError::Proof {
            field,
            receipt: receipt.to_string(),
            proof: proof.to_string(),
        })
    })
}

/// A lifting size as a receipt writes it.
#[derive(PartialEq)]
struct Lifting(Option<u32>);

impl fmt::Display for Lifting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(size) => write!(f, "{size}"),
            None => f.write_str("null"),
        }
    }
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
