//! Real proofs: what a proof file has to be, and what no proof file may do.
//!
//! The proofs are made once, one after the other, and shared by all tests of this binary.

#[path = "proof/bound.rs"]
mod bound;
#[path = "proof/bytes.rs"]
mod bytes;
#[path = "proof/claim.rs"]
mod claim;
#[path = "proof/fields.rs"]
mod fields;
#[path = "proof/forge.rs"]
mod forge;
#[path = "proof/necessity.rs"]
mod necessity;
#[path = "proof/splice.rs"]
mod splice;
#[path = "proof/sums.rs"]
mod sums;
mod support;
#[path = "support/table.rs"]
mod table;

use std::sync::OnceLock;
use std::time::Instant;

use cairo_decode::chunk::{Chunk, Decoder};
use cairo_decode::compile::Program;
use cairo_decode::prove::Prover;
use cairo_decode::spec::roots::{EMPTY_ROOT, kv_append};
use cairo_decode::trace;
use cairo_decode::verify::ProofError;
use cairo_decode::verify::params::{ACCEPTED, MerkleChannel, PLAIN};
use cairo_decode::verify::statement::{PublicFacts, Statement};
use cairo_decode_verdicts::verify_proof;
use starknet_types_core::felt::Felt;
use stwo_cairo_common::preprocessed_columns::preprocessed_trace::PreProcessedTraceVariant;
use stwo_cairo_prover::witness::preprocessed_trace::generate_preprocessed_commitment_root;
use support::{pins, program, random_graph, tiny};

const PROMPT: [u32; 3] = [3, 1, 6];
const OTHER_PROMPT: [u32; 3] = [4, 7, 2];
const STEPS: usize = 3;

/// A proven chunk.
struct Proven {
    statement: Statement,
    forced: Vec<u32>,
    emitted: Vec<u32>,
    proof: Vec<u8>,
}

struct Proofs {
    preprocessed_root: [u8; 32],
    /// Two chunks of one session.
    session: [Proven; 2],
    /// Chunks that the program accepts in the place of the session's second: from another session,
    /// from other carried rows, from another tokens root.
    other_session: Proven,
    other_rows: Proven,
    other_tokens: Proven,
}

fn proofs() -> &'static Proofs {
    static PROOFS: OnceLock<Proofs> = OnceLock::new();
    PROOFS.get_or_init(make)
}

fn make() -> Proofs {
    let graph = random_graph("tiny", 5, tiny());
    let program = program(&graph);
    let chunks = |prompt: &[u32]| {
        let mut decoder = Decoder::new(&graph, pins(&program, prompt)).expect("a session");
        [0, 1].map(|_| decoder.chunk(STEPS).expect("a chunk"))
    };
    let [first, second] = chunks(&PROMPT);
    let [_, other] = chunks(&OTHER_PROMPT);
    // Input: 11 felts of header (4: prompt root, 9: KV root, 10: tokens root), a word per position.
    let mut other_session = other.input.clone();
    other_session[4] = second.input[4];
    let mut other_rows = second.input.clone();
    other_rows.swap(11, 12);
    let words = &other_rows[11..11 + STEPS];
    other_rows[9] = words
        .iter()
        .fold(EMPTY_ROOT, |root, word| kv_append(root, &[*word]));
    let mut other_tokens = second.input.clone();
    other_tokens[10] += Felt::ONE;

    let start = Instant::now();
    let prover = Prover::new(&PLAIN);
    eprintln!("prover ready after {:?}", start.elapsed());
    let honest = |chunk: Chunk| {
        let proven = prove(
            &prover,
            &program,
            &chunk.input,
            &chunk.forced,
            Some(chunk.emitted),
        );
        assert_eq!(proven.statement, chunk.statement);
        proven
    };
    let forged = |input: &[Felt]| prove(&prover, &program, input, &[], None);
    Proofs {
        preprocessed_root: prover.preprocessed_root(),
        other_session: forged(&other_session),
        other_rows: forged(&other_rows),
        other_tokens: forged(&other_tokens),
        session: [honest(first), honest(second)],
    }
}

/// Runs and proves; the statement is read from the run's output. A forged chunk's tokens are found by
/// trying: the vocabulary is small, and their root is known.
fn prove(
    prover: &Prover,
    program: &Program,
    input: &[Felt],
    forced: &[u32],
    emitted: Option<Vec<u32>>,
) -> Proven {
    let start = Instant::now();
    let trace = trace::run(program, input).expect("the program accepts");
    let hash = pins(program, &[]).program_hash;
    let statement = Statement::from_output(trace.output(), hash).expect("a statement");
    let steps = trace.steps();
    let proof = prover
        .prove(trace.into_prover_input().expect("a trace"))
        .expect("proves");
    eprintln!(
        "{steps} steps proven in {:?}: {} bytes",
        start.elapsed(),
        proof.len()
    );
    let emitted = emitted.unwrap_or_else(|| find_tokens(&statement));
    Proven {
        statement,
        forced: forced.to_vec(),
        emitted,
        proof,
    }
}

fn find_tokens(statement: &Statement) -> Vec<u32> {
    let vocab = tiny().shape.vocab as u32;
    let count = statement.emitted_count();
    (0..vocab.pow(count))
        .map(|n| {
            (0..count)
                .map(|i| n / vocab.pow(i) % vocab)
                .collect::<Vec<u32>>()
        })
        .find(|t| {
            cairo_decode::spec::roots::fold_tokens(t.iter().copied()) == statement.emitted_root.0
        })
        .expect("the emitted tokens")
}

fn accepts(proof: &[u8]) -> PublicFacts {
    verify_proof(proof).expect("the proof verifies")
}

fn refuses(attack: &str, proof: &[u8]) -> ProofError {
    match verify_proof(proof) {
        Ok(_) => panic!("{attack}: accepted"),
        Err(error) => error,
    }
}

/// The verifier recomputes from the proof exactly what the chunk states.
#[test]
fn proofs_verify() {
    let proofs = proofs();
    let others = [
        &proofs.other_session,
        &proofs.other_rows,
        &proofs.other_tokens,
    ];
    for proven in proofs.session.iter().chain(others) {
        let start = Instant::now();
        let facts = accepts(&proven.proof);
        eprintln!("verified in {:?}", start.elapsed());
        assert_eq!(facts.output, proven.statement.to_output());
        assert_eq!(facts.program_hash, proven.statement.program_hash.0);
        assert_eq!(facts.params, PLAIN.params);
        assert!(facts.security_bits >= 96, "{} bits", facts.security_bits);
        assert_eq!(
            proven.statement.compare(&facts.output, facts.program_hash),
            Ok(())
        );
    }
}

/// A chunk with a prompt in it and one that only chooses, of several sessions: one program, whose hash the
/// verifier computes from each proof alike.
#[test]
fn requirement_15_one_program_hash() {
    let [first, second] = &proofs().session;
    let hash = |proven: &Proven| accepts(&proven.proof).program_hash;
    assert!(!first.forced.is_empty() && second.forced.is_empty());
    assert_eq!(hash(first), hash(second));
    assert_eq!(hash(first), hash(&proofs().other_session));
}

/// Requirement 33: the pinned root is that of the library's own tables, computed twice: by the prover's
/// warm tree, and by the library's function.
#[test]
fn requirement_33_preprocessed_root() {
    assert_eq!(PLAIN.preprocessed_root, Some(proofs().preprocessed_root));
    // Proofs with other parameters have tensor components.
    for set in ACCEPTED.iter().filter(|set| !set.is_foldable()) {
        let root = generate_preprocessed_commitment_root::<MerkleChannel>(
            set.params.log_blowup,
            PreProcessedTraceVariant::CanonicalSmall,
            set.params.lifting_log_size,
        );
        assert_eq!(set.preprocessed_root, Some(root.0), "{:?}", set.params);
    }
    for set in ACCEPTED {
        let bits = set.params.log_blowup * set.params.queries + set.params.pow_bits;
        assert!(bits >= 96, "{bits} bits");
    }
}
