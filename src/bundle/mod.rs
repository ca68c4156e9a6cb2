//! The build folder: everything that `compile` makes of a model directory.
//!
//! | file | content |
//! |---|---|
//! | `model.json` | the manifest: all that a verifier needs |
//! | `portable.json` | in its place, of the portable target, what the build is: no verifier takes it |
//! | `integers.bin` | the integer model |
//! | `program.json` | the compiled program |
//! | `config.json` | copied from the model directory |
//! | `tokenizer.json` | copied too, completed with the tokens that other files of the directory add |
//! | `tokenizer_config.json` | the chat template and the special tokens that it may name, if the model has one |
//! | `fidelity.json` | how well the integers follow the floats |
//! | `cairo/` | the generated package and its library, for people |
//!
//! Invariants
//! - A folder appears whole or not at all; an earlier build is replaced in one step, and only if its folder holds
//!   nothing but what a build has.
//! - What is read back is checked against the manifest: program hash, model root, vocabulary.

mod error;
mod fidelity;
mod files;
mod integers;
mod names;
mod opened;
mod pipeline;
mod portable;
mod size;
mod tensors;
mod texts;

use std::path::PathBuf;

pub use error::BundleError;
pub use fidelity::Fidelity;
pub use files::{InsideBuild, check_outside_builds};
pub use opened::{TensorBundle, TensorModel};
pub use portable::PortableBundle;
pub use texts::{Origin, TextUse};

pub use crate::receipt::MANIFEST_FILE;

use crate::decode::{Cost, Cut};
use crate::model::{Eos, Warning};
use crate::portable::PortableDocument;
use crate::receipt::Manifest;

/// What to build and from which text.
#[derive(Debug, Clone)]
pub struct BuildRequest {
    /// Hugging Face model directory.
    pub model: PathBuf,
    /// What people call the model; by default the directory's name.
    pub name: Option<String>,
    /// Text that the scales are calibrated on, documents separated by blank lines; by default `calibration.txt` of the
    /// directory, or else a text that comes with the program.
    pub calibration: Option<PathBuf>,
    /// Text that the fidelity report is measured on; by default `heldout.txt`, in the same way.
    pub heldout: Option<PathBuf>,
    /// Whether a model is built that does not follow the float model.
    pub accept_fidelity: bool,
    /// The token that ends a session; `None` takes the one that the model's files name.
    pub eos: Option<Eos>,
    /// Folder to make.
    pub out: PathBuf,
    /// Positions of a session at most; `None` takes the model's.
    pub context: Option<usize>,
    /// How the model is cut into rows.
    pub cut: Cut,
}

/// Stages of a build, for progress displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Import,
    Quantize,
    /// What the dearest chunk will cost, known before the rest is done.
    Planned(Cost),
    Fidelity,
    Compile,
    Write,
}

/// What a build is, in numbers.
#[derive(Debug, Clone)]
pub struct BuildReport<M> {
    pub manifest: M,
    pub fidelity: Fidelity,
    /// Words of the program.
    pub words: usize,
    /// What the dearest chunk costs, of all lanes and behind a full context, where that is known.
    pub cost: Option<Cost>,
    /// What of the model directory was left out of account, or had more than one reading.
    pub warnings: Vec<Warning>,
}

/// Builds a model directory.
///
/// # Errors
/// The first stage that fails; nothing is written then.
pub fn build(
    request: &BuildRequest,
    stage: &mut dyn FnMut(Stage),
) -> Result<BuildReport<Manifest>, BundleError> {
    pipeline::build(&tensors::Tensors, request, stage)
}

/// Builds a model directory for the portable target; how the request cuts the model decides the model root, as in [`build`].
///
/// # Errors
/// As [`build`].
pub fn build_portable(
    request: &BuildRequest,
    stage: &mut dyn FnMut(Stage),
) -> Result<BuildReport<PortableDocument>, BundleError> {
    pipeline::build(&portable::Portable, request, stage)
}
