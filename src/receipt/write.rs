//! Files that are never half written.
//!
//! Owns: [`write_atomic`] (temporary file in the same folder, sync, rename, sync of the folder), and [`WriteDocument`], which
//! writes a document so.
//!
//! Invariants: a reader sees the old file or the new one; a document that is written can be read back.
//!
//! Absent on purpose: retries and permissions.

use std::ffi::OsString;
use std::fs::{File, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::{Builder, NamedTempFile};

use super::{Document, DocumentError, FileError, MAX_DOCUMENT_BYTES, folder_of};

/// The last part of a temporary file's name; the first one is a dot.
const TEMPORARY_END: &str = ".tmp";

/// Writing of a document.
pub trait WriteDocument: Document {
    /// Writes the file, all or nothing.
    ///
    /// # Errors
    /// [`DocumentError`] naming the file, also for a document that could not be read back.
    fn write(&self, file: &Path) -> Result<(), DocumentError> {
        let format = |source| DocumentError::Format {
            file: file.to_path_buf(),
            source,
        };
        let text = self.to_json().map_err(format)?;
        if text.len() as u64 > MAX_DOCUMENT_BYTES {
            let file = file.to_path_buf();
            return Err(FileError::TooLarge {
                file,
                limit: MAX_DOCUMENT_BYTES,
            }
            .into());
        }
        Ok(write_atomic(file, text.as_bytes())?)
    }
}

impl<D: Document> WriteDocument for D {}

/// Writes a file so that a reader, or a machine that stops, sees all of it or nothing. Several writers of one
/// file do not disturb each other: the last one wins.
///
/// # Errors
/// [`FileError::Io`]; the temporary file is removed.
pub fn write_atomic(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    write_atomic_with(file, |mut out| {
        out.write_all(bytes).map_err(FileError::io(file, "write"))
    })
}

/// The same of what `fill` writes.
///
/// # Errors
/// As [`write_atomic`], and what `fill` gives.
pub(super) fn write_atomic_with(
    file: &Path,
    fill: impl FnOnce(&File) -> Result<(), FileError>,
) -> Result<(), FileError> {
    let folder = folder_of(file);
    // The temporary file is removed when an error drops it.
    let temporary = temporary(file, &folder).map_err(FileError::io(file, "write"))?;
    fill(temporary.as_file())?;
    let synced = temporary.as_file().sync_all();
    synced.map_err(FileError::io(file, "write"))?;
    temporary
        .persist(file)
        .map_err(|refused| FileError::io(file, "write")(refused.error))?;
    // The new name itself must survive a power cut.
    sync_folder(&folder).map_err(FileError::io(&folder, "sync"))
}

/// True for the names that [`write_atomic`] gives to its temporary files.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(TEMPORARY_END)
}

/// A hidden file in `folder` with a name that no other writer has.
fn temporary(file: &Path, folder: &Path) -> io::Result<NamedTempFile> {
    let mut start = OsString::from(".");
    start.push(file.file_name().unwrap_or_default());
    start.push(".");
    Builder::new()
        .prefix(&start)
        .suffix(TEMPORARY_END)
        // As any other new file, less what the process's mask takes away; the default is for secrets.
        .permissions(Permissions::from_mode(0o666))
        .tempfile_in(folder)
}

/// Brings a folder's list of names to the disk, on file systems that can.
fn sync_folder(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        done => done,
    }
}
