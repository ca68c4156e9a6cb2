//! The bytes of a description: what a file has, and what the root of a model's parameters is of.
//!
//! Numbers have a fixed size, the lowest byte first; a list has its length before it. A description has one form, and bytes that are longer
//! or shorter than a description are refused. That a description makes sense is for [`ranges`](super::ranges) to say.

use bincode::Options;
use thiserror::Error;

use super::description::Description;

/// First bytes.
const MAGIC: &[u8] = b"cdints03";

/// Why bytes are no description, or a description has none.
#[derive(Debug, Error)]
pub enum EncodingError {
    #[error("it does not start with \"cdints03\"")]
    Magic,
    #[error("{0}")]
    Form(String),
}

fn options(limit: u64) -> impl Options {
    let options = bincode::DefaultOptions::new().with_fixint_encoding();
    options.reject_trailing_bytes().with_limit(limit)
}

/// The bytes of a description.
///
/// # Errors
/// [`EncodingError::Form`] if there is no memory for them.
pub fn encode(description: &Description) -> Result<Vec<u8>, EncodingError> {
    let form = |error: bincode::Error| EncodingError::Form(error.to_string());
    let mut bytes = MAGIC.to_vec();
    bytes.extend(options(u64::MAX).serialize(description).map_err(form)?);
    Ok(bytes)
}

/// The description that has these bytes.
///
/// # Errors
/// Bytes of no description.
pub fn decode(bytes: &[u8]) -> Result<Description, EncodingError> {
    let body = bytes.strip_prefix(MAGIC).ok_or(EncodingError::Magic)?;
    let read = options(body.len() as u64).deserialize(body);
    read.map_err(|error| EncodingError::Form(error.to_string()))
}
