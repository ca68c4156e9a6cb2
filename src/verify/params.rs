//! The parameters that this verifier accepts, and the roots of the fixed tables that belong to them.
//!
//! Chosen here, on the verifier's side; nothing is taken from a proof. The prover reads them too.

use stwo::core::fri::FriConfig;
use stwo::core::pcs::PcsConfig;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

use super::statement::{Channel, Preprocessed, ProofParams};

/// Largest number of rows of a component, as a power of two: the size of the largest fixed table.
pub const MAX_LOG_ROWS: u32 = 20;

/// The channel, written as a type: Blake2s with every output word reduced modulo 2^31 − 1, which
/// circuits can recompute.
pub type MerkleChannel = stwo::core::vcs_lifted::blake2_merkle::Blake2sM31MerkleChannel;

/// The one set of parameters in use: 76 queries at blow-up 2 and 20 bits of proof of work, 96 bits.
pub const PARAMS: ProofParams = ProofParams {
    channel: Channel::Blake2sM31,
    log_blowup: 1,
    queries: 76,
    pow_bits: 20,
    interaction_pow_bits: cairo_air::verifier::INTERACTION_POW_BITS,
    fold_step: 3,
    log_last_layer_degree_bound: 0,
    lifting_log_size: Some(MAX_LOG_ROWS + 1),
    preprocessed: Preprocessed::CanonicalSmall,
};

/// Root of the preprocessed tree of [`PARAMS`]: the fixed tables of `CanonicalSmall`, lifted to
/// `2^21`, under [`MerkleChannel`]. `cargo test preprocessed_root` recomputes it.
pub const PREPROCESSED_ROOT: [u8; 32] = [
    0xbf, 0xaf, 0x9a, 0x4e, 0xc4, 0x37, 0x57, 0x75, 0xfd, 0xf1, 0x16, 0x41, 0x33, 0xe5, 0xb4, 0x0e,
    0x5c, 0x7b, 0xd0, 0x2d, 0x03, 0x16, 0x41, 0x6a, 0xc4, 0x01, 0x3d, 0x61, 0xde, 0xdb, 0xf3, 0x58,
];

/// The prover library's form of parameters.
pub fn pcs_config(params: &ProofParams) -> PcsConfig {
    PcsConfig {
        pow_bits: params.pow_bits,
        fri_config: FriConfig {
            log_blowup_factor: params.log_blowup,
            log_last_layer_degree_bound: params.log_last_layer_degree_bound,
            n_queries: params.queries as usize,
            fold_step: params.fold_step,
        },
        lifting_log_size: params.lifting_log_size,
    }
}

/// The library's name of a set of fixed tables.
pub fn variant(preprocessed: Preprocessed) -> PreProcessedTraceVariant {
    match preprocessed {
        Preprocessed::Canonical => PreProcessedTraceVariant::Canonical,
        Preprocessed::CanonicalWithoutPedersen => {
            PreProcessedTraceVariant::CanonicalWithoutPedersen
        }
        Preprocessed::CanonicalSmall => PreProcessedTraceVariant::CanonicalSmall,
    }
}
