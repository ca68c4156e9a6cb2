//! Where a session's files come from: a folder, or memory.
//!
//! Owns: [`Files`], what a reader asks a source for, and its two implementations. Everything else of reading a session is one
//! code for all of them (`folder`).
//!
//! Invariants: no more than the limit is read of any file; a folder with more files than a session can have is not
//! listed to its end. Names are those of files directly in the folder: no reader asks for another.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::fs;
use std::path::{Path, PathBuf};

use super::files::{FileError, read_bounded};
use super::folder::FolderError;

/// Most files of a session's folder: proof, receipt and witness of each chunk, wrapped documents, and room for
/// a few of somebody else's.
pub const MAX_FILES: usize = 1 << 16;

/// The files of one session, by name.
pub trait Files: Debug + Send + Sync {
    /// What stands before a file's name in messages.
    fn place(&self) -> &Path;

    /// The names that are there.
    ///
    /// # Errors
    /// [`FolderError::TooManyFiles`], and what listing gives.
    fn names(&self) -> Result<Vec<String>, FolderError>;

    /// Whether a file has this name.
    fn has(&self, name: &str) -> bool;

    /// The bytes of a file that has at most `limit` of them.
    ///
    /// # Errors
    /// [`FileError`]; a larger file is not read.
    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError>;
}

/// The files in a folder.
#[derive(Clone, Debug)]
pub struct Folder {
    path: PathBuf,
}

impl Folder {
    /// The folder of this path, which is looked at when a file is asked for.
    pub fn new(path: impl Into<PathBuf>) -> Folder {
        Folder { path: path.into() }
    }
}

impl Files for Folder {
    fn place(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Result<Vec<String>, FolderError> {
        let mut names = vec![];
        for entry in fs::read_dir(&self.path).map_err(FileError::io(&self.path, "list"))? {
            let entry = entry.map_err(FileError::io(&self.path, "list"))?;
            check_file_count(names.len() + 1, &self.path)?;
            names.push(entry.file_name().to_string_lossy().into_owned());
        }
        Ok(names)
    }

    fn has(&self, name: &str) -> bool {
        self.path.join(name).is_file()
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        read_bounded(&self.path.join(name), limit)
    }
}

/// Files that somebody holds in memory: a page that was given them, a test, an archive's reader.
#[derive(Clone, Debug)]
pub struct Memory {
    place: PathBuf,
    files: BTreeMap<String, Vec<u8>>,
}

impl Memory {
    /// These files by name; messages call them files of `place`.
    pub fn new(place: impl Into<PathBuf>, files: BTreeMap<String, Vec<u8>>) -> Memory {
        let place = place.into();
        Memory { place, files }
    }
}

impl<N: Into<String>, const COUNT: usize> From<[(N, Vec<u8>); COUNT]> for Memory {
    /// These files by name, of a session called `session`.
    fn from(files: [(N, Vec<u8>); COUNT]) -> Memory {
        let files = files.map(|(name, bytes)| (name.into(), bytes));
        Memory::new("session", BTreeMap::from(files))
    }
}

impl Files for Memory {
    fn place(&self) -> &Path {
        &self.place
    }

    fn names(&self) -> Result<Vec<String>, FolderError> {
        check_file_count(self.files.len(), &self.place)?;
        Ok(self.files.keys().cloned().collect())
    }

    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let file = self.place.join(name);
        match self.files.get(name) {
            None => Err(FileError::NotFound { file }),
            Some(bytes) if bytes.len() as u64 > limit => Err(FileError::TooLarge { file, limit }),
            Some(bytes) => Ok(bytes.clone()),
        }
    }
}

/// A session in `place` may have so many files.
///
/// # Errors
/// [`FolderError::TooManyFiles`].
pub fn check_file_count(files: usize, place: &Path) -> Result<(), FolderError> {
    match files <= MAX_FILES {
        true => Ok(()),
        false => Err(FolderError::TooManyFiles {
            dir: place.to_path_buf(),
            limit: MAX_FILES,
        }),
    }
}
