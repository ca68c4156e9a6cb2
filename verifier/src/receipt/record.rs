//! Which proof a receipt is about: file, size, digest, parameters.
//!
//! Owns: [`ProofRecord`], [`Digest`], [`ProofIdentity`], and the comparison of a record with a verified proof, field by field.
//!
//! Absent on purpose: what the proof is of (the statement).

use std::fmt;
use std::str::FromStr;

use blake2::{Blake2s256, Digest as _};
use serde::{Serialize, Serializer};
use thiserror::Error;

use super::envelope::ReceiptError;
use super::strict::{decode_canonical, decode_struct};
use crate::verify::checks::{Check, ensure};
use crate::verify::statement::{ProofParams, PublicFacts};

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

/// Every field of the record but the file's name is the proof's.
pub(super) fn record_checks<'a>(
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
