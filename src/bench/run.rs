//! A case's chunk: compiled, decoded, traced, proven, verified from its bytes with the manifest.

use std::path::Path;
use std::time::Instant;

use serde::Serialize;

use super::cases::{Case, Measure, Target};
use super::integers::integers;
use super::process::cpu_seconds;
use super::{BenchError, shortest};
use crate::decode::{Build, Columns, Cost, Cut, DecodeError, Decoded, Identity, Outline, Session};
use crate::model::random::{Random, SPECIAL};
use crate::program::Work;
use crate::prove::memory;
use crate::receipt::{Document, Manifest};
use crate::verify::proof::{TensorProof, decode_tensors, encode_tensors};
use crate::verify::statement::{Domain, SessionId};
use crate::verify::tensors::{TensorPins, verify_tensors};

/// The session of all cases.
const SESSION: SessionId = SessionId(starknet_types_core::felt::Felt::THREE);

/// Seconds of a stage.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Seconds {
    /// By the clock.
    pub wall: f64,
    /// Of all cores together.
    pub cores: f64,
}

impl Seconds {
    /// A stage, and its seconds.
    fn of<T>(stage: impl FnOnce() -> T) -> (T, Seconds) {
        let (start, cores) = (Instant::now(), cpu_seconds());
        let done = stage();
        let seconds = Seconds {
            wall: start.elapsed().as_secs_f64(),
            cores: cpu_seconds() - cores,
        };
        (done, seconds)
    }
}

/// One proof in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct ChunkResult {
    pub position: u32,
    pub steps: u32,
    pub vm_steps: usize,
    /// Cells of trace and interaction of tensor components.
    pub component_cells: u64,
    /// Of the Cairo AIR without its fixed tables, and of those.
    pub cairo_cells: u64,
    pub table_cells: u64,
    pub columns: Columns,
    /// Values, run and rows.
    pub trace: Seconds,
    pub prove: Seconds,
    /// The shortest of [`VERIFICATIONS`](super::VERIFICATIONS).
    pub verify_seconds: f64,
    pub proof_bytes: usize,
}

/// A case in numbers.
#[derive(Debug, Clone, Serialize)]
pub struct CaseResult {
    pub case: &'static str,
    pub about: &'static str,
    /// What its integers are made of.
    pub origin: &'static str,
    pub parameters: u64,
    pub lanes: usize,
    pub context: usize,
    pub program_words: usize,
    /// From weights to integers.
    pub integers: Seconds,
    /// From integers to a build: plan, program, constants.
    pub compile: Seconds,
    /// What was declared of the chunk.
    pub declared: Cost,
    /// Its proofs: of a process that has made none before, and of one that is warm.
    pub chunks: Vec<ChunkResult>,
    /// Largest memory of the process, where the system tells.
    pub peak_memory_bytes: Option<u64>,
    pub targets: Vec<Found>,
}

/// A target, and what was found.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Found {
    #[serde(flatten)]
    pub target: Target,
    /// None where the system does not tell.
    pub found: Option<f64>,
}

/// What a case's chunk does, from its first step's position on.
fn work(case: &Case) -> Work {
    Work {
        position: case.before.into(),
        prompt: u64::from(case.before) + 1,
        forced: 0,
        choosing: case.steps as u64,
    }
}

fn cut(case: &Case) -> Cut {
    Cut {
        lanes: Some(case.lanes),
        block: None,
        set: case.set,
    }
}

/// What a case's chunk costs, declared: nothing is committed to or proven.
///
/// # Errors
/// What import, quantiser or plan give.
pub fn outline(case: &Case, demo: &Path, work_dir: &Path) -> Result<Cost, BenchError> {
    let description = integers(case, demo, work_dir)?.description;
    let outline = Outline::new(&description, cut(case))?;
    Ok(outline.cost_of(work(case)).map_err(DecodeError::from)?)
}

/// Runs a case. `demo` is the demo model's directory, `work_dir` an empty folder.
///
/// Every proven step chooses its token: the prompt is one token longer than the positions before. No token ends the session, so that none
/// cuts a case short.
///
/// # Errors
/// What a step of the pipeline gives.
pub fn run(case: &Case, demo: &Path, work_dir: &Path) -> Result<CaseResult, BenchError> {
    let (model, integers) = Seconds::of(|| integers(case, demo, work_dir));
    let model = model?;
    let identity = Identity {
        name: case.name.to_string(),
        source: "bench".to_string(),
        eos: None,
        parameters: model.parameters,
        config: [0; 32],
        tokenizer: [0; 32],
    };
    let (build, compile) = Seconds::of(|| Build::new(&model.description, &identity, cut(case)));
    let build = build?;
    drop(model.description);
    // A verifier has the manifest as a document.
    let manifest = build.manifest.to_json()?;
    let manifest = Manifest::from_json(manifest.as_bytes())?;
    let declared = build.cost_of(work(case)).map_err(DecodeError::from)?;
    build.check_memory(case.before, case.steps)?;
    let session = behind(&build, case)?;
    let prove = || chunk(&build, &session, case.steps, &manifest.tensors);
    let chunks: Vec<ChunkResult> = (0..case.proofs)
        .map(|_| prove())
        .collect::<Result<_, _>>()?;
    let mut result = CaseResult {
        case: case.name,
        about: case.about,
        origin: model.origin,
        parameters: model.parameters,
        lanes: case.lanes,
        context: case.context,
        program_words: build.program.words().len(),
        integers,
        compile,
        declared,
        chunks,
        peak_memory_bytes: memory::peak(),
        targets: vec![],
    };
    let found = |target: Target| Found {
        target,
        found: result.found(target.measure),
    };
    result.targets = case.targets().map(found).collect();
    Ok(result)
}

/// The case's session before its chunk.
fn behind<'a>(build: &'a Build, case: &Case) -> Result<Session<'a>, BenchError> {
    let tokens = build.plan.embedding.outputs() as u64;
    let ordinary = SPECIAL.len() as u64;
    let mut random = Random(4);
    let mut token = || (ordinary + random.next() % (tokens - ordinary)) as u32;
    let prompt = (0..=case.before).map(|_| token()).collect();
    let mut session = Session::new(build, Domain::local(), SESSION, prompt)?;
    while session.frontier().position < case.before {
        let left = case.before - session.frontier().position;
        let decoded = session.decode(case.lanes.min(left as usize))?;
        session.advance(&decoded);
    }
    Ok(session)
}

/// Decodes, traces, proves and verifies the next chunk.
fn chunk(
    build: &Build,
    session: &Session<'_>,
    steps: usize,
    pins: &TensorPins,
) -> Result<ChunkResult, BenchError> {
    let (made, trace) = Seconds::of(|| -> Result<_, DecodeError> {
        let decoded = session.decode(steps)?;
        let traced = build.trace(&decoded)?;
        Ok((decoded, traced))
    });
    let (decoded, traced) = made?;
    let vm_steps = traced.steps;
    let (proof, prove) = Seconds::of(|| build.prove_traced(traced));
    let bytes = encode_tensors(&proof?.into_proof());
    let (facts, verify_seconds) = shortest(|| Ok(verify_tensors(&bytes, pins)?))?;
    let Decoded { chunk, .. } = &decoded;
    let (output, hash) = (&facts.facts.output, facts.facts.program_hash);
    let compared = chunk.statement.compare(output, hash);
    compared.map_err(DecodeError::from)?;
    let proof = decode_tensors(&bytes).map_err(|error| BenchError::Verify(error.into()))?;
    let sizes = proof.proof.claim.log_sizes();
    let cairo: u64 = sizes.iter().flatten().map(|log| 1 << log).sum();
    let table_cells = Cost::table_cells();
    Ok(ChunkResult {
        position: chunk.statement.frontier_in.position,
        steps: chunk.statement.steps,
        vm_steps,
        component_cells: component_cells(&proof, pins)?,
        cairo_cells: cairo - table_cells,
        table_cells,
        columns: columns(&proof),
        trace,
        prove,
        verify_seconds,
        proof_bytes: bytes.len(),
    })
}

/// The columns that a proof opens.
fn columns(proof: &TensorProof) -> Columns {
    let opened = &proof.proof.stark_proof.queried_values;
    let count = |tree: usize| opened.get(tree).map_or(0, Vec::len) as u64;
    Columns {
        constants: count(0),
        trace: count(1),
        interaction: count(2),
    }
}

fn component_cells(proof: &TensorProof, pins: &TensorPins) -> Result<u64, BenchError> {
    let layout = pins.layouts().at(&proof.tensors.sizes);
    let layout = layout.map_err(DecodeError::from)?;
    let all = layout.components.iter().zip(layout.columns());
    let cells = all.map(|(placed, own)| ((own.trace + own.interaction) as u64) << placed.log_rows);
    Ok(cells.sum())
}

impl CaseResult {
    /// A number of the warm proof.
    fn found(&self, measure: Measure) -> Option<f64> {
        let chunk = self.chunks.last()?;
        let seconds = chunk.trace.wall + chunk.prove.wall;
        Some(match measure {
            Measure::Seconds => seconds,
            Measure::SecondsPerStep => seconds / f64::from(chunk.steps),
            Measure::CoreSeconds => chunk.trace.cores + chunk.prove.cores,
            Measure::TraceShare => chunk.trace.cores / chunk.prove.cores,
            Measure::VerifyMilliseconds => chunk.verify_seconds * 1e3,
            Measure::ProofMegabytes => chunk.proof_bytes as f64 / 1e6,
            Measure::MemoryGigabytes => self.peak_memory_bytes? as f64 / 1e9,
            Measure::Words => self.program_words as f64,
        })
    }
}
