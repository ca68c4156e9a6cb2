//! What wrapping a chunk's proof needs beyond the proof file: the prover's own form of the proof, with
//! full Merkle paths and the queries in the order they were drawn.
//!
//! Nobody has to trust it: a circuit checks all of it again, and a wrong one proves nothing.

use bincode::Options;

use crate::prove::ExtendedProof;

/// Largest witness that is read, in bytes.
pub const MAX_WITNESS_BYTES: u64 = 256 << 20;

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(MAX_WITNESS_BYTES)
        .reject_trailing_bytes()
}

/// The witness file's bytes.
pub fn encode(proof: &ExtendedProof) -> Vec<u8> {
    // Serialising plain data into a vector cannot fail; an empty file would not decode.
    options().serialize(proof).unwrap_or_default()
}

/// Reads a witness file; `None` for anything but the encoding of a proof.
pub fn decode(bytes: &[u8]) -> Option<ExtendedProof> {
    options().deserialize(bytes).ok()
}
