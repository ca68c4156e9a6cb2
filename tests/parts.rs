//! A matrix that one array of the program does not hold: parts of whole blocks of rows, computed or claimed.

#[path = "support/liar.rs"]
mod liar;
mod support;

use std::sync::OnceLock;

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::Program;
use cairo_decode::ir::VerifiedGraph;
use cairo_decode::lower::{LowerError, LowerOptions, Products, WeightLayout, lower};
use cairo_decode::trace::{self, TraceError};
use liar::{Liar, Lie, SUMS};
use starknet_types_core::felt::Felt;
use support::{MODEL_ROOT, pins, pins_as, program_as, random_graph, sizes};

/// Words that one array of the program holds.
const ARRAY: usize = 32_000;

fn ready(products: Products) -> LowerOptions {
    LowerOptions {
        products,
        weights: WeightLayout::Ready,
    }
}

/// A graph whose logits take two arrays, with its claiming program.
fn wide() -> &'static (VerifiedGraph, Program) {
    static WIDE: OnceLock<(VerifiedGraph, Program)> = OnceLock::new();
    WIDE.get_or_init(|| {
        let graph = random_graph("wide", 7, sizes(64, 1, 2, 1, 8, 16, 6_300));
        let program = program_as(&graph, ready(Products::Claimed));
        (graph, program)
    })
}

/// Names and lengths of the arrays in `weights.cairo`.
fn arrays(graph: &VerifiedGraph, products: Products) -> Vec<(String, usize)> {
    let package = lower(graph, Felt::from(MODEL_ROOT), ready(products)).expect("lowers");
    let array = |line: &str| {
        let (name, rest) = line
            .strip_prefix("pub const ")?
            .split_once(": [felt252; ")?;
        let words = rest.split(']').next()?.parse().ok()?;
        Some((name.to_string(), words))
    };
    package.files["src/weights.cairo"]
        .lines()
        .filter_map(array)
        .collect()
}

#[test]
fn parts_are_whole_blocks() {
    for products in [Products::Computed, Products::Claimed] {
        let arrays = arrays(&wide().0, products);
        let logits = arrays
            .iter()
            .filter(|(name, _)| name.starts_with("FINAL_LM_HEAD"));
        let logits: Vec<_> = logits.collect();
        assert_eq!(logits.len(), 2, "{arrays:?}");
        for (name, words) in &arrays {
            assert!(*words <= ARRAY && words % 8 == 0, "{name}: {words}");
        }
        // 64 columns in each block of at most 12 rows.
        assert!(logits.iter().all(|(_, words)| words % 64 == 0));
        let words: usize = logits.iter().map(|(_, words)| words).sum();
        assert!(words >= 64 * 6_300 / 12);
    }
}

/// The program's tokens are the engine's: rows of all parts are in their places.
#[test]
fn parts_compute_the_same() {
    let (graph, claiming) = wide();
    let computing = program_as(graph, ready(Products::Computed));
    for program in [claiming, &computing] {
        let mut decoder = Decoder::new(graph, pins(program, &[3, 6_299])).expect("a session");
        for steps in [3, 1] {
            let chunk = decoder.chunk(steps).expect("a chunk");
            let trace = trace::run(program, &chunk.input).expect("an honest witness");
            assert_eq!(trace.output(), chunk.statement.to_output());
        }
    }
}

/// What a program reads is one array, of any length.
#[test]
fn more_felts_than_an_array() {
    let options = LowerOptions {
        products: Products::Claimed,
        weights: WeightLayout::Committed,
    };
    let graph = &wide().0;
    let program = program_as(graph, options);
    let pins = pins_as(graph, options, &program, &[3, 6_299]);
    let words = pins.words.clone().expect("words");
    assert!(words.len() > ARRAY, "{} felts", words.len());
    let mut decoder = Decoder::new(graph, pins).expect("a session");
    let chunk = decoder.chunk(3).expect("a chunk");
    let trace = trace::run(&program, &chunk.input).expect("an honest witness");
    assert_eq!(trace.output(), chunk.statement.to_output());
}

/// Attack: the prover claims other sums of a part of a matrix. Stopped by: a part is a claim, checked as others.
#[test]
fn a_wrong_claim_of_a_part() {
    let (graph, program) = wide();
    let mut decoder = Decoder::new(graph, pins(program, &[3])).expect("a session");
    let input = decoder.chunk(2).expect("a chunk").input;
    let run = |lie: Option<Lie>| {
        let mut liar = Liar::new(program, &input, lie, 1 << 22);
        let run = trace::run_with(program, &mut liar);
        (run, liar.sites)
    };
    let (honest, sites) = run(None);
    honest.expect("an honest run");
    let claims: Vec<usize> = (0..sites.len())
        .filter(|&site| sites[site].kind == SUMS)
        .collect();
    // Seven matrices of the layer and both parts of the logits, in each step.
    assert_eq!(claims.len(), 2 * 9);
    for &site in claims.chunks(9).flat_map(|step| &step[7..]) {
        for lie in 0..sites[site].lies.len() {
            let what = sites[site].lies[lie];
            let lie = Lie {
                site,
                lie,
                then: None,
            };
            match run(Some(lie)).0 {
                Err(TraceError::Refused(_)) => {}
                Err(error) => panic!("{what} at {site}: {error}"),
                Ok(_) => panic!("{what} at {site}: accepted"),
            }
        }
    }
}

/// A block is not cut.
#[test]
fn more_columns_than_an_array() {
    let graph = random_graph("long", 7, sizes(8, 1, 2, 1, 4, ARRAY + 1, 8));
    let refused = lower(&graph, Felt::from(MODEL_ROOT), ready(Products::Cheapest));
    let error = refused.expect_err("no array holds a row");
    assert!(
        matches!(&error, LowerError::TooManyColumns { columns, limit, .. } if *columns == ARRAY + 1 && *limit == ARRAY),
        "{error}"
    );
}

/// Rotary angles of more positions than one array holds are refused, with the largest context; one array is enough for it.
#[test]
fn more_positions_than_an_array() {
    let lowered = |context: usize, head_dim: usize, weights| {
        let mut sizes = sizes(8, 1, 2, 1, head_dim, 8, 8);
        sizes.shape.context = context;
        let graph = random_graph("long", 7, sizes);
        let options = LowerOptions {
            weights,
            ..LowerOptions::default()
        };
        lower(&graph, Felt::from(MODEL_ROOT), options)
    };
    // Angles of a position: one word of 16 entries, or two.
    for (head_dim, largest) in [(4, ARRAY), (32, ARRAY / 2)] {
        for weights in [
            WeightLayout::Pairs,
            WeightLayout::Ready,
            WeightLayout::Committed,
        ] {
            let error = lowered(largest + 1, head_dim, weights).expect_err("too long");
            assert!(
                matches!(&error, LowerError::ContextTooLong { largest: found, .. } if *found == largest),
                "{error}"
            );
            let said = error.to_string();
            assert!(
                said.starts_with(&format!("--context: {} tokens need ", largest + 1)),
                "{said}"
            );
            assert!(
                said.contains(&format!("pass --context {largest}")),
                "{said}"
            );
        }
        lowered(largest, head_dim, WeightLayout::Pairs).expect("lowers");
    }
}
