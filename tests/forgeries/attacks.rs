//! Attacks on a finished proof: for each check of its Cairo proof a change that the check sees.

use cairo_air::air::SegmentRange;
use cairo_air::components::{add_mod_builtin, poseidon_builtin, range_check_builtin};
use cairo_decode::verify::MAX_PROGRAM_WORDS;
use cairo_decode::verify::params::LOG_TABLE_ROWS;
use cairo_decode::verify::proof::CairoProof;
use stwo::core::fields::m31::P;
use stwo::core::fields::qm31::SecureField;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

pub type Change = fn(&mut CairoProof);

/// Attacks that change a finished proof: check, attack, change.
pub fn relabelled() -> Vec<(&'static str, &'static str, Change)> {
    vec![
        ("sampled_values", "a sample plus the modulus", |p| {
            p.stark_proof.0.sampled_values[1][0][0].0.0.0 += P
        }),
        ("queried_values", "a query plus the modulus", |p| {
            p.stark_proof.0.queried_values[1][0][0].0 += P
        }),
        ("fri_witness", "a fold plus the modulus", |p| {
            p.stark_proof.0.fri_proof.first_layer.fri_witness[0].0.0.0 += P
        }),
        (
            "last_layer_poly",
            "the last polynomial with a size of 64 doublings, which the library takes for none",
            |p| *p = with_last_size(p, 64),
        ),
        ("interaction_claim", "a sum plus the modulus", |p| {
            let claim = p.interaction_claim.assert_eq_opcode.as_mut();
            claim.expect("the component").claimed_sum.0.0.0 += P
        }),
        ("claim.state", "the first pc plus the modulus", |p| {
            p.claim.public_data.initial_state.pc.0 += P
        }),
        ("claim.program", "an identifier plus the modulus", |p| {
            p.claim.public_data.public_memory.program[100].0 += P
        }),
        ("claim.output", "an identifier plus the modulus", |p| {
            p.claim.public_data.public_memory.output[0].0 += P
        }),
        (
            "claim.public_segments",
            "both ends of an empty segment plus the modulus",
            |p| {
                let keccak = &mut p.claim.public_data.public_memory.public_segments.keccak;
                let keccak = keccak.as_mut().expect("a segment");
                keccak.start_ptr.value += P;
                keccak.stop_ptr.value += P;
            },
        ),
        (
            "claim.safe_call_ids",
            "an identifier plus the modulus",
            |p| p.claim.public_data.public_memory.safe_call_ids[1] += P,
        ),
        ("log_blowup", "the proof relabelled to blow-up 64", |p| {
            p.stark_proof.0.config.fri_config.log_blowup_factor = 6
        }),
        (
            "preprocessed",
            "the proof relabelled to other tables",
            |p| p.preprocessed_trace_variant = PreProcessedTraceVariant::CanonicalWithoutPedersen,
        ),
        ("memory components", "a claim without addresses", |p| {
            p.claim.memory_address_to_id = None
        }),
        (
            "rows of a memory table",
            "a memory table of 2^21 rows",
            |p| {
                let claim = p.claim.memory_id_to_big.as_mut();
                claim.expect("the component").big_log_sizes[0] = 21
            },
        ),
        ("number of memory tables", "10,000 memory tables", |p| {
            let claim = p.claim.memory_id_to_big.as_mut();
            claim.expect("the component").big_log_sizes = vec![4; 10_000]
        }),
        ("rows of a component", "a component of 2^31 rows", |p| {
            let claim = p.claim.assert_eq_opcode.as_mut();
            claim.expect("the component").log_size = 31
        }),
        (
            "builtins have segments",
            "a builtin without a segment, with a sum of 0",
            |p| {
                p.claim.add_mod_builtin = Some(add_mod_builtin::Claim {
                    log_size: 4,
                    add_mod_builtin_segment_start: 1000,
                });
                p.interaction_claim.add_mod_builtin = Some(add_mod_builtin::InteractionClaim {
                    claimed_sum: SecureField::default(),
                })
            },
        ),
        (
            "public segments",
            "a claim without a segment that the program did not use",
            |p| p.claim.public_data.public_memory.public_segments.keccak = None,
        ),
        (
            "last public address",
            "an output behind the last address",
            |p| {
                let last = &mut p.claim.public_data.final_state.ap.0;
                *last = 1 << 30;
                let start = *last;
                let memory = &mut p.claim.public_data.public_memory;
                memory.public_segments.output.start_ptr.value = start;
                memory.public_segments.output.stop_ptr.value = start + memory.output.len() as u32
            },
        ),
        (
            "first words of the program",
            "a program that first does something else",
            |p| p.claim.public_data.public_memory.program[4].1[0] += 1,
        ),
        (
            "first instruction",
            "a run that starts at the second word",
            |p| p.claim.public_data.initial_state.pc.0 = 2,
        ),
        (
            "last instruction",
            "a run that ends before its main function returns",
            |p| p.claim.public_data.final_state.pc.0 = 3,
        ),
        (
            "frame of the first step",
            "both frames elsewhere than the first stack",
            |p| {
                for state in [
                    &mut p.claim.public_data.initial_state,
                    &mut p.claim.public_data.final_state,
                ] {
                    state.fp.0 += 1
                }
            },
        ),
        (
            "frame of the last step",
            "a run that ends in another frame",
            |p| p.claim.public_data.final_state.fp.0 += 1,
        ),
        (
            "length of the run's stack",
            "a run whose stack shrinks, with its output",
            |p| {
                let last = &mut p.claim.public_data.final_state.ap.0;
                *last = 10;
                let memory = &mut p.claim.public_data.public_memory;
                memory.public_segments.output.start_ptr.value = 10;
                memory.public_segments.output.stop_ptr.value = 10 + memory.output.len() as u32
            },
        ),
        (
            "builtins without a component",
            "a keccak segment of 16 cells",
            |p| {
                segment(&mut p.claim.public_data.public_memory.public_segments.keccak)
                    .stop_ptr
                    .value += 16
            },
        ),
        (
            "segments have builtins",
            "a segment of range checks without its component",
            |p| {
                p.claim.range_check_builtin = None;
                p.interaction_claim.range_check_builtin = None
            },
        ),
        (
            "one Pedersen builtin",
            "two components for one segment",
            |p| {
                use cairo_air::components::{pedersen_builtin, pedersen_builtin_narrow_windows};
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let pedersen = segment(&mut segments.pedersen);
                pedersen.stop_ptr.value = pedersen.start_ptr.value + 3;
                let start = pedersen.start_ptr.value;
                p.claim.pedersen_builtin = Some(pedersen_builtin::Claim {
                    log_size: 4,
                    pedersen_builtin_segment_start: start,
                });
                p.claim.pedersen_builtin_narrow_windows =
                    Some(pedersen_builtin_narrow_windows::Claim {
                        log_size: 4,
                        pedersen_builtin_segment_start: start,
                    })
            },
        ),
        (
            "start of a builtin",
            "a component of range checks one instance early",
            |p| range_checks(p).range_check_builtin_segment_start -= 1,
        ),
        (
            "order of a builtin's segment",
            "a segment of range checks that ends before it starts",
            |p| {
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let checks = segment(&mut segments.range_check_128);
                checks.stop_ptr.value = checks.start_ptr.value - 1
            },
        ),
        (
            "whole instances of a builtin",
            "a component of Poseidon, with a sum of 0 and a segment one cell short",
            |p| {
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let poseidon = segment(&mut segments.poseidon);
                poseidon.stop_ptr.value = poseidon.start_ptr.value + 5;
                p.claim.poseidon_builtin = Some(poseidon_builtin::Claim {
                    log_size: 4,
                    poseidon_builtin_segment_start: poseidon.start_ptr.value,
                });
                p.interaction_claim.poseidon_builtin = Some(poseidon_builtin::InteractionClaim {
                    claimed_sum: SecureField::default(),
                })
            },
        ),
        (
            "end of a builtin",
            "a component of range checks of fewer rows than its segment has",
            |p| range_checks(p).log_size = 4,
        ),
        (
            "last address of a builtin",
            "a component of range checks behind the last address",
            |p| {
                let start = (1 << 31) - 12;
                range_checks(p).range_check_builtin_segment_start = start;
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let checks = segment(&mut segments.range_check_128);
                checks.start_ptr.value = start;
                checks.stop_ptr.value = start + 6
            },
        ),
        (
            "sums of the tables of large values",
            "a sum for a table that is not there",
            |p| {
                let large = p.interaction_claim.memory_id_to_big.as_mut();
                let sums = &mut large.expect("large values").big_claimed_sums;
                sums.push(SecureField::default())
            },
        ),
        ("four trees", "a fifth tree", |p| {
            let last = p.stark_proof.0.commitments[3];
            p.stark_proof.0.commitments.push(last)
        }),
        (
            "length of the program",
            "a program of 800,001 words, with its registers",
            |p| {
                let public = &mut p.claim.public_data;
                let program = &mut public.public_memory.program;
                let more = (MAX_PROGRAM_WORDS + 1 - program.len()) as u32;
                program.resize(MAX_PROGRAM_WORDS + 1, (0, [0; 8]));
                for state in [&mut public.initial_state, &mut public.final_state] {
                    state.ap.0 += more;
                    state.fp.0 += more;
                }
                let output = &mut public.public_memory.public_segments.output;
                output.start_ptr.value += more;
                output.stop_ptr.value += more;
                let addresses = p.claim.memory_address_to_id.as_mut();
                addresses.expect("the component").log_size = LOG_TABLE_ROWS
            },
        ),
        (
            "length of the output",
            "an output of 1,025 felts, with its segment",
            |p| {
                let memory = &mut p.claim.public_data.public_memory;
                memory.output.resize(1025, (0, [0; 8]));
                let segment = &mut memory.public_segments.output;
                segment.stop_ptr.value = segment.start_ptr.value + 1025;
                let addresses = p.claim.memory_address_to_id.as_mut();
                addresses.expect("the component").log_size = LOG_TABLE_ROWS
            },
        ),
        (
            "end of the program",
            "a program without its last word",
            |p| {
                p.claim.public_data.public_memory.program.pop();
            },
        ),
        (
            "start of the output",
            "an output segment one cell later",
            |p| {
                let segment = &mut p.claim.public_data.public_memory.public_segments.output;
                segment.start_ptr.value += 1;
                segment.stop_ptr.value += 1
            },
        ),
        (
            "end of the output",
            "an output without its last felt",
            |p| {
                p.claim.public_data.public_memory.output.pop();
            },
        ),
    ]
}

/// A builtin's public segment.
fn segment(of: &mut Option<SegmentRange>) -> &mut SegmentRange {
    of.as_mut().expect("a segment")
}

/// The claim of the component of range checks.
fn range_checks(proof: &mut CairoProof) -> &mut range_check_builtin::Claim {
    let claim = proof.claim.range_check_builtin.as_mut();
    claim.expect("the component")
}

/// The proof with the size that its last polynomial claims for itself, which no code but a decoder sets.
fn with_last_size(proof: &CairoProof, size: u32) -> CairoProof {
    use bincode::Options;
    let options = || bincode::DefaultOptions::new().with_fixint_encoding();
    let mut bytes = options().serialize(proof).expect("bytes");
    let at = bytes.len() - 12;
    bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
    options().deserialize(&bytes).expect("a proof")
}
