//! Proofs that a dishonest prover makes: valid under other parameters, with other fixed tables, of another program, in another
//! spelling; and not what this verifier asks for.

use std::sync::OnceLock;

use cairo_decode::program::{Compiled, Step, package};
use cairo_decode::prove::Prover;
use cairo_decode::prove::tensor::Sets;
use cairo_decode::receipt::{ProofIdentity, ReceiptError};
use cairo_decode::tensor::constants;
use cairo_decode::tensor::witness::witness;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::{
    ACCEPTED, COMPACT, LARGE, MerkleChannel, PLAIN, ParamSet, pcs_config,
};
use cairo_decode::verify::proof::{TensorProof, encode_tensors};
use cairo_decode::verify::statement::{ProofParams, StatementError};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode_verdicts::{check_receipt, verify_tensors};
use stwo::core::poly::circle::CanonicCoset;
use stwo::prover::CommitmentTreeProver;
use stwo::prover::backend::simd::SimdBackend;
use stwo::prover::mempool::BaseColumnPool;
use stwo::prover::poly::circle::PolyOps;

use crate::liar::{HONEST, Lies, constants_tree, lie};
use crate::splice::{accept, receipt};
use crate::world::{LANES, PROMPT, build, decoded, pins, proofs, session_id, traced};
use crate::{accepts, refuses};

/// The constants of the model once more.
pub fn sets() -> Sets {
    let sets = build().prover.constants();
    Sets {
        layouts: sets.layouts.clone(),
        tables: sets.tables.clone(),
    }
}

/// The first chunk's proof by a prover.
pub fn first_by(prover: &Prover) -> TensorProof {
    let [first, _] = decoded(&PROMPT);
    let (input, rows) = traced(build(), prover, &first);
    prover.prove_tensors(input, &rows).expect("proves")
}

/// The first chunk's proof under other parameters.
fn with_parameters(change: impl FnOnce(&mut ProofParams)) -> TensorProof {
    let mut params = PLAIN.params;
    change(&mut params);
    // A prover has its parameters as long as the process lives.
    let set: &'static ParamSet = Box::leak(Box::new(ParamSet { params, ..PLAIN }));
    first_by(&Prover::with_constants(set, sets()))
}

/// The first chunk's proof in which the session's id, a felt that the program only copies, is written as
/// itself plus the field's modulus.
pub fn with_a_felt_beyond_the_modulus() -> TensorProof {
    let [first, _] = decoded(&PROMPT);
    let (mut input, rows) = traced(build(), &build().prover, &first);
    let words = |bytes: [u8; 32]| -> [u32; 8] {
        std::array::from_fn(|i| u32::from_le_bytes([0, 1, 2, 3].map(|j| bytes[4 * i + j])))
    };
    let value = words(session_id().0.to_bytes_le());
    let values = &mut input.memory.f252_values;
    let at = values.iter().position(|v| *v == value).expect("the id");
    // p = 2^251 + 17·2^192 + 1.
    let prime: [u32; 8] = [1, 0, 0, 0, 0, 0, 17, 0x0800_0000];
    for (word, prime) in values[at].iter_mut().zip(prime) {
        *word = word.checked_add(prime).expect("no carry for this id");
    }
    let proof = build().prover.prove_tensors(input, &rows);
    proof.expect("proves")
}

/// Attack: a real proof at 13 bits: 3 queries and 10 bits of work. Stopped by: the pinned parameters.
#[test]
fn requirement_33_a_proof_at_13_bits() {
    let weak = with_parameters(|p| (p.pow_bits, p.queries) = (10, 3));
    assert_eq!(weak.proof.stark_proof.config.security_bits(), 13);
    assert_parameter("a proof at 13 bits", &weak, "pow_bits");
}

fn assert_parameter(attack: &str, proof: &TensorProof, name: &str) {
    match refuses(attack, &encode_tensors(proof)) {
        ProofError::Parameter { parameter, .. } => assert_eq!(parameter, name),
        other => panic!("{attack}: refused for another reason: {other}"),
    }
}

/// Proofs of the first chunk that a verifier without the check would accept: one per parameter that a prover may choose.
pub fn forged() -> &'static [(&'static str, &'static str, TensorProof)] {
    static FORGED: OnceLock<Vec<(&str, &str, TensorProof)>> = OnceLock::new();
    FORGED.get_or_init(|| {
        let [first, _] = decoded(&PROMPT);
        vec![
            (
                "pow_bits",
                "a proof with 10 bits of work",
                with_parameters(|p| p.pow_bits = 10),
            ),
            (
                "queries",
                "a proof with 3 queries",
                with_parameters(|p| p.queries = 3),
            ),
            (
                "fold_step",
                "a proof that folds by 2",
                with_parameters(|p| p.fold_step = 1),
            ),
            (
                "log_last_layer_degree_bound",
                "a proof that stops folding earlier",
                with_parameters(|p| p.log_last_layer_degree_bound = 3),
            ),
            (
                "lifting_log_size",
                "a proof without lifting",
                with_parameters(|p| p.lifting_log_size = None),
            ),
            (
                "channel_salt",
                "a proof with another channel salt",
                lie(&first, Lies { salt: 1, ..HONEST }),
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

/// The first chunk's proof with another entry of a fixed table, which its program never looks up: every constraint holds.
pub fn with_another_table() -> &'static TensorProof {
    static PROOF: OnceLock<TensorProof> = OnceLock::new();
    PROOF.get_or_init(|| {
        let [first, _] = decoded(&PROMPT);
        let lies = Lies {
            table: true,
            ..HONEST
        };
        lie(&first, lies)
    })
}

/// Attack: a real proof with a forged fixed table. Stopped by: the pinned root.
#[test]
fn requirement_33_a_proof_with_another_table() {
    let bytes = encode_tensors(with_another_table());
    assert_eq!(refuses("another table", &bytes), ProofError::ConstantsRoot);
    // Under the root that it has it is accepted: nothing else notices.
    let root = with_another_table().proof.stark_proof.commitments[0].0;
    let layouts = pins().layouts().clone();
    let own = TensorPins::new(layouts, [(PLAIN.name.to_string(), root)]).expect("pins");
    verify_tensors(&bytes, &own).expect("verifies");
}

/// The pinned root is that of the library's own tables and of the model's constants, computed twice: by the prover's warm tree, and from
/// the columns one by one. Other parameters have another root, of the same constants. All have at least 96 bits.
#[test]
fn requirement_33_root_of_the_constants() {
    let root = build().prover.preprocessed_root();
    assert_eq!(pins().roots(), [(&PLAIN, root)]);
    let domain = CanonicCoset::new(PLAIN.max_log_rows + PLAIN.params.log_blowup).circle_domain();
    let twiddles = SimdBackend::precompute_twiddles(domain.half_coset);
    let columns = constants_tree(&sets(), false);
    let tree = CommitmentTreeProver::<SimdBackend, MerkleChannel>::new(
        SimdBackend::interpolate_columns(columns, &twiddles),
        PLAIN.params.log_blowup,
        &twiddles,
        false,
        pcs_config(&PLAIN.params).lifting_log_size,
        &BaseColumnPool::new(),
    );
    assert_eq!(tree.commitment.root().0, root);
    for set in [&LARGE, &COMPACT] {
        assert_ne!(
            Prover::with_constants(set, sets()).preprocessed_root(),
            root
        );
    }
    for set in ACCEPTED {
        let bits = set.params.log_blowup * set.params.queries + set.params.pow_bits;
        assert!(bits >= 96, "{bits} bits");
        assert_eq!(pcs_config(&set.params).security_bits(), bits);
    }
}

/// Attack: a program of another hash with the same output: the same calls, those of a layer in two functions. Its
/// proof verifies. Stopped by: the program's hash, computed from the proof.
#[test]
fn requirement_33_another_program_with_the_same_output() {
    let build = build();
    let mut schedule = build.schedule.clone();
    let mut places = schedule.steps.iter();
    let place = places.position(|step| matches!(step, Step::Layer { .. }));
    let place = place.expect("a layer");
    let Step::Layer { number, steps } = schedule.steps.remove(place) else {
        panic!("it is one");
    };
    let (first, second) = steps.split_at(steps.len() / 2);
    for (number, steps) in [(number + 1, second), (number, first)] {
        let steps = steps.to_vec();
        schedule.steps.insert(place, Step::Layer { number, steps });
    }
    let package = package("model", &schedule, build.manifest.model.model_root.0);
    let other = Compiled::new(&package).expect("compiles");
    assert_ne!(other.hash(), build.program.hash());
    let [first, _] = decoded(&PROMPT);
    let trace = other.run(&first.chunk.input).expect("an honest chunk");
    let mut input = trace.into_prover_input().expect("a trace");
    let of_chunk = constants::of_chunk(&build.plan, &sets(), &first.values.chunk);
    let of_chunk = of_chunk.expect("its sizes");
    let rows = witness(&build.plan, &of_chunk, &first.values, &mut input).expect("rows");
    let proof = build.prover.prove_tensors(input, &rows).expect("proves");
    let bytes = encode_tensors(&proof);
    let facts = accepts(&bytes);
    let own = &proofs().session[0];
    assert_eq!(facts.output, own.statement.to_output(), "the same output");
    let receipt = receipt(0, own);
    match check_receipt(&receipt, &facts, &ProofIdentity::of(&bytes), &accept()) {
        Err(ReceiptError::Statement(StatementError::Differs { field, .. })) => {
            assert_eq!(field, "statement.program_hash")
        }
        other => panic!("refused for another reason: {other:?}"),
    }
    assert_eq!(build.plan.lanes, LANES);
}
