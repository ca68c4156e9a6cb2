//! What proofs of whole models cost: random weights in the shape of a model, with attention, norms, roots and a generated program.
//!
//! usage: cargo run --release --example shapes -- SHAPE LANES [CARRIED] [chosen] [rows] [bytes] [compact]
//!
//! SHAPE is a name of `SHAPES`. The prompt gives the tokens of all lanes; with `chosen` it gives one, and the lanes are decoded one
//! after the other. With `rows` nothing is proven; with `bytes` the
//! parts of the proof are counted, and it is verified several times; with `compact` it has these parameters. Seconds are of all cores together, and by the clock.

#[allow(dead_code)]
#[path = "../../tests/tensors/shape.rs"]
mod shape;

mod bytes;

use std::time::Instant;

use cairo_decode::air::layout::Layout;
use cairo_decode::air::verify::verify;
use cairo_decode::bench::process::cpu_seconds;
use cairo_decode::decode::declared;
use cairo_decode::program::Work;
use cairo_decode::prove::Prover;
use cairo_decode::tensor::values::compute;
use cairo_decode::tensor::{constants, witness};
use cairo_decode::verify::params::{COMPACT, PLAIN};
use cairo_decode::verify::proof::encode_tensors;

/// Gigabytes of this process: what it has, or the most that it had.
fn gigabytes(of: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find(|line| line.starts_with(of));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok());
    kilobytes.unwrap_or(0.0) * 1024.0 / 1e9
}

/// Runs a stage, and says what it took and what the process has behind it.
fn timed<T>(what: &str, stage: impl FnOnce() -> T) -> T {
    let (cpu, clock) = (cpu_seconds(), Instant::now());
    let done = stage();
    let (cpu, clock) = (cpu_seconds() - cpu, clock.elapsed().as_secs_f64());
    let memory = gigabytes("VmRSS");
    println!("{what:<38}{cpu:>8.2} s{clock:>8.2} s by the clock{memory:>8.2} GB");
    done
}

/// Rows, columns and cells of each component.
fn table(layout: &Layout) {
    println!(
        "\n{:<18}{:>9}{:>10}{:>8}{:>13}{:>10}",
        "component", "rows", "constants", "trace", "interaction", "M cells"
    );
    let mut cells = 0;
    for (placed, columns) in layout.components.iter().zip(layout.columns()) {
        let own = (columns.trace + columns.interaction) << placed.log_rows;
        cells += own;
        println!(
            "{:<18}{:>9}{:>10}{:>8}{:>13}{:>10.2}",
            placed.component.to_string(),
            1 << placed.log_rows,
            columns.constants.len(),
            columns.trace,
            columns.interaction,
            own as f64 / 1e6
        );
    }
    println!("{:<58}{:>10.2}\n", "all", cells as f64 / 1e6);
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let found = shape::SHAPES
        .iter()
        .find(|shape| arguments.first().is_some_and(|name| name == shape.name));
    let lanes = arguments.get(1).and_then(|lanes| lanes.parse().ok());
    let (Some(shape), Some(lanes)) = (found, lanes) else {
        eprintln!("usage: shapes SHAPE LANES [CARRIED] [chosen] [rows] [bytes] [compact]");
        std::process::exit(2);
    };
    let carried: usize = arguments.get(2).and_then(|n| n.parse().ok()).unwrap_or(0);
    let [chosen, only_rows, parts, compact] = ["chosen", "rows", "bytes", "compact"]
        .map(|word| arguments.iter().any(|argument| argument == word));
    println!(
        "{} parameters, {lanes} lanes, {carried} carried positions\n",
        shape.parameters()
    );

    let model = timed("plan, program", || shape.model(lanes, carried));
    let plan = &model.plan;
    let sets = timed("constants: columns", || {
        constants::constants(plan, model.schedule.reads()).expect("one writer each")
    });
    let given = model.chunk(carried as u32, !chosen);
    let values = timed("values", || compute(plan, &given).expect("no stream"));
    let input = model.input(&values);
    let trace = timed("run of the program", || {
        model.program.run(&input.input).expect("an honest input")
    });
    println!(
        "{:<38}{:>8} steps, {} words",
        "program",
        trace.steps(),
        model.program.words().len()
    );
    let mut input = trace.into_prover_input().expect("a trace");
    let one = constants::of_chunk(plan, &sets, &values.chunk).expect("allowed sizes");
    let rows = timed("rows and multiplicities", || {
        witness::witness(plan, &one, &values, &mut input).expect("calls")
    });
    table(&one.layout);
    if only_rows {
        return;
    }
    drop((one, values, given));
    let layouts = sets.layouts.clone();
    let work = Work {
        position: carried as u64,
        prompt: (carried + lanes + 1) as u64,
        forced: lanes as u64,
        choosing: 0,
    };
    let whole = (&model.plan, &model.schedule, &layouts);
    let set = if compact { &COMPACT } else { &PLAIN };
    let declared = declared(whole, set, work).expect("a place in the context");
    drop(model);

    let prover = timed("twiddles, fixed tables, constants", || {
        Prover::with_constants(set, sets)
    });
    let proven = timed("proof", || {
        prover.prove_tensors(input, &rows).expect("proves")
    });
    let length = encode_tensors(&proven).len();
    println!("{:<38}{:>8.2} MB", "proof", length as f64 / 1e6);
    if parts {
        let layout = layouts.at(&proven.tensors.sizes).expect("allowed sizes");
        bytes::table(&proven, &layouts, &layout);
        let [reading, checking] = bytes::fastest(&proven, &layouts);
        println!("{:<38}{reading:>8.1} ms", "read, the least of 20 times");
        println!(
            "{:<38}{checking:>8.1} ms",
            "verified, the least of 20 times"
        );
    }
    let start = Instant::now();
    verify(proven.proof, (&layouts, &proven.tensors), &set.fixed()).expect("verifies");
    let milliseconds = start.elapsed().as_secs_f64() * 1e3;
    println!("{:<38}{milliseconds:>8.1} ms", "verified");
    println!("{:<38}{:>8.2} GB", "peak memory", gigabytes("VmHWM"));
    println!(
        "declared: {} steps, {} words, {:.2} M cells of components and {:.2} M others, {:.1} M constants, proof {:.2} MB, memory {:.2} GB",
        declared.vm_steps,
        declared.words,
        declared.cells.components as f64 / 1e6,
        (declared.cells.cairo + declared.cells.tables) as f64 / 1e6,
        declared.constants as f64 / 1e6,
        declared.proof_bytes as f64 / 1e6,
        declared.memory_bytes as f64 / 1e9
    );
}
