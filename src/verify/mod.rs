//! Verification: what has to hold before a proof counts, decided on the verifier's side.
//!
//! Owns the statement and its encoding, the policy of what is accepted, the pinned parameters, the
//! proof file, and the call of the library's verifier with everything that the library leaves to
//! its caller. Never sees the prover, a graph, weights, or a witness.
//!
//! The library (`cairo-air` 1.3.0) takes parameters, preprocessed root, program and output from the
//! proof, places the claimed output at the end of the execution segment without comparing it with
//! the output segment's pointers, and panics on malformed claims. [`verify_proof`] checks all of it.

pub mod checks;
pub mod params;
pub mod policy;
pub mod proof;
pub mod statement;

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

use cairo_air::air::PublicData;
use cairo_air::claims::CairoClaim;
use cairo_air::verifier::verify_cairo_ex;
use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::spec::program_hash::program_hash;
use checks::{Checked, all, ensure};
use params::{LOG_TABLE_ROWS, MerkleChannel, ParamSet};
use proof::{CairoProof, DecodeError};
use statement::PublicFacts;

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
    #[error("proof: commits to other fixed tables than the canonical ones")]
    PreprocessedRoot,
    #[error("proof claim: {0}")]
    Claim(&'static str),
    #[error("proof does not verify: {0}")]
    Invalid(String),
}

/// Verifies a proof file under this verifier's parameters, in these steps:
///
/// 1. decode it strictly;
/// 2. compare its parameters and its preprocessed root with the pinned ones;
/// 3. bound the claim's sizes, so that the library's arithmetic on them cannot overflow;
/// 4. read program and output from the public memory, at the addresses that the registers imply;
/// 5. run the library's verifier.
///
/// A panic of the library anywhere on the way is a refusal.
///
/// # Errors
/// The first check that does not hold.
pub fn verify_proof(bytes: &[u8]) -> Result<PublicFacts, ProofError> {
    quietly(|| verify_decoded(bytes))
}

fn verify_decoded(bytes: &[u8]) -> Result<PublicFacts, ProofError> {
    let proof = proof::decode(bytes)?;
    all(proof_checks(&proof))?;
    let set = parameter_set(&proof);
    let memory = &proof.claim.public_data.public_memory;
    let (program, output) = (felts(&memory.program), felts(&memory.output));
    verify_cairo_ex::<MerkleChannel>(proof, set.all_preprocessed_columns)
        .map_err(|e| ProofError::Invalid(e.to_string()))?;
    let config = params::pcs_config(&set.params);
    Ok(PublicFacts {
        program_hash: program_hash(&program),
        output,
        params: set.params,
        security_bits: config.security_bits(),
    })
}

/// Every check of a decoded proof that comes before the library's verifier: parameters, fixed tables, the
/// claim's sizes, the place of program and output.
pub fn proof_checks(proof: &CairoProof) -> Vec<Checked<ProofError>> {
    let mut checks = parameter_checks(proof).to_vec();
    let root = proof.stark_proof.commitments.first().map(|root| root.0);
    let canonical = root == Some(parameter_set(proof).preprocessed_root);
    let tables = ensure(canonical, || ProofError::PreprocessedRoot);
    checks.push(("preprocessed root", tables));
    checks.extend(claim_checks(proof));
    checks.extend(memory_checks(&proof.claim.public_data));
    checks
}

/// The accepted set that the proof is meant for, all of whose parameters the proof must have.
pub fn parameter_set(proof: &CairoProof) -> &'static ParamSet {
    ParamSet::meant(&proof.stark_proof.config)
}

/// All parameters are those of the accepted set.
fn parameter_checks(proof: &CairoProof) -> [Checked<ProofError>; 8] {
    let found = proof.stark_proof.config;
    let set = parameter_set(proof);
    let required = params::pcs_config(&set.params);
    let (f, r) = (found.fri_config, required.fri_config);
    let variant = params::variant(set.params.preprocessed);
    let pairs = [
        (
            "pow_bits",
            found.pow_bits.to_string(),
            required.pow_bits.to_string(),
        ),
        (
            "log_blowup",
            f.log_blowup_factor.to_string(),
            r.log_blowup_factor.to_string(),
        ),
        ("queries", f.n_queries.to_string(), r.n_queries.to_string()),
        (
            "fold_step",
            f.fold_step.to_string(),
            r.fold_step.to_string(),
        ),
        (
            "log_last_layer_degree_bound",
            f.log_last_layer_degree_bound.to_string(),
            r.log_last_layer_degree_bound.to_string(),
        ),
        (
            "lifting_log_size",
            format!("{:?}", found.lifting_log_size),
            format!("{:?}", required.lifting_log_size),
        ),
        (
            "preprocessed",
            format!("{:?}", proof.preprocessed_trace_variant),
            format!("{variant:?}"),
        ),
        (
            "channel_salt",
            proof.channel_salt.to_string(),
            "0".to_string(),
        ),
    ];
    pairs.map(|(parameter, found, required)| {
        let same = found == required;
        let error = || ProofError::Parameter {
            parameter,
            found,
            required,
        };
        (parameter, ensure(same, error))
    })
}

/// The claim's sizes, so that the library's arithmetic on them cannot overflow.
fn claim_checks(proof: &CairoProof) -> [Checked<ProofError>; 6] {
    let (claim, stark, set) = (&proof.claim, &proof.stark_proof, parameter_set(proof));
    let there = claim.memory_address_to_id.is_some() && claim.memory_id_to_big.is_some();
    let tables = claim.memory_id_to_big.iter();
    let tables = tables.flat_map(|big| &big.big_log_sizes);
    // Of so many tables at most, the numbers of values cannot overflow.
    let few = tables.clone().count() <= set.value_tables;
    let small = |log: &u32| *log <= LOG_TABLE_ROWS;
    let too_large = |log: &u32| *log > set.max_log_rows;
    // The library's list of all sizes asserts both.
    let rows = there
        && few
        && claim
            .flatten_claim()
            .component_log_sizes
            .iter()
            .any(too_large);
    let refused = |problem| move || ProofError::Claim(problem);
    [
        (
            "memory components",
            ensure(there, refused("the memory components are missing")),
        ),
        (
            "rows of a memory table",
            ensure(
                tables.clone().all(small),
                refused("a memory table has more than 2^20 rows"),
            ),
        ),
        (
            "number of memory tables",
            ensure(few, refused("too many memory tables")),
        ),
        (
            "rows of a component",
            ensure(
                !rows,
                refused("a component has more rows than the parameters allow"),
            ),
        ),
        (
            "builtins have segments",
            ensure(
                !unbound_builtin(claim),
                refused("a builtin's component has no segment"),
            ),
        ),
        (
            "four trees",
            ensure(
                stark.commitments.len() == 4 && stark.sampled_values.len() == 4,
                refused("a proof commits to exactly four trees"),
            ),
        ),
    ]
}

/// Whether a builtin has a component although its segment is empty.
///
/// A builtin's claim holds the address where its segment starts. The library compares it with the
/// segment's public pointers, which are part of the transcript, only if the segment is not empty, and
/// does not put it into the transcript itself: otherwise a prover could choose it after the challenges.
fn unbound_builtin(claim: &CairoClaim) -> bool {
    let segments = &claim.public_data.public_memory.public_segments;
    let builtins = [
        (claim.add_mod_builtin.is_some(), segments.add_mod),
        (claim.bitwise_builtin.is_some(), segments.bitwise),
        (claim.mul_mod_builtin.is_some(), segments.mul_mod),
        (claim.pedersen_builtin.is_some(), segments.pedersen),
        (
            claim.pedersen_builtin_narrow_windows.is_some(),
            segments.pedersen,
        ),
        (claim.poseidon_builtin.is_some(), segments.poseidon),
        (
            claim.range_check96_builtin.is_some(),
            segments.range_check_96,
        ),
        (
            claim.range_check_builtin.is_some(),
            segments.range_check_128,
        ),
        (claim.ec_op_builtin.is_some(), segments.ec_op),
    ];
    builtins
        .iter()
        .any(|(used, segment)| *used && segment.is_none_or(|s| s.is_empty()))
}

/// Where program and output lie in the public memory.
///
/// The library binds the claimed program to addresses 1, 2, … and the claimed output to the
/// addresses from the final `ap` on. Both are what they seem only if the registers say so: the
/// execution segment starts right after program and safe call, and the output segment lies right
/// behind the execution segment and has as many cells as are claimed.
fn memory_checks(public: &PublicData) -> [Checked<ProofError>; 5] {
    let memory = &public.public_memory;
    let (program, output) = (&memory.program, &memory.output);
    let segment = &memory.public_segments.output;
    let (start, stop) = (segment.start_ptr.value, segment.stop_ptr.value);
    let refused = |problem| move || ProofError::Claim(problem);
    [
        (
            "lengths of program and output",
            ensure(
                program.len() >= 6 && output.len() <= 1 << 10,
                refused("the program or the output has an impossible length"),
            ),
        ),
        (
            "end of the program",
            ensure(
                public.initial_state.ap.0 as usize == 1 + program.len() + 2,
                refused("the program is not all of the program segment"),
            ),
        ),
        (
            "start of the output",
            ensure(
                start == public.final_state.ap.0,
                refused("the output segment does not start where the output is read"),
            ),
        ),
        (
            "end of the output",
            ensure(
                stop.checked_sub(start) == Some(output.len() as u32),
                refused("the output is not all of the output segment"),
            ),
        ),
        (
            "canonical program and output",
            ensure(
                program.iter().chain(output).all(is_canonical),
                refused("a public memory value is not below the field's modulus"),
            ),
        ),
    ]
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

thread_local! {
    /// Whether a panic on this thread is an answer of the library rather than a bug to report.
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs code that reads a proof with the library's functions, which assert what they expect: a panic
/// becomes [`ProofError::Invalid`] and prints nothing.
pub(crate) fn quietly<T>(verify: impl FnOnce() -> Result<T, ProofError>) -> Result<T, ProofError> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                default(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(verify));
    QUIET.set(false);
    match result {
        Ok(result) => result,
        Err(payload) => {
            let text = payload
                .downcast_ref::<String>()
                .map(String::as_str)
                .or_else(|| payload.downcast_ref::<&str>().copied())
                .unwrap_or("malformed");
            Err(ProofError::Invalid(
                text.lines().next().unwrap_or("malformed").to_string(),
            ))
        }
    }
}
