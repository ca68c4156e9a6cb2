//! The leaf circuit of proofs with tensor components: it verifies one chunk's proof of one model.
//!
//! Built into it, so that its root stands for them: the program's words, the parameters, the root of the model's constants, the layout, the
//! set of Cairo's components. Its public value is
//! [`Span::leaf_value`](super::span::Span::leaf_value) of the program's output.

pub mod circuit;
pub mod inner;
mod public;
mod rows;
pub mod values;

use starknet_types_core::felt::Felt;

use super::WrapError;
use super::circuit::{CircuitProver, Proof, pcs_config};
use super::shape::{AGGREGATE, pad};
use crate::prove::TensorWitness;
use crate::verify::tensors::TensorPins;
use inner::Inner;
use values::Values;

/// Refuses pins of proofs that no leaf circuit takes: those that are not made for it, and those whose circuit has more gates than a fold
/// verifies.
///
/// # Errors
/// As [`Leaf::new`].
pub fn check_fits(pins: &TensorPins, words: &[Felt]) -> Result<(), WrapError> {
    let inner = Inner::new(pins, words)?;
    let (mut topology, _) = circuit::build(&inner, &Values::none(&inner));
    pad(&mut topology, &AGGREGATE)
}

/// The leaf circuit of one model, ready to prove.
pub struct Leaf {
    inner: Inner,
    prover: CircuitProver,
}

impl Leaf {
    /// Builds the circuit that verifies proofs with these pins of the program with these words.
    ///
    /// # Errors
    /// [`WrapError::NotFoldable`], or [`WrapError::CircuitTooLarge`] if the model's proofs take too many gates.
    pub fn new(pins: &TensorPins, words: &[Felt]) -> Result<Leaf, WrapError> {
        let inner = Inner::new(pins, words)?;
        let (topology, _) = circuit::build(&inner, &Values::none(&inner));
        let prover = CircuitProver::new(topology, &AGGREGATE, pcs_config(&AGGREGATE))?;
        Ok(Leaf { inner, prover })
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
