//! `profile`: where the proof work goes.

use std::path::PathBuf;

use cairo_decode::bundle::Bundle;
use cairo_decode::profile::{Profile, profile};

use super::output;

/// Show where the proof work goes, per operation and per component, without proving
///
/// Runs one decode step per position, each as a chunk of its own, and prints VM steps per operation at
/// growing context lengths, then rows and cells per component of the last one.
///
/// Example: cairo-decode profile build/stories -n 8
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder
    build: PathBuf,
    /// Prompt
    #[arg(short, long, default_value = "Once upon a time")]
    prompt: String,
    /// Tokens to generate after the prompt
    #[arg(short = 'n', long, default_value_t = 8)]
    tokens: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let bundle = Bundle::open(&args.build)?;
    let prompt = bundle.text.tokenizer.encode(&args.prompt)?;
    let forced = prompt.len().saturating_sub(1);
    let mut decoder = bundle.trial(prompt)?;
    let mut rows: Vec<(u32, Profile)> = vec![];
    if forced > 0 {
        decoder.chunk(forced)?;
    }
    for _ in 0..args.tokens {
        if decoder.finished() {
            break;
        }
        let chunk = decoder.chunk(1)?;
        rows.push((
            chunk.statement.frontier_in.position,
            profile(&bundle.program, &chunk.input)?,
        ));
    }
    if args.json {
        let row = |(position, p): &(u32, Profile)| serde_json::json!({ "position": position, "profile": p });
        output::json(
            &serde_json::json!({ "ok": true, "steps": rows.iter().map(row).collect::<Vec<_>>() }),
        );
    } else {
        print(&rows);
    }
    Ok(())
}

fn print(rows: &[(u32, Profile)]) {
    let Some((_, last)) = rows.last() else { return };
    // The context lengths that fit a line: first, last, and some between.
    let stride = rows.len().div_ceil(8);
    let shown: Vec<_> = rows.iter().step_by(stride).collect();
    output::line("VM steps of a one-step chunk, per operation, by position:");
    let mut header = format!("{:<16}", "operation");
    for (position, _) in &shown {
        header += &format!("{position:>10}");
    }
    output::line(header);
    for operation in last.operations.keys() {
        let mut line = format!("{operation:<16}");
        for (_, p) in &shown {
            line += &format!("{:>10}", p.operations.get(operation).copied().unwrap_or(0));
        }
        output::line(line);
    }
    let mut total = format!("{:<16}", "all");
    for (_, p) in &shown {
        total += &format!("{:>10}", p.steps);
    }
    output::line(total);
    output::line(
        "\nrows and cells per component, last position (cells count the padding to a power of two):",
    );
    output::line(format!(
        "{:<32}{:>10}{:>10}{:>14}",
        "component", "rows", "padded", "cells"
    ));
    for c in &last.components {
        let cells = c.cells.map_or("-".to_string(), |n| n.to_string());
        output::line(format!(
            "{:<32}{:>10}{:>10}{cells:>14}",
            c.name, c.rows, c.padded
        ));
    }
}
