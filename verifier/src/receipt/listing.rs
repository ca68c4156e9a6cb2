//! The names of a session's files: how a chunk's number becomes a name, and which names are there.
//!
//! Invariant: a number has one name and a name at most one number.

use std::collections::BTreeSet;

use super::folder::FolderError;
use super::source::Files;

/// Most chunks of a session: their names have four digits.
pub const MAX_CHUNKS: usize = 10_000;

const START: &str = "chunk-";
const RECEIPT_END: &str = ".receipt.json";
const PROOF_END: &str = ".proof";
const WITNESS_END: &str = ".witness";

/// Name of chunk `index`'s receipt, for example `chunk-0007.receipt.json`.
pub fn receipt_name(index: usize) -> String {
    format!("{START}{index:04}{RECEIPT_END}")
}

/// Name of chunk `index`'s proof, for example `chunk-0007.proof`.
pub fn proof_name(index: usize) -> String {
    format!("{START}{index:04}{PROOF_END}")
}

/// Name of what wrapping chunk `index`'s proof needs, for example `chunk-0007.witness`.
pub fn witness_name(index: usize) -> String {
    format!("{START}{index:04}{WITNESS_END}")
}

/// The number of the chunk whose receipt has this name.
pub(super) fn receipt_index(name: &str) -> Option<usize> {
    index(name, RECEIPT_END)
}

/// The number of the chunk whose proof has this name.
pub(super) fn proof_index(name: &str) -> Option<usize> {
    index(name, PROOF_END)
}

/// `chunk-1`, `chunk-00001` and `chunk-+001` are not the name of chunk 1.
fn index(name: &str, end: &str) -> Option<usize> {
    let digits = name.strip_prefix(START)?.strip_suffix(end)?;
    let index = digits.parse().ok()?;
    (index < MAX_CHUNKS && format!("{index:04}") == digits).then_some(index)
}

/// Whether a name is that of a chunk's file, or almost.
pub fn is_chunk_name(name: &str) -> bool {
    let ends = [RECEIPT_END, PROOF_END, WITNESS_END];
    name.starts_with(START) && ends.iter().any(|end| name.ends_with(end))
}

/// The chunks that have a receipt, and those that have a proof.
#[derive(Debug, Default)]
pub struct Listing {
    pub receipts: BTreeSet<usize>,
    pub proofs: BTreeSet<usize>,
}

impl Listing {
    /// The listing of a session's files.
    ///
    /// # Errors
    /// [`FolderError::Misnamed`] for a name that is almost a chunk's, and what listing gives.
    pub(super) fn of(files: &dyn Files) -> Result<Listing, FolderError> {
        let mut listing = Listing::default();
        for name in files.names()? {
            let (set, index) = if !name.starts_with(START) {
                continue;
            } else if name.ends_with(RECEIPT_END) {
                (&mut listing.receipts, receipt_index(&name))
            } else if name.ends_with(PROOF_END) {
                (&mut listing.proofs, proof_index(&name))
            } else {
                continue;
            };
            let misnamed = || FolderError::Misnamed {
                file: files.place().join(&name),
            };
            set.insert(index.ok_or_else(misnamed)?);
        }
        Ok(listing)
    }
}
