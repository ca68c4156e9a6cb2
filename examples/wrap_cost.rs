//! Rows of the leaf circuit of a shape, and memory of the proofs that it verifies: the numbers of `docs/wrapping.md`.
//!
//! usage: cargo run --release --example wrap_cost -- SHAPE LANES [CARRIED] [block N] [parts]
//!
//! SHAPE is a name of `SHAPES`. The circuit is built without values, from the layout and the program of a model of random weights of that
//! shape. With `parts` the rows of each part are printed.

#[allow(dead_code)]
#[path = "../tests/tensors/shape.rs"]
mod shape;

use cairo_decode::decode::{Cost, declared};
use cairo_decode::program::Work;
use cairo_decode::tensor::constants;
use cairo_decode::verify::params::{FOLDABLE_8, FOLDABLE_16, FOLDABLE_32, FOLDABLE_LARGE};
use cairo_decode::verify::tensors::TensorPins;
use cairo_decode::wrap::leaf::circuit::{self, Built};
use cairo_decode::wrap::leaf::inner::Inner;
use cairo_decode::wrap::leaf::values::Values;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| arguments.get(at).and_then(|n| n.parse::<usize>().ok());
    let has = |word: &str| arguments.iter().position(|argument| argument == word);
    let found = shape::SHAPES
        .iter()
        .find(|shape| has(shape.name) == Some(0));
    let (Some(shape), Some(lanes)) = (found, number(1)) else {
        eprintln!("usage: wrap_cost SHAPE LANES [CARRIED] [block N] [parts]");
        std::process::exit(2);
    };
    let carried = number(2).unwrap_or(0);
    let block = has("block").and_then(|at| number(at + 1));
    let shape = shape::Shape {
        block: block.unwrap_or(shape.block),
        ..*shape
    };
    let model = shape.model(lanes, carried);
    let words = model.program.words();
    println!(
        "{}, {lanes} lanes, {carried} carried, block {}, {} words",
        shape.name,
        shape.block,
        words.len()
    );
    println!(
        "{:<16}{:>10}{:>9}{:>10}{:>8}{:>9}{:>9}{:>9}{:>7}",
        "parameters", "qm31_ops", "eq", "blake_g", "xor", "to_u32", "M fixed", "M cells", "GB"
    );
    // As `decode` does it: components are no smaller than what a run decides.
    let least = words.len().next_power_of_two().ilog2();
    let layouts = constants::layouts(&model.plan, model.schedule.reads()).in_one_size(least);
    for set in [&FOLDABLE_8, &FOLDABLE_16, &FOLDABLE_32, &FOLDABLE_LARGE] {
        let of = (&model.plan, &model.schedule, &layouts);
        let work = Work {
            position: carried as u64,
            prompt: carried as u64 + 1,
            forced: 0,
            choosing: lanes as u64,
        };
        let Cost {
            cells,
            constants,
            memory_bytes,
            ..
        } = declared(of, set, work).expect("a layout");
        let pins = TensorPins::new(layouts.clone(), [(set.name.to_string(), [0; 32])]);
        let inner = match pins {
            Ok(pins) => Inner::new(&pins, &words).expect("foldable"),
            Err(error) => {
                println!("{:<16}{error}", set.name);
                continue;
            }
        };
        let Built {
            gates: built,
            parts,
            ..
        } = circuit::build(&inner, &Values::none(&inner));
        let gates = built.circuit();
        println!(
            "{:<16}{:>10}{:>9}{:>10}{:>8}{:>9}{:>9.1}{:>9.1}{:>7.1}",
            set.name,
            gates.n_qm31_ops_rows(),
            gates.eq.len(),
            gates.blake_g_gate.len(),
            gates.triple_xor.len(),
            gates.m31_to_u32.len(),
            constants as f64 / 1e6,
            cells.all() as f64 / 1e6,
            memory_bytes as f64 / 1e9
        );
        if has("parts").is_some() {
            for part in parts {
                println!(
                    "    {:<34}{:>10}{:>11}",
                    part.name, part.qm31_ops, part.blake_g
                );
            }
        }
    }
}
