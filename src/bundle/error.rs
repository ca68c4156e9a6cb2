//! Everything that can go wrong with a build, one variant per check.

use std::path::PathBuf;

use thiserror::Error;

use super::{Fidelity, MANIFEST_FILE};
use crate::compile::{CompileError, ProgramError};
use crate::decode::BuildError;
use crate::fidelity::{
    Cause, FidelityError, MAX_DIVERGENCE, MAX_PERPLEXITY_RATIO, MIN_AGREEMENT, TextError, readable,
};
use crate::integers::EncodingError;
use crate::model::ModelError;
use crate::portable::{PORTABLE_FILE, PortableError};
use crate::quantize::ScaleError;
use crate::receipt::{DocumentError, FileError};
use crate::wrap::WrapError;

/// Why a model directory is not built, or a build folder not read.
#[derive(Debug, Error)]
pub enum BundleError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{}: {source}", dir.display())]
    Fidelity { dir: PathBuf, source: FidelityError },
    #[error(
        "the model has {parameters} parameters: with --target cairo each is a constant of the program, and a program has at most {limit}; choose a smaller model, or compile it without --target"
    )]
    TooLargeForCairo { parameters: u64, limit: u64 },
    #[error(
        "the model has {parameters} parameters: compiling it takes {needed} MB of memory or more, and there are {available}; choose a smaller model, or a larger machine"
    )]
    Memory {
        parameters: u64,
        needed: u64,
        available: u64,
    },
    #[error(
        "{}: a build of cairo-decode already; compile takes the model's directory", dir.display()
    )]
    IsABuild { dir: PathBuf },
    #[error("--context: {value} tokens are not from 1 to {max}")]
    Context { value: usize, max: usize },
    #[error(
        "--context: attention of a proof sees at most {largest} positions, not {context}; pass --context {largest}, or less, which also takes less memory"
    )]
    LongContext { context: usize, largest: usize },
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
    #[error("{}", useless(fidelity, cause.as_ref()))]
    Useless {
        fidelity: Box<Fidelity>,
        cause: Option<Cause>,
    },
    #[error(
        "the float model's own perplexity is {} on {text}: it gives the text no chance, so integers have nothing to follow; nothing was written. Check that the model works elsewhere, or pass a text that it knows with --heldout FILE. To build it all the same, pass --accept-fidelity", readable(*.perplexity)
    )]
    NothingToFollow { text: String, perplexity: f64 },
    #[error("{file}: cannot be written: {problem}")]
    Unwritable { file: &'static str, problem: String },
    #[error("{}: {source}", dir.display())]
    Scales { dir: PathBuf, source: ScaleError },
    #[error("{}: {source}", dir.display())]
    Tensors { dir: PathBuf, source: BuildError },
    #[error("{}: {source}", dir.display())]
    Portable { dir: PathBuf, source: PortableError },
    #[error("{}: {source}", dir.display())]
    Wrap {
        dir: PathBuf,
        source: Box<WrapError>,
    },
    #[error("{}: no integer model of this version: {source}", path.display())]
    Integers {
        path: PathBuf,
        source: EncodingError,
    },
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
    #[error("{}: has both {MANIFEST_FILE} and {PORTABLE_FILE}, which are of two builds; compile the model again, into an empty folder", path.display())]
    TwoBuilds { path: PathBuf },
    #[error("{}: exists and is not a build of cairo-decode; choose another -o or remove it", path.display())]
    NotABuild { path: PathBuf },
    #[error("{}: also holds {}; move it away or choose another -o", path.display(), entry.display())]
    AlsoHolds { path: PathBuf, entry: PathBuf },
    #[error("{}: {field} is {found}, but {MANIFEST_FILE} says {expected}; compile the model again", dir.display())]
    Mismatch {
        dir: PathBuf,
        field: &'static str,
        found: String,
        expected: String,
    },
}

/// Why a model is not built, in numbers, and what to try.
fn useless(fidelity: &Fidelity, cause: Option<&Cause>) -> String {
    let report = &fidelity.report;
    if let [first, ..] = &report.stops[..] {
        return format!(
            "the integer model stops in {} of {} paragraphs of {}, first at token {} of paragraph {}, with a value that no proof \
             can have ({}); nothing was written. Scales were calibrated on {}: try a text like what the model will read, with \
             --calibration FILE. To build it all the same, pass --accept-fidelity",
            report.stops.len(),
            report.documents,
            fidelity.heldout,
            first.token,
            first.document,
            first.problem,
            fidelity.calibration,
        );
    }
    let cause = cause.map_or(String::new(), |cause| {
        format!("The likely cause: {cause}. ")
    });
    format!(
        "the integer model does not follow the float model: on {} the perplexity is {} instead of {} (at most {:.0} % more \
         are accepted), both put the same token first at {:.1} % of {} positions, and the KL divergence is {} nats (at \
         least {:.0} %, or less than {} nats, are asked for); nothing was written. {cause}Scales were calibrated on {}: try \
         a text like what the model will read, with --calibration FILE. To build it all the same, pass --accept-fidelity",
        fidelity.heldout,
        readable(report.perplexity_int),
        readable(report.perplexity_float),
        100.0 * (MAX_PERPLEXITY_RATIO - 1.0),
        100.0 * report.top1_agreement,
        report.tokens,
        readable(report.kl_divergence),
        100.0 * MIN_AGREEMENT,
        MAX_DIVERGENCE,
        fidelity.calibration,
    )
}
