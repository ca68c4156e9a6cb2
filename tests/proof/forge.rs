//! Proofs that a dishonest prover makes: valid for the library's verifier, and not what this verifier asks
//! for. The library's own prover makes them, with parameters, fixed tables and memory of the attacker's.

use std::sync::{Arc, OnceLock};

use cairo_decode::chunk::Decoder;
use cairo_decode::lower::{LowerOptions, WeightLayout};
use cairo_decode::prove::Prover;
use cairo_decode::receipt::{ProofIdentity, ReceiptError};
use cairo_decode::trace;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::{LOG_TABLE_ROWS, MerkleChannel, PLAIN, pcs_config, variant};
use cairo_decode::verify::proof::{CairoProof, encode};
use cairo_decode::verify::statement::StatementError;
use cairo_decode_verdicts::{check_receipt, verify_proof};
use starknet_types_core::felt::Felt;
use stwo::core::fields::m31::BaseField;
use stwo::core::poly::circle::CanonicCoset;
use stwo::core::utils::MaybeOwned;
use stwo::prover::CommitmentTreeProver;
use stwo::prover::backend::Column;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::PolyOps;
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_prover::prover::{
    ChannelHash, ProverParameters, prove_cairo, prove_cairo_with_precompute,
};
use stwo_cairo_prover::witness::preprocessed_trace::gen_trace;

use crate::splice::{accept, receipt};
use crate::support::{pins, program, program_as, random_graph, tiny};
use crate::{PROMPT, STEPS, proofs, refuses};

/// The prover's parameters that the verifier asks for.
fn parameters() -> ProverParameters {
    ProverParameters {
        channel_hash: ChannelHash::Blake2sM31,
        channel_salt: 0,
        pcs_config: pcs_config(&PLAIN.params),
        preprocessed_trace: variant(PLAIN.params.preprocessed),
        store_polynomials_coefficients: true,
        include_all_preprocessed_columns: false,
    }
}

/// The run of the session's first chunk.
pub fn run(change: impl FnOnce(&mut Vec<Felt>)) -> ProverInput {
    let graph = random_graph("tiny", 5, tiny());
    let program = program(&graph);
    let mut decoder = Decoder::new(&graph, pins(&program, &PROMPT)).expect("a session");
    let mut input = decoder.chunk(STEPS).expect("a chunk").input;
    change(&mut input);
    let trace = trace::run(&program, &input).expect("the program accepts");
    trace.into_prover_input().expect("a trace")
}

/// The first chunk's proof under other parameters.
pub fn with_parameters(change: impl FnOnce(&mut ProverParameters)) -> CairoProof {
    let mut other = parameters();
    change(&mut other);
    let proof = prove_cairo::<MerkleChannel>(run(|_| {}), other).expect("proves");
    CairoProof::from(proof)
}

/// The first chunk's proof with another fixed table: one entry of a table that its program never looks up,
/// so that every constraint holds.
pub fn with_another_table() -> CairoProof {
    let set = &PLAIN.params;
    let config = pcs_config(set);
    let domain = CanonicCoset::new(LOG_TABLE_ROWS + set.log_blowup).circle_domain();
    let twiddles = SimdBackend::precompute_twiddles(domain.half_coset);
    let tables = Arc::new(variant(set.preprocessed).to_preprocessed_trace());
    let ids = tables.ids();
    let unused = ids.iter().position(|id| id.id.contains("pedersen"));
    let unused = unused.expect("a table of another builtin");
    let mut columns = gen_trace(tables.clone());
    let entry = columns[unused].values.at(3);
    columns[unused].values.set(3, entry + BaseField::from(1));
    let polynomials = SimdBackend::interpolate_columns(columns, &twiddles);
    let pool = BaseColumnPool::new();
    let tree = CommitmentTreeProver::<SimdBackend, MerkleChannel>::new(
        polynomials,
        set.log_blowup,
        &twiddles,
        true,
        config.lifting_log_size,
        &pool,
    );
    let proof = prove_cairo_with_precompute::<MerkleChannel>(
        &pool,
        &twiddles,
        tables,
        MaybeOwned::Owned(tree),
        run(|_| {}),
        parameters(),
    );
    CairoProof::from(proof.expect("proves"))
}

/// The first chunk's proof in which the session's id, a felt that the program only copies, is written as
/// itself plus the field's modulus.
pub fn with_a_felt_beyond_the_modulus() -> CairoProof {
    let id = Felt::TWO.pow(200u128) + Felt::from(12_345);
    let mut input = run(|input| input[2] = id);
    let words = |bytes: [u8; 32]| -> [u32; 8] {
        std::array::from_fn(|i| u32::from_le_bytes([0, 1, 2, 3].map(|j| bytes[4 * i + j])))
    };
    let value = words(id.to_bytes_le());
    let values = &mut input.memory.f252_values;
    let at = values.iter().position(|v| *v == value).expect("the id");
    // p = 2^251 + 17·2^192 + 1.
    let prime: [u32; 8] = [1, 0, 0, 0, 0, 0, 17, 0x0800_0000];
    for (word, prime) in values[at].iter_mut().zip(prime) {
        *word = word.checked_add(prime).expect("no carry for this id");
    }
    let proof = prove_cairo::<MerkleChannel>(input, parameters()).expect("proves");
    CairoProof::from(proof)
}

/// What the library's own prover makes of a run is this prover's proof, byte for byte: the transcript is the same.
#[test]
fn the_librarys_prover_makes_the_same_proof() {
    let theirs = encode(&with_parameters(|_| {}));
    assert!(theirs == proofs().session[0].proof);
}

/// Attack: a real proof at 13 bits: 3 queries and 10 bits of work. Stopped by: the pinned parameters.
#[test]
fn requirement_33_a_proof_at_13_bits() {
    let weak = with_parameters(|p| {
        p.pcs_config.pow_bits = 10;
        p.pcs_config.fri_config.n_queries = 3;
    });
    assert_eq!(weak.stark_proof.config.security_bits(), 13);
    assert_parameter("a proof at 13 bits", &weak, "pow_bits");
}

fn assert_parameter(attack: &str, proof: &CairoProof, name: &str) {
    match refuses(attack, &encode(proof)) {
        ProofError::Parameter { parameter, .. } => assert_eq!(parameter, name),
        other => panic!("{attack}: refused for another reason: {other}"),
    }
}

/// Proofs of the first chunk that the library accepts: one per parameter that a prover may choose.
pub fn forged() -> &'static [(&'static str, &'static str, CairoProof)] {
    static FORGED: OnceLock<Vec<(&str, &str, CairoProof)>> = OnceLock::new();
    FORGED.get_or_init(|| {
        vec![
            (
                "pow_bits",
                "a proof with 10 bits of work",
                with_parameters(|p| p.pcs_config.pow_bits = 10),
            ),
            (
                "queries",
                "a proof with 3 queries",
                with_parameters(|p| p.pcs_config.fri_config.n_queries = 3),
            ),
            (
                "fold_step",
                "a proof that folds by 2",
                with_parameters(|p| p.pcs_config.fri_config.fold_step = 1),
            ),
            (
                "log_last_layer_degree_bound",
                "a proof that stops folding earlier",
                with_parameters(|p| p.pcs_config.fri_config.log_last_layer_degree_bound = 3),
            ),
            (
                "lifting_log_size",
                "a proof without lifting",
                with_parameters(|p| p.pcs_config.lifting_log_size = None),
            ),
            (
                "channel_salt",
                "a proof with another channel salt",
                with_parameters(|p| p.channel_salt = 1),
            ),
        ]
    })
}

/// Attack: real proofs, each under one other parameter. Stopped by: each is pinned, and named.
#[test]
fn requirement_33_real_proofs_under_other_parameters() {
    for (parameter, attack, proof) in forged() {
        assert_parameter(attack, proof, parameter);
    }
}

/// Attack: a real proof with a forged fixed table. Stopped by: the pinned root.
#[test]
fn requirement_33_a_proof_with_another_table() {
    let error = refuses("another table", &encode(&with_another_table()));
    assert_eq!(error, ProofError::PreprocessedRoot);
}

/// Attack: a program of another hash with the same output: the same weights, held in another layout. Its
/// proof verifies. Stopped by: the program's hash, computed from the proof.
#[test]
fn requirement_33_another_program_with_the_same_output() {
    let graph = random_graph("tiny", 5, tiny());
    let other = program_as(
        &graph,
        LowerOptions {
            weights: WeightLayout::Ready,
            ..LowerOptions::default()
        },
    );
    let mut decoder = Decoder::new(&graph, pins(&other, &PROMPT)).expect("a session");
    let chunk = decoder.chunk(STEPS).expect("a chunk");
    let trace = trace::run(&other, &chunk.input).expect("an honest chunk");
    let input = trace.into_prover_input().expect("a trace");
    let proof = Prover::new(&PLAIN).prove(input).expect("proves");
    let facts = verify_proof(&proof).expect("the proof verifies");
    let own = &proofs().session[0];
    assert_eq!(facts.output, own.statement.to_output(), "the same output");
    let receipt = receipt(0, own);
    match check_receipt(&receipt, &facts, &ProofIdentity::of(&proof), &accept()) {
        Err(ReceiptError::Statement(StatementError::Differs { field, .. })) => {
            assert_eq!(field, "statement.program_hash")
        }
        other => panic!("refused for another reason: {other:?}"),
    }
}
