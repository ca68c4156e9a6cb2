//! Tampered witnesses: whatever a dishonest prover writes where the program leaves it a choice, the
//! program refuses, or the run states exactly what the honest one states.
//!
//! Two kinds of freedom exist: the values that hints write (`hints`), and the program's input
//! (`input`). What is not free is pinned by the program hash (`hash`), operation by operation
//! (`coverage`). What stops a wrong claim of a product is in `claims`; where the program reads the model, what binds it
//! is in `committed`.

#[path = "witness/choice.rs"]
mod choice;
#[path = "witness/claims.rs"]
mod claims;
#[path = "witness/committed.rs"]
mod committed;
#[path = "witness/coverage.rs"]
mod coverage;
#[path = "witness/hash.rs"]
mod hash;
#[path = "witness/header.rs"]
mod header;
#[path = "witness/hints.rs"]
mod hints;
#[path = "witness/input.rs"]
mod input;
#[path = "support/liar.rs"]
mod liar;
#[path = "witness/necessity.rs"]
mod necessity;
mod support;
#[path = "support/table.rs"]
mod table;
#[path = "witness/transition.rs"]
mod transition;

use std::sync::OnceLock;

use cairo_decode::chunk::{Chunk, Decoder, State};
use cairo_decode::compile::Program;
use cairo_decode::ir::VerifiedGraph;
use cairo_decode::lower::{LowerOptions, Products};
use cairo_decode::trace::{self, TraceError};
use starknet_types_core::felt::Felt;
use support::{pins, program_as, random_graph, tiny};

/// All products claimed.
fn claimed() -> LowerOptions {
    LowerOptions {
        products: Products::Claimed,
        ..LowerOptions::default()
    }
}

/// A tiny model with its program.
struct Model {
    graph: VerifiedGraph,
    program: Program,
}

fn model() -> &'static Model {
    static MODEL: OnceLock<Model> = OnceLock::new();
    MODEL.get_or_init(|| {
        let graph = random_graph("tiny", 5, tiny());
        // Claims, so that they are attacked too: their check computes products.
        let program = program_as(&graph, claimed());
        Model { graph, program }
    })
}

/// The model's chunk of `steps` steps after `before` steps from `prompt`, and the state it starts from.
fn chunk(prompt: &[u32], before: usize, steps: usize) -> (Chunk, State) {
    let model = model();
    let mut decoder = Decoder::new(&model.graph, pins(&model.program, prompt)).expect("a session");
    if before > 0 {
        decoder.chunk(before).expect("a chunk");
    }
    let state = decoder.state();
    (decoder.chunk(steps).expect("a chunk"), state)
}

/// The program accepts the input; its output.
fn accepts(input: &[Felt]) -> Vec<Felt> {
    match trace::run(&model().program, input) {
        Ok(trace) => trace.output().to_vec(),
        Err(error) => panic!("must be accepted: {error}"),
    }
}

/// The program refuses the input, by one of its own instructions.
fn refuses(attack: &str, input: &[Felt]) {
    match trace::run(&model().program, input) {
        Ok(trace) => panic!("{attack}: accepted with output {:?}", trace.output()),
        Err(TraceError::Refused(reason)) => {
            assert_refusal(attack, &reason);
        }
        Err(error) => panic!("{attack}: {error}"),
    }
}

/// A refusal has to come from an instruction or from a range check, both of which are constraints of
/// the proof; an error of a hint or of the VM itself would say nothing about a prover.
fn assert_refusal(attack: &str, reason: &str) -> &'static str {
    let kinds = [
        "An ASSERT_EQ instruction failed",
        "Range-check validation failed",
    ];
    match kinds.iter().find(|kind| reason.contains(*kind)) {
        Some(kind) => kind,
        None => panic!("{attack}: refused for another reason: {reason}"),
    }
}
