//! The leaf circuit of proofs with tensor components: it verifies one chunk's proof of one model.
//!
//! Built into it, so that its root stands for them: the program's words, the parameters, the root of the model's constants, the layout, the
//! set of Cairo's components. Its public value is
//! [`Span::leaf_value`](super::span::Span::leaf_value) of the program's output.

pub mod circuit;
mod columns;
pub mod inner;
pub mod public;
pub mod rows;
pub mod rules;
pub mod values;

use circuits::context::FinalizedContext;
use circuits::ivalue::NoValue;
use starknet_types_core::felt::Felt;

use super::WrapError;
use super::circuit::{CircuitProver, Proof, pcs_config};
use super::shape::{AGGREGATE, LARGE_LEAF, Shape, check, pad};
use crate::guard::guarded;
use crate::prove::TensorWitness;
use crate::verify::tensors::TensorPins;
use inner::Inner;
use values::Values;

/// The shape of the leaf circuit of proofs with these pins: the one of folds, or else the larger one.
///
/// # Errors
/// As [`Leaf::new`].
pub fn shape(pins: &TensorPins, words: &[Felt]) -> Result<&'static Shape, WrapError> {
    let inner = Inner::new(pins, words)?;
    shape_of(&circuit::build(&inner, &Values::none(&inner)).gates)
}

fn shape_of(topology: &FinalizedContext<NoValue>) -> Result<&'static Shape, WrapError> {
    if check(topology, &AGGREGATE).is_ok() {
        return Ok(&AGGREGATE);
    }
    check(topology, &LARGE_LEAF).map(|()| &LARGE_LEAF)
}

/// The leaf circuit of one model, ready to prove.
pub struct Leaf {
    inner: Inner,
    shape: &'static Shape,
    prover: CircuitProver,
}

impl Leaf {
    /// Builds the circuit that verifies proofs with these pins of the program with these words.
    ///
    /// # Errors
    /// [`WrapError::NotFoldable`], or [`WrapError::CircuitTooLarge`] if the model's proofs take too many gates.
    pub fn new(pins: &TensorPins, words: &[Felt]) -> Result<Leaf, WrapError> {
        let inner = Inner::new(pins, words)?;
        let topology = circuit::build(&inner, &Values::none(&inner)).gates;
        let shape = shape_of(&topology)?;
        let prover = CircuitProver::new(topology, shape, pcs_config(shape))?;
        Ok(Leaf {
            inner,
            shape,
            prover,
        })
    }

    /// The circuit's shape.
    pub fn shape(&self) -> &'static Shape {
        self.shape
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
        // The library computes with whatever a witness holds: lists of other lengths, divisors that are zero.
        let build = || {
            let values = Values::of(&self.inner, witness)?;
            let circuit = circuit::build(&self.inner, &values).gates;
            let valid = circuit.is_circuit_valid();
            valid.then_some(circuit).ok_or(WrapError::Inner)
        };
        let mut circuit = guarded(build).map_err(|_| WrapError::Inner)??;
        pad(&mut circuit, self.shape)?;
        // The gates are in the prover already; a gigabyte less while it works.
        let values = circuit.values().to_vec();
        drop(circuit);
        self.prover.prove(&values)
    }
}
