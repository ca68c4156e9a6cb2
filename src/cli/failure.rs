//! Which exit code a refusal has: whether what was read does not hold, or could not be read.

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
        FolderError::Exists { .. } | FolderError::NotEmpty { .. } | FolderError::Locked { .. } => {
            true
        }
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
