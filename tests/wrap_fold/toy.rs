//! Circuits in the place of leaves: they say what they are told, and verify no chunk.

use cairo_decode::wrap::circuit::{CircuitProver, Proof, pcs_config};
use cairo_decode::wrap::shape::{Shape, pad};
use cairo_decode::wrap::span::Span;
use circuit_common::N_RESERVED;
use circuits::blake::{HashValue, blake};
use circuits::context::{Context, FinalizedContext};
use circuits::ivalue::{IValue, NoValue};
use circuits::ops::Guess;
use stwo::core::fields::qm31::QM31;

/// Which circuit.
#[derive(Clone, Copy)]
pub enum Toy {
    /// Its value is that of a leaf: the hash of a span.
    Leaf,
    /// Its value is whatever it is told.
    Anything,
}

impl Toy {
    fn build<Value: IValue>(
        self,
        span: &Span<QM31>,
        value: HashValue<QM31>,
    ) -> FinalizedContext<Value> {
        let mut context = Context::new(N_RESERVED);
        let mut guess = |value| Value::from_qm31(value).guess(&mut context);
        let value = match self {
            Toy::Leaf => {
                let preimage = span.of_leaf().map(guess);
                blake(&mut context, &preimage, 16 * preimage.len())
            }
            Toy::Anything => HashValue(guess(value.0), guess(value.1)),
        };
        context.set_outputs(&[value.0, value.1]);
        context.finalize(false)
    }

    /// The circuit in this shape, ready to prove.
    pub fn prover(self, shape: &'static Shape) -> ToyProver {
        let zero = HashValue(QM31::default(), QM31::default());
        let span = Span {
            common: zero,
            first: zero,
            last: zero,
        };
        let topology = self.build::<NoValue>(&span, zero);
        let prover = CircuitProver::new(topology, shape, pcs_config(shape));
        ToyProver {
            toy: self,
            shape,
            prover: prover.expect("fits"),
        }
    }
}

pub struct ToyProver {
    toy: Toy,
    shape: &'static Shape,
    prover: CircuitProver,
}

impl ToyProver {
    pub fn root(&self) -> [u8; 32] {
        self.prover.root()
    }

    /// A proof of this value, which is that of the span.
    pub fn prove(&self, span: &Span<QM31>, value: HashValue<QM31>) -> Proof {
        let mut circuit = self.toy.build::<QM31>(span, value);
        pad(&mut circuit, self.shape).expect("fits");
        let values = circuit.values().to_vec();
        drop(circuit);
        self.prover.prove(&values).expect("a proof")
    }
}
