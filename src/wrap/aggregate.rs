//! The aggregation circuits: each verifies two circuit proofs of one shape.
//!
//! Level 1 verifies two leaves; upper levels verify two aggregates. Which circuits the two proofs belong
//! to is not built in: their roots go into the public value, a hash, and whoever verifies the top of a
//! tree computes that hash from roots it trusts.

use circuit_multiverifier::verify::{
    MultiverifierInput, SharedConfig, build_multiverifier_circuit,
};
use circuit_prover::prover::prepare_circuit_proof_for_circuit_verifier;
use circuit_verifier::statement::{INTERACTION_POW_BITS, all_circuit_components};
use circuits::blake::{HashValue, blake_qm31};
use circuits::ivalue::NoValue;
use circuits_stark_verifier::proof::{ProofConfig, empty_proof};
use stwo::core::fields::qm31::QM31;
use stwo::core::pcs::PcsConfig;
use stwo::core::vcs::blake2_hash::Blake2sHash;

use super::WrapError;
use super::circuit::{CircuitProver, OUTPUTS, Proof, pcs_config};
use super::shape::{AGGREGATE, Shape, pad};

/// Root of the circuit that verifies two leaves. `cargo test --test wrap` recomputes it.
pub const LEVEL_1_ROOT: [u8; 32] = [
    0xc6, 0xac, 0x81, 0x5d, 0xb5, 0x21, 0x6e, 0x20, 0x04, 0x92, 0xe5, 0x5e, 0x36, 0xa0, 0xb4, 0x75,
    0x44, 0xcb, 0xf2, 0x04, 0xf0, 0x2c, 0xa5, 0x29, 0x8c, 0xe1, 0x9b, 0x67, 0xd0, 0x41, 0x16, 0x35,
];

/// Root of the circuit that verifies two aggregates, of whatever level.
pub const UPPER_ROOT: [u8; 32] = [
    0x14, 0x18, 0x8d, 0x57, 0x5c, 0xd3, 0x4e, 0x2b, 0x0b, 0x77, 0xe7, 0x74, 0x0d, 0x22, 0xd3, 0x40,
    0xb4, 0xd4, 0x8b, 0x4c, 0x18, 0x68, 0xc6, 0x26, 0xe4, 0xaf, 0x2c, 0x31, 0x1a, 0xd9, 0x82, 0x51,
];

/// An aggregation circuit, ready to prove.
pub struct Aggregate {
    inner: &'static Shape,
    prover: CircuitProver,
}

/// What all proofs of circuits of one shape have in common.
pub(super) fn shared(inner: &Shape) -> SharedConfig {
    let columns = inner.column_log_sizes();
    let pcs = pcs_config(inner);
    SharedConfig {
        pcs_config: pcs,
        proof_config: ProofConfig::new(
            &all_circuit_components::<NoValue>(),
            columns.len(),
            &pcs,
            INTERACTION_POW_BITS,
        ),
        preprocessed_column_log_sizes: columns,
    }
}

impl Aggregate {
    /// Builds the circuit that verifies two proofs of circuits of shape `inner`.
    ///
    /// # Errors
    /// [`WrapError::CircuitTooLarge`].
    pub fn new(inner: &'static Shape) -> Result<Aggregate, WrapError> {
        Self::with_parameters(inner, pcs_config(&AGGREGATE))
    }

    /// The same circuit, whose proofs have parameters that no verifier of this project accepts. For attacks.
    ///
    /// # Errors
    /// As [`Aggregate::new`].
    pub fn with_parameters(
        inner: &'static Shape,
        parameters: PcsConfig,
    ) -> Result<Aggregate, WrapError> {
        let shared = shared(inner);
        let input = || MultiverifierInput::<NoValue> {
            proof: empty_proof(&shared.proof_config),
            preprocessed_root: HashValue(QM31::default(), QM31::default()),
            output_values: [QM31::default(); OUTPUTS],
        };
        let topology = build_multiverifier_circuit(input(), input(), &shared);
        Ok(Aggregate {
            inner,
            prover: CircuitProver::new(topology, &AGGREGATE, parameters)?,
        })
    }

    /// The circuit's root.
    pub fn root(&self) -> [u8; 32] {
        self.prover.root()
    }

    /// Proves that both proofs verify; each comes with the root of its circuit.
    ///
    /// # Errors
    /// [`WrapError::Inner`] if one does not, and what the prover gives.
    pub fn prove(
        &self,
        left: (Proof, [u8; 32]),
        right: (Proof, [u8; 32]),
    ) -> Result<Proof, WrapError> {
        let shared = shared(self.inner);
        let input = |(proof, root): (Proof, [u8; 32])| {
            let (proof, public) =
                prepare_circuit_proof_for_circuit_verifier(proof, &shared.proof_config);
            Ok::<_, WrapError>(MultiverifierInput {
                proof,
                preprocessed_root: HashValue::from(Blake2sHash(root)),
                output_values: public
                    .output_values
                    .try_into()
                    .map_err(|_| WrapError::Inner)?,
            })
        };
        let mut circuit = build_multiverifier_circuit(input(left)?, input(right)?, &shared);
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

/// An aggregate's public value, from roots and public values of the two proofs.
pub fn output_of(left: ([u8; 32], [QM31; 2]), right: ([u8; 32], [QM31; 2])) -> [QM31; 2] {
    let mut preimage = vec![];
    for (root, output) in [left, right] {
        let HashValue(a, b) = HashValue::from(Blake2sHash(root));
        preimage.extend([a, b]);
        preimage.extend(output);
    }
    let HashValue(a, b) = blake_qm31(&preimage, 16 * preimage.len());
    [a, b]
}
