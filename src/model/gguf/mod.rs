//! Models in a GGUF file, read as if they lay in a Hugging Face directory.
//!
//! A file has the configuration, the tokenizer and the tensors of a model. Its metadata becomes the `config.json` and the `tokenizer.json` that say the same,
//! which are then read like those of a directory, and each of its tensors becomes the tensor of the family's name, shape and order of rows. How a family is
//! stored is a [`Form`] in the family's file.
//!
//! Deliberately absent: any use of rounded weights as they are. They become floats, and the quantiser rounds floats.

mod blocks;
mod config;
mod container;
mod error;
mod form;
mod tokenizer;
mod weights;

pub use error::Problem;
pub use form::Form;

use super::ModelError;
use container::Container;
use std::path::Path;

/// The end of the names of such files.
const EXTENSION: &str = "gguf";

/// An opened file whose tensors are not read yet.
pub(super) struct Gguf {
    container: Container,
    form: &'static Form,
}

impl Gguf {
    /// Opens a file of such a name; none if `path` is another file or a folder.
    pub(super) fn find(path: &Path) -> Result<Option<Gguf>, ModelError> {
        let named = path.extension().is_some_and(|end| end == EXTENSION);
        if !named || !path.is_file() {
            return Ok(None);
        }
        let container = Container::open(path)?;
        let form = config::form(&container)?;
        Ok(Some(Gguf { container, form }))
    }
}

/// What is wrong with the file at `path`.
fn refused(path: &Path, problem: Problem) -> ModelError {
    ModelError::Gguf {
        path: path.into(),
        problem,
    }
}
