//! Everything that can go wrong with a build, one variant per check.

use std::path::PathBuf;

use thiserror::Error;

use super::{Fidelity, MANIFEST_FILE};
use crate::compile::{CompileError, ProgramError};
use crate::ir::GraphError;
use crate::lower::LowerError;
use crate::model::ModelError;
use crate::quantize::{MAX_PERPLEXITY_RATIO, MIN_AGREEMENT, QuantizeError, TextError, readable};
use crate::receipt::{DocumentError, FileError};

/// Why a model directory is not built, or a build folder not read.
#[derive(Debug, Error)]
pub enum BundleError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{}: {source}", dir.display())]
    Quantize { dir: PathBuf, source: QuantizeError },
    #[error(
        "the model has {parameters} parameters: its program would have {words} words or more, and a verifier takes {limit}; choose a smaller model"
    )]
    TooLarge {
        parameters: u64,
        words: u64,
        limit: u64,
    },
    #[error(transparent)]
    Option(QuantizeError),
    #[error("--name: a name has 1 to {limit} characters")]
    Name { limit: usize },
    #[error("{name}: {source}")]
    Text { name: String, source: TextError },
    #[error("{}: cannot read: {source}", path.display())]
    TextFile {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}: more than {limit} bytes; give a shorter text, a few pages are enough", path.display())]
    TextTooLarge { path: PathBuf, limit: u64 },
    #[error("{}: not UTF-8 after byte {valid}; give a plain text in UTF-8", path.display())]
    TextEncoding { path: PathBuf, valid: usize },
    #[error(
        "the model folder has no {file}, and the tokenizer knows neither the text that comes with cairo-decode nor its own tokens as text; pass a text that the model knows with {option}"
    )]
    NoText {
        file: &'static str,
        option: &'static str,
    },
    #[error("{}", useless(.0))]
    Useless(Box<Fidelity>),
    #[error("{file}: cannot be written: {problem}")]
    Unwritable { file: &'static str, problem: String },
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error(transparent)]
    Compile(#[from] CompileError),
    #[error(transparent)]
    Program(#[from] ProgramError),
    #[error(transparent)]
    Document(#[from] DocumentError),
    #[error(transparent)]
    File(#[from] FileError),
    #[error("{}: cannot {action}: {source}", path.display())]
    Io {
        path: PathBuf,
        action: &'static str,
        source: std::io::Error,
    },
    #[error("{}: exists and is not a build of cairo-decode; choose another -o or remove it", path.display())]
    NotABuild { path: PathBuf },
    #[error("{}: also holds {}; move it away or choose another -o", path.display(), entry.display())]
    AlsoHolds { path: PathBuf, entry: PathBuf },
    #[error("{}: not a step graph of this version: {problem}", path.display())]
    Graph { path: PathBuf, problem: String },
    #[error("{}: {source}", path.display())]
    Invalid { path: PathBuf, source: GraphError },
    #[error("{}: {field} is {found}, but {MANIFEST_FILE} says {expected}; compile the model again", dir.display())]
    Mismatch {
        dir: PathBuf,
        field: &'static str,
        found: String,
        expected: String,
    },
}

/// Why a model is not built, in numbers, and what to try.
fn useless(fidelity: &Fidelity) -> String {
    let report = &fidelity.report;
    format!(
        "the integer model does not follow the float model: on {} both put the same token first at {:.1} % of {} positions \
         (at least {:.0} % are asked for), and the perplexity is {} instead of {} (at most {:.0} % more are accepted); \
         nothing was written. Scales were calibrated on {}: try a text like what the model will read, with --calibration \
         FILE. A model with a few very large weights or activations cannot be rounded to int8 well. To build it all the \
         same, pass --accept-fidelity",
        fidelity.heldout,
        100.0 * report.top1_agreement,
        report.tokens,
        100.0 * MIN_AGREEMENT,
        readable(report.perplexity_int),
        readable(report.perplexity_float),
        100.0 * (MAX_PERPLEXITY_RATIO - 1.0),
        fidelity.calibration,
    )
}
