//! Writing a session's bundle: the folder's files in one, as `cairo_decode_verifier::receipt` reads them.
//!
//! Invariants: only a complete session is bundled, and all of its receipts and proofs are in it; a bundle appears whole or not
//! at all.
//!
//! Absent on purpose: verification. What does not hold in the folder does not hold in the bundle.

use std::io::{self, Write};
use std::path::Path;

use super::write::write_atomic_with;
use super::{
    Contents, DocumentError, FileError, FolderError, Listed, MAX_DOCUMENT_BYTES, Rejected,
    SESSION_FILE, SessionDir, open_regular, proof_name, read_bounded, receipt_name, size_limit,
};

/// Writes the session in a folder into one file. Returns what is in it.
///
/// # Errors
/// A session that is not complete, a file that is missing or has the name of one too many, and what reading and writing give.
pub fn write_bundle(session: &Path, file: &Path) -> Result<Contents, Rejected> {
    let names = names(&SessionDir::open(session)?)?;
    let listed = names.into_iter().map(|name| {
        let path = session.join(&name);
        let opened = open_regular(&path)?;
        let metadata = opened.metadata().map_err(FileError::io(&path, "read"))?;
        let bytes = metadata.len();
        Ok::<_, FileError>(Listed { name, bytes })
    });
    let files = listed
        .collect::<Result<_, _>>()
        .map_err(FolderError::from)?;
    let contents = Contents { files };
    let line = contents.to_line().map_err(|source| DocumentError::Format {
        file: file.to_path_buf(),
        source,
    })?;
    write_atomic_with(file, |mut out| {
        let mut put = |bytes: &[u8]| out.write_all(bytes).map_err(FileError::io(file, "write"));
        put(line.as_bytes())?;
        for Listed { name, bytes } in &contents.files {
            let path = session.join(name);
            let limit = size_limit(name).unwrap_or(MAX_DOCUMENT_BYTES);
            let read = read_bounded(&path, limit)?;
            if read.len() as u64 != *bytes {
                let changed = io::Error::other("it has another size than before");
                return Err(FileError::io(&path, "read")(changed));
            }
            put(&read)?;
        }
        Ok(())
    })
    .map_err(FolderError::from)?;
    Ok(contents)
}

/// The names of a complete session's files, in order.
fn names(folder: &SessionDir) -> Result<Vec<String>, Rejected> {
    let session = folder.load_session()?;
    let listing = folder.listing()?;
    let Some(end) = session.completion else {
        return Err(Rejected::Running {
            dir: folder.path().display().to_string(),
            receipts: listing.receipts.len(),
        });
    };
    let chunks = end.chunks;
    if let Some(&extra) = listing.receipts.range(chunks as usize..).next() {
        let file = folder.receipt_path(extra);
        return Err(FolderError::ExtraReceipt { file, chunks }.into());
    }
    if let Some(&extra) = listing.proofs.range(chunks as usize..).next() {
        let file = folder.proof_path(extra);
        return Err(FolderError::ExtraProof { file }.into());
    }
    let mut names = vec![];
    // Ends at the first receipt that is missing, however many there should be.
    for index in 0..chunks as usize {
        if !listing.receipts.contains(&index) {
            let dir = folder.path().to_path_buf();
            return Err(FolderError::MissingReceipt { dir, index }.into());
        }
        names.extend([proof_name(index), receipt_name(index)]);
    }
    names.push(SESSION_FILE.to_string());
    Ok(names)
}
