//! What a Cairo proof says about itself, checked by name before its parts enter the transcript.
//!
//! The first checks bound sizes, so that the arithmetic of those behind them, and of the library, cannot overflow.
//! The others are what the AIR leaves to its verifier: which program, registers, segments and tables a claim may have.
//! The library has a function of its own for them, which panics at the first that does not hold and does not look at
//! all of it. Three of its checks cannot fail here, as the limits on rows are stricter: addresses stay below 2^29 and
//! numbers of large values below the modulus (asserted when this file is compiled), and so do the uses of each relation
//! (`tests/proof`).

use cairo_air::air::{PublicData, SegmentRange};
use cairo_air::claims::CairoClaim;
use cairo_air::components::memory_address_to_id::MEMORY_ADDRESS_TO_ID_SPLIT;
use stwo::core::fields::m31::P;
use stwo_cairo_common::builtins::{
    ADD_MOD_BUILTIN_MEMORY_CELLS, BITWISE_BUILTIN_MEMORY_CELLS, EC_OP_BUILTIN_MEMORY_CELLS,
    MUL_MOD_BUILTIN_MEMORY_CELLS, PEDERSEN_BUILTIN_MEMORY_CELLS, POSEIDON_BUILTIN_MEMORY_CELLS,
    RANGE_CHECK_96_BUILTIN_MEMORY_CELLS, RANGE_CHECK_BUILTIN_MEMORY_CELLS,
};
use stwo_cairo_common::memory::{LARGE_MEMORY_VALUE_ID_BASE, LOG_MEMORY_ADDRESS_BOUND};

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

/// The address that the last step must have reached: the jump to itself behind the call of `main`.
const FINAL_PC: u32 = 5;

/// Every check of what a proof claims.
pub(super) fn claim_checks(proof: &CairoProof) -> Vec<Check<'_, ProofError>> {
    let public = &proof.claim.public_data;
    // First of the sizes: the library copies program and output whenever it looks at a claim.
    let mut checks = Vec::from(length_checks(public));
    checks.extend(size_checks(proof));
    checks.extend(memory_checks(public));
    checks.extend(builtin_checks(&proof.claim));
    checks.extend(start_checks(public));
    checks.extend(sum_checks(proof));
    checks
}

/// `problem` unless the claim is as it must be.
fn of_claim<'a>(
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
            || first.ap <= last.ap,
            "the run's stack ends before it starts",
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

/// A builtin in a claim: first address and rows' logarithm of its component, its public segment, cells of an instance.
struct Builtin {
    component: Option<(u32, u32)>,
    segment: Option<SegmentRange>,
    cells: usize,
}

impl Builtin {
    /// The segment, unless it is empty.
    fn used(&self) -> Option<SegmentRange> {
        self.segment.filter(|segment| !segment.is_empty())
    }

    /// Whether the component and the segment, if the builtin has both, are as they must be.
    fn fits(&self, holds: impl Fn(Fit) -> bool) -> bool {
        let (Some((first, log_rows)), Some(segment)) = (self.component, self.used()) else {
            return true;
        };
        holds(Fit {
            first: first.into(),
            end: u64::from(first) + ((self.cells as u64) << log_rows),
            start: segment.start_ptr.value.into(),
            stop: segment.stop_ptr.value.into(),
            cells: self.cells as u64,
        })
    }
}

/// Addresses of a builtin's component, from `first` to `end`, and of its segment, from `start` to `stop`.
struct Fit {
    first: u64,
    end: u64,
    start: u64,
    stop: u64,
    cells: u64,
}

fn builtins(claim: &CairoClaim) -> [Builtin; 8] {
    let segments = &claim.public_data.public_memory.public_segments;
    macro_rules! place {
        ($component:ident, $start:ident) => {
            claim.$component.as_ref().map(|c| (c.$start, c.log_size))
        };
    }
    let pedersen = place!(pedersen_builtin, pedersen_builtin_segment_start);
    let narrow = place!(
        pedersen_builtin_narrow_windows,
        pedersen_builtin_segment_start
    );
    let of = |component, segment, cells| Builtin {
        component,
        segment,
        cells,
    };
    [
        of(
            place!(add_mod_builtin, add_mod_builtin_segment_start),
            segments.add_mod,
            ADD_MOD_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(bitwise_builtin, bitwise_builtin_segment_start),
            segments.bitwise,
            BITWISE_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(mul_mod_builtin, mul_mod_builtin_segment_start),
            segments.mul_mod,
            MUL_MOD_BUILTIN_MEMORY_CELLS,
        ),
        of(
            pedersen.or(narrow),
            segments.pedersen,
            PEDERSEN_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(poseidon_builtin, poseidon_builtin_segment_start),
            segments.poseidon,
            POSEIDON_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(range_check96_builtin, range_check96_builtin_segment_start),
            segments.range_check_96,
            RANGE_CHECK_96_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(range_check_builtin, range_check_builtin_segment_start),
            segments.range_check_128,
            RANGE_CHECK_BUILTIN_MEMORY_CELLS,
        ),
        of(
            place!(ec_op_builtin, ec_op_builtin_segment_start),
            segments.ec_op,
            EC_OP_BUILTIN_MEMORY_CELLS,
        ),
    ]
}

/// Each builtin that the program used has a component, which lies where the public segment says.
fn builtin_checks(claim: &CairoClaim) -> [Check<'_, ProofError>; 9] {
    let every = move |holds: fn(Fit) -> bool| builtins(claim).iter().all(|b| b.fits(holds));
    let segments = &claim.public_data.public_memory.public_segments;
    [
        of_claim(
            "builtins without a component",
            move || {
                [segments.ecdsa, segments.keccak]
                    .iter()
                    .flatten()
                    .all(SegmentRange::is_empty)
            },
            "a builtin is used that no component stands for",
        ),
        // The claim's first address of a builtin is compared with the segment's, which is part of the transcript,
        // only if there is one, and is not part of the transcript itself: a prover could choose it after the challenges.
        of_claim(
            "builtins have segments",
            move || {
                builtins(claim)
                    .iter()
                    .all(|b| b.component.is_none() || b.used().is_some())
            },
            "a builtin's component has no segment",
        ),
        of_claim(
            "segments have builtins",
            move || {
                builtins(claim)
                    .iter()
                    .all(|b| b.used().is_none() || b.component.is_some())
            },
            "a builtin's segment has no component",
        ),
        of_claim(
            "one Pedersen builtin",
            || claim.pedersen_builtin.is_none() || claim.pedersen_builtin_narrow_windows.is_none(),
            "a builtin has two components",
        ),
        of_claim(
            "start of a builtin",
            move || every(|fit| fit.first == fit.start),
            "a builtin's component starts elsewhere than its segment",
        ),
        of_claim(
            "order of a builtin's segment",
            move || every(|fit| fit.start <= fit.stop),
            "a builtin's segment ends before it starts",
        ),
        of_claim(
            "whole instances of a builtin",
            move || every(|fit| fit.stop.abs_diff(fit.start) % fit.cells == 0),
            "a builtin's segment has a part of an instance",
        ),
        of_claim(
            "end of a builtin",
            move || every(|fit| fit.stop <= fit.end),
            "a builtin's segment ends behind its component",
        ),
        of_claim(
            "last address of a builtin",
            move || every(|fit| fit.end < 1 << 31),
            "a builtin's component ends behind the last address",
        ),
    ]
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
