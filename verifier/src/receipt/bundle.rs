//! A session in one file: what a folder has, behind a line that lists it.
//!
//! The first line is a document, [`Contents`]: names and sizes in order. Behind it are the files' bytes, one behind the other and
//! nothing between or after them. So a bundle of given files is one file only.
//!
//! Owns: the format, and [`SessionBundle`], which reads one where it lies. Invariants: no file is listed that a session does not have
//! or that is beyond its kind's limit; sizes are looked at before any file is.
//!
//! Absent on purpose: what the files say, which is checked as a folder's is; wrapped proofs; and writing, which is the prover's.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::Serialize;

use super::document::{Document, DocumentError, MAX_DOCUMENT_BYTES};
use super::files::{FileError, open_regular};
use super::folder::{FolderError, MAX_PROOF_BYTES, SESSION_FILE};
use super::listing::{proof_index, receipt_index};
use super::source::Files;
use super::strict::{self, FormatError, Object, decode_fields, decode_struct};

/// The `format` field of a bundle's first line.
pub const BUNDLE_FORMAT: &str = "cairo-decode-bundle/1";

/// How every bundle begins, of whatever version.
pub const BUNDLE_START: &str = "{\"format\":\"cairo-decode-bundle/";

/// The first line of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Contents {
    /// The files in order of their names, each once.
    pub files: Vec<Listed>,
}

/// A file of a bundle.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Listed {
    pub name: String,
    pub bytes: u64,
}

/// Where a file of a bundle is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Placed {
    pub name: String,
    /// Offset of its first byte in the bundle.
    pub at: u64,
    pub bytes: u64,
}

decode_struct!(Listed { name, bytes });

impl Document for Contents {
    const FORMAT: &'static str = BUNDLE_FORMAT;

    fn body(object: &mut Object<'_>) -> Result<Self, FormatError> {
        Ok(decode_fields!(object, Contents { files }))
    }

    fn check_form(&self) -> Result<(), FormatError> {
        let mut before = "";
        for (i, Listed { name, bytes }) in self.files.iter().enumerate() {
            let wrong = |field: &str, reason: String| {
                Err(FormatError::inconsistent(
                    &format!("files[{i}].{field}"),
                    reason,
                ))
            };
            let Some(limit) = size_limit(name) else {
                let name = strict::shorten(name);
                return wrong(
                    "name",
                    format!("{name:?} is not the name of a session's file"),
                );
            };
            if name.as_str() <= before {
                return wrong("name", format!("{name} does not come after {before}"));
            }
            if *bytes > limit {
                return wrong(
                    "bytes",
                    format!("is {bytes}, and {name} has at most {limit}"),
                );
            }
            before = name;
        }
        Ok(())
    }
}

/// Most bytes of a session's file with this name; `None` for a name that no such file has.
pub fn size_limit(name: &str) -> Option<u64> {
    if name == SESSION_FILE || receipt_index(name).is_some() {
        return Some(MAX_DOCUMENT_BYTES);
    }
    proof_index(name).map(|_| MAX_PROOF_BYTES)
}

impl Contents {
    /// Most bytes of a bundle's first line, its end included.
    pub const MOST: u64 = MAX_DOCUMENT_BYTES;

    /// The line, with its end.
    ///
    /// # Errors
    /// [`FormatError`] if the contents break their own rules.
    pub fn to_line(&self) -> Result<String, FormatError> {
        self.check_form()?;
        strict::to_line(Self::FORMAT, self)
    }

    /// Where the files are in the bundle `file`, which has so many `bytes` and begins with `start`: all of it, or its first
    /// [`Contents::MOST`] bytes.
    ///
    /// # Errors
    /// A first line that is none, and a bundle that is longer or shorter than the line says.
    pub fn places(file: &Path, start: &[u8], bytes: u64) -> Result<Vec<Placed>, FolderError> {
        let mut lines = start.split_inclusive(|&byte| byte == b'\n');
        let line = lines.next().filter(|line| line.ends_with(b"\n"));
        let line = line.ok_or_else(|| FolderError::NoContents {
            file: file.to_path_buf(),
        })?;
        let contents = Contents::of_file(file, line)?;
        let format = |source| DocumentError::Format {
            file: file.to_path_buf(),
            source,
        };
        if contents.to_line().map_err(format)?.as_bytes() != line {
            let reason = "is not written as `bundle` writes it";
            return Err(format(FormatError::inconsistent("document", reason)).into());
        }
        let mut at = line.len() as u64;
        let place = |Listed { name, bytes }| {
            let placed = Placed { name, at, bytes };
            at += bytes;
            placed
        };
        let placed: Vec<Placed> = contents.files.into_iter().map(place).collect();
        match at == bytes {
            true => Ok(placed),
            false => Err(FolderError::BundleSize {
                file: file.to_path_buf(),
                found: bytes,
                expected: at,
            }),
        }
    }
}

/// The files of a bundle, which are read where they lie.
#[derive(Debug)]
pub struct SessionBundle {
    path: PathBuf,
    file: Mutex<File>,
    files: BTreeMap<String, Placed>,
}

impl SessionBundle {
    /// Opens the bundle in a file, and reads its first line.
    ///
    /// # Errors
    /// A file that cannot be read, and as [`Contents::places`].
    pub fn open(path: impl Into<PathBuf>) -> Result<SessionBundle, FolderError> {
        let path = path.into();
        let file = open_regular(&path)?;
        let read = FileError::io(&path, "read");
        let size = file.metadata().map_err(read)?.len();
        let mut start = vec![];
        let read = (&file).take(Contents::MOST).read_to_end(&mut start);
        read.map_err(FileError::io(&path, "read"))?;
        let files = Contents::places(&path, &start, size)?;
        let files = files
            .into_iter()
            .map(|placed| (placed.name.clone(), placed));
        Ok(SessionBundle {
            files: files.collect(),
            file: Mutex::new(file),
            path,
        })
    }
}

impl Files for SessionBundle {
    fn place(&self) -> &Path {
        &self.path
    }

    fn names(&self) -> Result<Vec<String>, FolderError> {
        Ok(self.files.keys().cloned().collect())
    }

    fn has(&self, name: &str) -> bool {
        self.files.contains_key(name)
    }

    fn read(&self, name: &str, limit: u64) -> Result<Vec<u8>, FileError> {
        let file = self.path.join(name);
        let Some(placed) = self.files.get(name) else {
            return Err(FileError::NotFound { file });
        };
        if placed.bytes > limit {
            return Err(FileError::TooLarge { file, limit });
        }
        // Its size is within the limit, and so in the memory.
        let mut bytes = vec![0; placed.bytes as usize];
        let mut bundle = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let read = bundle
            .seek(SeekFrom::Start(placed.at))
            .and_then(|_| bundle.read_exact(&mut bytes));
        read.map_err(FileError::io(&file, "read"))?;
        Ok(bytes)
    }
}
