//! What a Cairo proof says about itself, checked by name before its parts enter the transcript.
//!
//! The first checks bound sizes, so that the arithmetic of those behind them, and of the library, cannot overflow.
//! The others are what the AIR leaves to its verifier: which program, registers, segments and tables a claim may have.
//! The library has a function of its own for them, which panics at the first that does not hold and does not look at
//! all of it. Three of its checks cannot fail here, as the limits on rows are stricter: addresses stay below 2^29 and
//! numbers of large values below the modulus (asserted when this file is compiled), and so do the uses of each relation
//! (`tests/proof`).

use cairo_air::air::PublicData;
use cairo_air::components::memory_address_to_id::MEMORY_ADDRESS_TO_ID_SPLIT;
use stwo::core::fields::m31::P;
use stwo_cairo_common::memory::{LARGE_MEMORY_VALUE_ID_BASE, LOG_MEMORY_ADDRESS_BOUND};

use super::builtins::builtin_checks;
use super::checks::{Check, ensure};
use super::params::{LARGE, LOG_TABLE_ROWS};
use super::proof::CairoProof;
use super::{MAX_PROGRAM_WORDS, ProofError, is_canonical, parameter_set};

/// The most rows that any accepted set of parameters allows a component, as a power of two.
const MAX_LOG_ROWS: u32 = LARGE.max_log_rows;

// All addresses have a row, and all tables of large values have numbers.
const _: () = assert!(MEMORY_ADDRESS_TO_ID_SPLIT << MAX_LOG_ROWS <= 1 << LOG_MEMORY_ADDRESS_BOUND);
const _: () = assert!(
    LARGE_MEMORY_VALUE_ID_BASE as usize + (LARGE.value_tables << LOG_TABLE_ROWS) <= P as usize
);

/// Public segments, which every program lists: one for each builtin of the VM's layout, the output's first.
const PUBLIC_SEGMENTS: usize = 11;

/// The address that the last step must have reached: the jump to itself behind the call of `main`.
const FINAL_PC: u32 = 5;

/// Every check of what a proof claims.
pub(super) fn claim_checks(proof: &CairoProof) -> Vec<Check<'_, ProofError>> {
    let public = &proof.claim.public_data;
    // First of the sizes: the library copies program and output whenever it looks at a claim.
    let mut checks = Vec::from(length_checks(public));
    checks.extend(size_checks(proof));
    checks.extend(memory_checks(proof));
    checks.extend(builtin_checks(&proof.claim));
    checks.extend(start_checks(public));
    checks.extend(sum_checks(proof));
    checks
}

/// `problem` unless the claim is as it must be.
pub(super) fn of_claim<'a>(
    name: &'static str,
    holds: impl Fn() -> bool + 'a,
    problem: &'static str,
) -> Check<'a, ProofError> {
    Check::new(name, move || ensure(holds(), || ProofError::Claim(problem)))
}

/// Most felts of an output. A statement has 21.
const MAX_OUTPUT_FELTS: usize = 1 << 10;

/// Fewest words of a program: the call of `main` and the loop behind it, with which every program starts.
const MIN_PROGRAM_WORDS: usize = 6;

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
fn size_checks(proof: &CairoProof) -> [Check<'_, ProofError>; 5] {
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
            "four trees",
            || stark.commitments.len() == 4 && stark.sampled_values.len() == 4,
            "a proof commits to exactly four trees",
        ),
    ]
}

/// Where program and output lie in the public memory.
///
/// The library binds the claimed program to addresses 1, 2, … and the claimed output to the
/// addresses from the final `ap` on. Both are what they seem only if the registers say so: the
/// execution segment starts right after program and safe call, and the output segment lies right
/// behind the execution segment and has as many cells as are claimed.
fn memory_checks(proof: &CairoProof) -> [Check<'_, ProofError>; 6] {
    let public = &proof.claim.public_data;
    let memory = &public.public_memory;
    let (program, output) = (&memory.program, &memory.output);
    let segment = &memory.public_segments.output;
    let (start, stop) = (segment.start_ptr.value, segment.stop_ptr.value);
    let addresses = proof.claim.memory_address_to_id;
    [
        // In the transcript a segment that is missing is the same as one whose identifiers and pointers are 0.
        of_claim(
            "public segments",
            || memory.public_segments.present_segments().len() == PUBLIC_SEGMENTS,
            "a public segment is missing",
        ),
        // Behind it is no memory, and a number that is none of the field: the library computes with it unreduced.
        of_claim(
            "last public address",
            move || {
                addresses.is_none_or(|table| {
                    let last =
                        (MEMORY_ADDRESS_TO_ID_SPLIT as u64) << table.log_size.min(MAX_LOG_ROWS);
                    u64::from(public.final_state.ap.0) + output.len() as u64 <= last + 1
                })
            },
            "the output ends behind the last address",
        ),
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

/// The words with which every program starts, as the library's proofs require them, and the registers.
fn start_checks(public: &PublicData) -> [Check<'_, ProofError>; 6] {
    let (first, last) = (&public.initial_state, &public.final_state);
    [
        of_claim(
            "first words of the program",
            || starts_as_it_must(public),
            "the program does not start with the call of its main function",
        ),
        of_claim(
            "first instruction",
            || first.pc.0 == 1,
            "the run does not start at the first word of the program",
        ),
        of_claim(
            "last instruction",
            || last.pc.0 == FINAL_PC,
            "the run does not end in the loop behind the call of the main function",
        ),
        of_claim(
            "frame of the first step",
            || first.fp == first.ap,
            "the run's first frame is not where its stack starts",
        ),
        of_claim(
            "frame of the last step",
            || first.fp == last.fp,
            "the run does not end in the frame in which it started",
        ),
        of_claim(
            "length of the run's stack",
            // The pointers that `main` takes and those that it gives back.
            || u64::from(first.ap.0) + 2 * PUBLIC_SEGMENTS as u64 <= u64::from(last.ap.0),
            "the run's stack has no room for the builtins' pointers",
        ),
    ]
}

/// `ap += builtins; call rel main; jmp rel 0`: one pointer for each builtin, then the main function.
fn starts_as_it_must(public: &PublicData) -> bool {
    let program = &public.public_memory.program;
    let builtins = public
        .public_memory
        .public_segments
        .present_segments()
        .len();
    let word = |at: usize| program.get(at).map(|(_, word)| *word);
    let small = |low: u32, high: u32| Some([low, high, 0, 0, 0, 0, 0, 0]);
    word(0) == small(0x7fff_7fff, 0x0407_8001)
        && word(1) == small(builtins as u32, 0)
        && word(2) == small(0x8001_8000, 0x1104_8001)
        && word(4) == small(0x7fff_7fff, 0x0107_8001)
        && word(5) == small(0, 0)
}

/// Each component has one sum, and there are no others: a sum without a component is in no constraint, so it could take
/// what the others lack.
fn sum_checks(proof: &CairoProof) -> [Check<'_, ProofError>; 3] {
    let (claim, sums) = (&proof.claim, &proof.interaction_claim);
    let tables = claim.memory_id_to_big.as_ref();
    let large = sums.memory_id_to_big.as_ref();
    let few = move || {
        large.is_some_and(|l| {
            tables.is_some_and(|t| l.big_claimed_sums.len() == t.big_log_sizes.len())
        })
    };
    [
        of_claim(
            "sums of the tables of large values",
            few,
            "there is not one sum for each table of large values",
        ),
        of_claim(
            "sum of large values",
            move || {
                large.is_some_and(|l| l.claimed_sum == l.big_claimed_sums.iter().copied().sum())
            },
            "the sum of large values is not that of their tables",
        ),
        of_claim(
            "one sum for each component",
            // The library's lists of sums and of sizes assert that there are few tables.
            move || {
                !few()
                    || sums.flatten_interaction_claim().len()
                        == claim.flatten_claim().component_log_sizes.len()
            },
            "there are sums that no component stands for",
        ),
    ]
}
