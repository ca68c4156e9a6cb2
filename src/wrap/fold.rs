//! The fold: a circuit that verifies two nodes of a session, and says of both what one node says.
//!
//! A node is a leaf, which verifies a chunk's proof, or a fold. Its public value is a hash: of a [`Span`] for a leaf; for a fold of the
//! root of the fold circuit, the root of the model's leaf, and a span. The circuit's own root is a wire of it, which it compares with
//! the root of each child that is a fold, and whoever verifies the top of a tree compares it with [`ROOT`]. A second circuit
//! verifies two leaves of a larger shape, whose proofs the fold circuit takes as it takes folds: a pair.
//!
//! Owns: the circuits, their roots, their prover; what they require besides that proofs verify is in `rules`. Invariant: children of the
//! fold circuit have the shape [`AGGREGATE`], and so has the circuit. So it verifies itself, and any tree over chunks in their order has
//! one span at its top.
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
use super::shape::{AGGREGATE, LARGE_LEAF, Shape, pad};
use super::span::Span;
use crate::guard::guarded;

pub use rules::{Child, Joined, Kind, Proven, Rule, Witness, join, join_leaves};

/// Root of the fold circuit. `cargo test --test wrap_fold` recomputes it, and the other one.
pub const ROOT: [u8; 32] = [
    0xeb, 0xa8, 0xf3, 0x62, 0xba, 0xcc, 0x63, 0x14, 0x7e, 0x7e, 0x26, 0x15, 0x9a, 0x0b, 0xcd, 0x18,
    0xb5, 0x35, 0xbd, 0x61, 0x83, 0x52, 0xc9, 0x3d, 0x9f, 0xc8, 0x86, 0x5a, 0x2e, 0x97, 0xaa, 0x5a,
];

/// Root of the circuit of pairs. The fold circuit has it built in.
pub const PAIR_ROOT: [u8; 32] = [
    0x14, 0xf9, 0x8b, 0x5f, 0xb7, 0x82, 0xb3, 0x69, 0xe0, 0xde, 0x8e, 0x45, 0x95, 0xb6, 0x75, 0x15,
    0x0f, 0xa7, 0xaf, 0x37, 0x4a, 0x59, 0xb2, 0x13, 0x9d, 0xe9, 0xc1, 0x7b, 0xef, 0x88, 0x12, 0x6e,
];

/// Which of the two circuits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Circuit {
    /// Of two nodes: leaves, pairs and folds.
    Fold,
    /// Of two leaves of the larger shape.
    Pair,
}

impl Circuit {
    /// Shape of the circuits that its children are proofs of.
    pub fn inner(self) -> &'static Shape {
        match self {
            Circuit::Fold => &AGGREGATE,
            Circuit::Pair => &LARGE_LEAF,
        }
    }

    /// The circuit, with values or without.
    pub fn build<Value: IValue>(
        self,
        witness: &Witness,
        proofs: [&ProofValues<Value>; 2],
    ) -> FinalizedContext<Value> {
        let inner = self.inner();
        let (columns, config) = (inner.column_log_sizes(), proof_config(inner));
        let mut context = Context::new(N_RESERVED);
        let proven = std::array::from_fn(|i| {
            let Proven { root, value } = witness.children[i].proven;
            let circuit = CircuitConfig {
                config: pcs_config(inner),
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
        let Joined { value, rules } = match self {
            Circuit::Fold => join(&mut context, witness, proven),
            Circuit::Pair => join_leaves(&mut context, witness, proven),
        };
        for Rule { left, right, .. } in rules {
            eq(&mut context, left, right);
        }
        context.set_outputs(&[value.0, value.1]);
        context.finalize(false)
    }

    /// The circuit without values.
    pub fn topology(self) -> FinalizedContext<NoValue> {
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
        let proof = empty_proof(&proof_config(self.inner()));
        self.build(&witness, [&proof; 2])
    }

    /// A child's proof as the circuit takes it.
    pub fn values_of(self, proof: Proof) -> ProofValues<QM31> {
        prepare_circuit_proof_for_circuit_verifier(proof, &proof_config(self.inner())).0
    }
}

/// What proofs of circuits of one shape have in common.
fn proof_config(shape: &Shape) -> ProofConfig {
    ProofConfig::new(
        &all_circuit_components::<NoValue>(),
        shape.columns().len(),
        &pcs_config(shape),
        INTERACTION_POW_BITS,
    )
}

/// A node, and what it says. Its proof is of a circuit of the shape [`AGGREGATE`], or of a leaf of the shape [`LARGE_LEAF`].
pub struct Node {
    pub kind: Kind,
    pub span: Span<QM31>,
    pub proof: Proof,
}

/// The public value of a node that says `span`, over leaves with the root `leaf`: the two outputs of its circuit.
pub fn public_value(kind: Kind, span: &Span<QM31>, leaf: [u8; 32]) -> [QM31; 2] {
    let HashValue(low, high) = kind.value(span, in_circuit(ROOT), in_circuit(leaf));
    [low, high]
}

/// A circuit's root as circuits have it.
fn in_circuit(root: [u8; 32]) -> HashValue<QM31> {
    HashValue::from(Blake2sHash(root))
}

/// One of the circuits, ready to prove.
pub struct Fold {
    circuit: Circuit,
    prover: CircuitProver,
}

impl Fold {
    /// Builds the circuit.
    ///
    /// # Errors
    /// [`WrapError::CircuitTooLarge`].
    pub fn new(circuit: Circuit) -> Result<Fold, WrapError> {
        let topology = circuit.topology();
        let prover = CircuitProver::new(topology, &AGGREGATE, pcs_config(&AGGREGATE))?;
        Ok(Fold { circuit, prover })
    }

    /// What its proofs are.
    pub fn kind(&self) -> Kind {
        match self.circuit {
            Circuit::Fold => Kind::Fold,
            Circuit::Pair => Kind::Pair,
        }
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
        let [fold, leaf] = [ROOT, leaf].map(in_circuit);
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
            span = span.until(&right.span);
        }
        // The library computes with whatever a node on disk holds: lists of other lengths, divisors that are zero.
        let build = || {
            let values = |node: Node| self.circuit.values_of(node.proof);
            let (left, right) = (values(left), right.map(values));
            let right = right.as_ref().unwrap_or(&left);
            let circuit = self.circuit.build(&witness, [&left, right]);
            let valid = circuit.is_circuit_valid();
            valid.then_some(circuit).ok_or(WrapError::Inner)
        };
        let mut circuit = guarded(build).map_err(|_| WrapError::Inner)??;
        pad(&mut circuit, &AGGREGATE)?;
        // The gates are in the prover already; a gigabyte less while it works.
        let values = circuit.values().to_vec();
        drop(circuit);
        Ok(Node {
            kind: self.kind(),
            span,
            proof: self.prover.prove(&values)?,
        })
    }
}
