//! Removing a session's chunks, so that they can be proven anew.

use std::fs;
use std::ops::Range;
use std::path::PathBuf;

use super::{FileError, SessionWriter, WriterError, witness_name};

impl SessionWriter {
    /// Removes receipts, proofs and witnesses of these chunks, receipts first and the last of them first: whenever
    /// it is stopped, what is left is a session. Returns the names of what was there.
    ///
    /// # Errors
    /// As [`SessionDir::listing`](super::SessionDir::listing), or a file that cannot be removed.
    pub fn discard(&self, chunks: Range<usize>) -> Result<Vec<String>, WriterError> {
        let found = self.dir().listing()?;
        let receipts = found.receipts.range(chunks.clone()).rev();
        let mut files: Vec<PathBuf> = receipts.map(|i| self.dir().receipt_path(*i)).collect();
        let proofs = found.proofs.range(chunks.clone());
        files.extend(proofs.map(|i| self.dir().proof_path(*i)));
        let known = found.receipts.union(&found.proofs);
        let witness = |i: &usize| self.dir().path().join(witness_name(*i));
        let witnesses = known.filter(|i| chunks.contains(i)).map(witness);
        files.extend(witnesses.filter(|file| file.exists()));
        let mut names = vec![];
        for file in files {
            fs::remove_file(&file).map_err(FileError::io(&file, "remove"))?;
            names.extend(
                file.file_name()
                    .map(|name| name.to_string_lossy().into_owned()),
            );
        }
        Ok(names)
    }
}
