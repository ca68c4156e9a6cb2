//! Verification: what has to hold before a proof counts, decided on the verifier's side.
//!
//! Owns the statement and its encoding, the policy of what is accepted, the pinned parameters, the
//! proof file, and every check of a proof that comes before its STARK is verified, which `crate::air` does.
//! Never sees the prover, a graph, weights, or a witness.
//!
//! The verifier of the library (`cairo-air` 1.3.0) takes parameters, preprocessed root, program and output from the
//! proof, places the claimed output at the end of the execution segment without comparing it with
//! the output segment's pointers, and panics on malformed claims. [`tensors::verify_tensors`] checks all of it.

mod builtins;
pub mod checks;
mod claim;
pub mod layout;
pub mod params;
pub mod policy;
pub mod proof;
pub mod statement;
pub mod tensors;

use std::fmt::Debug;

use starknet_types_core::felt::Felt;
use thiserror::Error;

use checks::{Check, ensure};
use params::ParamSet;
use proof::{CairoProof, DecodeError};

/// Most words of a program. The largest that was ever proven has 768,057; a proof's file has room for about
/// 880,000. The library copies a program, at 112 bytes a word, whenever it looks at a claim.
pub const MAX_PROGRAM_WORDS: usize = 800_000;

/// Why a proof is not accepted.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum ProofError {
    #[error("proof: {0}")]
    Decode(#[from] DecodeError),
    #[error("proof parameters: {parameter} is {found}, this verifier requires {required}")]
    Parameter {
        parameter: &'static str,
        found: String,
        required: String,
    },
    #[error("proof: its constants are not those of the manifest's model")]
    ConstantsRoot,
    #[error("proof claim: {0}")]
    Claim(&'static str),
    #[error("proof, tensor part: {0}")]
    Tensors(String),
    #[error("proof does not verify: {0}")]
    Invalid(String),
}

/// The accepted set that the proof is meant for, all of whose parameters the proof must have.
pub fn parameter_set(proof: &CairoProof) -> &'static ParamSet {
    ParamSet::meant(&proof.stark_proof.config)
}

/// All parameters are those of the accepted set.
fn parameter_checks(proof: &CairoProof) -> [Check<'_, ProofError>; 8] {
    let found = proof.stark_proof.config;
    let required = params::pcs_config(&parameter_set(proof).params);
    let (f, r) = (found.fri_config, required.fri_config);
    let variant = params::variant(parameter_set(proof).params.preprocessed);
    let (log_bound, required_log_bound) =
        (f.log_last_layer_degree_bound, r.log_last_layer_degree_bound);
    [
        same("pow_bits", found.pow_bits, required.pow_bits),
        same("log_blowup", f.log_blowup_factor, r.log_blowup_factor),
        same("queries", f.n_queries, r.n_queries),
        same("fold_step", f.fold_step, r.fold_step),
        same("log_last_layer_degree_bound", log_bound, required_log_bound),
        same(
            "lifting_log_size",
            found.lifting_log_size,
            required.lifting_log_size,
        ),
        same("preprocessed", proof.preprocessed_trace_variant, variant),
        same("channel_salt", proof.channel_salt, params::CHANNEL_SALT),
    ]
}

/// A parameter is the required one.
fn same<'a, T: PartialEq + Debug + 'a>(
    parameter: &'static str,
    found: T,
    required: T,
) -> Check<'a, ProofError> {
    Check::new(parameter, move || {
        ensure(found == required, || ProofError::Parameter {
            parameter,
            found: format!("{found:?}"),
            required: format!("{required:?}"),
        })
    })
}

/// A cell of the public memory: identifier and value.
type Cell252 = (u32, [u32; 8]);

fn felt((_, words): &Cell252) -> (Felt, [u8; 32]) {
    let mut bytes = [0; 32];
    for (chunk, word) in bytes.chunks_exact_mut(4).zip(words) {
        chunk.copy_from_slice(&word.to_le_bytes());
    }
    (Felt::from_bytes_le(&bytes), bytes)
}

fn is_canonical(cell: &Cell252) -> bool {
    let (felt, bytes) = felt(cell);
    felt.to_bytes_le() == bytes
}

/// The values of cells that are canonical.
fn felts(section: &[Cell252]) -> Vec<Felt> {
    section.iter().map(|cell| felt(cell).0).collect()
}
