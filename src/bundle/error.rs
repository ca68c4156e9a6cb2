//! Everything that can go wrong with a build, one variant per check.

use std::path::PathBuf;

use thiserror::Error;

use super::{Fidelity, MANIFEST_FILE};
use crate::compile::{CompileError, ProgramError};
use crate::decode::BuildError;
use crate::integers::EncodingError;
use crate::ir::GraphError;
use crate::lower::LowerError;
use crate::model::ModelError;
use crate::quantize::{
    Cause, MAX_DIVERGENCE, MAX_PERPLEXITY_RATIO, MIN_AGREEMENT, QuantizeError, TextError, readable,
};
use crate::receipt::{DocumentError, FileError};
use crate::scales::ScaleError;
use crate::wrap::WrapError;

/// Why a model directory is not built, or a build folder not read.
#[derive(Debug, Error)]
pub enum BundleError {
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error("{}: {source}", dir.display())]
    Quantize { dir: PathBuf, source: QuantizeError },
    #[error(
        "the model has {parameters} parameters: its program would have {words} words or more, and a verifier takes {limit}, {} in this layout at most; choose a smaller model", fitting(*.parameters, *.words, *.limit)
    )]
    TooLarge {
        parameters: u64,
        words: u64,
        limit: u64,
    },
    #[error(
        "the model has {parameters} parameters: with --weights committed every chunk hashes {felts} felts of weights or more, and a proof has room for {limit}, {} at most; choose a smaller model, or another --weights", fitting(*.parameters, *.felts, *.limit)
    )]
    TooManyCommitted {
        parameters: u64,
        felts: u64,
        limit: u64,
    },
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
    #[error(
        "{}: a build with tensor components, which this command does not take; compile the model with --target steps for it", dir.display()
    )]
    HasTensors { dir: PathBuf },
    #[error(
        "{}: a build of --target steps, which this command does not take; compile the model without --target for it", dir.display()
    )]
    HasSteps { dir: PathBuf },
    #[error("--context: {value} tokens are not from {min} to {max}")]
    Context { value: i64, min: i64, max: i64 },
    #[error(
        "--context: attention of a proof sees at most {largest} positions, and the model has {context}; pass --context {largest}, or less, which also takes less memory"
    )]
    LongContext { context: usize, largest: usize },
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
    #[error(transparent)]
    Lower(#[from] LowerError),
    #[error("{}: {source}", dir.display())]
    Scales { dir: PathBuf, source: ScaleError },
    #[error("{}: {source}", dir.display())]
    Tensors { dir: PathBuf, source: BuildError },
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

/// Roughly how many parameters there may be, where so many need so much.
fn fitting(parameters: u64, needed: u64, limit: u64) -> String {
    const MILLION: f64 = 1e6;
    let fitting = parameters as f64 * limit as f64 / needed as f64;
    match fitting >= MILLION {
        true => format!("about {:.0} million parameters", fitting / MILLION),
        false => format!("about {:.0} thousand parameters", fitting / 1e3),
    }
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
