//! `bench`: fixed shapes through the pipeline, each in a process of its own.

mod boundary;

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use cairo_decode::bench::boundary::CONTEXTS;
use cairo_decode::bench::{self, CASES, Chunks, estimate, warm};
use serde_json::Value;

use super::{Failure, output, table};

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
    print: fn(&Value) -> anyhow::Result<()>,
) -> super::Outcome {
    let mut results = vec![];
    for name in names {
        let result = in_own_process(args, name, options)?;
        if !args.json {
            print(&result)?;
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
        let said = said.trim();
        bail!(
            "case {case}: {}",
            said.strip_prefix("error: ").unwrap_or(said)
        );
    }
    serde_json::from_slice(&child.stdout)
        .with_context(|| format!("case {case}: its process answers in another form"))
}

/// A number in the answer of a case's process.
fn number(value: &Value, field: &str) -> anyhow::Result<f64> {
    let number = value[field].as_f64();
    number.with_context(|| format!("the case's process answers without the number {field}"))
}

/// A text in the answer.
fn text<'v>(value: &'v Value, field: &str) -> anyhow::Result<&'v str> {
    let text = value[field].as_str();
    text.with_context(|| format!("the case's process answers without the text {field}"))
}

/// A list in the answer.
fn list<'v>(value: &'v Value, field: &str) -> anyhow::Result<&'v [Value]> {
    let list = value[field].as_array().map(Vec::as_slice);
    list.with_context(|| format!("the case's process answers without the list {field}"))
}

fn print_estimate(result: &Value) -> anyhow::Result<()> {
    output::line(format!(
        "{} parameters; declared for a chunk of {} tokens, without padding: {} VM steps",
        number(result, "parameters")?,
        number(result, "steps")?,
        number(result, "vm_steps")?,
    ));
    let mut rows = vec![];
    for part in list(result, "parts")? {
        let (Some(name), Some(cells)) = (part[0].as_str(), part[1].as_f64()) else {
            bail!("the case's process answers with parts of another form");
        };
        rows.push(vec![name.to_string(), format!("{:.1}", cells / 1e6)]);
    }
    table::print(1, &["part", "cells (M)"], rows);
    output::line(format!(
        "{:.1} M cells and {:.0} core-seconds per token",
        number(result, "cells_per_token")? / 1e6,
        number(result, "core_seconds_per_token")?,
    ));
    output::line("");
    Ok(())
}

fn print_warm(result: &Value) -> anyhow::Result<()> {
    for t in list(result, "tables")? {
        output::line(format!(
            "tables at blow-up 2^{}, 2^{} rows: {:.0} MB, made in {:.2} s, read from disk in {:.2} s",
            number(t, "log_blowup")?,
            number(t, "max_log_rows")?,
            number(t, "bytes")? / 1e6,
            number(t, "make_seconds")?,
            number(t, "read_seconds")?,
        ));
    }
    for o in list(result, "overlap")? {
        output::line(format!(
            "two chunks of {} steps: {:.2} s one after the other, {:.2} s with the second's trace meanwhile",
            number(o, "steps")?,
            number(o, "after_seconds")?,
            number(o, "meanwhile_seconds")?,
        ));
    }
    for d in list(result, "divisions")? {
        output::line(format!(
            "{} bits of proof of work, {} queries: {:.2} s for the work, verify {:.1} ms, proof {:.2} MB",
            number(d, "pow_bits")?,
            number(d, "queries")?,
            number(d, "pow_seconds")?,
            number(d, "verify_seconds")? * 1e3,
            number(d, "proof_bytes")? / 1e6,
        ));
    }
    Ok(())
}

fn print(result: &Value) -> anyhow::Result<()> {
    let (case, about) = (text(result, "case")?, text(result, "about")?);
    output::line(format!("case {case}: {about}"));
    if result["cells_per_token"].is_u64() {
        return print_estimate(result);
    }
    if result["tables"].is_array() {
        return print_warm(result);
    }
    output::line(format!(
        "{} parameters, {} program words, compiled in {:.1} s, prover's tables {:.1} s",
        number(result, "parameters")?,
        number(result, "program_words")?,
        number(result, "compile_seconds")?,
        number(result, "set_up_seconds")?,
    ));
    let header = [
        "position",
        "steps",
        "VM steps",
        "cells (M)",
        "used (M)",
        "trace (s)",
        "prove (s)",
        "CPU (s)",
        "verify (ms)",
        "proof (MB)",
    ];
    let chunks = list(result, "chunks")?;
    let row = |c: &Value| -> anyhow::Result<Vec<String>> {
        let whole = |field| Ok::<_, anyhow::Error>(number(c, field)?.to_string());
        let scaled = |field, scale: f64, digits: usize| {
            Ok::<_, anyhow::Error>(format!("{:.digits$}", number(c, field)? * scale))
        };
        Ok(vec![
            whole("first_position")?,
            whole("steps")?,
            whole("vm_steps")?,
            scaled("cells", 1e-6, 1)?,
            scaled("used_cells", 1e-6, 1)?,
            scaled("trace_seconds", 1.0, 2)?,
            scaled("prove_seconds", 1.0, 2)?,
            scaled("prove_cpu_seconds", 1.0, 2)?,
            scaled("verify_seconds", 1e3, 1)?,
            scaled("proof_bytes", 1e-6, 2)?,
        ])
    };
    let rows: Vec<_> = chunks.iter().map(row).collect::<Result<_, _>>()?;
    table::print(0, &header, rows);
    let mut seconds = number(result, "plan_seconds")?;
    let mut steps = 0.0;
    for c in chunks {
        seconds += number(c, "trace_seconds")? + number(c, "prove_seconds")?;
        steps += number(c, "steps")?;
    }
    output::line(format!(
        "{seconds:.1} s for {steps} steps, {:.2} s per step, peak memory {}",
        seconds / steps,
        output::gigabytes(result["peak_memory_bytes"].as_u64()),
    ));
    output::line("");
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that lacks something is an error, not a zero.
    #[test]
    fn an_answer_of_another_form_is_refused() {
        let answer = serde_json::json!({ "case": "A", "about": "one step" });
        let error = print(&answer).expect_err("it lacks numbers").to_string();
        assert!(error.contains("parameters"), "{error}");
    }
}
