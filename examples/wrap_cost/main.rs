//! Rows of the circuit that would verify a proof with tensor components: the numbers of `docs/wrapping.md`.
//!
//! usage: cargo run --release --example wrap_cost -- SHAPE LANES [CARRIED] [block N] [parts] [open]
//!
//! SHAPE is a name of `SHAPES`. The circuit is built without values, from the layout and the program of a model of that shape, in two
//! ways: as the library does it, and with rows in a known order and short words. With `parts` the rows of each part are printed. The
//! memory is what `prove::memory` would say of the inner proof. With `open` the program is run, and the largest of Cairo's components are
//! printed.

#[allow(dead_code)]
#[path = "../../tests/tensors/shape.rs"]
mod shape;

mod above;
mod circuit;
mod inner;
mod public;
mod rows;
mod run;

use cairo_decode::tensor::constants;
use cairo_decode::wrap::shape::{AGGREGATE, LEAF};
use circuit::{Built, How, Rows, build};
use inner::{Inner, Parameters};

/// Blow-up as a power of two, queries, and bits of work before them, of 96 bits.
const PARAMETERS: [(u32, usize, u32); 7] = [
    (2, 36, 24),
    (3, 24, 24),
    (4, 18, 24),
    (2, 33, 30),
    (3, 22, 30),
    (4, 17, 30),
    (5, 14, 30),
];

/// Cells of Cairo's fixed tables, and at most of the run for each word of the program.
const TABLE_CELLS: u64 = 8_000_000;
const CELLS_OF_WORD: u64 = 400;

const LIBRARY: How = How {
    ordered: false,
    short_words: false,
};
const OWN: How = How {
    ordered: true,
    short_words: true,
};

/// Gigabytes that the inner proof takes: the rule of `prove::memory`, on the domain that the proof has.
fn gigabytes(inner: &Inner) -> f64 {
    let log_blowup = inner.pcs.fri_config.log_blowup_factor;
    let constants = inner.numbers_in_constants;
    let cells = inner.cells() + TABLE_CELLS + CELLS_OF_WORD * inner.program.len() as u64;
    let kept = if constants <= 1 << 26 { 11 } else { 7 };
    let number = kept + (4 << log_blowup);
    let domain = 400 << (inner.log_rows + log_blowup);
    (500_000_000 + domain + number * (cells + constants)) as f64 / 1e9
}

fn gates(rows: Rows) {
    print!(
        "{:>10}{:>9}{:>10}{:>8}{:>9}",
        rows.qm31_ops, rows.eq, rows.blake_g, rows.triple_xor, rows.m31_to_u32
    );
}

fn line(name: &str, inner: &Inner, rows: Rows) {
    let fri = inner.pcs.fri_config;
    print!(
        "{name:<9}{:>5}{:>5}{:>5}",
        1 << fri.log_blowup_factor,
        fri.n_queries,
        inner.log_rows
    );
    gates(rows);
    println!(
        "{:>7}{:>7}{:>9.1}{:>9.1}{:>7.1}",
        inner.constants.len(),
        inner.config.n_trace_columns + inner.config.n_interaction_columns,
        inner.numbers_in_constants as f64 / 1e6,
        inner.cells() as f64 / 1e6,
        gigabytes(inner)
    );
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|n| n.parse::<usize>().ok());
    let has = |word: &str| arguments.iter().position(|argument| argument == word);
    if has("above").is_some() {
        for (name, shape) in [("two leaves", LEAF), ("two aggregates", AGGREGATE)] {
            print!("{name:<24}");
            gates(above::rows(&shape));
            println!();
        }
        return;
    }
    let found = shape::SHAPES
        .iter()
        .find(|shape| has(shape.name) == Some(0));
    let (Some(shape), Some(lanes)) = (found, number(1)) else {
        eprintln!("usage: wrap_cost SHAPE LANES [CARRIED] [block N] [parts], or wrap_cost above");
        std::process::exit(2);
    };
    let carried = number(2).unwrap_or(0);
    let block = has("block").and_then(|at| number(at + 1));
    let shape = shape::Shape {
        block: block.unwrap_or(shape.block),
        ..*shape
    };
    let model = shape.model(lanes, carried);
    let layouts = constants::layouts(&model.plan, model.schedule.reads());
    let words = model.program.words();
    if has("open").is_some() {
        for (name, rows) in run::open_rows(&model, carried).into_iter().take(5) {
            println!("{name:<34}{rows:>10}");
        }
    }
    drop(model.plan);
    println!(
        "{}, {lanes} lanes, {carried} carried, block {}, {} words",
        shape.name,
        shape.block,
        words.len()
    );
    println!(
        "{:<9}{:>5}{:>5}{:>5}{:>10}{:>9}{:>10}{:>8}{:>9}{:>7}{:>7}{:>9}{:>9}{:>7}",
        "way",
        "blow",
        "q",
        "log",
        "qm31_ops",
        "eq",
        "blake_g",
        "xor",
        "to_u32",
        "fixed",
        "others",
        "M fixed",
        "M cells",
        "GB"
    );
    // Cairo's components have at most as many rows as the program has words, so ours have no fewer.
    let smallest = words.len().next_power_of_two().ilog2();
    for (name, how, all_tables, least) in
        [("library", LIBRARY, true, 0), ("own", OWN, false, smallest)]
    {
        for (log_blowup, queries, pow_bits) in PARAMETERS {
            let parameters = Parameters {
                log_blowup,
                queries,
                pow_bits,
            };
            let inner = Inner::new(&layouts, &words, parameters, least, all_tables);
            let Built { rows, parts } = build(&inner, how);
            line(name, &inner, rows);
            if has("parts").is_some() {
                for (part, qm31_ops, blake_g) in parts {
                    println!("    {part:<34}{qm31_ops:>10}{blake_g:>11}");
                }
            }
        }
    }
}
