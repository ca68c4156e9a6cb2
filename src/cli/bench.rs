//! `bench`: fixed shapes through the pipeline, each in a process of its own.

mod boundary;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use cairo_decode::bench::boundary::CONTEXTS;
use cairo_decode::bench::{self, CASES, Chunks, estimate, warm};
use serde_json::Value;

use super::{Failure, output};

/// Measure fixed shapes: time, CPU, memory, cells, proof size
///
/// A: one decode step of one layer. B: 64 positions of four layers. C: the demo model, 16 tokens per chunk. D: 16
/// positions of a model of 7 million parameters, which takes 17 GB of memory and 10 minutes. E: what a model of 124
/// million parameters would cost, declared, not proven. warm: what tables on disk, overlapped traces and another division
/// of the 96 bits would save. Each of the other cases is compiled, proven at 96 bits and verified in a process of its own.
///
/// With --boundary it compares one proof of a decode step with two, of arithmetic and of table and range membership; the
/// cases are then the sizes tiny, A and C.
///
/// Example: cairo-decode bench A
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Cases to run [default: all]
    cases: Vec<String>,
    /// The demo model's directory, for case C
    #[arg(long, default_value = "models/stories", value_name = "DIR")]
    demo: PathBuf,
    /// Compare one proof of a decode step with two
    #[arg(long)]
    boundary: bool,
    /// Positions that the compared step attends to
    #[arg(long, requires = "boundary", value_delimiter = ',', default_values_t = CONTEXTS,
          value_name = "POSITIONS", value_parser = clap::value_parser!(u16).range(1..))]
    contexts: Vec<u16>,
    /// Run the case in this process
    #[arg(long, hide = true)]
    here: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What the arguments name of `all`, or all of it; each is a `kind` (case, size).
fn named<'a, T>(
    args: &Args,
    kind: &str,
    all: &'a [T],
    name: fn(&T) -> &'static str,
) -> anyhow::Result<Vec<&'a T>> {
    if args.cases.is_empty() {
        return Ok(all.iter().collect());
    }
    let find = |asked: &String| {
        let found = all.iter().find(|one| name(one).eq_ignore_ascii_case(asked));
        found.ok_or_else(|| {
            let known: Vec<_> = all.iter().map(name).collect();
            let known = known.join(", ");
            anyhow!("CASES: there is no {kind} {asked:?}; there are {known}")
        })
    };
    args.cases.iter().map(find).collect()
}

pub fn run(args: &Args) -> super::Outcome {
    if args.boundary {
        return boundary::run(args);
    }
    let cases = named(args, "case", &CASES, |case| case.name)?;
    if args.here {
        for case in cases {
            let work = tempfile::tempdir().context("a folder for the build")?;
            let input = |e: bench::BenchError| Failure::Input(e.into());
            let (demo, work) = (&args.demo, work.path());
            match case.chunks {
                Chunks::Declared(steps) => {
                    output::json(&estimate::run(case, steps, demo, work).map_err(input)?);
                }
                Chunks::Warm(steps) => {
                    output::json(&warm::run(case, steps, demo, work).map_err(input)?);
                }
                Chunks::Fixed(_) | Chunks::Planned(_) => {
                    output::json(&bench::run(case, demo, work).map_err(input)?);
                }
            }
        }
        return Ok(());
    }
    let names = cases.into_iter().map(|case| case.name);
    in_own_processes(args, names, &[], "cases", print)
}

/// Runs each in a process of its own and prints what it answers; in JSON all of it, under `key`.
fn in_own_processes(
    args: &Args,
    names: impl Iterator<Item = &'static str>,
    options: &[String],
    key: &str,
    print: fn(&Value),
) -> super::Outcome {
    let mut results = vec![];
    for name in names {
        let result = in_own_process(args, name, options)?;
        if !args.json {
            print(&result);
        }
        results.push(result);
    }
    if args.json {
        output::json(&serde_json::json!({ "ok": true, key: results }));
    }
    Ok(())
}

/// So that one case's memory and warm state do not count for another.
fn in_own_process(args: &Args, case: &str, options: &[String]) -> anyhow::Result<Value> {
    let program = std::env::current_exe().context("this program's own path")?;
    let child = Command::new(program)
        .args(["bench", case, "--here", "--demo"])
        .arg(&args.demo)
        .args(options)
        .output()
        .context("starting a process for the case")?;
    if !child.status.success() {
        let said = String::from_utf8_lossy(&child.stderr);
        bail!("case {case}: {}", said.trim());
    }
    serde_json::from_slice(&child.stdout)
        .with_context(|| format!("case {case}: its process answers in another form"))
}

fn print_estimate(result: &Value, cells: u64) {
    output::line(format!(
        "{} parameters; declared for a chunk of {} tokens, without padding: {} VM steps",
        result["parameters"], result["steps"], result["vm_steps"],
    ));
    let parts = result["parts"].as_array().cloned().unwrap_or_default();
    for part in &parts {
        let cells = part[1].as_f64().unwrap_or_default() / 1e6;
        let name = part[0].as_str().unwrap_or_default();
        output::line(format!("{name:<12} {cells:>12.1} M cells"));
    }
    output::line(format!(
        "{:.1} M cells and {:.0} core-seconds per token\n",
        cells as f64 / 1e6,
        result["core_seconds_per_token"]
            .as_f64()
            .unwrap_or_default(),
    ));
}

fn print_warm(result: &Value, tables: &[Value]) {
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    for t in tables {
        output::line(format!(
            "tables at blow-up 2^{}, 2^{} rows: {:>6.0} MB, made in {:.2} s, read from disk in {:.2} s",
            t["log_blowup"],
            t["max_log_rows"],
            number(&t["bytes"]) / 1e6,
            number(&t["make_seconds"]),
            number(&t["read_seconds"]),
        ));
    }
    for o in result["overlap"].as_array().into_iter().flatten() {
        output::line(format!(
            "two chunks of {} steps: {:.2} s one after the other, {:.2} s with the second's trace meanwhile",
            o["steps"],
            number(&o["after_seconds"]),
            number(&o["meanwhile_seconds"]),
        ));
    }
    for d in result["divisions"].as_array().into_iter().flatten() {
        output::line(format!(
            "{} bits of proof of work, {} queries: {:.2} s for the work, verify {:.1} ms, proof {:.2} MB",
            d["pow_bits"],
            d["queries"],
            number(&d["pow_seconds"]),
            number(&d["verify_seconds"]) * 1e3,
            number(&d["proof_bytes"]) / 1e6,
        ));
    }
}

fn print(result: &Value) {
    let number = |value: &Value| value.as_f64().unwrap_or_default();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_string();
    output::line(format!(
        "case {}: {}",
        text(&result["case"]),
        text(&result["about"])
    ));
    if let Some(cells) = result["cells_per_token"].as_u64() {
        return print_estimate(result, cells);
    }
    if let Some(tables) = result["tables"].as_array() {
        return print_warm(result, tables);
    }
    output::line(format!(
        "{} parameters, {} program words, compiled in {:.1} s, prover's tables {:.1} s",
        result["parameters"],
        result["program_words"],
        number(&result["compile_seconds"]),
        number(&result["set_up_seconds"]),
    ));
    output::line(
        "position  steps   VM steps   cells (M)   used (M)    trace     prove       CPU    verify     proof",
    );
    let chunks = result["chunks"].as_array().cloned().unwrap_or_default();
    let (mut seconds, mut steps) = (number(&result["plan_seconds"]), 0.0);
    for c in &chunks {
        output::line(format!(
            "{:>8}  {:>5}  {:>9}  {:>10.1} {:>10.1}  {:>5.2} s  {:>6.2} s  {:>6.2} s  {:>5.1} ms  {:>5.2} MB",
            c["first_position"].to_string(),
            c["steps"].to_string(),
            c["vm_steps"].to_string(),
            number(&c["cells"]) / 1e6,
            number(&c["used_cells"]) / 1e6,
            number(&c["trace_seconds"]),
            number(&c["prove_seconds"]),
            number(&c["prove_cpu_seconds"]),
            number(&c["verify_seconds"]) * 1e3,
            number(&c["proof_bytes"]) / 1e6,
        ));
        seconds += number(&c["trace_seconds"]) + number(&c["prove_seconds"]);
        steps += number(&c["steps"]);
    }
    output::line(format!(
        "{seconds:.1} s for {steps} steps, {:.2} s per step, peak memory {:.2} GB\n",
        seconds / steps,
        number(&result["peak_memory_bytes"]) / 1e9,
    ));
}
