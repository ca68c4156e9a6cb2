//! Proofs of circuits: parameters, the prover's warm state, the proof.

use circuit_common::preprocessed::PreprocessedCircuit;
use circuit_prover::prover::prove_circuit_with_precompute;
use circuit_verifier::circuit_claim::{CircuitClaim, CircuitInteractionClaim};
use circuit_verifier::circuit_proof::CircuitProof;
use circuits::context::FinalizedContext;
use circuits::ivalue::NoValue;
use stwo::core::fields::qm31::QM31;
use stwo::core::fri::FriConfig;
use stwo::core::pcs::PcsConfig;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::proof::ExtendedStarkProof;
use stwo::core::utils::MaybeOwned;
use stwo::core::vcs_lifted::blake2_merkle::{Blake2sM31MerkleChannel, Blake2sM31MerkleHasher};
use stwo::prover::CommitmentTreeProver;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::PolyOps;
use stwo::prover::poly::twiddles::TwiddleTree;

use super::WrapError;
use super::shape::{Shape, pad};
use super::stored;
use crate::verify::proof::canonical_poly;

/// Blow-up of circuit proofs, as a power of two.
pub const LOG_BLOWUP: u32 = 3;

/// Public values of a circuit besides the constant `u`: one hash, two elements.
pub const OUTPUTS: usize = 2;

/// A proof of a circuit, as the circuit library makes it.
pub type Proof = CircuitProof<Blake2sM31MerkleHasher>;

/// Parameters of circuit proofs: 22 queries at blow-up 8 and 30 bits of proof of work, 96 bits.
pub fn pcs_config(shape: &Shape) -> PcsConfig {
    PcsConfig {
        pow_bits: 30,
        fri_config: FriConfig::new(0, LOG_BLOWUP, 22, 4),
        lifting_log_size: Some(shape.trace_log_size() + LOG_BLOWUP),
    }
}

/// A circuit with what every proof of it needs: fixed columns, their tree, twiddles.
pub struct CircuitProver {
    circuit: PreprocessedCircuit,
    config: PcsConfig,
    pool: BaseColumnPool<SimdBackend>,
    twiddles: TwiddleTree<SimdBackend>,
    tree: CommitmentTreeProver<SimdBackend, Blake2sM31MerkleChannel>,
}

impl CircuitProver {
    /// Pads a circuit to `shape` and commits to its fixed columns; its proofs have the parameters `config`.
    ///
    /// # Errors
    /// [`WrapError::CircuitTooLarge`].
    pub fn new(
        mut topology: FinalizedContext<NoValue>,
        shape: &Shape,
        config: PcsConfig,
    ) -> Result<CircuitProver, WrapError> {
        pad(&mut topology, shape)?;
        let circuit = PreprocessedCircuit::from_finalized_circuit(topology.circuit());
        drop(topology);
        assert_eq!(
            circuit.preprocessed_trace.log_sizes(),
            shape.column_log_sizes(),
            "the circuit library makes other columns than Shape::columns says"
        );
        let domain = CanonicCoset::new(shape.trace_log_size() + LOG_BLOWUP);
        let twiddles = SimdBackend::precompute_twiddles(domain.circle_domain().half_coset);
        let columns = circuit.preprocessed_trace.get_trace::<SimdBackend>();
        let polynomials = SimdBackend::interpolate_columns(columns, &twiddles);
        let pool = BaseColumnPool::new();
        let tree = CommitmentTreeProver::new(
            polynomials,
            LOG_BLOWUP,
            &twiddles,
            true,
            config.lifting_log_size,
            &pool,
        );
        Ok(CircuitProver {
            circuit,
            config,
            pool,
            twiddles,
            tree,
        })
    }

    /// Root of the fixed columns: the circuit's identity.
    pub fn root(&self) -> [u8; 32] {
        self.tree.commitment.root().0
    }

    /// Proves that `values` satisfy the circuit.
    ///
    /// # Errors
    /// [`WrapError::Prover`].
    pub fn prove(&self, values: &[QM31]) -> Result<Proof, WrapError> {
        prove_circuit_with_precompute::<Blake2sM31MerkleChannel>(
            &self.pool,
            &self.twiddles,
            &self.circuit,
            MaybeOwned::Borrowed(&self.tree),
            values,
            self.config,
        )
        .map_err(|e| WrapError::Prover(e.to_string()))
    }
}

type Stored = (
    Vec<QM31>,
    u64,
    Vec<QM31>,
    ExtendedStarkProof<Blake2sM31MerkleHasher>,
);

/// First bytes of a proof on disk: name and version of the encoding.
const MAGIC: &[u8; 8] = b"cdnodes1";

/// Largest proof on disk that is read, in bytes.
pub const MAX_NODE_BYTES: u64 = stored::MAX_STORED_BYTES;

/// Bytes of a proof on disk, between the levels of a tree. No verifier reads them.
pub fn encode(proof: &Proof) -> Vec<u8> {
    let stored = (
        &proof.claim.output_values,
        proof.interaction_pow_nonce,
        &proof.interaction_claim.claimed_sums[..],
        &proof.stark_proof,
    );
    stored::encode(MAGIC, &stored)
}

/// Reads what [`encode`] wrote; `None` for anything else.
pub fn decode(bytes: &[u8], shape: &Shape) -> Option<Proof> {
    let (output_values, interaction_pow_nonce, claimed_sums, stark_proof): Stored =
        stored::decode(MAGIC, bytes)?;
    if !canonical_poly(&stark_proof.proof.fri_proof.last_layer_poly) {
        return None;
    }
    Some(CircuitProof {
        pcs_config: pcs_config(shape),
        claim: CircuitClaim { output_values },
        interaction_pow_nonce,
        interaction_claim: CircuitInteractionClaim {
            claimed_sums: claimed_sums.try_into().ok()?,
        },
        stark_proof,
        channel_salt: 0,
    })
}
