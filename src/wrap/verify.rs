//! Native verification of a wrapped proof, with every pin that the contract has.
//!
//! Pinned: the circuit's root, its shape (so the sizes of all columns), the parameters, the number of
//! outputs, both proofs of work, and the public value, which the caller computes from the statements. The
//! proof has no say in any of it.

use circuit_prover::circuit_air::circuit_components::CircuitComponents;
use circuit_verifier::circuit_claim::{
    CircuitClaim, CircuitInteractionClaim, CircuitInteractionElements, column_log_sizes_per_tree,
    lookup_sum,
};
use circuit_verifier::circuit_components::N_COMPONENTS;
use circuit_verifier::statement::{INTERACTION_POW_BITS, all_circuit_components};
use circuits::ivalue::NoValue;
use starknet_types_core::felt::Felt;
use stwo::core::air::Component;
use stwo::core::channel::{Blake2sM31Channel, Channel};
use stwo::core::fields::qm31::QM31;
use stwo::core::pcs::CommitmentSchemeVerifier;
use stwo::core::proof::StarkProof;
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sM31MerkleChannel, Blake2sM31MerkleHasher};
use stwo::core::verifier::verify_ex;
use thiserror::Error;

use super::calldata::{self, CalldataError};
use super::circuit::{self, pcs_config};
use super::shape::{AGGREGATE, Shape};
use crate::air::verify::are_complete;
use crate::guard::guarded;

/// Why a wrapped proof is not accepted.
#[derive(Debug, Error, PartialEq)]
pub enum WrappedProofError {
    #[error("wrapped proof: {0}")]
    Format(#[from] CalldataError),
    #[error("wrapped proof: commits to another circuit than the pinned one")]
    Root,
    #[error("wrapped proof: has other parameters than the pinned ones")]
    Parameters,
    #[error("wrapped proof: the {0} proof of work is missing")]
    Work(&'static str),
    #[error("wrapped proof: the lookups do not balance")]
    Lookups,
    #[error(
        "wrapped proof: a column is opened at another number of points than its components read"
    )]
    Openings,
    #[error("wrapped proof does not verify: {0}")]
    Invalid(String),
}

/// Proofs of circuits open every fixed column, used or not.
const ALL_OPENED: bool = true;

/// A circuit's proof without its public value.
pub struct CircuitProof {
    pub interaction_pow_nonce: u64,
    pub claimed_sums: [QM31; N_COMPONENTS],
    pub stark: StarkProof<Blake2sM31MerkleHasher>,
}

impl From<circuit::Proof> for CircuitProof {
    fn from(proof: circuit::Proof) -> CircuitProof {
        CircuitProof {
            interaction_pow_nonce: proof.interaction_pow_nonce,
            claimed_sums: proof.interaction_claim.claimed_sums,
            stark: proof.stark_proof.proof,
        }
    }
}

/// Verifies a packed proof of a circuit of shape [`AGGREGATE`] with this root and public value.
///
/// # Errors
/// The first check that does not hold.
pub fn verify_packed(
    root: [u8; 32],
    output: [QM31; 2],
    felts: &[Felt],
) -> Result<(), WrappedProofError> {
    let proof = calldata::unpack(root, felts)?;
    verify_circuit(&AGGREGATE, root, output, proof)
}

/// Verifies a proof of the circuit with this shape, root and public value.
///
/// # Errors
/// The first check that does not hold. A panic of the library is a refusal.
pub fn verify_circuit(
    shape: &Shape,
    root: [u8; 32],
    output: [QM31; 2],
    proof: CircuitProof,
) -> Result<(), WrappedProofError> {
    guarded(|| verify(shape, root, output, proof))
        .unwrap_or_else(|reason| Err(WrappedProofError::Invalid(reason)))
}

fn verify(
    shape: &Shape,
    root: [u8; 32],
    output: [QM31; 2],
    proof: CircuitProof,
) -> Result<(), WrappedProofError> {
    let CircuitProof {
        interaction_pow_nonce,
        claimed_sums,
        stark,
    } = proof;
    let config = pcs_config(shape);
    let commitments = stark.commitments.clone();
    if stark.config != config || commitments.len() != 4 {
        return Err(WrappedProofError::Parameters);
    }
    if commitments[0].0 != root {
        return Err(WrappedProofError::Root);
    }
    let columns = shape.column_log_sizes();
    let fixed: Vec<u32> = columns.values().copied().collect();
    let mut log_sizes = [0; N_COMPONENTS];
    let components = all_circuit_components::<NoValue>();
    for (log_size, component) in log_sizes.iter_mut().zip(components.values()) {
        let size = component.log_size(&columns);
        *log_size = size.ok_or(WrappedProofError::Parameters)?;
    }
    let [trace, interaction] = column_log_sizes_per_tree(&log_sizes);

    let channel = &mut Blake2sM31Channel::default();
    channel.mix_felts(&[QM31::default()]);
    config.mix_into(channel);
    let scheme = &mut CommitmentSchemeVerifier::<Blake2sM31MerkleChannel>::new(config);
    scheme.commit(commitments[0], &fixed, channel);
    let claim = CircuitClaim {
        output_values: output.to_vec(),
    };
    claim.mix_into(channel);
    scheme.commit(commitments[1], &trace, channel);
    if !channel.verify_pow_nonce(INTERACTION_POW_BITS, interaction_pow_nonce) {
        return Err(WrappedProofError::Work("interaction's"));
    }
    channel.mix_u64(interaction_pow_nonce);
    let elements = CircuitInteractionElements::draw(channel);
    let interaction_claim = CircuitInteractionClaim { claimed_sums };
    if lookup_sum(&claim, &interaction_claim, &elements) != QM31::default() {
        return Err(WrappedProofError::Lookups);
    }
    interaction_claim.mix_into(channel);
    scheme.commit(commitments[2], &interaction, channel);
    let ids: Vec<_> = columns.keys().cloned().collect();
    let components =
        CircuitComponents::new(&elements, &interaction_claim, &log_sizes, &ids).components();
    let components: Vec<&dyn Component> = components.iter().map(|c| c.as_ref()).collect();
    if !are_complete(&stark.sampled_values, &components, ids.len(), ALL_OPENED) {
        return Err(WrappedProofError::Openings);
    }
    verify_ex(&components, channel, scheme, stark, ALL_OPENED)
        .map_err(|e| WrappedProofError::Invalid(e.to_string()))
}
