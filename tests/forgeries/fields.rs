//! The proof file as a structure: each field that an attacker could choose.

use cairo_air::air::PublicSegmentRanges;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::proof::{CairoProof, DecodeError, TensorProof, encode_tensors};
use stwo::core::fields::m31::{BaseField, P};
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;

use crate::refuses;
use crate::world::proofs;

/// The verifier's answer to the session's first proof after a change of its Cairo proof.
pub fn changed(attack: &str, change: impl FnOnce(&mut CairoProof)) -> ProofError {
    changed_whole(attack, |proof| change(&mut proof.proof))
}

/// The same after a change of any part.
pub fn changed_whole(attack: &str, change: impl FnOnce(&mut TensorProof)) -> ProofError {
    let honest = &proofs().session[0];
    let mut proof = honest.proof.clone();
    change(&mut proof);
    let changed = encode_tensors(&proof);
    assert!(changed != honest.bytes, "{attack} changes the proof");
    refuses(attack, &changed)
}

pub fn invalid(attack: &str, change: impl FnOnce(&mut CairoProof)) {
    let error = changed(attack, change);
    assert!(matches!(error, ProofError::Invalid(_)), "{attack}: {error}");
}

pub fn invalid_whole(attack: &str, change: impl FnOnce(&mut TensorProof)) {
    let error = changed_whole(attack, change);
    assert!(matches!(error, ProofError::Invalid(_)), "{attack}: {error}");
}

pub fn claim(attack: &str, expected: &str, change: impl FnOnce(&mut CairoProof)) {
    match changed(attack, change) {
        ProofError::Claim(problem) => assert_eq!(problem, expected, "{attack}"),
        other => panic!("{attack}: refused for another reason: {other}"),
    }
}

/// Attack (requirement 33): a proof that says it was made under weaker, or simply other, parameters.
/// Stopped by: every parameter is compared with the verifier's.
#[test]
fn requirement_33_parameters() {
    type Change = fn(&mut CairoProof);
    let changes: [(&str, Change); 12] = [
        ("pow_bits", |p| p.stark_proof.0.config.pow_bits = 10),
        ("pow_bits", |p| p.stark_proof.0.config.pow_bits = 21),
        ("queries", |p| {
            p.stark_proof.0.config.fri_config.n_queries = 3
        }),
        ("queries", |p| {
            p.stark_proof.0.config.fri_config.n_queries = 0
        }),
        ("log_blowup", |p| {
            p.stark_proof.0.config.fri_config.log_blowup_factor = 6
        }),
        ("fold_step", |p| {
            p.stark_proof.0.config.fri_config.fold_step = 1
        }),
        ("log_last_layer_degree_bound", |p| {
            p.stark_proof
                .0
                .config
                .fri_config
                .log_last_layer_degree_bound = 5
        }),
        ("lifting_log_size", |p| {
            p.stark_proof.0.config.lifting_log_size = None
        }),
        ("lifting_log_size", |p| {
            p.stark_proof.0.config.lifting_log_size = Some(20)
        }),
        ("preprocessed", |p| {
            p.preprocessed_trace_variant = PreProcessedTraceVariant::Canonical
        }),
        ("preprocessed", |p| {
            p.preprocessed_trace_variant = PreProcessedTraceVariant::CanonicalWithoutPedersen;
        }),
        ("channel_salt", |p| p.channel_salt = 1),
    ];
    for (name, change) in changes {
        match changed(name, change) {
            ProofError::Parameter {
                parameter,
                found,
                required,
            } => {
                assert_eq!(parameter, name);
                assert_ne!(found, required);
            }
            other => panic!("{name}: refused for another reason: {other}"),
        }
    }
}

/// Attack (requirement 33): other constants, Cairo's fixed tables among them. Stopped by: the manifest's root.
#[test]
fn requirement_33_commitments() {
    let root = ProofError::ConstantsRoot;
    assert_eq!(
        changed("another root", |p| p.stark_proof.0.commitments[0].0[0] ^= 1),
        root
    );
    let swapped = changed("another tree first", |p| {
        p.stark_proof.0.commitments.swap(0, 1)
    });
    assert_eq!(swapped, root);
    assert_eq!(
        changed("no commitments", |p| p.stark_proof.0.commitments.clear()),
        root
    );
    for (i, j) in [(1, 2), (1, 3), (2, 3)] {
        invalid(&format!("trees {i} and {j} swapped"), |p| {
            p.stark_proof.0.commitments.swap(i, j)
        });
    }
    for i in 1..4 {
        invalid(&format!("tree {i}"), |p| {
            p.stark_proof.0.commitments[i].0[31] ^= 0x80
        });
    }
    let four = "a proof commits to exactly four trees";
    claim("three trees", four, |p| {
        p.stark_proof.0.commitments.pop();
    });
    claim("three trees of samples", four, |p| {
        p.stark_proof.0.sampled_values.pop();
    });
    claim("five trees", four, |p| {
        let last = p.stark_proof.0.commitments[3];
        p.stark_proof.0.commitments.push(last);
    });
    invalid("three decommitments", |p| {
        p.stark_proof.0.decommitments.pop();
    });
    invalid("three trees of queries", |p| {
        p.stark_proof.0.queried_values.pop();
    });
}

/// Attack: numbers that are equal to honest ones modulo 2^31 − 1 but are written differently, so that
/// one proof would have several files. Stopped by: the reader takes canonical numbers only.
#[test]
fn canonical_numbers() {
    let of = |expected: &str, error: ProofError| match error {
        ProofError::Decode(DecodeError::NotCanonical { part }) => assert_eq!(part, expected),
        other => panic!("{expected}: refused for another reason: {other}"),
    };
    let part =
        |expected: &str, change: fn(&mut CairoProof)| of(expected, changed(expected, change));
    part("sampled_values", |p| {
        p.stark_proof.0.sampled_values[1][0][0].0.0 = BaseField::from_u32_unchecked(P)
    });
    part("queried_values", |p| {
        p.stark_proof.0.queried_values[1][0][0] = BaseField::from_u32_unchecked(P)
    });
    part("fri_witness", |p| {
        p.stark_proof.0.fri_proof.first_layer.fri_witness[0].1.1 =
            BaseField::from_u32_unchecked(u32::MAX);
    });
    part("fri_witness", |p| {
        let layer = &mut p.stark_proof.0.fri_proof.inner_layers[0];
        layer.fri_witness[0].0.1 = BaseField::from_u32_unchecked(P);
    });
    part("last_layer_poly", |p| {
        p.stark_proof.0.fri_proof.last_layer_poly[0].0.1 = BaseField::from_u32_unchecked(P);
    });
    part("interaction_claim", |p| {
        let sum = p.interaction_claim.assert_eq_opcode.as_mut();
        sum.expect("the component").claimed_sum.0.0 = BaseField::from_u32_unchecked(P);
    });
    part("claim.state", |p| {
        p.claim.public_data.initial_state.pc.0 += P
    });
    part("claim.state", |p| p.claim.public_data.final_state.pc.0 += P);
    part("claim.program", |p| {
        p.claim.public_data.public_memory.program[100].0 += P
    });
    part("claim.output", |p| {
        p.claim.public_data.public_memory.output[0].0 |= 1 << 31
    });
    part("claim.safe_call_ids", |p| {
        p.claim.public_data.public_memory.safe_call_ids[1] += P
    });
    let segments = |change: fn(&mut PublicSegmentRanges)| {
        let change =
            |p: &mut CairoProof| change(&mut p.claim.public_data.public_memory.public_segments);
        of("claim.public_segments", changed("a segment", change));
    };
    segments(|s| s.output.start_ptr.id += P);
    segments(|s| s.output.stop_ptr.id += P);
    segments(|s| s.keccak.as_mut().expect("a segment").start_ptr.id += P);
    segments(|s| s.keccak.as_mut().expect("a segment").stop_ptr.value |= 1 << 31);
    // Equal modulo P on both sides of the library's comparison.
    segments(|s| {
        let keccak = s.keccak.as_mut().expect("a segment");
        keccak.start_ptr.value += P;
        keccak.stop_ptr.value += P;
    });
    let whole = |expected: &str, change: fn(&mut TensorProof)| {
        of(expected, changed_whole(expected, change))
    };
    whole("tensors.messages", |p| p.tensors.messages[1].1.0.0 += P);
    whole("tensors.sums", |p| p.tensors.sums[2].0.1.0 += P);
}

/// Attack: the size that the last polynomial claims for itself. The library doubles a point that many
/// times for every query, up to 2^32, and takes 64 for 0. Stopped by: the reader recomputes the size.
#[test]
fn last_polynomial() {
    // In this order: the largest would take very long if the others were not refused.
    for size in [64, 1, 2, 63, 128, 1 << 20, 1 << 31, u32::MAX] {
        last_polynomial_of_size(size);
    }
}

pub fn last_polynomial_of_size(size: u32) {
    let proven = &proofs().session[0];
    let mut bytes = proven.bytes.clone();
    // Behind it: channel salt, variant and the tensor part.
    let part = &proven.proof.tensors;
    let own = 3 * 8 + 16 * (part.messages.len() + part.sums.len()) + 4 * part.sizes.len();
    let at = bytes.len() - own - 12;
    assert_eq!(bytes[at..at + 4], [0; 4], "one coefficient, hence size 0");
    bytes[at..at + 4].copy_from_slice(&size.to_le_bytes());
    let expected = DecodeError::NotCanonical {
        part: "last_layer_poly",
    };
    assert_eq!(
        refuses(&format!("size {size}"), &bytes),
        ProofError::Decode(expected)
    );
}

/// Attack: another value anywhere in the argument. Stopped by: transcript and commitments.
#[test]
fn argument() {
    let one = BaseField::from_u32_unchecked(1);
    invalid("interaction pow", |p| p.interaction_pow += 1);
    invalid("proof of work", |p| p.stark_proof.0.proof_of_work += 1);
    invalid("a sample", |p| {
        p.stark_proof.0.sampled_values[1][0][0].0.0 += one
    });
    invalid("a composition sample", |p| {
        p.stark_proof.0.sampled_values[3][0][0].0.0 += one
    });
    invalid("a missing sample", |p| {
        p.stark_proof.0.sampled_values[1][0].pop();
    });
    invalid("a missing column", |p| {
        p.stark_proof.0.sampled_values[1].pop();
    });
    invalid("a query", |p| {
        p.stark_proof.0.queried_values[1][0][0] += one
    });
    invalid("two queries swapped", |p| {
        p.stark_proof.0.queried_values[1].swap(0, 1)
    });
    invalid("a query less", |p| {
        p.stark_proof.0.queried_values[1][0].pop();
    });
    invalid("a hash", |p| {
        p.stark_proof.0.decommitments[1].hash_witness[0].0[0] ^= 1
    });
    invalid("a hash less", |p| {
        p.stark_proof.0.decommitments[1].hash_witness.pop();
    });
    invalid("a hash more", |p| {
        let hashes = &mut p.stark_proof.0.decommitments[1].hash_witness;
        hashes.push(*hashes.last().expect("a hash"));
    });
    invalid("a fold", |p| {
        p.stark_proof.0.fri_proof.first_layer.fri_witness[0].0.0 += one
    });
    invalid("a fold more", |p| {
        let folds = &mut p.stark_proof.0.fri_proof.first_layer.fri_witness;
        folds.push(*folds.last().expect("a value"));
    });
    invalid("a layer", |p| {
        p.stark_proof.0.fri_proof.inner_layers[0].commitment.0[0] ^= 1
    });
    invalid("a layer less", |p| {
        p.stark_proof.0.fri_proof.inner_layers.pop();
    });
    invalid("a layer twice", |p| {
        let last = p.stark_proof.0.fri_proof.inner_layers[0].clone();
        p.stark_proof.0.fri_proof.inner_layers.push(last);
    });
    invalid("a sum", |p| {
        let sum = p.interaction_claim.assert_eq_opcode.as_mut();
        sum.expect("the component").claimed_sum.0.0 += one;
    });
    invalid("two sums that cancel", |p| {
        let sum = p.interaction_claim.assert_eq_opcode.as_mut();
        sum.expect("the component").claimed_sum.0.0 += one;
        let sum = p.interaction_claim.assert_eq_opcode_imm.as_mut();
        sum.expect("the component").claimed_sum.0.0 -= one;
    });
    // What a Cairo component has too little a tensor component has too much.
    invalid_whole("two sums of both kinds that cancel", |p| {
        let sum = p.proof.interaction_claim.assert_eq_opcode.as_mut();
        sum.expect("the component").claimed_sum.0.0 += one;
        p.tensors.sums[0].0.0 -= one;
    });
    invalid_whole("two sums of tensor components swapped", |p| {
        p.tensors.sums.swap(0, 1)
    });
    invalid_whole("a message and a sum that cancel", |p| {
        p.tensors.messages[3] += one;
        p.tensors.sums[0] += one;
    });
}

/// Attack: the argument of one valid proof under the claim of another, of the same program. Stopped by:
/// the claim is part of the transcript.
#[test]
fn requirement_18_claims_of_another_proof() {
    let other = &proofs().session[1].proof;
    let claimed = &other.proof.claim;
    invalid("another chunk's claim", |p| p.claim = claimed.clone());
    invalid("another chunk's output", |p| {
        p.claim.public_data.public_memory.output = claimed.public_data.public_memory.output.clone()
    });
    invalid("another chunk's sums", |p| {
        p.interaction_claim = other.proof.interaction_claim.clone()
    });
    invalid("another chunk's argument", |p| {
        p.stark_proof = other.proof.stark_proof.clone()
    });
    invalid_whole("another chunk's tensor part", |p| {
        p.tensors = other.tensors.clone()
    });
    invalid_whole("another chunk's messages", |p| {
        p.tensors.messages = other.tensors.messages.clone()
    });
    let error = changed("another chunk's public data", |p| {
        p.claim.public_data = claimed.public_data.clone()
    });
    assert!(
        matches!(error, ProofError::Claim(_) | ProofError::Invalid(_)),
        "{error}"
    );
}
