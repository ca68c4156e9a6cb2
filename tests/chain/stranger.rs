//! Honest steps of the owner's model that are not the owner's session: what a stranger can prove without lying.

use cairo_decode::bundle::TensorBundle;
use cairo_decode::chain::claim::{self, SessionName};
use cairo_decode::decode::{self, Decoded};
use cairo_decode::receipt::Session;
use cairo_decode::wrap::calldata;
use cairo_decode::wrap::fold::{Circuit, Fold, Kind, Node};
use cairo_decode::wrap::leaf::Leaf;
use cairo_decode::wrap::span::Span;
use starknet_types_core::felt::Felt;

/// Places in a program's input.
const PROMPT_ROOT: usize = 4;

/// Length of the stranger's prompt.
const LONG: usize = 100;

/// Steps of the session under its prompt root, with a claimed prompt length of 100, and with another last token of the prompt. Neither comes
/// to where the program compares the root.
pub fn chunks(bundle: &TensorBundle, session: &Session) -> [Decoded; 2] {
    let steps = |prompt: Vec<u32>, steps: usize| {
        let root = cairo_decode::verify::statement::prompt_root(&session.prompt_tokens);
        let id = session.session_id;
        let session = decode::Session::new(&bundle.build, session.domain, id, prompt);
        let mut decoded = session
            .expect("a prompt")
            .decode(steps)
            .expect("forced steps");
        let statement = &mut decoded.chunk.statement;
        assert_ne!(statement.prompt_root, root);
        statement.prompt_root = root;
        decoded.chunk.input[PROMPT_ROOT] = root.0;
        decoded
    };
    let prompt = &session.prompt_tokens;
    let longer = prompt.iter().cycle().take(LONG).copied().collect();
    let mut wrong = prompt.clone();
    let last = prompt.len() - 1;
    wrong[last] ^= 1;
    [steps(longer, 4), steps(wrong, last)]
}

/// Proves and wraps each chunk alone. Returns the sessions that they begin, and the calldata that submits them.
pub fn submissions(
    bundle: &TensorBundle,
    chunks: &[Decoded],
    model_id: Felt,
) -> Vec<(SessionName, Vec<Felt>)> {
    let proofs = wrapped(bundle, chunks);
    let call = |(chunk, proof): (&Decoded, &Vec<Felt>)| {
        let statement = chunk.statement();
        let name = SessionName {
            model_id,
            session_id: statement.session_id.0,
            prompt_root: statement.prompt_root.0,
            prompt_length: statement.prompt_length,
            first_token: statement.frontier_in.last_token,
        };
        let mut felts = name.felts();
        felts.extend(claim::frontier(&statement.frontier_in));
        felts.extend(claim::frontier(&statement.frontier_out));
        felts.push(proof.len().into());
        felts.extend(proof);
        (name, felts)
    };
    chunks.iter().zip(&proofs).map(call).collect()
}

/// The packed proof of each chunk alone: a fold of its leaf.
fn wrapped(bundle: &TensorBundle, chunks: &[Decoded]) -> Vec<Vec<Felt>> {
    let build = &bundle.build;
    let words = build.program.words();
    let leaf = Leaf::new(&build.manifest.tensors, &words).expect("the circuit");
    let root = leaf.root();
    let node = |chunk: &Decoded| {
        let traced = build.trace(chunk).expect("an honest run");
        let proof = build.prove_traced(traced).expect("proves");
        Node {
            kind: Kind::Leaf,
            span: Span::of(&chunk.statement().to_output()),
            proof: leaf.prove(&proof).expect("a leaf"),
        }
    };
    let leaves: Vec<Node> = chunks.iter().map(node).collect();
    drop(leaf);
    let fold = Fold::new(Circuit::Fold).expect("the circuit");
    let folded = leaves
        .into_iter()
        .map(|leaf| fold.prove(root, leaf, None).expect("a fold"));
    folded.map(|top| calldata::pack(&top.proof)).collect()
}
