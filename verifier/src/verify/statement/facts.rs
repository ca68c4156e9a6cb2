//! What a verified proof hands over, in plain types.
//!
//! Owns: [`PublicFacts`] and the description of prover parameters. A `PublicFacts` is only worth
//! something when it comes from the proof's verification; nothing here verifies.
//!
//! Absent on purpose: any type of the prover's or verifier's crates, so that receipts, registry
//! client and tests need neither.

use serde::Serialize;
use starknet_types_core::felt::Felt;

/// The hash channel a proof was made for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Channel {
    #[serde(rename = "blake2s")]
    Blake2s,
    #[serde(rename = "blake2s_m31")]
    Blake2sM31,
    #[serde(rename = "poseidon252")]
    Poseidon252,
}

impl Channel {
    pub const ALL: [Channel; 3] = [Channel::Blake2s, Channel::Blake2sM31, Channel::Poseidon252];

    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Channel::Blake2s => "blake2s",
            Channel::Blake2sM31 => "blake2s_m31",
            Channel::Poseidon252 => "poseidon252",
        }
    }
}

/// The set of fixed tables a proof commits to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Preprocessed {
    Canonical,
    CanonicalWithoutPedersen,
    CanonicalSmall,
    /// Of [`Self::CanonicalSmall`] the tables that proofs with tensor components read.
    CanonicalTensors,
}

impl Preprocessed {
    pub const ALL: [Preprocessed; 4] = [
        Preprocessed::Canonical,
        Preprocessed::CanonicalWithoutPedersen,
        Preprocessed::CanonicalSmall,
        Preprocessed::CanonicalTensors,
    ];

    /// The name used in documents.
    pub fn name(self) -> &'static str {
        match self {
            Preprocessed::Canonical => "canonical",
            Preprocessed::CanonicalWithoutPedersen => "canonical_without_pedersen",
            Preprocessed::CanonicalSmall => "canonical_small",
            Preprocessed::CanonicalTensors => "canonical_tensors",
        }
    }
}

/// The parameters a proof was made with. Sizes are base-2 logarithms, work is in bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct ProofParams {
    pub channel: Channel,
    pub log_blowup: u32,
    pub queries: u32,
    pub pow_bits: u32,
    pub interaction_pow_bits: u32,
    pub fold_step: u32,
    /// Degree bound of FRI's last layer.
    pub log_last_layer_degree_bound: u32,
    /// Size that all polynomials are lifted to, blow-up included; `None` if the proof left it
    /// open.
    pub lifting_log_size: Option<u32>,
    pub preprocessed: Preprocessed,
}

/// The public facts of a proof that verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicFacts {
    /// Recomputed by the verifier from the proof's program memory.
    pub program_hash: Felt,
    /// The program's public output, as found in the proof.
    pub output: Vec<Felt>,
    /// The parameters under which the proof verified.
    pub params: ProofParams,
    /// The security those parameters give, in bits.
    pub security_bits: u32,
}
