//! `bench`: fixed shapes through the pipeline, each in a process of its own.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, anyhow, bail};
use cairo_decode::bench::{self, CASES, Case};
use serde_json::Value;

use super::{Failure, output, table};

/// Measure fixed shapes: time, CPU, memory, cells, proof size, beside targets
///
/// A: one decode step of one layer. B: 64 steps of four layers. C: 64 steps of the demo model. D: 16 steps of a model of 7
/// million parameters. E: 64 steps of GPT-2 small's shape, 124 million parameters, which takes 9 GB of memory; E512: the
/// same behind 512 positions, 18 GB. Each case is compiled, proven at 96 bits and verified from the proof's bytes with the
/// manifest, in a process of its own. Seconds are by the clock and of all cores together.
///
/// Example: cairo-decode bench A
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Cases to run [default: all]
    cases: Vec<String>,
    /// The demo model's directory, for case C
    #[arg(long, default_value = "models/stories", value_name = "DIR")]
    demo: PathBuf,
    /// Run the case in this process
    #[arg(long, hide = true)]
    here: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// The cases that the arguments name, or all.
fn cases(args: &Args) -> anyhow::Result<Vec<&'static Case>> {
    if args.cases.is_empty() {
        return Ok(CASES.iter().collect());
    }
    let find = |asked: &String| {
        let found = CASES
            .iter()
            .find(|case| case.name.eq_ignore_ascii_case(asked));
        found.ok_or_else(|| {
            let known = CASES.map(|case| case.name).join(", ");
            anyhow!("CASES: there is no case {asked:?}; there are {known}")
        })
    };
    args.cases.iter().map(find).collect()
}

pub fn run(args: &Args) -> super::Outcome {
    let cases = cases(args)?;
    if args.here {
        for case in cases {
            let work = tempfile::tempdir().context("a folder for the build")?;
            let input = |e: bench::BenchError| Failure::Input(e.into());
            let (demo, work) = (&args.demo, work.path());
            output::json(&bench::run(case, demo, work).map_err(input)?);
        }
        return Ok(());
    }
    let mut results = vec![];
    for case in cases {
        let result = in_own_process(args, case.name)?;
        if !args.json {
            print(&result)?;
        }
        results.push(result);
    }
    if args.json {
        output::json(&serde_json::json!({ "ok": true, "cases": results }));
    }
    Ok(())
}

/// So that one case's memory and warm state do not count for another.
fn in_own_process(args: &Args, case: &str) -> anyhow::Result<Value> {
    let program = std::env::current_exe().context("this program's own path")?;
    let child = Command::new(program)
        .args(["bench", case, "--here", "--demo"])
        .arg(&args.demo)
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

/// Seconds by the clock, and of cores.
fn seconds(value: &Value, field: &str) -> anyhow::Result<[f64; 2]> {
    let part = &value[field];
    Ok([number(part, "wall")?, number(part, "cores")?])
}

fn print(result: &Value) -> anyhow::Result<()> {
    let (case, about) = (text(result, "case")?, text(result, "about")?);
    output::line(format!("case {case}: {about}"));
    let [_, integers] = seconds(result, "integers")?;
    let [_, compile] = seconds(result, "compile")?;
    output::line(format!(
        "{} parameters ({}), context {}, {} lanes, {} program words; integers in {integers:.1} core-seconds, build in {compile:.1}",
        number(result, "parameters")?,
        text(result, "origin")?,
        number(result, "context")?,
        number(result, "lanes")?,
        number(result, "program_words")?,
    ));
    let rows = list(result, "chunks")?.iter().map(row);
    table::print(0, &HEADER, rows.collect::<Result<Vec<_>, _>>()?);
    output::line(format!(
        "peak memory {}, declared {}",
        output::gigabytes(result["peak_memory_bytes"].as_u64()),
        output::gigabytes(result["declared"]["memory_bytes"].as_u64()),
    ));
    let rows = list(result, "targets")?.iter().map(target);
    table::print(
        1,
        &["", "target", "measured", "of it"],
        rows.collect::<Result<Vec<_>, _>>()?,
    );
    output::line("");
    Ok(())
}

/// Columns of a proof's table. Cells are in millions: of components, of the Cairo AIR, of its fixed tables.
const HEADER: [&str; 13] = [
    "position",
    "steps",
    "VM steps",
    "components",
    "Cairo",
    "tables",
    "columns",
    "trace (s)",
    "cores",
    "prove (s)",
    "cores",
    "verify (ms)",
    "proof (MB)",
];

fn row(chunk: &Value) -> anyhow::Result<Vec<String>> {
    let whole = |field| Ok::<_, anyhow::Error>(number(chunk, field)?.to_string());
    let scaled = |field, scale: f64, digits: usize| {
        Ok::<_, anyhow::Error>(format!("{:.digits$}", number(chunk, field)? * scale))
    };
    let columns = &chunk["columns"];
    let columns = ["constants", "trace", "interaction"].map(|tree| number(columns, tree));
    let columns = columns.into_iter().sum::<Result<f64, _>>()?;
    let [trace, trace_cores] = seconds(chunk, "trace")?.map(|s| format!("{s:.2}"));
    let [prove, prove_cores] = seconds(chunk, "prove")?.map(|s| format!("{s:.2}"));
    Ok(vec![
        whole("position")?,
        whole("steps")?,
        whole("vm_steps")?,
        scaled("component_cells", 1e-6, 2)?,
        scaled("cairo_cells", 1e-6, 2)?,
        scaled("table_cells", 1e-6, 2)?,
        columns.to_string(),
        trace,
        trace_cores,
        prove,
        prove_cores,
        scaled("verify_seconds", 1e3, 1)?,
        scaled("proof_bytes", 1e-6, 2)?,
    ])
}

fn target(target: &Value) -> anyhow::Result<Vec<String>> {
    let most = number(target, "most")?;
    let measure = text(target, "measure")?.replace('_', " ");
    let found = target["found"].as_f64();
    let shown = found.map_or("-".to_string(), |found| format!("{found:.3}"));
    let part = found.map_or("-".to_string(), |found| {
        format!("{:.0} %", 100.0 * found / most)
    });
    Ok(vec![measure, most.to_string(), shown, part])
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An answer that lacks something is an error, not a zero.
    #[test]
    fn an_answer_of_another_form_is_refused() {
        let answer = serde_json::json!({ "case": "A", "about": "one step" });
        let error = print(&answer).expect_err("it lacks numbers").to_string();
        assert!(error.contains("without the number"), "{error}");
    }
}
