//! What each check of a proof is for: an attack, and what becomes of it when only that check is not
//! looked at. The library's verifier comes after all of them.

use std::collections::BTreeSet;

use cairo_air::components::add_mod_builtin;
use cairo_air::verifier::verify_cairo_ex;
use cairo_decode::verify::params::MerkleChannel;
use cairo_decode::verify::proof::{CairoProof, canonical_checks, decode, encode};
use cairo_decode::verify::{MAX_PROGRAM_WORDS, parameter_set, proof_checks, verify_proof};
use stwo::core::fields::m31::P;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

use crate::table::{self, Row};
use crate::{forge, proofs};

const LIBRARY: &str = "the library's verifier";

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

/// Whether the library accepts. Its panics are refusals.
fn library(proof: CairoProof) -> bool {
    let columns = parameter_set(&proof).all_preprocessed_columns;
    let verify = || verify_cairo_ex::<MerkleChannel>(proof, columns).is_ok();
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
        ("log_blowup", "the proof relabelled to blow-up 4", |p| {
            p.stark_proof.0.config.fri_config.log_blowup_factor = 2
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
                output.stop_ptr.value += more
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
        let next = next.or_else(|| (!library(proof)).then_some(LIBRARY));
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
