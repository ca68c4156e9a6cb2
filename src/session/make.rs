//! Makes one chunk: proven, verified, written.

use std::time::Instant;

use super::{ChunkReport, Event, ProveSessionError};
use crate::decode::{Build, Decoded};
use crate::prove::ProveError;
use crate::receipt::{MAX_PROOF_BYTES, ProofIdentity, Receipt, SessionWriter, check_receipt};
use crate::verify::policy::Accept;
use crate::verify::proof::encode_tensors;
use crate::verify::tensors::verify_tensors;
use crate::wrap::witness::{self, MAX_WITNESS_BYTES};

/// What making a chunk needs besides the decoded chunk.
pub(super) struct Job<'a> {
    pub(super) build: &'a Build,
    pub(super) accept: &'a Accept,
    pub(super) writer: &'a SessionWriter,
    pub(super) chunk: usize,
}

impl Job<'_> {
    /// Proves a decoded chunk, verifies the proof and writes both.
    pub(super) fn make(
        &self,
        made: &Decoded,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ChunkReport, ProveSessionError> {
        let (build, chunk) = (self.build, self.chunk);
        let failed = |source| ProveSessionError::Make { chunk, source };
        let statement = made.statement();
        // 1. The program states what the decoder says, and its run is proven.
        let (position, steps) = (statement.frontier_in.position, statement.steps as usize);
        build.check_memory(position, steps).map_err(failed)?;
        observe(Event::Tracing { chunk });
        let start = Instant::now();
        let traced = build.trace(made).map_err(failed)?;
        let (trace, vm_steps) = (start.elapsed(), traced.steps);
        observe(Event::Proving { chunk, vm_steps });
        let start = Instant::now();
        let proof = build.prove_traced(traced).map_err(failed)?;
        let witness = build.set.is_foldable().then(|| witness::encode(&proof));
        let bytes = encode_tensors(&proof.into_proof());
        let prove = start.elapsed();
        check_sizes(&bytes, witness.as_deref()).map_err(|error| failed(error.into()))?;
        // 2. The proof is verified as anyone would who has the manifest.
        let start = Instant::now();
        let facts = verify_tensors(&bytes, &build.manifest.tensors);
        let facts = facts.map_err(|source| ProveSessionError::SelfCheck { chunk, source })?;
        let verify = start.elapsed();
        // 3. Its receipt holds.
        let identity = ProofIdentity::of(&bytes);
        let tokens = (made.forced.clone(), made.emitted.clone());
        let receipt = Receipt::new(chunk, statement.clone(), tokens, &identity, &facts.facts);
        check_receipt(&receipt, &facts.facts, &identity, self.accept).map_err(|source| {
            ProveSessionError::Receipt {
                chunk,
                source: Box::new(source),
            }
        })?;
        // 4. Proof first (and what wrapping it needs), then the receipt that makes it count. What lies there is replaced by nothing else.
        if let Some(witness) = &witness {
            self.writer.write_witness(chunk, witness)?;
        }
        self.writer.write_proof(chunk, &bytes)?;
        self.writer.write_receipt(chunk, &receipt)?;
        Ok(ChunkReport {
            chunk,
            steps,
            vm_steps,
            trace,
            prove,
            verify,
            proof_bytes: bytes.len(),
            emitted: made.emitted.clone(),
        })
    }
}

/// What could not be read back is not written.
fn check_sizes(proof: &[u8], witness: Option<&[u8]>) -> Result<(), ProveError> {
    let parts = [
        ("the proof", proof.len(), MAX_PROOF_BYTES),
        (
            "the witness for wrapping",
            witness.map_or(0, <[u8]>::len),
            MAX_WITNESS_BYTES,
        ),
    ];
    for (what, found, limit) in parts {
        let found = found as u64;
        if found > limit {
            return Err(ProveError::TooManyBytes { what, found, limit });
        }
    }
    Ok(())
}
