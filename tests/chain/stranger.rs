//! Honest steps of the owner's model that are not the owner's session: what a stranger can prove without lying.

use cairo_decode::bundle::Bundle;
use cairo_decode::chain::claim::{self, SessionName};
use cairo_decode::chunk::{Chunk, Decoder, SessionPins};
use cairo_decode::prove::{ExtendedProof, Prover};
use cairo_decode::receipt::Session;
use cairo_decode::trace;
use cairo_decode::verify::params::WRAPPABLE;
use cairo_decode::wrap::aggregate::Aggregate;
use cairo_decode::wrap::leaf::Leaf;
use cairo_decode::wrap::shape::LEAF;
use cairo_decode::wrap::{calldata, circuit};
use starknet_types_core::felt::Felt;

/// Places in a program's input.
const PROMPT_ROOT: usize = 4;
const PROMPT_LENGTH: usize = 5;

/// The first step of the session with a claimed prompt length of 1000, and with another second token. Both claim the
/// session's prompt root; neither comes to where the program compares it.
pub fn chunks(bundle: &Bundle, session: &Session) -> [Chunk; 2] {
    let first_step = |prompt: &[u32]| {
        let pins = SessionPins {
            domain: session.domain,
            session_id: session.session_id,
            model_root: session.model_root,
            program_hash: session.program_hash,
            words: bundle.words.clone(),
            policy: session.policy,
            prompt: prompt.to_vec(),
        };
        let mut decoder = Decoder::new(&bundle.graph, pins).expect("a decoder");
        decoder.chunk(1).expect("a step")
    };
    let mut longer = first_step(&session.prompt_tokens);
    let root = longer.statement.prompt_root;
    longer.input[PROMPT_LENGTH] = Felt::from(1000);
    longer.statement.prompt_length = 1000;

    let mut tokens = session.prompt_tokens.clone();
    tokens[1] ^= 1;
    let mut wrong = first_step(&tokens);
    assert_ne!(wrong.statement.prompt_root, root);
    wrong.input[PROMPT_ROOT] = root.0;
    wrong.statement.prompt_root = root;
    [longer, wrong]
}

/// Proves and wraps each chunk alone. Returns the sessions that they begin, and the calldata that submits them.
pub fn submissions(
    bundle: &Bundle,
    chunks: [Chunk; 2],
    model_id: Felt,
) -> Vec<(SessionName, Vec<Felt>)> {
    let proofs = wrapped(bundle, &proven(bundle, &chunks));
    let call = |(chunk, proof): (&Chunk, &Vec<Felt>)| {
        let statement = &chunk.statement;
        let name = SessionName {
            model_id,
            session_id: statement.session_id.0,
            prompt_root: statement.prompt_root.0,
            prompt_length: statement.prompt_length,
            first_token: statement.frontier_in.last_token,
        };
        let mut felts = name.felts();
        felts.extend(claim::frontier(&statement.frontier_in));
        felts.extend([Felt::ONE, statement.steps.into()]);
        felts.extend(&claim::frontier(&statement.frontier_out)[1..]);
        felts.extend([statement.emitted_root.0, proof.len().into()]);
        felts.extend(proof);
        (name, felts)
    };
    chunks.iter().zip(&proofs).map(call).collect()
}

fn proven(bundle: &Bundle, chunks: &[Chunk]) -> Vec<ExtendedProof> {
    let prover = Prover::new(&WRAPPABLE);
    let prove = |chunk: &Chunk| {
        let trace = trace::run(&bundle.program, &chunk.input).expect("an honest run");
        assert_eq!(trace.output(), chunk.statement.to_output());
        let input = trace.into_prover_input().expect("a prover's input");
        prover.prove(input).expect("proves").extended
    };
    chunks.iter().map(prove).collect()
}

/// The packed proof of each chunk alone: its leaf, paired with itself.
fn wrapped(bundle: &Bundle, proofs: &[ExtendedProof]) -> Vec<Vec<Felt>> {
    let leaf = Leaf::new(&bundle.program.words()).expect("the circuit");
    let root = leaf.root();
    let prove = |proof| circuit::encode(&leaf.prove(proof).expect("a leaf"));
    let leaves: Vec<Vec<u8>> = proofs.iter().map(prove).collect();
    drop(leaf);
    let aggregate = Aggregate::new(&LEAF).expect("the circuit");
    let pair = |bytes: &Vec<u8>| {
        let copy = || (circuit::decode(bytes, &LEAF).expect("a proof"), root);
        calldata::pack(&aggregate.prove(copy(), copy()).expect("proves"))
    };
    leaves.iter().map(pair).collect()
}
