//! Makes one chunk: decoded, run in the VM, proven, verified, written.

use std::time::{Duration, Instant};

use stwo_cairo_adapter::ProverInput;

use super::plan::Plan;
use super::{ChunkReport, Event, ProveSessionError};
use crate::bundle::Bundle;
use crate::chunk::{Chunk, Decoder};
use crate::profile::{Component, components};
use crate::prove::{ProveError, Proven, Prover, check_memory};
use crate::receipt::{MAX_PROOF_BYTES, Receipt, SessionWriter, check_receipt};
use crate::verify::policy::Accept;
use crate::verify::verify_proof;
use crate::wrap::witness::{self, MAX_WITNESS_BYTES};

/// What proving a chunk needs besides the decoder.
pub(super) struct Job<'a> {
    pub(super) bundle: &'a Bundle,
    pub(super) prover: &'a Prover,
    pub(super) accept: &'a Accept,
    pub(super) writer: &'a SessionWriter,
    pub(super) index: usize,
    pub(super) wrappable: bool,
}

/// A chunk's run in the VM.
pub(super) struct Traced {
    chunk: Chunk,
    vm_steps: usize,
    input: ProverInput,
    components: Vec<Component>,
    time: Duration,
}

/// One chunk of at most `most` steps of those that are left, as long as the plan has it.
pub(super) fn planned(
    job: Job<'_>,
    decoder: &mut Decoder<'_>,
    (most, left): (usize, usize),
    plan: &mut Plan,
    observe: &mut dyn FnMut(Event),
) -> Result<ChunkReport, ProveSessionError> {
    let steps = plan.choose(most, left, |steps| {
        trace(&job, &mut decoder.clone(), steps, observe).map(|traced| traced.components)
    })?;
    let traced = trace(&job, decoder, steps, observe)?;
    plan.learn(&traced.components, traced.chunk.statement.steps as usize);
    prove(job, traced, observe)
}

/// Decodes a chunk and runs its program in the VM.
pub(super) fn trace(
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
    let trace = crate::trace::run(&job.bundle.program, &chunk.input).map_err(in_trace)?;
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
pub(super) fn prove(
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
    check_size("the proof", &proof, MAX_PROOF_BYTES)
        .map_err(|source| ProveSessionError::Prove { chunk, source })?;
    let prove_time = start.elapsed();
    // 4. The proof is verified as anyone would.
    let start = Instant::now();
    let facts =
        verify_proof(&proof).map_err(|source| ProveSessionError::SelfCheck { chunk, source })?;
    let verify_time = start.elapsed();
    // 5. Proof first (and what wrapping it needs), then the receipt that makes it count.
    if job.wrappable {
        let witness = witness::encode(&extended);
        check_size("the witness for wrapping", &witness, MAX_WITNESS_BYTES)
            .map_err(|source| ProveSessionError::Prove { chunk, source })?;
        job.writer.write_witness(chunk, &witness)?;
    }
    let identity = job.writer.write_proof(chunk, &proof)?;
    let tokens = (forced, emitted.clone());
    let receipt = Receipt::new(chunk, statement, tokens, &identity, &facts);
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

/// What could not be read back is not written.
fn check_size(what: &'static str, bytes: &[u8], limit: u64) -> Result<(), ProveError> {
    let found = bytes.len() as u64;
    match found > limit {
        true => Err(ProveError::TooManyBytes { what, found, limit }),
        false => Ok(()),
    }
}
