//! The prover's own files between two runs: name and version of the encoding, Blake2s-256 of the rest, the data.
//!
//! The digest is there so that a damaged file is found when it is read, and not where its data are used. It proves nothing:
//! whoever can write the file can write the digest.

use bincode::Options;
use blake2::{Blake2s256, Digest};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Largest file that is read, in bytes.
pub const MAX_STORED_BYTES: u64 = 256 << 20;

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_fixint_encoding()
        .with_limit(MAX_STORED_BYTES)
        .reject_trailing_bytes()
}

/// A file's bytes. More than [`MAX_STORED_BYTES`] cannot be read back.
///
/// # Panics
/// Never: plain data has an encoding, and a vector takes it.
#[allow(clippy::expect_used, reason = "plain data has an encoding")]
pub fn encode(magic: &[u8; 8], data: &impl Serialize) -> Vec<u8> {
    let body = options().with_no_limit().serialize(data);
    let body = body.expect("plain data has an encoding");
    [&magic[..], &Blake2s256::digest(&body), &body].concat()
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub fn decode<T: DeserializeOwned>(magic: &[u8; 8], bytes: &[u8]) -> Option<T> {
    let (digest, body) = bytes.strip_prefix(magic)?.split_at_checked(32)?;
    if Blake2s256::digest(body).as_slice() != digest {
        return None;
    }
    options().deserialize(body).ok()
}
