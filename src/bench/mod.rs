//! Benchmarks: fixed shapes from weights to a proof that is verified from its bytes, in numbers beside targets.
//!
//! | file | owns |
//! |---|---|
//! | `cases` | the cases, and what each is to cost at most |
//! | `integers` | the integer model of a case: a model directory through import and quantiser, or random integers |
//! | `run` | a case's chunk: compiled, decoded, traced, proven, verified; what is measured |
//! | `process` | what the system says about a process |

mod cases;
mod integers;
pub mod process;
mod run;

use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use thiserror::Error;

use crate::bundle::BundleError;
use crate::decode::{BuildError, DecodeError};
use crate::model::ModelError;
use crate::profile::ProfileError;
use crate::prove::ProveError;
use crate::quantize::ScaleError;
use crate::receipt::FormatError;
use crate::trace::TraceError;
use crate::verify::ProofError;

pub use cases::{CASES, Case, Measure, Subject, Target};
pub use run::{CaseResult, ChunkResult, Seconds, outline, run};

/// Why a benchmark has no result.
#[derive(Debug, Error)]
pub enum BenchError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error(transparent)]
    Model(#[from] ModelError),
    #[error(transparent)]
    Scales(#[from] ScaleError),
    #[error(transparent)]
    Build(Box<BuildError>),
    #[error(transparent)]
    Decode(Box<DecodeError>),
    #[error(transparent)]
    Manifest(#[from] FormatError),
    #[error(transparent)]
    Bundle(Box<BundleError>),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error("the proof just made does not verify: {0}: this is a bug of cairo-decode")]
    Verify(#[from] ProofError),
}

impl From<BundleError> for BenchError {
    fn from(error: BundleError) -> BenchError {
        BenchError::Bundle(Box::new(error))
    }
}

impl From<BuildError> for BenchError {
    fn from(error: BuildError) -> BenchError {
        BenchError::Build(Box::new(error))
    }
}

impl From<DecodeError> for BenchError {
    fn from(error: DecodeError) -> BenchError {
        BenchError::Decode(Box::new(error))
    }
}

/// Times that a proof is verified. Right after a large proof the first one also waits for memory that goes back to the
/// system.
pub const VERIFICATIONS: usize = 5;

fn on(path: &Path) -> impl FnOnce(io::Error) -> BenchError {
    let path = path.to_path_buf();
    move |source| BenchError::Io { path, source }
}

/// What `verify` says, and the seconds of the shortest of [`VERIFICATIONS`] runs.
fn shortest<T>(verify: impl Fn() -> Result<T, BenchError>) -> Result<(T, f64), BenchError> {
    let timed = || -> Result<(T, f64), BenchError> {
        let start = Instant::now();
        Ok((verify()?, start.elapsed().as_secs_f64()))
    };
    (1..VERIFICATIONS).try_fold(timed()?, |best, _| {
        let next = timed()?;
        Ok(if next.1 < best.1 { next } else { best })
    })
}
