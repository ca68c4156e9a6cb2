//! The fold: a circuit that verifies two nodes of a session, and says of both what one node says.
//!
//! A node is a leaf, which verifies a chunk's proof, or a fold. Its public value is a hash: of a [`Span`] for a leaf; for a fold of the
//! root of the fold circuit, the root of the model's leaf, and a span. The circuit's own root is a wire of it, which it compares with
//! the root of each child that is a fold, and whoever verifies the top of a tree compares it with [`ROOT`].
//!
//! Owns: the circuit, its root, its prover; what it requires besides that proofs verify is in `rules`. Invariant: children have the shape [`AGGREGATE`], and so has the circuit. So it verifies
//! itself, and any tree over chunks in their order has one span at its top.
//!
//! Absent on purpose: which leaf belongs to which model; how chunks are put into a tree, and how many.

mod rules;

use circuit_common::N_RESERVED;
use circuit_prover::prover::prepare_circuit_proof_for_circuit_verifier;
use circuit_verifier::statement::{CircuitStatement, INTERACTION_POW_BITS, all_circuit_components};
use circuit_verifier::verify::CircuitConfig;
use circuits::blake::HashValue;
use circuits::context::{Context, FinalizedContext};
use circuits::ivalue::{IValue, NoValue};
use circuits::ops::{Guess, eq};
use circuits_stark_verifier::proof::{Proof as ProofValues, ProofConfig, empty_proof};
use circuits_stark_verifier::verify::verify;
use num_traits::{One, Zero};
use stwo::core::fields::qm31::QM31;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use super::WrapError;
use super::circuit::{CircuitProver, Proof, pcs_config};
use super::shape::{AGGREGATE, pad};
use super::span::Span;

pub use rules::{Child, Joined, Kind, Proven, Rule, Witness, join};

/// Root of the circuit. `cargo test --test wrap_fold` recomputes it.
pub const ROOT: [u8; 32] = [
    0xf4, 0x8d, 0xff, 0x54, 0xcd, 0xef, 0x76, 0x6f, 0xfb, 0xab, 0x85, 0x4d, 0xd6, 0xba, 0x5c, 0x4c,
    0x8a, 0x8f, 0xeb, 0x2a, 0xa8, 0xa6, 0xde, 0x4c, 0x6a, 0x6f, 0xce, 0x33, 0x83, 0x9f, 0x34, 0x71,
];

/// The circuit, with values or without.
pub fn build<Value: IValue>(
    witness: &Witness,
    proofs: [&ProofValues<Value>; 2],
) -> FinalizedContext<Value> {
    let (columns, config) = (AGGREGATE.column_log_sizes(), proof_config());
    let mut context = Context::new(N_RESERVED);
    let proven = std::array::from_fn(|i| {
        let Proven { root, value } = witness.children[i].proven;
        let circuit = CircuitConfig {
            config: pcs_config(&AGGREGATE),
            n_outputs: N_RESERVED,
            preprocessed_column_log_sizes: columns.clone(),
            preprocessed_root: root,
        };
        let statement = CircuitStatement::new(&mut context, &circuit, &[value.0, value.1]);
        let proof = proofs[i].guess(&mut context);
        // As `wrap::verify`, which has no salt.
        let zero = context.zero();
        eq(&mut context, proof.channel_salt, zero);
        verify(&mut context, &proof, &config, &statement);
        Proven {
            root: statement.preprocessed_root,
            value: HashValue(statement.output_values[0], statement.output_values[1]),
        }
    });
    let Joined { value, rules } = join(&mut context, witness, proven);
    for Rule { left, right, .. } in rules {
        eq(&mut context, left, right);
    }
    context.set_outputs(&[value.0, value.1]);
    context.finalize(false)
}

/// What proofs of circuits of the shape [`AGGREGATE`] have in common.
fn proof_config() -> ProofConfig {
    ProofConfig::new(
        &all_circuit_components::<NoValue>(),
        AGGREGATE.columns().len(),
        &pcs_config(&AGGREGATE),
        INTERACTION_POW_BITS,
    )
}

/// A node: a proof of a circuit of shape [`AGGREGATE`], and what it says.
pub struct Node {
    pub kind: Kind,
    pub span: Span<QM31>,
    pub proof: Proof,
}

/// A proof as the circuit takes it.
pub fn values_of(proof: Proof) -> ProofValues<QM31> {
    prepare_circuit_proof_for_circuit_verifier(proof, &proof_config()).0
}

/// The fold circuit, ready to prove.
pub struct Fold {
    prover: CircuitProver,
}

impl Fold {
    /// Builds the circuit.
    ///
    /// # Errors
    /// [`WrapError::CircuitTooLarge`].
    pub fn new() -> Result<Fold, WrapError> {
        let prover = CircuitProver::new(topology(), &AGGREGATE, pcs_config(&AGGREGATE))?;
        Ok(Fold { prover })
    }

    /// The circuit's root.
    pub fn root(&self) -> [u8; 32] {
        self.prover.root()
    }

    /// Proves of two nodes over leaves with the root `leaf` what one node says of both; of one node, what it says itself.
    ///
    /// # Errors
    /// [`WrapError::Inner`] if a proof does not verify or is not what its node says, or if the nodes do not follow each other; and what
    /// the prover gives.
    pub fn prove(
        &self,
        leaf: [u8; 32],
        left: Node,
        right: Option<Node>,
    ) -> Result<Node, WrapError> {
        let [fold, leaf] = [self.root(), leaf].map(|root| HashValue::from(Blake2sHash(root)));
        let child = |node: &Node| Child::new(node.kind, node.span, fold, leaf);
        let mut witness = Witness {
            fold,
            leaf,
            single: QM31::one(),
            children: [child(&left); 2],
        };
        let mut span = left.span;
        if let Some(right) = &right {
            witness.single = QM31::zero();
            witness.children[1] = child(right);
            span.last = right.span.last;
        }
        let (left, right) = (
            values_of(left.proof),
            right.map(|right| values_of(right.proof)),
        );
        let mut circuit = build(&witness, [&left, right.as_ref().unwrap_or(&left)]);
        if !circuit.is_circuit_valid() {
            return Err(WrapError::Inner);
        }
        pad(&mut circuit, &AGGREGATE)?;
        // The gates are in the prover already; a gigabyte less while it works.
        let values = circuit.values().to_vec();
        drop(circuit);
        Ok(Node {
            kind: Kind::Fold,
            span,
            proof: self.prover.prove(&values)?,
        })
    }
}

/// The circuit without values.
pub fn topology() -> FinalizedContext<NoValue> {
    let zero = HashValue(QM31::zero(), QM31::zero());
    let span = Span {
        common: zero,
        first: zero,
        last: zero,
    };
    let witness = Witness {
        fold: zero,
        leaf: zero,
        single: QM31::zero(),
        children: [Child::new(Kind::Leaf, span, zero, zero); 2],
    };
    let proof = empty_proof(&proof_config());
    build(&witness, [&proof; 2])
}
