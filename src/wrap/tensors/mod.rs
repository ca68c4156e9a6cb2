//! The leaf circuit of proofs with tensor components: it verifies one chunk's proof of one model.
//!
//! Built into it, so that its root stands for them: the program's words, the parameters, the root of the model's constants, the layout, the
//! set of Cairo's components. Its public value is [`value_of`] the program's output.

pub mod circuit;
pub mod inner;
mod public;
mod rows;
pub mod values;

use std::ops::Range;

use circuits::blake::{HashValue, blake_qm31};
use circuits_stark_verifier::proof_from_stark_proof::pack_into_qm31s;
use starknet_types_core::felt::Felt;
use stwo::core::fields::qm31::QM31;

use super::WrapError;
use super::circuit::{CircuitProver, Proof, pcs_config};
use super::span::limbs;
use super::shape::{AGGREGATE, pad};
use crate::prove::TensorWitness;
use crate::verify::tensors::TensorPins;
use inner::Inner;
use values::Values;

/// The felts of statement 3 that a value has a digest of: what all chunks of a session have in common, the frontier that comes in, and the
/// one that goes out.
pub fn parts() -> [Range<usize>; 3] {
    [0..11, 12..17, 17..22]
}

/// The leaf circuit of one model, ready to prove.
pub struct TensorLeaf {
    inner: Inner,
    prover: CircuitProver,
}

impl TensorLeaf {
    /// Builds the circuit that verifies proofs with these pins of the program with these words.
    ///
    /// # Errors
    /// [`WrapError::NotFoldable`], or [`WrapError::CircuitTooLarge`] if the model's proofs take too many gates.
    pub fn new(pins: &TensorPins, words: &[Felt]) -> Result<TensorLeaf, WrapError> {
        let inner = Inner::new(pins, words)?;
        let (topology, _) = circuit::build(&inner, &Values::none(&inner));
        let prover = CircuitProver::new(topology, &AGGREGATE, pcs_config(&AGGREGATE))?;
        Ok(TensorLeaf { inner, prover })
    }

    /// The circuit's root.
    pub fn root(&self) -> [u8; 32] {
        self.prover.root()
    }

    /// Wraps the proof of a chunk.
    ///
    /// # Errors
    /// [`WrapError::Components`], [`WrapError::OtherProgram`], [`WrapError::Inner`] for a proof that the circuit does not accept, and what the
    /// prover gives.
    pub fn prove(&self, witness: &TensorWitness) -> Result<Proof, WrapError> {
        let values = Values::of(&self.inner, witness)?;
        let (mut circuit, _) = circuit::build(&self.inner, &values);
        if !circuit.is_circuit_valid() {
            return Err(WrapError::Inner);
        }
        pad(&mut circuit, &AGGREGATE)?;
        // The gates are in the prover already; a gigabyte less while it works.
        let values = circuit.values().to_vec();
        drop(circuit);
        self.prover.prove(&values)
    }
}

/// The circuit's public value for a program's output: Blake2s of the digests of its [`parts`], each over limbs of 9 bits of one 32-bit
/// word each; all words of digests reduced modulo 2^31 − 1.
pub fn value_of(output: &[Felt]) -> [QM31; 2] {
    let mut all = vec![];
    for felts in parts() {
        let packed = pack_into_qm31s(output[felts].iter().flat_map(limbs));
        let HashValue(low, high) = blake_qm31(&packed, 16 * packed.len());
        all.extend([low, high]);
    }
    let HashValue(low, high) = blake_qm31(&all, 16 * all.len());
    [low, high]
}
