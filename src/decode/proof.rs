//! The proof of a decoded chunk.

use stwo_cairo_adapter::ProverInput;

use super::build::Build;
use super::error::DecodeError;
use super::session::Decoded;
use crate::prove::TensorWitness;
use crate::prove::tensor::Witness;
use crate::tensor::{constants, witness};
use crate::verify::proof::encode_tensors;
use crate::verify::tensors::{TensorFacts, verify_tensors};

/// A decoded chunk's run in the VM, whose output is the chunk's statement, and the rows of its components.
pub struct Traced {
    /// What the prover takes of the run.
    pub input: ProverInput,
    /// Steps of the VM.
    pub steps: usize,
    witness: Witness,
}

impl Build {
    /// Runs the program of a decoded chunk, and makes the rows of its components.
    ///
    /// # Errors
    /// An input that the program refuses, or an output that is another statement.
    pub fn trace(&self, decoded: &Decoded) -> Result<Traced, DecodeError> {
        let (values, chunk) = (&decoded.values, &decoded.chunk);
        let trace = self.program.run(&chunk.input)?;
        let hash = self.manifest.model.program_hash.0;
        chunk.statement.compare(trace.output(), hash)?;
        let steps = trace.steps();
        let mut input = trace.into_prover_input()?;
        let constants = constants::of_chunk(&self.plan, self.prover.constants(), &values.chunk)?;
        let witness = witness::witness(&self.plan, &constants, values, &mut input)?;
        Ok(Traced {
            input,
            steps,
            witness,
        })
    }

    /// Proves a chunk's run. Nobody has verified the proof yet.
    ///
    /// # Errors
    /// A failure of the prover.
    pub fn prove_traced(&self, traced: Traced) -> Result<TensorWitness, DecodeError> {
        let Traced { input, witness, .. } = traced;
        Ok(self.prover.prove_tensors_in_full(input, &witness)?)
    }

    /// Runs the program of a decoded chunk and proves the run: the bytes of the proof, and what a verifier learns from them. They have been
    /// verified with the manifest, and state what the chunk states.
    ///
    /// # Errors
    /// As [`Build::trace`] and [`Build::prove_traced`], and a proof that does not verify.
    pub fn prove(&self, decoded: &Decoded) -> Result<(Vec<u8>, TensorFacts), DecodeError> {
        let proof = self.prove_traced(self.trace(decoded)?)?;
        let bytes = encode_tensors(&proof.into_proof());
        let facts = verify_tensors(&bytes, &self.manifest.tensors)?;
        let stated = &facts.facts;
        let statement = decoded.statement();
        statement.compare(&stated.output, stated.program_hash)?;
        Ok((bytes, facts))
    }
}
