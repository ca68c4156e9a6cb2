//! The proof of a decoded chunk.

use stwo_cairo_adapter::ProverInput;

use super::build::Build;
use super::error::DecodeError;
use super::session::Decoded;
use crate::prove::ProveError;
use crate::tensor::{Chunk, carried_blocks, constants, witness};
use crate::verify::proof::encode_tensors;
use crate::verify::tensors::{TensorFacts, verify_tensors};

/// A decoded chunk's run in the VM, whose output is the chunk's statement.
pub struct Traced {
    /// What the prover takes of it.
    pub input: ProverInput,
    /// Steps of the VM.
    pub steps: usize,
}

impl Build {
    /// Runs the program of a decoded chunk.
    ///
    /// # Errors
    /// An input that the program refuses, or an output that is another statement.
    pub fn trace(&self, decoded: &Decoded) -> Result<Traced, DecodeError> {
        let chunk = &decoded.chunk;
        let trace = self.program.run(&chunk.input)?;
        let hash = self.manifest.model.program_hash.0;
        chunk.statement.compare(trace.output(), hash)?;
        let steps = trace.steps();
        let input = trace.into_prover_input()?;
        Ok(Traced { input, steps })
    }

    /// Cells of the tensor components in the proof of a chunk: constants in all sizes, trace and interaction in the chunk's.
    ///
    /// # Errors
    /// Too many carried positions.
    pub fn tensor_cells(&self, chunk: &Chunk) -> Result<u64, DecodeError> {
        let layouts = self.manifest.tensors.layouts();
        let [blocks, _] = carried_blocks(self.plan.lanes, chunk.position);
        let layout = layouts.at(&constants::sizes(&self.plan, layouts, blocks))?;
        let placed = layout.components.iter().zip(layout.columns());
        let cells = placed
            .zip(&layouts.components)
            .map(|((placed, columns), sizes)| {
                let rows: u64 = sizes.all().map(|size| 1 << size.log_rows).sum();
                let own = (columns.trace + columns.interaction) as u64;
                columns.constants.len() as u64 * rows + (own << placed.log_rows)
            });
        Ok(cells.sum())
    }

    /// Proves a decoded chunk's run: the bytes of the proof, which nobody has verified yet.
    ///
    /// # Errors
    /// A run that is not the chunk's, or a failure of the prover.
    pub fn prove_traced(&self, decoded: &Decoded, traced: Traced) -> Result<Vec<u8>, DecodeError> {
        let (values, mut input) = (&decoded.values, traced.input);
        let none = || ProveError::Prover("the prover has no constants".to_string());
        let sets = self.prover.constants().ok_or_else(none)?;
        let constants = constants::of_chunk(&self.plan, sets, &values.chunk)?;
        let witness = witness::witness(&self.plan, &constants, values, &mut input)?;
        Ok(encode_tensors(&self.prover.prove_tensors(input, &witness)?))
    }

    /// Runs the program of a decoded chunk and proves the run: the bytes of the proof, and what a verifier learns from them. They have been
    /// verified with the manifest, and state what the chunk states.
    ///
    /// # Errors
    /// As [`Build::trace`] and [`Build::prove_traced`], and a proof that does not verify.
    pub fn prove(&self, decoded: &Decoded) -> Result<(Vec<u8>, TensorFacts), DecodeError> {
        let traced = self.trace(decoded)?;
        let bytes = self.prove_traced(decoded, traced)?;
        let facts = verify_tensors(&bytes, &self.manifest.tensors)?;
        let stated = &facts.facts;
        let statement = decoded.statement();
        statement.compare(&stated.output, stated.program_hash)?;
        Ok((bytes, facts))
    }
}
