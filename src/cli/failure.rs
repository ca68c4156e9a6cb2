//! Which exit code a refusal of this package's own has; those of the verifier's are known there.

use cairo_decode::wrap::WrapError;
pub use cairo_decode_verifier::cli::failure::{Done, Failure, done_json};
use cairo_decode_verifier::cli::failure::{
    is_document_unread, is_file_unread, is_folder_unread, is_unread,
};

/// What is wrong with a wrapped session that is verified.
pub fn of_wrapped(error: WrapError) -> Failure {
    let unread = match &error {
        WrapError::Verify(error) => is_unread(error),
        WrapError::Folder(error) => is_folder_unread(error),
        WrapError::Document(error) => is_document_unread(error),
        WrapError::File(error) => is_file_unread(error),
        WrapError::Writer(_)
        | WrapError::Io { .. }
        | WrapError::Group
        | WrapError::CircuitTooLarge { .. }
        | WrapError::Prover(_)
        | WrapError::SelfCheck(_) => true,
        _ => false,
    };
    Failure::new(unread, error.into())
}
