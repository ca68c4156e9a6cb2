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

use std::fmt::Debug;

use cairo_air::air::PublicData;
use cairo_air::claims::CairoClaim;
use cairo_air::verifier::verify_cairo_ex;
use starknet_types_core::felt::Felt;
use thiserror::Error;

use crate::guard::guarded;
use crate::spec::program_hash::program_hash;
use checks::{Check, all, ensure};
use params::{LOG_TABLE_ROWS, MerkleChannel, ParamSet};
use proof::{CairoProof, DecodeError};
use statement::PublicFacts;

/// Fewest words of a program: the call of `main` and the loop behind it, with which every program starts.
const MIN_PROGRAM_WORDS: usize = 6;

/// Most words of a program. The largest that was ever proven has 768,057; a proof's file has room for about
/// 880,000. The library copies a program, at 112 bytes a word, whenever it looks at a claim.
pub const MAX_PROGRAM_WORDS: usize = 800_000;

/// Most felts of an output. A statement has 21.
const MAX_OUTPUT_FELTS: usize = 1 << 10;

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
    guarded(|| verify_decoded(bytes)).unwrap_or_else(|reason| Err(ProofError::Invalid(reason)))
}

fn verify_decoded(bytes: &[u8]) -> Result<PublicFacts, ProofError> {
    let proof = proof::decode(bytes)?;
    all(proof_checks(&proof))?;
    let set = parameter_set(&proof);
    let memory = &proof.claim.public_data.public_memory;
    // The hash before the library runs, so that no copy of the program is held beside the library's own.
    let program_hash = program_hash(&felts(&memory.program));
    let output = felts(&memory.output);
    verify_cairo_ex::<MerkleChannel>(proof, set.all_preprocessed_columns)
        .map_err(|e| ProofError::Invalid(e.to_string()))?;
    let config = params::pcs_config(&set.params);
    Ok(PublicFacts {
        program_hash,
        output,
        params: set.params,
        security_bits: config.security_bits(),
    })
}

/// Every check of a decoded proof that comes before the library's verifier: parameters, fixed tables, the
/// claim's sizes, the place of program and output.
pub fn proof_checks(proof: &CairoProof) -> Vec<Check<'_, ProofError>> {
    let mut checks = Vec::from(parameter_checks(proof));
    checks.push(Check::new("preprocessed root", || {
        let root = proof.stark_proof.commitments.first().map(|root| root.0);
        let canonical = root == Some(parameter_set(proof).preprocessed_root);
        ensure(canonical, || ProofError::PreprocessedRoot)
    }));
    // First of the sizes: the library copies program and output whenever it looks at a claim.
    checks.extend(length_checks(&proof.claim.public_data));
    checks.extend(claim_checks(proof));
    checks.extend(memory_checks(&proof.claim.public_data));
    checks
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
        same("channel_salt", proof.channel_salt, 0),
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

/// `problem` unless the claim is as it must be.
fn of_claim<'a>(
    name: &'static str,
    holds: impl Fn() -> bool + 'a,
    problem: &'static str,
) -> Check<'a, ProofError> {
    Check::new(name, move || ensure(holds(), || ProofError::Claim(problem)))
}

/// The lengths of program and output.
fn length_checks(public: &PublicData) -> [Check<'_, ProofError>; 2] {
    let memory = &public.public_memory;
    let (program, output) = (memory.program.len(), memory.output.len());
    [
        of_claim(
            "length of the program",
            move || (MIN_PROGRAM_WORDS..=MAX_PROGRAM_WORDS).contains(&program),
            "the program has fewer than 6 or more than 800,000 words",
        ),
        of_claim(
            "length of the output",
            move || output <= MAX_OUTPUT_FELTS,
            "the output has more than 1,024 felts",
        ),
    ]
}

/// The claim's sizes, so that the library's arithmetic on them cannot overflow.
fn claim_checks(proof: &CairoProof) -> [Check<'_, ProofError>; 6] {
    let (claimed, stark) = (&proof.claim, &proof.stark_proof);
    let there = claimed.memory_address_to_id.is_some() && claimed.memory_id_to_big.is_some();
    let tables = || {
        claimed
            .memory_id_to_big
            .iter()
            .flat_map(|big| &big.big_log_sizes)
    };
    // Of so many tables at most, the numbers of values cannot overflow.
    let few = move || tables().count() <= parameter_set(proof).value_tables;
    // The library's list of all sizes asserts both.
    let rows = move || {
        let most = parameter_set(proof).max_log_rows;
        !(there && few()) || {
            let sizes = claimed.flatten_claim().component_log_sizes;
            sizes.iter().all(|log| *log <= most)
        }
    };
    [
        of_claim(
            "memory components",
            move || there,
            "the memory components are missing",
        ),
        of_claim(
            "rows of a memory table",
            move || tables().all(|log| *log <= LOG_TABLE_ROWS),
            "a memory table has more than 2^20 rows",
        ),
        of_claim("number of memory tables", few, "too many memory tables"),
        of_claim(
            "rows of a component",
            rows,
            "a component has more rows than the parameters allow",
        ),
        of_claim(
            "builtins have segments",
            || !unbound_builtin(claimed),
            "a builtin's component has no segment",
        ),
        of_claim(
            "four trees",
            || stark.commitments.len() == 4 && stark.sampled_values.len() == 4,
            "a proof commits to exactly four trees",
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
fn memory_checks(public: &PublicData) -> [Check<'_, ProofError>; 4] {
    let memory = &public.public_memory;
    let (program, output) = (&memory.program, &memory.output);
    let segment = &memory.public_segments.output;
    let (start, stop) = (segment.start_ptr.value, segment.stop_ptr.value);
    [
        of_claim(
            "end of the program",
            || public.initial_state.ap.0 as usize == 1 + program.len() + 2,
            "the program is not all of the program segment",
        ),
        of_claim(
            "start of the output",
            move || start == public.final_state.ap.0,
            "the output segment does not start where the output is read",
        ),
        of_claim(
            "end of the output",
            move || stop.checked_sub(start) == Some(output.len() as u32),
            "the output is not all of the output segment",
        ),
        of_claim(
            "canonical program and output",
            move || program.iter().chain(output).all(is_canonical),
            "a public memory value is not below the field's modulus",
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
