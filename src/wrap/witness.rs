//! What wrapping a chunk's proof needs beyond the proof file: the prover's own form of the proof, with
//! full Merkle paths and the queries in the order they were drawn.
//!
//! Nobody has to trust it: a circuit checks all of it again, and a wrong one proves nothing. Its digest is there so
//! that a damaged file is found when a session goes on, and not hours later when it is wrapped.

use bincode::Options;
use blake2::{Blake2s256, Digest};

use crate::prove::ExtendedProof;

/// Largest witness that is read, in bytes.
pub const MAX_WITNESS_BYTES: u64 = 256 << 20;

/// First bytes of a witness file: name and version of the encoding.
const MAGIC: &[u8; 8] = b"cdwitns2";

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(MAX_WITNESS_BYTES)
        .reject_trailing_bytes()
}

/// The witness file's bytes: magic, Blake2s-256 of the rest, the proof. More than [`MAX_WITNESS_BYTES`] cannot be read
/// back.
///
/// # Panics
/// Never: plain data has an encoding, and a vector takes it.
#[allow(clippy::expect_used, reason = "plain data has an encoding")]
pub fn encode(proof: &ExtendedProof) -> Vec<u8> {
    let body = options().with_no_limit().serialize(proof);
    let body = body.expect("plain data has an encoding");
    [&MAGIC[..], &Blake2s256::digest(&body), &body].concat()
}

/// Reads a witness file; `None` for anything but the encoding of a proof.
pub fn decode(bytes: &[u8]) -> Option<ExtendedProof> {
    let (digest, body) = bytes.strip_prefix(MAGIC)?.split_at_checked(32)?;
    if Blake2s256::digest(body).as_slice() != digest {
        return None;
    }
    options().deserialize(body).ok()
}
