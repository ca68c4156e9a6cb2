//! Proves a session: chunk after chunk, each with its proof and receipt, resumable.
//!
//! Invariants
//! - A receipt is written only after its proof has been verified from its bytes, the program's output
//!   has been compared with the engine's statement, and the proof file is in place.
//! - A stopped run goes on at the first chunk without a receipt and gives the same statements.
//! - Verification of sessions is not here: it is in `receipt`, which never sees the prover.

pub(crate) mod plan;
mod request;

use std::path::Path;
use std::time::{Duration, Instant};

use thiserror::Error;

use crate::bundle::Bundle;
use crate::chunk::{Chunk, ChunkError, Decoder, SessionPins};
use crate::profile::{Component, ProfileError, components};
use crate::prove::{ProveError, Proven, Prover, check_memory};
use crate::receipt::{
    Completion, FolderError, ProofRecord, Receipt, ReceiptError, Session, SessionError,
    SessionWriter, check_receipt, check_session, proof_name,
};
use crate::trace::{self, TraceError};
use crate::verify::policy::Accept;
use crate::verify::{ProofError, verify_proof};
use crate::wrap;
use plan::Plan;
use stwo_cairo_adapter::ProverInput;

pub use request::{Request, RequestError};

/// Why a session is not proven.
#[derive(Debug, Error)]
pub enum ProveSessionError {
    #[error(transparent)]
    Request(#[from] RequestError),
    #[error(transparent)]
    Folder(#[from] FolderError),
    #[error("{dir}/{source}")]
    Earlier {
        dir: String,
        source: Box<SessionError>,
    },
    #[error(
        "{receipt}: the receipt of an earlier run says another thing than this build computes; use another -o"
    )]
    Diverges { receipt: String },
    #[error("chunk {chunk}: {source}")]
    Chunk { chunk: usize, source: ChunkError },
    #[error("chunk {chunk}: {source}")]
    Trace { chunk: usize, source: TraceError },
    #[error(
        "chunk {chunk}: the program's output differs from the engine's at field {field}: this is a bug of cairo-decode"
    )]
    Output { chunk: usize, field: usize },
    #[error("chunk {chunk}: {source}")]
    Prove { chunk: usize, source: ProveError },
    #[error("chunk {chunk}: {source}")]
    Components { chunk: usize, source: ProfileError },
    #[error(
        "chunk {chunk}: the proof just made does not verify: {source}: this is a bug of cairo-decode"
    )]
    SelfCheck { chunk: usize, source: ProofError },
    #[error(
        "chunk {chunk}: the receipt just made is refused: {source}: this is a bug of cairo-decode"
    )]
    Receipt {
        chunk: usize,
        source: Box<ReceiptError>,
    },
}

/// What happens while a session is proven, for progress displays.
#[derive(Debug, Clone)]
pub enum Event {
    /// The prover's tables are being computed.
    SetUp,
    /// The session has this many steps in all, of which some are proven already.
    Started { steps: usize, proven: usize },
    /// A chunk's program runs in the VM.
    Tracing { chunk: usize },
    /// A chunk's trace is being proven.
    Proving { chunk: usize, vm_steps: usize },
    /// A chunk was too long for one proof and is tried again with fewer steps.
    Split { chunk: usize, steps: usize },
    /// A chunk is proven, verified, and on disk.
    Proven(ChunkReport),
}

/// One chunk in numbers.
#[derive(Debug, Clone)]
pub struct ChunkReport {
    pub chunk: usize,
    /// Decode steps.
    pub steps: usize,
    pub vm_steps: usize,
    pub trace: Duration,
    pub prove: Duration,
    pub verify: Duration,
    pub proof_bytes: usize,
    /// Tokens that the policy chose.
    pub emitted: Vec<u32>,
}

/// A proven session in numbers.
#[derive(Debug, Clone)]
pub struct SessionReport {
    pub session: Session,
    /// The chunks that this run proved; earlier ones are not repeated.
    pub chunks: Vec<ChunkReport>,
    /// Time that the prover's tables took.
    pub set_up: Duration,
}

/// Proves the session that `request` describes into the folder `dir`, going on where an earlier run of
/// the same request stopped.
///
/// # Errors
/// A folder that holds another session, and everything that can fail on the way; finished chunks stay.
pub fn prove(
    bundle: &Bundle,
    request: &Request,
    dir: &Path,
    observe: &mut dyn FnMut(Event),
) -> Result<SessionReport, ProveSessionError> {
    request.check(bundle)?;
    let (writer, session) = open(bundle, request, dir)?;
    let mut decoder = decoder(bundle, &session)?;
    let proven = replay(bundle, &writer, &session, &mut decoder)?;
    let mut emitted: Vec<u32> = proven
        .iter()
        .flat_map(|r| &r.emitted_tokens)
        .copied()
        .collect();
    let total = request.steps();
    let mut position = decoder.frontier().position as usize;
    observe(Event::Started {
        steps: total,
        proven: position,
    });

    let mut report = SessionReport {
        session: session.clone(),
        chunks: vec![],
        set_up: Duration::ZERO,
    };
    let mut index = proven.len();
    if position < total && !decoder.finished() {
        observe(Event::SetUp);
        let start = Instant::now();
        let mut prover = Prover::new(request.parameters());
        report.set_up = start.elapsed();
        let accept = bundle.manifest.accept(session.domain);
        let mut steps = session.chunk_size as usize;
        let mut plan = request.plan.then(|| Plan::new(prover.parameters()));
        while position < total && !decoder.finished() {
            let before = decoder.clone();
            let most = steps.min(total - position);
            let job = Job {
                bundle,
                prover: &prover,
                accept: &accept,
                writer: &writer,
                index,
                wrappable: request.wrappable,
            };
            let made = match &mut plan {
                Some(plan) => {
                    prove_planned(job, &mut decoder, (most, total - position), plan, observe)
                }
                None => trace_chunk(&job, &mut decoder, most, observe)
                    .and_then(|traced| prove_chunk(job, traced, observe)),
            };
            let tried = decoder.frontier().position as usize - position;
            match made {
                Err(ProveSessionError::Prove { source, .. }) if tried > 1 && source.too_long() => {
                    decoder = before;
                    steps = tried / 2;
                    observe(Event::Split {
                        chunk: index,
                        steps,
                    });
                }
                Err(ProveSessionError::Prove { chunk, source }) => {
                    // One step is the least there is.
                    let Some(larger) = prover.larger(&source) else {
                        return Err(ProveSessionError::Prove { chunk, source });
                    };
                    decoder = before;
                    prover = larger;
                    if let Some(plan) = &mut plan {
                        plan.set = prover.parameters();
                    }
                }
                Err(error) => return Err(error),
                Ok(chunk) => {
                    emitted.extend(&chunk.emitted);
                    observe(Event::Proven(chunk.clone()));
                    report.chunks.push(chunk);
                    position = decoder.frontier().position as usize;
                    index += 1;
                }
            }
        }
    }
    let completion = Completion {
        chunks: index as u32,
        generated_tokens: emitted,
    };
    report.session.completion = Some(completion);
    writer.write_session(&report.session)?;
    Ok(report)
}

/// Opens the folder of an earlier run of the same request, or starts a new one.
fn open(
    bundle: &Bundle,
    request: &Request,
    dir: &Path,
) -> Result<(SessionWriter, Session), ProveSessionError> {
    if dir.join(crate::receipt::SESSION_FILE).exists() {
        let writer = SessionWriter::open(dir)?;
        let session = writer.dir().load_session()?;
        request.same_as(bundle, &session, dir)?;
        return Ok((writer, session));
    }
    let session = request.session(bundle)?;
    Ok((SessionWriter::create(dir, &session)?, session))
}

fn decoder<'b>(bundle: &'b Bundle, session: &Session) -> Result<Decoder<'b>, ProveSessionError> {
    let pins = SessionPins {
        domain: session.domain,
        session_id: session.session_id,
        model_root: session.model_root,
        program_hash: session.program_hash,
        policy: session.policy,
        words: bundle.words.clone(),
        prompt: session.prompt_tokens.clone(),
    };
    Decoder::new(&bundle.graph, pins)
        .map_err(|source| ProveSessionError::Chunk { chunk: 0, source })
}

/// Brings the decoder to the end of the chunks that have receipts, checking each statement again.
fn replay(
    bundle: &Bundle,
    writer: &SessionWriter,
    session: &Session,
    decoder: &mut Decoder<'_>,
) -> Result<Vec<Receipt>, ProveSessionError> {
    let mut session = session.clone();
    session.completion = None;
    let receipts = writer.dir().load_receipts(&session)?;
    check_session(&session, &bundle.manifest, &receipts).map_err(|source| {
        let dir = writer.dir().path().display().to_string();
        ProveSessionError::Earlier {
            dir,
            source: Box::new(source),
        }
    })?;
    for (i, receipt) in receipts.iter().enumerate() {
        let chunk = decoder
            .chunk(receipt.statement.steps as usize)
            .map_err(|source| ProveSessionError::Chunk { chunk: i, source })?;
        if chunk.statement != receipt.statement {
            let receipt = writer.dir().receipt_path(i).display().to_string();
            return Err(ProveSessionError::Diverges { receipt });
        }
    }
    Ok(receipts)
}

/// What proving a chunk needs besides the decoder.
struct Job<'a> {
    bundle: &'a Bundle,
    prover: &'a Prover,
    accept: &'a Accept,
    writer: &'a SessionWriter,
    index: usize,
    wrappable: bool,
}

/// A chunk's run in the VM.
struct Traced {
    chunk: Chunk,
    vm_steps: usize,
    input: ProverInput,
    components: Vec<Component>,
    time: Duration,
}

/// One chunk of at most `most` steps of those that are left, as long as the plan has it.
fn prove_planned(
    job: Job<'_>,
    decoder: &mut Decoder<'_>,
    (most, left): (usize, usize),
    plan: &mut Plan,
    observe: &mut dyn FnMut(Event),
) -> Result<ChunkReport, ProveSessionError> {
    let steps = plan.choose(most, left, |steps| {
        trace_chunk(&job, &mut decoder.clone(), steps, observe).map(|traced| traced.components)
    })?;
    let traced = trace_chunk(&job, decoder, steps, observe)?;
    plan.learn(&traced.components, traced.chunk.statement.steps as usize);
    prove_chunk(job, traced, observe)
}

/// Decodes a chunk and runs its program in the VM.
fn trace_chunk(
    job: &Job<'_>,
    decoder: &mut Decoder<'_>,
    steps: usize,
    observe: &mut dyn FnMut(Event),
) -> Result<Traced, ProveSessionError> {
    let index = job.index;
    // 1. The engine says what the chunk does.
    let chunk = decoder
        .chunk(steps)
        .map_err(|source| ProveSessionError::Chunk {
            chunk: index,
            source,
        })?;
    // 2. The program does it in the VM, and says the same.
    observe(Event::Tracing { chunk: index });
    let start = Instant::now();
    let in_trace = |source| ProveSessionError::Trace {
        chunk: index,
        source,
    };
    let trace = trace::run(&job.bundle.program, &chunk.input).map_err(in_trace)?;
    let expected = chunk.statement.to_output();
    if let Some(field) = (0..expected.len()).find(|&i| trace.output().get(i) != Some(&expected[i]))
    {
        return Err(ProveSessionError::Output {
            chunk: index,
            field,
        });
    }
    let vm_steps = trace.steps();
    let input = trace.into_prover_input().map_err(in_trace)?;
    let components = components(&input).map_err(|source| ProveSessionError::Components {
        chunk: index,
        source,
    })?;
    Ok(Traced {
        chunk,
        vm_steps,
        input,
        components,
        time: start.elapsed(),
    })
}

/// Proves a traced chunk, verifies the proof and writes both.
fn prove_chunk(
    job: Job<'_>,
    traced: Traced,
    observe: &mut dyn FnMut(Event),
) -> Result<ChunkReport, ProveSessionError> {
    let chunk = job.index;
    let Traced {
        chunk: made,
        vm_steps,
        input: prover_input,
        components,
        time: trace_time,
    } = traced;
    let Chunk {
        statement,
        forced,
        emitted,
        ..
    } = made;
    let cells = components.iter().map(|component| component.cells).sum();
    check_memory(job.prover.parameters(), cells)
        .map_err(|source| ProveSessionError::Prove { chunk, source })?;
    // 3. The trace is proven.
    observe(Event::Proving { chunk, vm_steps });
    let start = Instant::now();
    let Proven { proof, extended } = job
        .prover
        .prove(prover_input)
        .map_err(|source| ProveSessionError::Prove { chunk, source })?;
    let prove_time = start.elapsed();
    // 4. The proof is verified as anyone would.
    let start = Instant::now();
    let facts =
        verify_proof(&proof).map_err(|source| ProveSessionError::SelfCheck { chunk, source })?;
    let verify_time = start.elapsed();
    // 5. Proof first (and what wrapping it needs), then the receipt that makes it count.
    if job.wrappable {
        let witness = wrap::witness::encode(&extended);
        job.writer.write_witness(chunk, &witness)?;
    }
    let identity = job.writer.write_proof(chunk, &proof)?;
    let receipt = Receipt {
        statement,
        forced_tokens: forced,
        emitted_tokens: emitted.clone(),
        proof: ProofRecord {
            file: proof_name(chunk),
            bytes: identity.bytes,
            blake2s: identity.blake2s,
            params: facts.params,
            security_bits: facts.security_bits,
        },
    };
    check_receipt(&receipt, &facts, &identity, job.accept).map_err(|source| {
        ProveSessionError::Receipt {
            chunk,
            source: Box::new(source),
        }
    })?;
    job.writer.write_receipt(chunk, &receipt)?;
    Ok(ChunkReport {
        chunk,
        steps: receipt.statement.steps as usize,
        vm_steps,
        trace: trace_time,
        prove: prove_time,
        verify: verify_time,
        proof_bytes: proof.len(),
        emitted,
    })
}
