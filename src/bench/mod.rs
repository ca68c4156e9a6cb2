//! Benchmarks: fixed shapes through the real pipeline, in numbers.
//!
//! Owns the cases and what is measured about them. A case is a model (random weights of a given shape, or the
//! demo model), some steps that only fill the KV cache, and chunks of steps that are proven and verified.

pub mod boundary;
pub mod estimate;
pub mod process;
pub mod warm;

use std::collections::VecDeque;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use cairo_air::claims::CairoClaim;
use serde::Serialize;
use thiserror::Error;

use crate::bundle::{BuildRequest, Bundle, BundleError, build};
use crate::chunk::{ChunkError, Decoder};
use crate::cost::CostError;
use crate::lower::WeightLayout;
use crate::model::random::{self, Random, SPECIAL, Shape};
use crate::profile::{Component, ProfileError, components};
use crate::prove::{ProveError, Proven, Prover, check_memory, memory};
use crate::quantize::QuantOptions;
use crate::session::plan::Plan;
use crate::trace::{self, TraceError};
use crate::verify::params::PLAIN;
use crate::verify::{ProofError, verify_proof};
use process::cpu_seconds;

/// Why a benchmark has no result.
#[derive(Debug, Error)]
pub enum BenchError {
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: io::Error },
    #[error("{0}")]
    Model(String),
    #[error(transparent)]
    Bundle(Box<BundleError>),
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    #[error(transparent)]
    Trace(#[from] TraceError),
    #[error(transparent)]
    Profile(#[from] ProfileError),
    #[error(transparent)]
    Cost(#[from] CostError),
    #[error(transparent)]
    Prove(#[from] ProveError),
    #[error("the proof just made does not verify: {0}: this is a bug of cairo-decode")]
    Verify(#[from] ProofError),
    #[error("the two proofs just made are not one claim: {0}: this is a bug of cairo-decode")]
    Pair(#[from] boundary::PairError),
    #[error("two proofs state something else than one: this is a bug of cairo-decode")]
    Statements,
}

impl From<BundleError> for BenchError {
    fn from(error: BundleError) -> BenchError {
        BenchError::Bundle(Box::new(error))
    }
}

/// Which model a case runs.
#[derive(Debug, Clone, Copy)]
pub enum Subject {
    /// Random weights of a shape.
    Random(Shape),
    /// `models/stories`, a trained model.
    Demo,
}

/// A benchmark.
#[derive(Debug, Clone, Copy)]
pub struct Case {
    pub name: &'static str,
    pub about: &'static str,
    pub subject: Subject,
    /// Steps before the first proven one; they fill the KV cache.
    pub before: usize,
    /// The proven chunks.
    pub chunks: Chunks,
}

/// How a case's steps are cut into chunks.
#[derive(Debug, Clone, Copy)]
pub enum Chunks {
    /// Steps of each; one that does not fit is split.
    Fixed(&'static [usize]),
    /// So many steps, in chunks of what costs least per step, as `prove` does by default.
    Planned(usize),
    /// One chunk of so many steps, whose cost is declared, not proven: see [`estimate`].
    Declared(usize),
    /// Chunks of so many steps, to answer what a warm prover could still save: see [`warm`].
    Warm(usize),
}

const fn shape(layers: usize) -> Shape {
    Shape {
        hidden: 64,
        mlp: 256,
        layers,
        heads: 4,
        kv_heads: 4,
        head_dim: 16,
        vocab: 65,
        tied: true,
    }
}

const WIDE: Shape = Shape {
    hidden: 288,
    mlp: 768,
    layers: 6,
    heads: 6,
    kv_heads: 6,
    head_dim: 48,
    vocab: 4096,
    tied: true,
};

/// The shape of GPT-2 small, with a gated MLP of as many parameters.
const GPT2_SMALL: Shape = Shape {
    hidden: 768,
    mlp: 2048,
    layers: 12,
    heads: 12,
    kv_heads: 12,
    head_dim: 64,
    vocab: 50_257,
    tied: true,
};

/// Times that a proof is verified. Right after a large proof the first one also waits for memory that goes back to the
/// system.
pub const VERIFICATIONS: usize = 5;

/// All cases.
pub const CASES: [Case; 6] = [
    Case {
        name: "A",
        about: "one decode step with 16 positions of KV: 1 layer, d 64, 4 heads, hidden 256, vocabulary 65",
        subject: Subject::Random(shape(1)),
        before: 16,
        // The first proof of a process, then a warm one.
        chunks: Chunks::Fixed(&[1, 1]),
    },
    Case {
        name: "B",
        about: "64 positions from an empty cache: 4 layers, d 64, 4 heads, hidden 256, vocabulary 65",
        subject: Subject::Random(shape(4)),
        before: 0,
        chunks: Chunks::Planned(64),
    },
    Case {
        name: "C",
        about: "the demo model, 16 tokens per chunk",
        subject: Subject::Demo,
        before: 0,
        chunks: Chunks::Fixed(&[16, 16, 16]),
    },
    Case {
        name: "D",
        about: "16 positions from an empty cache: 6 layers, d 288, 6 heads, hidden 768, vocabulary 4096",
        subject: Subject::Random(WIDE),
        before: 0,
        chunks: Chunks::Planned(16),
    },
    Case {
        name: "E",
        about: "cost only, 64 tokens: 12 layers, d 768, 12 heads, hidden 2048 (gated), vocabulary 50257",
        subject: Subject::Random(GPT2_SMALL),
        before: 0,
        chunks: Chunks::Declared(64),
    },
    Case {
        name: "warm",
        about: "the demo model, 8 tokens per chunk: tables from disk, overlapped traces, proof of work against queries",
        subject: Subject::Demo,
        before: 0,
        chunks: Chunks::Warm(8),
    },
];

/// One proven chunk in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct ChunkResult {
    pub first_position: u32,
    pub steps: usize,
    pub vm_steps: usize,
    /// Cells that the proof commits to (trace and interaction columns of all components, padding included), by the
    /// proof's own claim.
    pub cells: u64,
    /// Of these, the cells of rows in use: without padding and the tables of fixed size.
    pub used_cells: u64,
    pub trace_seconds: f64,
    pub prove_seconds: f64,
    pub prove_cpu_seconds: f64,
    /// The shortest of [`VERIFICATIONS`].
    pub verify_seconds: f64,
    pub proof_bytes: usize,
    /// As [`crate::profile`] counts them, from the trace; their cells add up to `cells`.
    pub components: Vec<Component>,
}

/// A case in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct CaseResult {
    pub case: &'static str,
    pub about: &'static str,
    pub parameters: u64,
    pub program_words: usize,
    pub compile_seconds: f64,
    /// The prover's tables, once per process.
    pub set_up_seconds: f64,
    /// Time of the traces that only served to choose the lengths of chunks.
    pub plan_seconds: f64,
    pub chunks: Vec<ChunkResult>,
    /// Largest memory of the process so far, where the system tells.
    pub peak_memory_bytes: Option<u64>,
}

fn on(path: &Path) -> impl FnOnce(io::Error) -> BenchError {
    let path = path.to_path_buf();
    move |source| BenchError::Io { path, source }
}

/// A model directory, the texts in it included; random ones are made in `work`.
fn model(subject: Subject, demo: &Path, work: &Path) -> Result<PathBuf, BenchError> {
    let Subject::Random(shape) = subject else {
        return Ok(demo.to_path_buf());
    };
    let dir = work.join("model");
    fs::create_dir_all(&dir).map_err(on(&dir))?;
    random::write_model_dir(&dir, &shape, 1).map_err(on(&dir))?;
    for (name, seed) in [("calibration.txt", 2), ("heldout.txt", 3)] {
        let file = dir.join(name);
        fs::write(&file, random::text(8, seed)).map_err(on(&file))?;
    }
    Ok(dir)
}

/// What builds a model in the folder `build` of `work`.
fn request(
    subject: Subject,
    weights: WeightLayout,
    demo: &Path,
    work: &Path,
) -> Result<BuildRequest, BenchError> {
    let dir = model(subject, demo, work)?;
    Ok(BuildRequest {
        model: dir,
        name: Some("bench".to_string()),
        calibration: None,
        heldout: None,
        // Random weights are measured, too: what is of interest is their cost.
        accept_fidelity: true,
        eos: None,
        out: work.join("build"),
        options: QuantOptions::default(),
        weights,
    })
}

/// A prompt of one token more than there are steps before the measured one, which so chooses its token.
fn prompt(bundle: &Bundle, before: usize) -> Vec<u32> {
    let vocab = bundle.graph.shape.vocab as u64;
    let mut random = Random(4);
    let ordinary = SPECIAL.len() as u64;
    (0..=before)
        .map(|_| (ordinary + random.next() % (vocab - ordinary)) as u32)
        .collect()
}

/// Runs a case. `demo` is the demo model's directory, `work` an empty folder for the build.
///
/// Every proven step chooses its token: the prompt is one token longer than the steps before. No token ends the
/// session, so that none cuts a case short.
///
/// # Errors
/// What a step of the pipeline gives.
pub fn run(case: &Case, demo: &Path, work: &Path) -> Result<CaseResult, BenchError> {
    let request = request(case.subject, WeightLayout::Ready, demo, work)?;
    let start = Instant::now();
    let report = build(&request, &mut |_| {})?;
    let compile_seconds = start.elapsed().as_secs_f64();
    let bundle = Bundle::open(&work.join("build"))?;
    let mut decoder = bundle.trial(prompt(&bundle, case.before), false)?;
    if case.before > 0 {
        decoder.chunk(case.before)?;
    }
    let start = Instant::now();
    let mut prover = Prover::new(&PLAIN);
    let set_up_seconds = start.elapsed().as_secs_f64();
    let mut chunks = vec![];
    let mut plan_seconds = 0.0;
    let mut queue = match case.chunks {
        Chunks::Fixed(chunks) => VecDeque::from(chunks.to_vec()),
        Chunks::Planned(steps) | Chunks::Declared(steps) | Chunks::Warm(steps) => {
            VecDeque::from([steps])
        }
    };
    let mut plan = matches!(case.chunks, Chunks::Planned(_)).then(|| Plan::new(&PLAIN));
    while let Some(steps) = queue.pop_front() {
        let before = decoder.clone();
        let steps = match &mut plan {
            None => steps,
            Some(plan) => {
                let start = Instant::now();
                let probe = |steps| probe(&bundle, decoder.clone(), steps);
                let planned = plan.choose(steps, steps, probe)?;
                if planned < steps {
                    queue.push_front(steps - planned);
                }
                plan_seconds += start.elapsed().as_secs_f64();
                planned
            }
        };
        match chunk(&bundle, &prover, &mut decoder, steps) {
            // As `prove` does: what is too long for one proof is split.
            Err(BenchError::Prove(error)) if steps > 1 && error.too_long() => {
                decoder = before;
                queue.push_front(steps - steps / 2);
                queue.push_front(steps / 2);
            }
            Err(BenchError::Prove(error)) => {
                prover = prover.larger(&error).ok_or(error)?;
                if let Some(plan) = &mut plan {
                    plan.set = prover.parameters();
                }
                decoder = before;
                queue.push_front(steps);
            }
            made => {
                let made = made?;
                if let Some(plan) = &mut plan {
                    plan.learn(&made.components, made.steps);
                }
                chunks.push(made);
            }
        }
    }
    Ok(CaseResult {
        case: case.name,
        about: case.about,
        parameters: report.manifest.parameters,
        program_words: report.words,
        compile_seconds,
        set_up_seconds,
        plan_seconds,
        chunks,
        peak_memory_bytes: memory::peak(),
    })
}

/// Components of the next `steps` steps' trace.
fn probe(
    bundle: &Bundle,
    mut decoder: Decoder<'_>,
    steps: usize,
) -> Result<Vec<Component>, BenchError> {
    let input = decoder.chunk(steps)?.input;
    let trace = trace::run(&bundle.program, &input)?;
    Ok(components(&trace.into_prover_input()?)?)
}

/// Traces, proves and verifies the next `steps` steps.
fn chunk(
    bundle: &Bundle,
    prover: &Prover,
    decoder: &mut Decoder<'_>,
    steps: usize,
) -> Result<ChunkResult, BenchError> {
    let first_position = decoder.frontier().position;
    let input = decoder.chunk(steps)?.input;
    let start = Instant::now();
    let trace = trace::run(&bundle.program, &input)?;
    let vm_steps = trace.steps();
    let prover_input = trace.into_prover_input()?;
    let trace_seconds = start.elapsed().as_secs_f64();
    let components = components(&prover_input)?;
    let cells = components.iter().map(|component| component.cells).sum();
    check_memory(prover.parameters(), cells)?;
    let (start, cpu) = (Instant::now(), cpu_seconds());
    let Proven { proof, extended } = prover.prove(prover_input)?;
    let prove_seconds = start.elapsed().as_secs_f64();
    let prove_cpu_seconds = cpu_seconds() - cpu;
    let (_, verify_seconds) = shortest(|| Ok(verify_proof(&proof)?))?;
    Ok(ChunkResult {
        first_position,
        steps,
        vm_steps,
        cells: committed_cells(&extended.claim),
        trace_seconds,
        prove_seconds,
        prove_cpu_seconds,
        verify_seconds,
        proof_bytes: proof.len(),
        used_cells: used_cells(&components),
        components,
    })
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

/// Cells of rows in use.
fn used_cells(components: &[Component]) -> u64 {
    let own = components.iter().filter(|c| !c.fixed);
    own.map(|c| c.rows * c.cells_per_row).sum()
}

/// Cells of a claim's columns; fixed columns are not among them.
fn committed_cells(claim: &CairoClaim) -> u64 {
    let trees = claim.log_sizes();
    trees.iter().flatten().map(|&log| 1u64 << log).sum()
}
