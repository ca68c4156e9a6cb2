//! Which exit code a refusal has: whether what was read does not hold, or could not be read.

use std::fmt;

use anyhow::Error;

use crate::receipt::{DocumentError, FileError, FolderError, Rejected};

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// A proof, receipt or session that was read to be verified does not hold, or a contract refuses it.
    Rejected(Error),
    /// The command line, a file that is missing or cannot be read, or the machine is at fault.
    Input(Error),
}

/// What was done before something failed: a command's JSON has it then too.
#[derive(Debug)]
pub struct Done {
    /// Comes before the reason of the failure.
    pub text: String,
    /// An object.
    pub json: serde_json::Value,
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A command's JSON: whether all is done, and what is.
pub fn done_json(ok: bool, mut done: serde_json::Value) -> serde_json::Value {
    done["ok"] = ok.into();
    done
}

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Input(error.into())
    }
}

impl Failure {
    /// What is wrong with a session or a receipt that is verified.
    pub fn of_session(error: Rejected) -> Failure {
        Failure::new(is_unread(&error), error.into())
    }

    /// The same, after something was done.
    pub fn after(self, done: Done) -> Failure {
        match self {
            Failure::Rejected(error) => Failure::Rejected(error.context(done)),
            Failure::Input(error) => Failure::Input(error.context(done)),
        }
    }

    /// A failure with this reason; `unread`: something was not read, rather than refused.
    pub fn new(unread: bool, error: Error) -> Failure {
        match unread {
            true => Failure::Input(error),
            false => Failure::Rejected(error),
        }
    }
}

/// Whether a session's folder was not read, rather than refused.
pub fn is_folder_unread(error: &FolderError) -> bool {
    match error {
        FolderError::File(error) => is_file_unread(error),
        FolderError::Document(error) => is_document_unread(error),
        // A session that is said to be complete and lacks a receipt does not hold, nor one that is not wholly wrapped.
        _ => false,
    }
}

/// Whether a document was not read, rather than refused.
pub fn is_document_unread(error: &DocumentError) -> bool {
    match error {
        DocumentError::File(error) => is_file_unread(error),
        _ => false,
    }
}

/// Whether a file was not read, rather than refused. What the command line names was found before. So a file that is missing is a part that a complete session, or a
/// receipt, says to have; and a file beyond its limit was found, and is none that this program wrote.
pub fn is_file_unread(error: &FileError) -> bool {
    !matches!(
        error,
        FileError::TooLarge { .. } | FileError::NotFound { .. }
    )
}

/// Whether a session was not read, rather than refused.
pub fn is_unread(error: &Rejected) -> bool {
    match error {
        Rejected::Document(error) => is_document_unread(error),
        Rejected::Folder(error) => is_folder_unread(error),
        _ => false,
    }
}
