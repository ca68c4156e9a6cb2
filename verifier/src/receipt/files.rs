//! Files that are never read without a bound.
//!
//! Owns: [`open_regular`], [`read_bounded`], and what can be wrong with a file.
//!
//! Invariant: only regular files are read, so a pipe or a device cannot block or flood the reader, whatever takes the
//! file's place at whatever moment.
//!
//! Absent on purpose: writing, retries and permissions.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
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
    /// The file.
    pub fn file(&self) -> &Path {
        match self {
            FileError::NotFound { file }
            | FileError::NotAFile { file }
            | FileError::TooLarge { file, .. }
            | FileError::Io { file, .. } => file,
        }
    }

    /// What to do with the system's error after `action` failed.
    pub fn io(file: &Path, action: &'static str) -> impl FnOnce(io::Error) -> FileError {
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
    let regular = |metadata: fs::Metadata| match metadata.is_file() {
        true => Ok(()),
        false => Err(FileError::NotAFile {
            file: file.to_path_buf(),
        }),
    };
    regular(fs::metadata(file).map_err(FileError::io(file, "read"))?)?;
    let opened = unwaiting(File::options().read(true)).open(file);
    let opened = opened.map_err(FileError::io(file, "open"))?;
    regular(opened.metadata().map_err(FileError::io(file, "read"))?)?;
    Ok(opened)
}

/// Options with which nobody waits for the other end of a pipe. The standard library adds `O_CLOEXEC`.
#[cfg(unix)]
fn unwaiting(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    options.custom_flags(libc::O_NONBLOCK)
}

/// Other systems have no pipes among their files.
#[cfg(not(unix))]
fn unwaiting(options: &mut OpenOptions) -> &mut OpenOptions {
    options
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

/// The folder that a file is in.
pub fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
}
