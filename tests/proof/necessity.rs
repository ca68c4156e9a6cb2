//! What each check of a proof is for: an attack, and what becomes of it when only that check is not
//! looked at. The STARK comes after all of them.

use std::collections::{BTreeSet, HashMap};

use cairo_air::air::{PublicData, SegmentRange};
use cairo_air::claims::CairoClaim;
use cairo_air::components::{add_mod_builtin, poseidon_builtin};
use cairo_decode::air;
use cairo_decode::air::cairo::Component;
use cairo_decode::verify::params::{LARGE, LOG_TABLE_ROWS};
use cairo_decode::verify::proof::{CairoProof, canonical_checks, decode, encode};
use cairo_decode::verify::{MAX_PROGRAM_WORDS, parameter_set, proof_checks};
use cairo_decode_verdicts::verify_proof;
use serde_json::{Map, Value, json};
use stwo::core::fields::m31::P;
use stwo::core::fields::qm31::SecureField;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

use crate::sums::{Hide, lie};
use crate::table::{self, Row};
use crate::{forge, proofs};

const STARK: &str = "the STARK";

/// The names of the checks that a proof fails.
fn failed(proof: &CairoProof) -> Vec<&'static str> {
    let canonical = canonical_checks(proof);
    let canonical = canonical.iter().filter(|check| check.find().is_err());
    let mut failed: Vec<&str> = canonical.map(|check| check.name()).collect();
    let checks = proof_checks(proof);
    let others = checks.iter().filter(|check| check.find().is_err());
    failed.extend(others.map(|check| check.name()));
    failed
}

/// Whether the STARK is accepted. The library's panics are refusals.
fn stark(proof: CairoProof) -> bool {
    let fixed = parameter_set(&proof).fixed();
    let verify = || air::verify::verify(proof, None, &fixed).is_ok();
    let caught = std::panic::catch_unwind(std::panic::AssertUnwindSafe(verify));
    caught.unwrap_or(false)
}

type Change = fn(&mut CairoProof);

/// Attacks that change a finished proof: check, attack, change.
fn relabelled() -> Vec<(&'static str, &'static str, Change)> {
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
            "a builtin without a segment",
            |p| {
                p.claim.add_mod_builtin = Some(add_mod_builtin::Claim {
                    log_size: 4,
                    add_mod_builtin_segment_start: 1000,
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
            "a bitwise segment without its component",
            |p| {
                p.claim.bitwise_builtin = None;
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let bitwise = segment(&mut segments.bitwise);
                bitwise.stop_ptr.value = bitwise.start_ptr.value + 5
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
            "a Poseidon component one instance early",
            |p| poseidon(p).poseidon_builtin_segment_start -= 6,
        ),
        (
            "order of a builtin's segment",
            "a Poseidon segment that ends before it starts",
            |p| {
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let poseidon = segment(&mut segments.poseidon);
                poseidon.stop_ptr.value = poseidon.start_ptr.value - 6
            },
        ),
        (
            "whole instances of a builtin",
            "a Poseidon segment one cell short",
            |p| {
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                segment(&mut segments.poseidon).stop_ptr.value -= 1
            },
        ),
        (
            "end of a builtin",
            "a Poseidon component of half as many rows",
            |p| poseidon(p).log_size -= 1,
        ),
        (
            "last address of a builtin",
            "a Poseidon component behind the last address",
            |p| {
                let start = (1 << 31) - 12;
                poseidon(p).poseidon_builtin_segment_start = start;
                let segments = &mut p.claim.public_data.public_memory.public_segments;
                let poseidon = segment(&mut segments.poseidon);
                poseidon.start_ptr.value = start;
                poseidon.stop_ptr.value = start + 6
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
                segment.stop_ptr.value = segment.start_ptr.value + 1025
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

/// The claim of Poseidon's component.
fn poseidon(proof: &mut CairoProof) -> &mut poseidon_builtin::Claim {
    proof
        .claim
        .poseidon_builtin
        .as_mut()
        .expect("the component")
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

/// Every check of a proof has an attack that fails that check; what comes next is in the table. A proof that
/// is accepted without the check is one that the library would have let through.
#[test]
fn requirement_24_what_each_check_of_a_proof_stops() {
    let honest = decode(&proofs().session[0].proof).expect("a proof");
    assert_eq!(failed(&honest), [""; 0]);
    let mut attacks: Vec<(&str, &str, CairoProof)> = vec![];
    for (check, attack, change) in relabelled() {
        let mut proof = honest.clone();
        change(&mut proof);
        attacks.push((check, attack, proof));
    }
    for (check, attack, proof) in forge::forged() {
        attacks.push((check, attack, proof.clone()));
    }
    attacks.push((
        "sum of large values",
        "another output, what is missing in the sum of all large values",
        lie(Hide::LargeValues),
    ));
    attacks.push((
        "one sum for each component",
        "another output, what is missing in a sum without a component",
        lie(Hide::Component),
    ));
    attacks.push((
        "preprocessed root",
        "a proof with a forged fixed table",
        forge::with_another_table(),
    ));
    attacks.push((
        "canonical program and output",
        "a proof in which the session's id is written plus the modulus",
        forge::with_a_felt_beyond_the_modulus(),
    ));

    let names = canonical_checks(&honest).map(|check| check.name());
    let all = proof_checks(&honest).into_iter().map(|check| check.name());
    let all: Vec<&str> = names.into_iter().chain(all).collect();
    let attacked: BTreeSet<&str> = attacks.iter().map(|(check, ..)| *check).collect();
    assert_eq!(attacked, BTreeSet::from_iter(all.iter().copied()));
    attacks.sort_by_key(|(check, ..)| all.iter().position(|name| name == check));

    let mut rows = vec![];
    for (check, attack, proof) in attacks {
        assert!(verify_proof(&encode(&proof)).is_err(), "{attack}: accepted");
        let mut failed = failed(&proof);
        let before = failed.len();
        failed.retain(|name| *name != check);
        assert!(failed.len() < before, "{check} does not see: {attack}");
        let next = failed.first().copied();
        let next = next.or_else(|| (!stark(proof)).then_some(STARK));
        eprintln!("{check}: {attack}: {next:?}");
        rows.push(Row {
            check: check.to_string(),
            attack: attack.to_string(),
            next: next.map(str::to_string),
        });
    }
    let name = "necessity of the proof's checks";
    table::check(name, &table::necessity(&rows));
}

/// No relation can have as many uses as the field has numbers: not even with all components that the library knows, each
/// with the largest number of rows, has one a quarter of them.
#[test]
fn uses_of_a_relation_stay_below_the_modulus() {
    let most = LARGE.max_log_rows;
    let sizes = |component: &Component| {
        let segment = component.name().replace("_narrow_windows", "");
        let size = json!({
            "log_size": most,
            "big_log_sizes": vec![LOG_TABLE_ROWS; LARGE.value_tables],
            (format!("{segment}_segment_start")): 0,
        });
        (component.name().to_string(), size)
    };
    let mut claim: Map<String, Value> = Component::ALL.iter().map(sizes).collect();
    let public = serde_json::to_value(PublicData::default()).expect("JSON");
    claim.insert("public_data".to_string(), public);
    let claim: CairoClaim = serde_json::from_value(Value::Object(claim)).expect("a claim");
    let mut uses = HashMap::new();
    claim.accumulate_relation_uses(&mut uses);
    let most = uses.values().max().expect("relations");
    assert!((1 << 24..1 << 29).contains(most), "{uses:?}");
}
