//! A document: a JSON object with a `format` field, read strictly.
//!
//! Owns: [`Document`], which gives every document type the same methods, and
//! [`DocumentError`], which puts the file's name before what is wrong in it.
//!
//! Invariant: a document's text can be read back; its form is checked on both sides.
//!
//! Absent on purpose: files that are written, and reading several versions of a format. A new version is a new type.

use std::path::{Path, PathBuf};

use serde::Serialize;
use thiserror::Error;

use super::files::{FileError, read_bounded};
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

impl DocumentError {
    /// The document's file.
    pub fn file(&self) -> &Path {
        match self {
            DocumentError::File(error) => error.file(),
            DocumentError::Format { file, .. } => file,
        }
    }

    /// The field that it is about; `None` for the document as a whole.
    pub fn field(&self) -> Option<&str> {
        match self {
            DocumentError::File(_) => None,
            DocumentError::Format { source, .. } => source.field(),
        }
    }
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

    /// Reads a document from the bytes of a file.
    ///
    /// # Errors
    /// [`DocumentError::Format`] naming the file and the field.
    fn of_file(file: &Path, bytes: &[u8]) -> Result<Self, DocumentError> {
        Self::from_json(bytes).map_err(|source| DocumentError::Format {
            file: file.to_path_buf(),
            source,
        })
    }

    /// Reads a file of at most [`MAX_DOCUMENT_BYTES`] bytes.
    ///
    /// # Errors
    /// [`DocumentError`] naming the file and the field.
    fn read(file: &Path) -> Result<Self, DocumentError> {
        Self::of_file(file, &read_bounded(file, MAX_DOCUMENT_BYTES)?)
    }
}
