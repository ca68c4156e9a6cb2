//! `bench --boundary`: one proof of a decode step beside two.

use anyhow::Context;
use cairo_decode::bench::BenchError;
use cairo_decode::bench::boundary::{self, SIZES};
use serde_json::Value;

use super::{Args, in_own_processes, named};
use crate::cli::{Failure, Outcome, output};

pub fn run(args: &Args) -> Outcome {
    let sizes = named(args, "size", &SIZES, |size| size.name)?;
    if args.here {
        let contexts: Vec<usize> = args.contexts.iter().copied().map(usize::from).collect();
        for size in sizes {
            let work = tempfile::tempdir().context("a folder for the build")?;
            let result = boundary::run(size, &contexts, &args.demo, work.path());
            output::json(&result.map_err(|e: BenchError| Failure::Input(e.into()))?);
        }
        return Ok(());
    }
    let contexts: Vec<String> = args.contexts.iter().map(u16::to_string).collect();
    let options = ["--boundary", "--contexts", &contexts.join(",")].map(String::from);
    let names = sizes.into_iter().map(|size| size.name);
    in_own_processes(args, names, &options, "sizes", print)
}

/// A column: title, width, decimals, and what it shows of an object.
type Column = (&'static str, usize, usize, fn(&Value) -> f64);

const COLUMNS: [Column; 10] = [
    ("words", 7, 0, |o| number(&o["program_words"])),
    ("VM steps", 9, 0, |o| number(&o["vm_steps"])),
    ("rows", 9, 0, |o| number(&o["rows"])),
    ("used (M)", 9, 1, |o| number(&o["used_cells"]) / 1e6),
    ("hash (M)", 9, 1, |o| number(&o["hash_cells"]) / 1e6),
    ("cells (M)", 9, 1, |o| number(&o["cells"]) / 1e6),
    ("lookups", 8, 0, |o| number(&o["lookups"])),
    ("prove (s)", 9, 2, |o| number(&o["proof"]["prove_seconds"])),
    ("verify (ms)", 11, 1, |o| {
        number(&o["proof"]["verify_seconds"]) * 1e3
    }),
    ("bytes", 8, 0, |o| number(&o["proof"]["bytes"])),
];

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or_default()
}

fn print(result: &Value) {
    output::line(format!(
        "size {}: {}; {} parameters",
        result["size"].as_str().unwrap_or_default(),
        result["about"].as_str().unwrap_or_default(),
        result["parameters"],
    ));
    for comparison in result["comparisons"].as_array().into_iter().flatten() {
        let objects = comparison["objects"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        let [one, arithmetic, membership] = objects.as_slice() else {
            continue;
        };
        print_comparison(comparison, [one, arithmetic, membership]);
    }
}

fn print_comparison(comparison: &Value, [one, arithmetic, membership]: [&Value; 3]) {
    let security = match comparison["unproven"].as_str() {
        Some(problem) => format!("not proven: {problem}"),
        None => format!("{} bits each", one["proof"]["security_bits"]),
    };
    output::line(format!(
        "\ncontext {}: {security}; ranges: {} checked in one, {} claimed and {} checked in two",
        comparison["context"],
        one["range_checks"],
        arithmetic["range_claims"],
        membership["range_checks"],
    ));
    let titles = COLUMNS.map(|(title, width, ..)| format!("{title:>width$}"));
    output::line(format!("{:<12}{}", "", titles.join("  ")));
    let row = |name: &str, value: &dyn Fn(&Column) -> (f64, usize)| {
        let cells = COLUMNS.map(|column| {
            let (value, decimals) = value(&column);
            format!("{value:>width$.decimals$}", width = column.1)
        });
        output::line(format!("{name:<12}{}", cells.join("  ")));
    };
    row("one proof", &|(_, _, decimals, of)| (of(one), *decimals));
    row("arithmetic", &|(_, _, decimals, of)| {
        (of(arithmetic), *decimals)
    });
    row("membership", &|(_, _, decimals, of)| {
        (of(membership), *decimals)
    });
    row("two proofs", &|(_, _, decimals, of)| {
        (of(arithmetic) + of(membership), *decimals)
    });
    row("two / one", &|(_, _, _, of)| {
        ((of(arithmetic) + of(membership)) / of(one), 2)
    });
}
