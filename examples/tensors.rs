//! What proofs with tensor components cost: embeddings, products with rounding and a choice of tokens, for a model of
//! random weights.
//!
//! usage: cargo run --release --example tensors -- LANES WIDTH HIDDEN LAYERS TOKENS
//!
//! A layer is a product from WIDTH to HIDDEN channels and one back. Seconds are of all cores together.

#[allow(dead_code)]
#[path = "../tests/tensors/program.rs"]
mod program;

use std::time::Instant;

use cairo_decode::air::verify::verify;
use cairo_decode::bench::process::cpu_seconds;
use cairo_decode::prove::Prover;
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{Chunk, Matrix, Plan, Product, constants, witness};
use cairo_decode::verify::params::PLAIN;
use cairo_decode::verify::proof::encode;

/// Numbers from a seed, by Knuth's linear congruential generator.
struct Numbers(u64);

impl Numbers {
    fn signed(&mut self, most: i32) -> i32 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        ((self.0 >> 33) as i64 % (2 * i64::from(most) + 1)) as i32 - most
    }

    fn matrix(&mut self, inputs: usize, outputs: usize, most: i32) -> Matrix {
        let mut row = || (0..inputs).map(|_| self.signed(most)).collect();
        let rows = (0..outputs).map(|_| row()).collect();
        Matrix { inputs, rows }
    }
}

/// Runs a step, and says what it took.
fn timed<T>(what: &str, step: impl FnOnce() -> T) -> T {
    let start = cpu_seconds();
    let done = step();
    println!("{what:<38}{:>8.2} s", cpu_seconds() - start);
    done
}

fn main() {
    let sizes: Vec<usize> = std::env::args()
        .skip(1)
        .filter_map(|x| x.parse().ok())
        .collect();
    let [lanes, width, hidden, layers, tokens] = sizes[..] else {
        eprintln!("usage: tensors LANES WIDTH HIDDEN LAYERS TOKENS");
        std::process::exit(2);
    };
    let mut numbers = Numbers(1);
    let embedding = numbers.matrix(width, tokens, 127);
    let mut plan = Plan::new(lanes, width, embedding).expect("a plan");
    let mut x = plan.embed();
    for _ in 0..layers {
        for outputs in [hidden, width] {
            let weights = numbers.matrix(x.channels, outputs, 60);
            let bias = vec![0; outputs];
            // The results of random weights keep few bits: that is no matter here.
            let shift = 16;
            let product = Product {
                weights,
                bias,
                shift,
            };
            x = plan.linear(x, product, 14).expect("in range");
        }
    }
    plan.head(x).expect("in range");
    let given: Vec<u32> = (0..lanes).map(|lane| (lane % tokens) as u32).collect();

    let values = timed("values", || {
        compute(&plan, &Chunk::first(&given)).expect("no stream")
    });
    let run = program::run(&plan, &values);
    let mut input = run.clone();
    let constants = timed("constants: columns", || {
        constants::constants(&plan, lanes).expect("one writer each")
    });
    let one = constants.at(&[]).expect("one size each");
    let rows = timed("rows and multiplicities", || {
        witness::witness(&plan, &one, &values, &mut input).expect("calls")
    });
    let layout = one.layout;
    let layouts = constants.layouts.clone();
    println!(
        "\n{:<14}{:>9}{:>10}{:>8}{:>13}{:>10}",
        "component", "rows", "constants", "trace", "interaction", "M cells"
    );
    let mut cells = 0;
    for (placed, columns) in layout.components.iter().zip(layout.columns()) {
        let own = (columns.trace + columns.interaction) << placed.log_rows;
        cells += own;
        println!(
            "{:<14}{:>9}{:>10}{:>8}{:>13}{:>10.2}",
            placed.component.to_string(),
            1 << placed.log_rows,
            columns.constants.len(),
            columns.trace,
            columns.interaction,
            own as f64 / 1e6
        );
    }
    println!("{:<54}{:>10.2}\n", "all", cells as f64 / 1e6);

    let plain = timed("twiddles, fixed tables", || Prover::new(&PLAIN));
    timed("proof of the program without calls", || {
        plain.prove(run).expect("proves")
    });
    drop(plain);
    let prover = timed("twiddles, fixed tables, constants", || {
        Prover::with_constants(&PLAIN, constants)
    });
    let proven = timed("proof with tensor components", || {
        prover.prove_tensors(input, &rows).expect("proves")
    });
    let sums = 16 * (proven.tensors.messages.len() + proven.tensors.sums.len());
    let bytes = encode(&proven.proof).len() + sums;
    println!("{:<38}{:>8.2} MB", "proof", bytes as f64 / 1e6);
    let start = Instant::now();
    verify(proven.proof, Some((&layouts, &proven.tensors)), false).expect("verifies");
    println!(
        "{:<38}{:>8.1} ms",
        "verified",
        start.elapsed().as_secs_f64() * 1e3
    );
    let peak = std::fs::read_to_string("/proc/self/status").ok();
    let peak = peak
        .as_deref()
        .and_then(|status| status.lines().find(|line| line.starts_with("VmHWM")));
    println!("{}", peak.unwrap_or_default());
}
