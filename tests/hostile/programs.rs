//! Proofs with very long programs: the library copies a program several times before it can refuse the proof.

use cairo_decode::verify::MAX_PROGRAM_WORDS;
use cairo_decode::verify::params::{self, LOG_TABLE_ROWS, PLAIN};
use cairo_decode::verify::proof::{CairoProof, decode, encode};
use cairo_decode_verdicts::verify_proof;
use stwo::core::channel::{Blake2sM31Channel, Channel, MerkleChannel as _};
use stwo::core::fields::qm31::QM31;
use stwo::core::proof_of_work::GrindOps;
use stwo::prover::backend::simd::SimdBackend;

use crate::{ONE, Worst, proof_bound, proofs};

/// The proof with a program of so many words, and everything that is compared with the program's length made
/// to fit: registers, the output's segment, and the number of addresses.
fn with_program(proof: &CairoProof, words: usize) -> CairoProof {
    let mut changed = proof.clone();
    let public = &mut changed.claim.public_data;
    let program = &mut public.public_memory.program;
    let more = words as u32 - program.len() as u32;
    let last = *program.last().expect("a word");
    program.resize(words, last);
    for state in [&mut public.initial_state, &mut public.final_state] {
        state.ap.0 += more;
        state.fp.0 += more;
    }
    let segments = &mut public.public_memory.public_segments;
    segments.output.start_ptr.value += more;
    segments.output.stop_ptr.value += more;
    // Memory has room for the output behind it.
    let addresses = changed.claim.memory_address_to_id.as_mut();
    addresses.expect("the component").log_size = LOG_TABLE_ROWS;
    changed
}

/// Does the work that the library asks for before it adds up the public memory.
fn work(proof: &mut CairoProof) {
    let mut channel = Blake2sM31Channel::default();
    channel.mix_felts(&[QM31::default()]);
    params::pcs_config(&PLAIN.params).mix_into(&mut channel);
    let roots = proof.stark_proof.commitments.clone();
    params::MerkleChannel::mix_root(&mut channel, roots[0]);
    proof.claim.mix_into::<params::MerkleChannel>(&mut channel);
    params::MerkleChannel::mix_root(&mut channel, roots[1]);
    let bits = PLAIN.params.interaction_pow_bits;
    proof.interaction_pow = SimdBackend::grind(&channel, bits);
}

/// Programs around the lengths where the library's lists double, and of the largest length, in proofs that are
/// refused as late as an attacker can have it: when the sum over the public memory is wrong.
#[test]
fn long_programs() {
    let proof = decode(&proofs()[0]).expect("a proof");
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    for words in [262_145, 524_289, 560_000, MAX_PROGRAM_WORDS] {
        let mut changed = with_program(&proof, words);
        work(&mut changed);
        let file = encode(&changed);
        let mut found = String::new();
        worst.measure(proof_bound(file.len()), || match verify_proof(&file) {
            Ok(_) => true,
            Err(error) => {
                found = error.to_string();
                false
            }
        });
        assert!(found.contains("add up to zero"), "{words} words: {found}");
        eprintln!("{words} words, {} bytes: {worst:?}", file.len());
    }
    worst.print("long programs");
}

/// A word more is refused before the library looks at the claim.
#[test]
fn a_program_that_is_too_long() {
    let proof = decode(&proofs()[0]).expect("a proof");
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    for words in [MAX_PROGRAM_WORDS + 1, 880_000] {
        let file = encode(&with_program(&proof, words));
        // No more than the proof as it was read.
        worst.measure(2 * file.len(), || {
            let error = verify_proof(&file).expect_err("too long");
            assert!(error.to_string().contains("800,000 words"), "{error}");
            false
        });
    }
    worst.print("programs that are too long");
}
