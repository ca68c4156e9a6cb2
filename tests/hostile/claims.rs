//! Proofs whose claims say that something is very large: components, outputs, programs. The library copies a program several times
//! before it can refuse the proof.

use cairo_decode::air::transcript::{Channel, MerkleChannel};
use cairo_decode::verify::params::{self, LOG_TABLE_ROWS, PLAIN};
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::tensors::TensorFacts;
use cairo_decode::verify::{MAX_PROGRAM_WORDS, ProofError};
use cairo_decode_verdicts::verify_tensors;
use stwo::core::channel::{Channel as _, MerkleChannel as _};
use stwo::core::proof_of_work::GrindOps;
use stwo::prover::backend::simd::SimdBackend;

use crate::proofs::honest;
use crate::{ONE, Worst, cases, proof_bound};

/// What a verifier says who has the honest proof's manifest.
fn verified(file: &[u8]) -> Result<TensorFacts, ProofError> {
    verify_tensors(file, honest().pins())
}

/// The small parts that say how large everything is: claims and parameters, changed so that the file can be
/// decoded.
#[test]
fn claims_of_proofs() {
    let honest = honest();
    let (proof, bytes) = (&honest.proof, encode_tensors(&honest.proof));
    let mut worst = Worst::default();
    cases(600, |u| {
        let mut changed = proof.clone();
        for _ in 0..u.int_in_range(1..=3)? {
            let log = *u.choose(&[0, 1, 4, 19, 20, 21, 30, 31, 32, 63, 64, 255, u32::MAX])?;
            let count = *u.choose(&[0usize, 1, 15, 16, 17, 64, 65, 4096, 1 << 16])?;
            let claim = &mut changed.proof.claim;
            let stark = &mut changed.proof.stark_proof.0;
            match u.int_in_range(0..=13)? {
                0 => claim
                    .assert_eq_opcode
                    .iter_mut()
                    .for_each(|c| c.log_size = log),
                1 => claim
                    .range_check_builtin
                    .iter_mut()
                    .for_each(|c| c.log_size = log),
                2 => claim
                    .memory_address_to_id
                    .iter_mut()
                    .for_each(|c| c.log_size = log),
                3 => {
                    let big = claim.memory_id_to_big.iter_mut();
                    big.for_each(|c| c.big_log_sizes = vec![log; count]);
                }
                4 => claim.memory_id_to_big = None,
                5 => claim
                    .public_data
                    .public_memory
                    .output
                    .resize(count, (1, [log; 8])),
                6 => claim
                    .public_data
                    .public_memory
                    .program
                    .resize(count, (1, [log; 8])),
                7 => claim.public_data.final_state.ap.0 = log,
                8 => {
                    let segments = &mut claim.public_data.public_memory.public_segments;
                    segments.output.stop_ptr.value = log;
                    segments.poseidon = None;
                }
                9 => stark.config.fri_config.log_blowup_factor = log,
                10 => stark.config.lifting_log_size = Some(log),
                11 => stark.config.fri_config.n_queries = count,
                12 => {
                    let column = stark.queried_values[1].first().cloned().unwrap_or_default();
                    stark.queried_values[1].resize(count, column);
                }
                _ => {
                    let sample = stark.sampled_values[1].first().cloned().unwrap_or_default();
                    stark.sampled_values[1].resize(count.min(4096), sample);
                }
            }
        }
        let file = encode_tensors(&changed);
        if file != bytes {
            worst.measure(proof_bound(file.len()), || verified(&file).is_ok());
        }
        Ok(())
    });
    // Millions of empty columns: eight bytes of the file each, three times that in memory.
    let mut changed = proof.clone();
    changed.proof.stark_proof.0.sampled_values[1] = vec![vec![]; 3 << 20];
    let file = encode_tensors(&changed);
    worst.measure(proof_bound(file.len()), || verified(&file).is_ok());
    worst.print("claims of proofs");
    assert_eq!(worst.refused, worst.cases, "a proof has one claim");
    let mut one = Worst::default();
    one.measure(proof_bound(bytes.len()), || verified(&bytes).is_err());
    one.print("the honest proof, which is not refused");
}

/// The proof with a program of so many words, and everything that is compared with the program's length made
/// to fit: registers, the output's segment, and the number of addresses.
fn with_program(proof: &TensorProof, words: usize) -> TensorProof {
    let mut changed = proof.clone();
    let claim = &mut changed.proof.claim;
    let public = &mut claim.public_data;
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
    let addresses = claim.memory_address_to_id.as_mut();
    addresses.expect("the component").log_size = LOG_TABLE_ROWS;
    changed
}

/// Does the work that is asked for before the public memory is added up.
fn work(changed: &mut TensorProof) {
    let sizes = &changed.tensors.sizes;
    let layout = honest().pins().layouts().at(sizes).expect("its sizes");
    let proof = &mut changed.proof;
    let mut channel = Channel::default();
    channel.mix_felts(&[proof.channel_salt.into()]);
    params::pcs_config(&PLAIN.params).mix_into(&mut channel);
    let roots = proof.stark_proof.commitments.clone();
    MerkleChannel::mix_root(&mut channel, roots[0]);
    channel.mix_felts(&layout.words());
    proof.claim.mix_into::<MerkleChannel>(&mut channel);
    MerkleChannel::mix_root(&mut channel, roots[1]);
    let bits = PLAIN.params.interaction_pow_bits;
    proof.interaction_pow = SimdBackend::grind(&channel, bits);
}

/// Programs around the lengths where the library's lists double, and of the largest length, in proofs that are
/// refused as late as an attacker can have it: when the sum over the public memory is wrong.
#[test]
fn long_programs() {
    let proof = &honest().proof;
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    for words in [262_145, 524_289, 560_000, MAX_PROGRAM_WORDS] {
        let mut changed = with_program(proof, words);
        work(&mut changed);
        let file = encode_tensors(&changed);
        let mut found = String::new();
        worst.measure(proof_bound(file.len()), || match verified(&file) {
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
    let proof = &honest().proof;
    let _one = ONE.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    let mut worst = Worst::default();
    for words in [MAX_PROGRAM_WORDS + 1, 880_000] {
        let file = encode_tensors(&with_program(proof, words));
        // No more than the proof as it was read.
        worst.measure(2 * file.len(), || {
            let error = verified(&file).expect_err("too long");
            assert!(error.to_string().contains("800,000 words"), "{error}");
            false
        });
    }
    worst.print("programs that are too long");
}
