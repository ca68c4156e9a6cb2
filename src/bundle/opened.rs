//! The build folder, read back and checked by digests.
//!
//! Each user reads what it needs, in this order: [`TensorModel`] has manifest, text and integers; its [decoder](TensorModel::decoder) has
//! the program and the plan besides; [`TensorBundle`] has the prover with the constants, which takes longest. What is read back gives the
//! manifest's roots and the program's hash, so plan and constants, which no file has, are those that the manifest pins.

use std::path::{Path, PathBuf};

use super::files::{Part, check_one_build};
use super::{BundleError, MANIFEST_FILE, size};
use crate::decode::{Build, BuildError, Decoder, IntegerModel};
use crate::model::Text;
use crate::program::Compiled;
use crate::receipt::{Document, Manifest, read_bounded};

/// What such a folder says of a model, without what proves it.
pub struct TensorModel {
    pub model: IntegerModel,
    pub text: Text,
    pub dir: PathBuf,
}

impl TensorModel {
    /// Reads manifest, text and integers, which have the root that the manifest says.
    ///
    /// # Errors
    /// A file that is missing or malformed, or parts that do not belong together.
    pub fn open(dir: &Path) -> Result<TensorModel, BundleError> {
        check_one_build(dir)?;
        let manifest = Manifest::read(&dir.join(MANIFEST_FILE))?;
        let path = dir.join(Part::Integers.name());
        let bytes = read_bounded(&path, size::MAX_INTEGERS_BYTES)?;
        let text = Text::load(dir)?;
        let digests = [&text.config_digest, &text.tokenizer_digest];
        let model = IntegerModel::open(manifest, &bytes, digests).map_err(in_folder(dir))?;
        Ok(TensorModel {
            model,
            text,
            dir: dir.to_path_buf(),
        })
    }

    /// The program and the plan of the model, and its text.
    ///
    /// # Errors
    /// As [`TensorModel::open`].
    pub fn decoder(self) -> Result<(Decoder, Text), BundleError> {
        let path = self.dir.join(Part::Program.name());
        let program = read_bounded(&path, size::MAX_PROGRAM_BYTES)?;
        let program = Compiled::from_json(&program, &path)?;
        let decoder = Decoder::new(self.model, program).map_err(in_folder(&self.dir))?;
        Ok((decoder, self.text))
    }
}

/// Such a folder whole, with what proves chunks.
pub struct TensorBundle {
    pub build: Build,
    pub text: Text,
    pub dir: PathBuf,
}

impl TensorBundle {
    /// Reads a build folder, and computes again what its manifest pins.
    ///
    /// # Errors
    /// As [`TensorModel::open`].
    pub fn open(dir: &Path) -> Result<TensorBundle, BundleError> {
        let (decoder, text) = TensorModel::open(dir)?.decoder()?;
        let build = Build::open(decoder).map_err(in_folder(dir))?;
        Ok(TensorBundle {
            build,
            text,
            dir: dir.to_path_buf(),
        })
    }
}

/// What is wrong with the parts of a folder.
fn in_folder(dir: &Path) -> impl Fn(BuildError) -> BundleError {
    move |source| {
        let dir = dir.to_path_buf();
        match source {
            BuildError::Differs {
                field,
                found,
                expected,
            } => BundleError::Mismatch {
                dir,
                field,
                found,
                expected,
            },
            BuildError::Encoding(source) => {
                let path = dir.join(Part::Integers.name());
                BundleError::Integers { path, source }
            }
            source => BundleError::Tensors { dir, source },
        }
    }
}
