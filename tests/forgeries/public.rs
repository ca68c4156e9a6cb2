//! What a proof shows of a model: as much of a wide one as of a narrow one.

use cairo_decode::integers::Description;
use cairo_decode::program::{Compiled, package};
use cairo_decode::tensor::Chunk;
use cairo_decode::tensor::values::compute_steps;
use cairo_decode::verify::statement::Frontier;
use starknet_types_core::felt::Felt;

use crate::world::{PROMPT, STEPS, description_of, outline_of, pins_of};

/// Words of the program, felts of the statement, and cells of the public memory beside both.
#[derive(Debug, PartialEq, Eq)]
struct Public {
    words: usize,
    felts: usize,
    others: usize,
}

/// What a proof of the first chunk of a model shows, and the rows that its products have.
fn public(description: &Description) -> (Public, usize) {
    let outline = outline_of(description);
    let package = package("model", &outline.schedule, Felt::from(7));
    let program = Compiled::new(&package).expect("compiles");
    let first = Frontier::start(&PROMPT).expect("a prompt");
    let chunk = Chunk {
        tokens: PROMPT.to_vec(),
        forced: PROMPT.len() - 1,
        ..Chunk::default()
    };
    let values = compute_steps(&outline.plan, &chunk, STEPS, None).expect("no stream");
    let pins = pins_of(&program);
    let steps = STEPS as u32;
    let chunk = cairo_decode::program::chunk(&outline.schedule, &pins, first, steps, &values.rows);
    let trace = program
        .run(&chunk.expect("a chunk").input)
        .expect("it runs");
    let (words, felts) = (program.words().len(), trace.output().len());
    let input = trace.into_prover_input().expect("a trace");
    let cells = input.public_memory_addresses.len();
    let rows = outline.plan.addresses as usize;
    let public = Public {
        words,
        felts,
        others: cells - words - felts,
    };
    (public, rows)
}

/// The public data of a proof of a chunk: the words of the program, the felts of its statement, and a few cells beside both. They are as
/// many for a model of twice the hidden width, and of twice the width between. The memory of tensors grows.
#[test]
fn requirement_17_public_data_does_not_grow_with_the_hidden_width() {
    let of = |hidden: usize, mlp: usize| {
        let (public, rows) = public(&description_of(hidden, mlp));
        eprintln!("hidden {hidden}, between {mlp}: {public:?}, {rows} rows of memory");
        (public, rows)
    };
    let (narrow, rows) = of(16, 24);
    assert_eq!(narrow.felts, 22);
    for (hidden, mlp) in [(32, 24), (16, 48), (32, 48)] {
        let (wide, more) = of(hidden, mlp);
        assert_eq!(wide, narrow, "hidden {hidden}, between {mlp}");
        assert!(more > rows, "the work grows");
    }
}
