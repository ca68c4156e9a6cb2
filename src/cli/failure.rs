//! Which exit code a refusal has: whether what was read does not hold, or could not be read.

use std::fmt;

use anyhow::Error;
use cairo_decode::receipt::{DocumentError, FileError, FolderError, VerifySessionError};
use cairo_decode::wrap::WrapError;

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
    pub fn of_session(error: VerifySessionError) -> Failure {
        Failure::new(of_verified(&error), error.into())
    }

    /// What is wrong with a wrapped session that is verified.
    pub fn of_wrapped(error: WrapError) -> Failure {
        let unread = match &error {
            WrapError::Verify(error) => of_verified(error),
            WrapError::Folder(error) => of_folder(error),
            WrapError::Document(error) => of_document(error),
            WrapError::File(error) => of_file(error),
            WrapError::Io { .. }
            | WrapError::Group { .. }
            | WrapError::CircuitTooLarge { .. }
            | WrapError::Prover(_)
            | WrapError::SelfCheck(_) => true,
            _ => false,
        };
        Failure::new(unread, error.into())
    }

    /// The same, after something was done.
    pub fn after(self, done: Done) -> Failure {
        match self {
            Failure::Rejected(error) => Failure::Rejected(error.context(done)),
            Failure::Input(error) => Failure::Input(error.context(done)),
        }
    }

    fn new(unread: bool, error: Error) -> Failure {
        match unread {
            true => Failure::Input(error),
            false => Failure::Rejected(error),
        }
    }
}

fn of_folder(error: &FolderError) -> bool {
    match error {
        FolderError::File(error) => of_file(error),
        FolderError::Document(error) => of_document(error),
        FolderError::Exists { .. }
        | FolderError::NotEmpty { .. }
        | FolderError::Locked { .. }
        | FolderError::LockFile { .. }
        | FolderError::ChunkFolder { .. } => true,
        // A session that is said to be complete and lacks a receipt does not hold, nor one that is not wholly wrapped.
        _ => false,
    }
}

fn of_document(error: &DocumentError) -> bool {
    match error {
        DocumentError::File(error) => of_file(error),
        _ => false,
    }
}

/// What the command line names was found before. So a file that is missing is a part that a complete session, or a
/// receipt, says to have; and a file beyond its limit was found, and is none that this program wrote.
fn of_file(error: &FileError) -> bool {
    !matches!(
        error,
        FileError::TooLarge { .. } | FileError::NotFound { .. }
    )
}

/// Whether a session was not read, rather than refused.
fn of_verified(error: &VerifySessionError) -> bool {
    match error {
        VerifySessionError::Document(error) => of_document(error),
        VerifySessionError::Folder(error) => of_folder(error),
        _ => false,
    }
}
