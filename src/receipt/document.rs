//! A document: a JSON object with a `format` field, read strictly and written atomically.
//!
//! Owns: [`Document`], which gives every document type the same four methods, and
//! [`DocumentError`], which puts the file's name before what is wrong in it.
//!
//! Invariant: what is written can be read back; form and size are checked on both sides.
//!
//! Absent on purpose: reading several versions of a format. A new version is a new type.

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::files::{FileError, read_bounded, write_atomic};
use super::strict::{self, FormatError, Object};

/// Largest JSON document that is read or written, in bytes.
pub const MAX_DOCUMENT_BYTES: u64 = 1 << 20;

/// Why a document could not be read or written.
#[derive(Debug, Error)]
pub enum DocumentError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: {source}", file.display())]
    Format { file: PathBuf, source: FormatError },
}

/// A type that is one JSON document.
pub trait Document: Sized + Serialize {
    /// The content of the `format` field: name and version.
    const FORMAT: &'static str;

    /// Takes the document's fields.
    ///
    /// # Errors
    /// [`FormatError`] naming the field.
    fn body(object: &mut Object<'_>) -> Result<Self, FormatError>;

    /// Checks the rules between fields.
    ///
    /// # Errors
    /// [`FormatError::Inconsistent`] naming the field.
    fn check_form(&self) -> Result<(), FormatError>;

    /// Reads a document from bytes.
    ///
    /// # Errors
    /// [`FormatError`] naming the field.
    fn from_json(bytes: &[u8]) -> Result<Self, FormatError> {
        let document: Self = strict::document(bytes, Self::FORMAT, Self::body)?;
        document.check_form()?;
        Ok(document)
    }

    /// The document's text.
    ///
    /// # Errors
    /// [`FormatError`] if the document breaks its own rules.
    fn to_json(&self) -> Result<String, FormatError> {
        self.check_form()?;
        strict::to_text(Self::FORMAT, self)
    }

    /// Reads a file of at most [`MAX_DOCUMENT_BYTES`] bytes.
    ///
    /// # Errors
    /// [`DocumentError`] naming the file and the field.
    fn read(file: &Path) -> Result<Self, DocumentError> {
        Self::read_sized(file).map(|(document, _)| document)
    }

    /// The same, and how many bytes it had.
    ///
    /// # Errors
    /// As [`Document::read`].
    fn read_sized(file: &Path) -> Result<(Self, u64), DocumentError> {
        let bytes = read_bounded(file, MAX_DOCUMENT_BYTES)?;
        let format = |source| DocumentError::Format {
            file: file.to_path_buf(),
            source,
        };
        let document = Self::from_json(&bytes).map_err(format)?;
        Ok((document, bytes.len() as u64))
    }

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
