//! The proof of a decoded chunk.

use super::build::Build;
use super::error::DecodeError;
use super::session::Decoded;
use crate::prove::ProveError;
use crate::tensor::{constants, witness};
use crate::verify::proof::encode_tensors;
use crate::verify::tensors::{TensorFacts, verify_tensors};

impl Build {
    /// Runs the program of a decoded chunk and proves the run: the bytes of the proof, and what a verifier learns from them. They have been
    /// verified with the manifest, and state what the chunk states.
    ///
    /// # Errors
    /// An input that the program refuses, an output that is another statement, or a failure of the prover.
    pub fn prove(&self, decoded: &Decoded) -> Result<(Vec<u8>, TensorFacts), DecodeError> {
        let (values, chunk) = (&decoded.values, &decoded.chunk);
        let trace = self.program.run(&chunk.input)?;
        let hash = self.manifest.model.program_hash.0;
        chunk.statement.compare(trace.output(), hash)?;
        let mut input = trace.into_prover_input()?;
        let none = || ProveError::Prover("the prover has no constants".to_string());
        let sets = self.prover.constants().ok_or_else(none)?;
        let constants = constants::of_chunk(&self.plan, sets, &values.chunk)?;
        let witness = witness::witness(&self.plan, &constants, values, &mut input)?;
        let proof = self.prover.prove_tensors(input, &witness)?;
        let bytes = encode_tensors(&proof);
        let facts = verify_tensors(&bytes, &self.manifest.tensors)?;
        let stated = &facts.facts;
        chunk
            .statement
            .compare(&stated.output, stated.program_hash)?;
        Ok((bytes, facts))
    }
}
