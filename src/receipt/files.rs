//! Files that are never half written and never read without a bound.
//!
//! Owns: [`open_regular`], [`read_bounded`], [`write_atomic`] (temporary file in the same folder, sync, rename,
//! sync of the folder) and their errors.
//!
//! Invariants: a reader sees the old file or the new one; only regular files are read, so a pipe or a
//! device cannot block or flood the reader, whatever takes the file's place at whatever moment.
//!
//! Absent on purpose: retries and permissions.

use std::ffi::OsString;
use std::fs::{self, File, Permissions};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::{Builder, NamedTempFile};
use thiserror::Error;

/// The last part of a temporary file's name; the first one is a dot.
const TEMPORARY_END: &str = ".tmp";

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

/// Writes a file so that a reader, or a machine that stops, sees all of it or nothing. Several writers of one
/// file do not disturb each other: the last one wins.
///
/// # Errors
/// [`FileError::Io`]; the temporary file is removed.
pub fn write_atomic(file: &Path, bytes: &[u8]) -> Result<(), FileError> {
    let folder = folder_of(file);
    // The temporary file is removed when an error drops it.
    let temporary = temporary(file, &folder).map_err(FileError::io(file, "write"))?;
    fill(&temporary, bytes).map_err(FileError::io(file, "write"))?;
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

fn folder_of(file: &Path) -> PathBuf {
    match file.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_path_buf(),
        _ => PathBuf::from("."),
    }
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

fn fill(temporary: &NamedTempFile, bytes: &[u8]) -> io::Result<()> {
    let mut file = temporary.as_file();
    file.write_all(bytes)?;
    file.sync_all()
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
