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
use crate::verify::checks::{Checked, all, ensure, mapped};
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

    /// The checks of the token lists.
    pub fn token_checks(&self) -> [Checked<ReceiptError>; 5] {
        let statement = &self.statement;
        let count = |field, found: usize, expected: u32| {
            ensure(found as u64 == u64::from(expected), || {
                ReceiptError::Count {
                    field,
                    found,
                    expected,
                }
            })
        };
        let (forced, emitted) = (self.forced_tokens.len(), self.emitted_tokens.len());
        let computed = TokensRoot(roots::fold_tokens(self.emitted_tokens.iter().copied()));
        let root = statement.emitted_root;
        let emitted_root = ensure(computed == root, || ReceiptError::Emitted {
            computed,
            root,
        });
        let before = statement.frontier_in.tokens_root.0;
        let computed = TokensRoot(roots::fold_tokens_onto(before, self.tokens()));
        let root = statement.frontier_out.tokens_root;
        let tokens_root = ensure(computed == root, || ReceiptError::Tokens { computed, root });
        let found = statement.frontier_out.last_token;
        let last = self.tokens().last().unwrap_or(found);
        let last_token = ensure(last == found, || ReceiptError::LastToken { found, last });
        [
            (
                "number of forced tokens",
                count("forced_tokens", forced, statement.forced_count()),
            ),
            (
                "number of emitted tokens",
                count("emitted_tokens", emitted, statement.emitted_count()),
            ),
            ("emitted tokens fold to emitted_root", emitted_root),
            ("all tokens lead to tokens_root", tokens_root),
            ("the last token is the frontier's", last_token),
        ]
    }
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
pub fn receipt_checks(
    receipt: &Receipt,
    facts: &PublicFacts,
    proof: &ProofIdentity,
    accept: &Accept,
) -> Vec<Checked<ReceiptError>> {
    let statement = &receipt.statement;
    let mut checks = vec![];
    // 1. The statement is well formed, and is one that this verifier is interested in.
    checks.extend(mapped(statement.form_checks()));
    checks.extend(mapped(accept.statement_checks(statement)));
    // 2. The proof verified under parameters that are strong enough.
    let strong = accept.check_security(facts);
    checks.extend(mapped([("security floor", strong)]));
    // 3. The proof's public output and program are the statement's.
    let output = statement.output_checks(&facts.output, facts.program_hash);
    checks.extend(mapped(output));
    // 4. The record describes this proof.
    checks.extend(record_checks(&receipt.proof, facts, proof));
    // 5. The tokens in clear are those behind the roots.
    checks.extend(receipt.token_checks());
    checks
}

fn record_checks(
    record: &ProofRecord,
    facts: &PublicFacts,
    proof: &ProofIdentity,
) -> [Checked<ReceiptError>; 12] {
    let (said, found) = (&record.params, &facts.params);
    let lifting = |size: Option<u32>| size.map_or_else(|| "null".to_owned(), |n| n.to_string());
    let number = |field, said: u64, found: u64| (field, said.to_string(), found.to_string());
    let small = |field, said: u32, found: u32| number(field, said.into(), found.into());
    let rows = [
        number("bytes", record.bytes, proof.bytes),
        (
            "blake2s",
            record.blake2s.to_string(),
            proof.blake2s.to_string(),
        ),
        (
            "params.channel",
            said.channel.name().to_owned(),
            found.channel.name().to_owned(),
        ),
        small("params.log_blowup", said.log_blowup, found.log_blowup),
        small("params.queries", said.queries, found.queries),
        small("params.pow_bits", said.pow_bits, found.pow_bits),
        small(
            "params.interaction_pow_bits",
            said.interaction_pow_bits,
            found.interaction_pow_bits,
        ),
        small("params.fold_step", said.fold_step, found.fold_step),
        small(
            "params.log_last_layer_degree_bound",
            said.log_last_layer_degree_bound,
            found.log_last_layer_degree_bound,
        ),
        (
            "params.lifting_log_size",
            lifting(said.lifting_log_size),
            lifting(found.lifting_log_size),
        ),
        (
            "params.preprocessed",
            said.preprocessed.name().to_owned(),
            found.preprocessed.name().to_owned(),
        ),
        small("security_bits", record.security_bits, facts.security_bits),
    ];
    rows.map(|(field, receipt, proof)| {
        let same = receipt == proof;
        let error = || ReceiptError::Proof {
            field,
            receipt,
            proof,
        };
        (field, ensure(same, error))
    })
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
