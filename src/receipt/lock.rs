//! The right to write into a session's folder: one process has it.
//!
//! Invariants
//! - Taking it waits for nobody, follows no link out of the folder, and makes nothing but the lock file.
//! - Who has it holds a lock on the lock file, and on the folder itself where the file system has locks of folders:
//!   removing or replacing the lock file lets nobody else in.
//!
//! What remains: a file system without locks of folders (many network file systems), where somebody removes
//! `session.lock` while a process works. And a file system whose locks hold on one machine only.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use super::{FileError, WriterError};

/// Name of the lock file; it stays, only the lock on it comes and goes.
pub const LOCK_FILE: &str = "session.lock";

/// How often a lock file that is replaced meanwhile is opened again.
const TRIES: usize = 8;

/// The locks. They are released when the files are closed.
#[derive(Debug)]
pub(super) struct Lock {
    _file: File,
    _folder: Option<File>,
}

impl Lock {
    /// Takes the lock of a session's folder.
    ///
    /// # Errors
    /// [`WriterError::Locked`] if another process has it, [`WriterError::LockFile`], or a file that cannot be opened.
    pub(super) fn take(dir: &Path) -> Result<Lock, WriterError> {
        let folder = lock_folder(dir)?;
        let file = dir.join(LOCK_FILE);
        for _ in 0..TRIES {
            let opened = open(&file)?;
            match opened.try_lock() {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Err(locked(dir)),
                Err(TryLockError::Error(source)) => {
                    return Err(FileError::io(&file, "lock")(source).into());
                }
            }
            // Between opening and locking, somebody may have put another file in its place.
            if is_at(&opened, &file).map_err(FileError::io(&file, "lock"))? {
                return Ok(Lock {
                    _file: opened,
                    _folder: folder,
                });
            }
        }
        Err(locked(dir))
    }
}

fn locked(dir: &Path) -> WriterError {
    WriterError::Locked {
        dir: dir.to_path_buf(),
    }
}

/// The lock on the folder itself; none where there are no such locks.
fn lock_folder(dir: &Path) -> Result<Option<File>, WriterError> {
    let opened = File::open(dir).map_err(FileError::io(dir, "open"))?;
    match opened.try_lock() {
        Ok(()) => Ok(Some(opened)),
        Err(TryLockError::WouldBlock) => Err(locked(dir)),
        Err(TryLockError::Error(_)) => Ok(None),
    }
}

/// Opens the lock file, or makes it. Whatever else has its name is refused without being opened for long.
fn open(file: &Path) -> Result<File, WriterError> {
    let other = || WriterError::LockFile {
        file: file.to_path_buf(),
    };
    // Opening a device can have effects.
    match fs::symlink_metadata(file) {
        Ok(found) if !found.is_file() => return Err(other()),
        _ => {}
    }
    let opened = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .custom_flags(libc::O_NONBLOCK | libc::O_NOFOLLOW)
        .open(file)
        .map_err(|source| match source.raw_os_error() {
            Some(libc::ELOOP | libc::ENXIO) => other(),
            _ => FileError::io(file, "open")(source).into(),
        })?;
    let found = opened.metadata().map_err(FileError::io(file, "open"))?;
    match found.is_file() {
        true => Ok(opened),
        false => Err(other()),
    }
}

/// Whether the name is still that of the opened file.
fn is_at(opened: &File, file: &Path) -> io::Result<bool> {
    let ours = opened.metadata()?;
    match fs::symlink_metadata(file) {
        Ok(there) => Ok((ours.dev(), ours.ino()) == (there.dev(), there.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}
