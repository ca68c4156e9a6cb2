//! `bench --boundary`: one proof of a decode step beside two.

use anyhow::{Context, bail};
use cairo_decode::bench::BenchError;
use cairo_decode::bench::boundary::{self, SIZES};
use serde_json::Value;

use super::{Args, in_own_processes, list, named, number, text};
use crate::cli::{Failure, Outcome, output, table};

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

/// A column: title, decimals, what it shows of an object, and how often the unit is in it.
type Column = (&'static str, usize, &'static [&'static str], f64);

const COLUMNS: [Column; 10] = [
    ("words", 0, &["program_words"], 1.0),
    ("VM steps", 0, &["vm_steps"], 1.0),
    ("rows", 0, &["rows"], 1.0),
    ("used (M)", 1, &["used_cells"], 1e-6),
    ("hash (M)", 1, &["hash_cells"], 1e-6),
    ("cells (M)", 1, &["cells"], 1e-6),
    ("lookups", 0, &["lookups"], 1.0),
    ("prove (s)", 2, &["proof", "prove_seconds"], 1.0),
    ("verify (ms)", 1, &["proof", "verify_seconds"], 1e3),
    ("bytes", 0, &["proof", "bytes"], 1.0),
];

/// A column's number of an object; not a number for what was not proven.
fn cell(object: &Value, (_, _, path, scale): &Column) -> anyhow::Result<f64> {
    if path.len() > 1 && object[path[0]].is_null() {
        return Ok(f64::NAN);
    }
    let (field, parents) = path.split_last().context("a path")?;
    let parent = parents.iter().fold(object, |object, name| &object[name]);
    Ok(number(parent, field)? * scale)
}

fn print(result: &Value) -> anyhow::Result<()> {
    output::line(format!(
        "size {}: {}; {} parameters",
        text(result, "size")?,
        text(result, "about")?,
        number(result, "parameters")?,
    ));
    for comparison in list(result, "comparisons")? {
        let [one, arithmetic, membership] = list(comparison, "objects")? else {
            bail!("the size's process answers with other objects than one and two");
        };
        print_comparison(comparison, [one, arithmetic, membership])?;
    }
    Ok(())
}

fn print_comparison(
    comparison: &Value,
    [one, arithmetic, membership]: [&Value; 3],
) -> anyhow::Result<()> {
    let security = match comparison["unproven"].as_str() {
        Some(problem) => format!("not proven: {problem}"),
        None => format!("{} bits each", number(&one["proof"], "security_bits")?),
    };
    output::line("");
    output::line(format!(
        "context {}: {security}; ranges: {} checked in one, {} claimed and {} checked in two",
        number(comparison, "context")?,
        number(one, "range_checks")?,
        number(arithmetic, "range_claims")?,
        number(membership, "range_checks")?,
    ));
    let mut rows: [Vec<String>; 5] = [
        "one proof",
        "arithmetic",
        "membership",
        "two proofs",
        "two / one",
    ]
    .map(|name| vec![name.to_string()]);
    for column in &COLUMNS {
        let [one, arithmetic, membership] = [
            cell(one, column)?,
            cell(arithmetic, column)?,
            cell(membership, column)?,
        ];
        let two = arithmetic + membership;
        let values = [one, arithmetic, membership, two, two / one];
        for (index, (row, value)) in rows.iter_mut().zip(values).enumerate() {
            let digits = if index == 4 { 2 } else { column.1 };
            row.push(match value.is_nan() {
                true => "-".to_string(),
                false => format!("{value:.digits$}"),
            });
        }
    }
    let header: Vec<&str> = std::iter::once("").chain(COLUMNS.map(|c| c.0)).collect();
    table::print(1, &header, rows);
    Ok(())
}
