//! Makes one chunk: proven, verified, written.

use std::time::Instant;

use super::provable::{ChunkOf, ChunkProver, Decoder, Place, Proof, Provable};
use super::{ChunkReport, Event, ProveSessionError};
use crate::prove::ProveError;
use crate::receipt::{
    MAX_PROOF_BYTES, ProofIdentity, ReceiptOf, SessionWriter, Stated, check_receipt,
};
use crate::verify::policy::Accept;
use crate::wrap::witness::MAX_WITNESS_BYTES;

/// What writing a chunk needs besides its proof.
pub(super) struct Job<'a, B> {
    pub(super) build: &'a B,
    pub(super) accept: &'a Accept,
    pub(super) writer: &'a SessionWriter,
    pub(super) place: Place,
}

impl<B: Provable> Job<'_, B> {
    /// Proves a decoded chunk, verifies the proof and writes both.
    pub(super) fn make<D: Decoder<Statement = B::Statement>>(
        &self,
        prover: &mut impl ChunkProver<D>,
        made: &ChunkOf<D>,
        observe: &mut dyn FnMut(Event),
    ) -> Result<ChunkReport, ProveSessionError> {
        let chunk = self.place.chunk;
        let failed = |source| ProveSessionError::Make { chunk, source };
        // 1. The program does what the decoder did, and its run is proven.
        let proof = prover.prove(made, self.place, observe).map_err(failed)?;
        check_sizes(&proof).map_err(|error| failed(error.into()))?;
        // 2. The proof is verified as anyone would.
        let start = Instant::now();
        let facts = self.build.verify(&proof.bytes);
        let facts = facts.map_err(|source| ProveSessionError::SelfCheck { chunk, source })?;
        let verify = start.elapsed();
        // 3. Its receipt holds.
        let identity = ProofIdentity::of(&proof.bytes);
        let tokens = (made.forced.clone(), made.emitted.clone());
        let receipt = ReceiptOf::new(chunk, made.statement.clone(), tokens, &identity, &facts);
        check_receipt(&receipt, &facts, &identity, self.accept).map_err(|source| {
            ProveSessionError::Receipt {
                chunk,
                source: Box::new(source),
            }
        })?;
        // 4. Proof first (and what wrapping it needs), then the receipt that makes it count. What lies there is replaced by nothing else.
        if let Some(witness) = &proof.witness {
            self.writer.write_witness(chunk, witness)?;
        }
        self.writer.write_proof(chunk, &proof.bytes)?;
        self.writer.write_receipt(chunk, &receipt)?;
        Ok(ChunkReport {
            chunk,
            steps: made.statement.steps() as usize,
            vm_steps: proof.vm_steps,
            trace: proof.trace,
            prove: proof.prove,
            verify,
            proof_bytes: proof.bytes.len(),
            emitted: made.emitted.clone(),
        })
    }
}

/// What could not be read back is not written.
fn check_sizes(proof: &Proof) -> Result<(), ProveError> {
    let witness = proof.witness.as_ref().map_or(0, Vec::len);
    let parts = [
        ("the proof", proof.bytes.len(), MAX_PROOF_BYTES),
        ("the witness for wrapping", witness, MAX_WITNESS_BYTES),
    ];
    for (what, found, limit) in parts {
        let found = found as u64;
        if found > limit {
            return Err(ProveError::TooManyBytes { what, found, limit });
        }
    }
    Ok(())
}
