//! What wrapping a chunk's proof needs beyond the proof file: the prover's own form of the proof, with
//! full Merkle paths and the queries in the order they were drawn.
//!
//! Nobody has to trust it: a circuit checks all of it again, and a wrong one proves nothing.

use super::stored;
use crate::prove::TensorWitness;

/// Largest witness that is read, in bytes.
pub const MAX_WITNESS_BYTES: u64 = stored::MAX_STORED_BYTES;

/// First bytes of a witness file: name and version of the encoding.
const MAGIC: &[u8; 8] = b"cdwitns3";

/// The witness file's bytes.
pub fn encode(witness: &TensorWitness) -> Vec<u8> {
    stored::encode(MAGIC, &(&witness.proof, &witness.tensors))
}

/// Reads a witness file; `None` for anything but the encoding of a proof.
pub fn decode(bytes: &[u8]) -> Option<TensorWitness> {
    let (proof, tensors) = stored::decode(MAGIC, bytes)?;
    Some(TensorWitness { proof, tensors })
}
