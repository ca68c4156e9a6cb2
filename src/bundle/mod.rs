//! The build folder: everything that `compile` makes of a model directory.
//!
//! | file | content |
//! |---|---|
//! | `model.json` | the manifest: all that a verifier needs |
//! | `graph.bin` or `integers.bin` | the quantised step graph, or the integer model of a build whose proofs have tensor components |
//! | `program.json` | the compiled program |
//! | `config.json` | copied from the model directory |
//! | `tokenizer.json` | copied too, completed with the tokens that other files of the directory add |
//! | `tokenizer_config.json` | the chat template and the special tokens that it may name, if the model has one |
//! | `fidelity.json` | how well the integers follow the floats |
//! | `cairo/` | the generated package and the kernel library, for people |
//!
//! Invariants
//! - A folder appears whole or not at all; an earlier build is replaced in one step, and only if its folder holds
//!   nothing but what a build has.
//! - What is read back is checked against the manifest: program hash, model root, vocabulary.

mod error;
mod fidelity;
mod files;
mod names;
mod opened;
mod pipeline;
mod size;
mod steps;
mod tensors;
mod texts;

use std::path::PathBuf;

pub use error::BundleError;
pub use fidelity::Fidelity;
pub use files::build_around;
pub use opened::{TensorBundle, TensorModel};
pub use steps::Bundle;
pub use texts::{Origin, TextUse};

pub use crate::receipt::MANIFEST_FILE;

use crate::decode::{Cost, Cut};
use crate::lower::WeightLayout;
use crate::model::{Eos, Warning};
use crate::quantize::QuantOptions;
use crate::receipt::{Manifest, TensorManifest};

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
    /// Quantisation.
    pub options: QuantOptions,
    /// How the program comes to its weights; the results are the same.
    pub weights: WeightLayout,
}

/// Stages of a build, for progress displays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    Import,
    Quantize,
    /// What the dearest chunk will cost, known before the rest is done.
    Planned(Cost),
    Fidelity,
    Lower,
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
    /// What the dearest chunk costs, of all lanes and behind a full context, where proofs have tensor components.
    pub cost: Option<Cost>,
    /// What of the model directory was left out of account, or had more than one reading.
    pub warnings: Vec<Warning>,
}

/// Builds a model directory for proofs of the program's own steps.
///
/// # Errors
/// The first stage that fails; nothing is written then.
pub fn build(
    request: &BuildRequest,
    stage: &mut dyn FnMut(Stage),
) -> Result<BuildReport<Manifest>, BundleError> {
    pipeline::build(&steps::Steps, request, stage)
}

/// Builds a model directory for proofs with tensor components. Of the request, the options of int8 weights and their layout in a program
/// mean nothing here.
///
/// # Errors
/// As [`build`].
pub fn build_tensors(
    request: &BuildRequest,
    cut: Cut,
    stage: &mut dyn FnMut(Stage),
) -> Result<BuildReport<TensorManifest>, BundleError> {
    pipeline::build(&tensors::Tensors { cut }, request, stage)
}
