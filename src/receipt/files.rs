//! Files that are never half written and never read without a bound.
//!
//! Owns: [`open_regular`], [`read_bounded`], [`write_atomic`] (temporary file in the same folder, sync, rename)
//! and their errors.
//!
//! Invariants: a reader sees the old file or the new one; only regular files are read, so a pipe or a
//! device cannot block or flood the reader, whatever takes the file's place at whatever moment.
//!
//! Absent on purpose: retries and permissions.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

/// Why a file could not be read or written.
#[derive(Debug, Error)]
pub enum FileError {
    #[error("{}: no such file or folder", file.display())]
    NotFound { file: PathBuf },
    #[error("{}: is not a regular file", file.display())]
    NotAFile { file: PathBuf },
    #[error("{}: is larger than {limit} bytes, the limit for this kind of file", file.display())]
    TooLarge { file: PathBuf, limit: u64 },
    #[error("{}: cannot {action}: {source}", file.display())]
    Io {
        file: PathBuf,
        action: &'static str,
        source: io::Error,
    },
}

impl FileError {
    /// What to do with the system's error after `action` failed.
    pub(super) fn io(file: &Path, action: &'static str) -> impl FnOnce(io::Error) -> FileError {
        move |source| {
            let file = file.to_path_buf();
            let reading = matches!(action, "read" | "open" | "list");
            if reading && source.kind() == io::ErrorKind::NotFound {
                return FileError::NotFound { file };
            }
            FileError::Io {
                file,
                action,
                source,
            }
        }
    }
}

/// Opens a regular file for reading; whatever else has this name is an error, and nobody waits for it.
///
/// The file is looked at twice. Before it is opened, as opening a device can have effects; and after, as
/// somebody may have put a pipe in its place in between, for which an ordinary `open` would wait.
///
/// # Errors
/// [`FileError::NotFound`], [`FileError::NotAFile`], [`FileError::Io`].
pub fn open_regular(file: &Path) -> Result<File, FileError> {
    use std::os::unix::fs::OpenOptionsExt;
    let regular = |metadata: fs::Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(FileError::NotAFile {
            file: file.to_path_buf(),
        }),
    };
    regular(fs::metadata(file).map_err(FileError::io(file, "read"))?)?;
    // The standard library adds `O_CLOEXEC`.
    let mut options = File::options();
    options.read(true).custom_flags(libc::O_NONBLOCK);
    let opened = options.open(file).map_err(FileError::io(file, "open"))?;
    regular(opened.metadata().map_err(FileError::io(file, "read"))?)?;
    Ok(opened)
}

/// Reads a regular file of at most `limit` bytes.
///
/// # Errors
/// [`FileError`]; nothing is read from a file whose size is beyond the limit, and reading stops
/// there should it grow meanwhile.
pub fn read_bounded(file: &Path, limit: u64) -> Result<Vec<u8>, FileError> {
    let opened = open_regular(file)?;
    let too_large = || FileError::TooLarge {
        file: file.to_path_buf(),
        limit,
    };
    let size = opened
        .metadata()
        .map_err(FileError::io(file, "read"))?
        .len();
    if size > limit {
        return Err(too_large());
    }
    let mut bytes = Vec::new();
    opened
        .take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(FileError::io(file, "read"))?;
    if bytes.len() as u64 > limit {
        return Err(too_large());
    }
    Ok(bytes)
}

/// Writes a file so that a reader, or a machine that stops, sees all of it or nothing.
///
/// # Errors
/// [`FileError::Io`]; the temporary file is removed.
pub fn write_atomic(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = folder_of(file);
    let temporary = folder.join(temporary_name(file));
    let written = write_synced(&temporary, bytes)
        .and_then(|()| fs::rename(&temporary, file))
        .map_err(FileError::io(file, "write"));
    if written.is_err() {
        // Nothing more can be done about a leftover; the write's own error is the one to show.
        let _ = fs::remove_file(&temporary);
    }
    written?;
    // The rename itself must survive a power cut. Not every file system can sync a folder.
    if let Ok(opened) = File::open(&folder) {
        let _ = opened.sync_all();
    }
    Ok(())
}

/// True for the names that [`write_atomic`] gives to its temporary files.
pub(super) fn is_temporary(name: &str) -> bool {
    name.starts_with('.') && name.ends_with(".tmp")
}

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}

fn temporary_name(file: &Path) -> OsString {
    let mut name = OsString::from(".");
    name.push(file.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    name
}

fn write_synced(file: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut opened = File::create(file)?;
    opened.write_all(bytes)?;
    opened.sync_all()
}
