//! Wraps a session's proofs into one small proof that a contract can verify.
//!
//! A chunk's proof is verified inside a circuit ([`leaf`]), two circuit proofs inside another
//! ([`fold`](mod@fold)), up to one proof for the whole session. Circuits, their gates and their
//! prover are the library's (`stwo-circuits` 1.0.0); which circuits, of which shape, with which pins, is
//! decided here.

pub mod calldata;
pub mod circuit;
pub mod components;
mod documents;
pub mod fold;
pub mod leaf;
pub mod session;
pub mod shape;
pub mod span;
mod stored;
pub mod verify;
pub mod witness;

use std::io;
use std::path::{Path, PathBuf};

use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::receipt::{DocumentError, FileError, FolderError, Rejected, WriterError};
use verify::WrappedProofError;

/// Why a session is not wrapped.
#[derive(Debug, Error)]
pub enum WrapError {
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error(transparent)]
    Writer(#[from] WriterError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("session.json: status: is `running`; run the same `prove` again to finish it")]
    Running,
    #[error("--group: is 0, a wrapped proof covers at least one chunk")]
    Group,
    #[error("{}: no such file; run the same `prove` again, which makes the chunk's proof anew", file.display())]
    NoWitness { file: PathBuf },
    #[error("{}: not what `prove` wrote", file.display())]
    BadWitness { file: PathBuf },
    #[error(
        "the circuit needs {rows} rows in {table}, at most {limit} fit: compile the model with fewer lanes, 8 at least, or with proofs of fewer queries (--proofs foldable-32); a model for which neither goes cannot be wrapped yet"
    )]
    CircuitTooLarge {
        table: &'static str,
        rows: usize,
        limit: usize,
    },
    #[error("the proof uses other components than a generated program does")]
    Components,
    #[error(
        "the model's proofs are `{set}`, which are not made to be wrapped: compile it with --proofs foldable-16, or with foldable-large if that is refused, and prove the session again"
    )]
    NotFoldable { set: &'static str },
    #[error("the model's components have several sizes, which no build for wrapping has")]
    Sizes,
    #[error("the model's components use a relation as often as the field has numbers")]
    Uses,
    #[error("the proof is of another program")]
    OtherProgram,
    #[error("the proof does not verify inside the circuit")]
    Inner,
    #[error(
        "{}: has a proof of an earlier run that cannot be folded; remove the folder, and run the same command again", nodes.display()
    )]
    Resumed { nodes: PathBuf },
    #[error("{proof}: the proof is not what the receipts say")]
    OtherOutput { proof: String },
    #[error("{}: no such file; run: cairo-decode wrap SESSION --build BUILD", file.display())]
    NotWrapped { file: PathBuf },
    #[error("{}: covers chunks that another document covers, or that do not exist; remove it", file.display())]
    ExtraWrapped { file: PathBuf },
    #[error("{}: {field}: is {found}, expected {expected}", file.display())]
    Differs {
        file: PathBuf,
        field: &'static str,
        found: String,
        expected: String,
    },
    #[error("wrapped proofs have {found} bits of security, at least {floor} are required")]
    Security { found: u32, floor: u32 },
    #[error(transparent)]
    Verify(#[from] Rejected),
    #[error("{}: {source}", file.display())]
    Proof {
        file: PathBuf,
        source: WrappedProofError,
    },
    #[error("the circuit prover failed: {0}")]
    Prover(String),
    #[error("the proof just made does not verify: {0}: this is a bug of cairo-decode")]
    SelfCheck(WrappedProofError),
}

impl WrapError {
    fn io(path: &Path) -> impl FnOnce(io::Error) -> WrapError {
        let path = path.to_path_buf();
        move |source| WrapError::Io { path, source }
    }
}

/// A digest of eight words below 2^31 as one felt, the first word lowest.
pub fn digest_felt(digest: &[u8; 32]) -> Felt {
    let shift = Felt::from(1u64 << 31);
    let (words, _) = digest.as_chunks::<4>();
    let words = words.iter().rev();
    words.fold(Felt::ZERO, |felt, word| {
        felt * shift + Felt::from(u32::from_le_bytes(*word))
    })
}

/// The digest in a felt that [`digest_felt`] made; `None` for any other felt.
pub fn felt_digest(felt: &Felt) -> Option<[u8; 32]> {
    let bytes = felt.to_bytes_le();
    let mut digest = [0; 32];
    for (i, word) in digest.chunks_exact_mut(4).enumerate() {
        let limb = (0..31).fold(0u32, |limb, k| {
            let bit = 31 * i + k;
            limb | u32::from(bytes[bit / 8] >> (bit % 8) & 1) << k
        });
        word.copy_from_slice(&limb.to_le_bytes());
    }
    (digest_felt(&digest) == *felt).then_some(digest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_and_felts_are_the_same_thing() {
        let digest = fold::ROOT;
        assert_eq!(felt_digest(&digest_felt(&digest)), Some(digest));
        assert_eq!(felt_digest(&-Felt::ONE), None);
        assert_eq!(felt_digest(&Felt::TWO.pow(248u32)), None);
    }
}
