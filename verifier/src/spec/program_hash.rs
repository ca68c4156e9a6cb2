//! Identity of a program: one hash over its words.

use blake2::{Blake2s256, Digest};
use starknet_types_core::felt::Felt;

/// `Blake2s-256("cairo-decode program 1" ‖ count as u64 LE ‖ words as 32 bytes LE each)`, read as a
/// little-endian integer with its upper 8 bits cleared, so that it is a field element of 248 bits.
pub fn program_hash(words: &[Felt]) -> Felt {
    let mut hasher = Blake2s256::new();
    hasher.update(b"cairo-decode program 1");
    hasher.update((words.len() as u64).to_le_bytes());
    for word in words {
        hasher.update(word.to_bytes_le());
    }
    let mut digest: [u8; 32] = hasher.finalize().into();
    digest[31] = 0;
    Felt::from_bytes_le(&digest)
}
