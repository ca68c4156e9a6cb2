//! Why a text is not the document it should be: one variant per rule of strict reading.

use thiserror::Error;

/// Why a text is not the document it should be. Paths look like `statement.frontier_in.kv_root`
/// or `emitted_tokens[3]`; the empty path of a whole document prints as `document`.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatError {
    #[error("is not UTF-8 text (byte {at})")]
    Utf8 { at: usize },
    #[error("{path}: is not valid JSON: {reason}")]
    Syntax { path: String, reason: String },
    #[error("has bytes after the document, at line {line}, column {column}")]
    TrailingBytes { line: usize, column: usize },
    #[error(
        "format: is {found:?}, expected {expected:?} here (each target of `compile` has formats of its own)"
    )]
    OtherFormat {
        found: String,
        expected: &'static str,
    },
    #[error("{path}: missing field")]
    Missing { path: String },
    #[error("{path}: unknown field")]
    Unknown { path: String },
    #[error("{path}: duplicate field")]
    Duplicate { path: String },
    #[error("{path}: expected {expected}, found {found}")]
    WrongType {
        path: String,
        expected: &'static str,
        found: String,
    },
    #[error("{path}: {reason}")]
    NotCanonical { path: String, reason: String },
    #[error("{path}: is {found:?}, allowed are {allowed}")]
    UnknownName {
        path: String,
        found: String,
        allowed: String,
    },
    #[error("{path}: {reason}")]
    Inconsistent { path: String, reason: String },
    #[error("cannot be written as JSON: {reason}")]
    Encode { reason: String },
}

impl FormatError {
    /// The field that it is about; `None` for the document as a whole.
    pub fn field(&self) -> Option<&str> {
        match self {
            FormatError::Utf8 { .. }
            | FormatError::Syntax { .. }
            | FormatError::TrailingBytes { .. }
            | FormatError::Encode { .. } => None,
            FormatError::OtherFormat { .. } => Some("format"),
            FormatError::Missing { path }
            | FormatError::Unknown { path }
            | FormatError::Duplicate { path }
            | FormatError::WrongType { path, .. }
            | FormatError::NotCanonical { path, .. }
            | FormatError::UnknownName { path, .. }
            | FormatError::Inconsistent { path, .. } => Some(path),
        }
    }

    /// A field that breaks a rule of its document.
    pub fn inconsistent(path: &str, reason: impl Into<String>) -> Self {
        FormatError::Inconsistent {
            path: path.to_owned(),
            reason: reason.into(),
        }
    }
}
