//! `profile`: where the proof work goes.

use std::path::PathBuf;

use anyhow::{Context, anyhow, ensure};
use cairo_decode::bundle::TensorModel;
use cairo_decode::decode::Session;
use cairo_decode::escape;
use cairo_decode::profile::{AnyComponent, Component, Growth, Line, Report, page, profile_chunk};
use cairo_decode::receipt::write_atomic;
use cairo_decode::verify::statement::{Domain, SessionId};

use super::{output, paths, table};

/// Show where the proof work goes, per operation, per layer and per component, without proving
///
/// Runs chunks of one decode step at growing positions, and counts VM steps, rows and cells (trace and
/// interaction columns times rows). Every row in use has one owner: an operation of the model, or a part of the
/// program around it (protocol). Padding to powers of two and the lookup tables are lines of their own, so the
/// table adds up to the proof. Growth is per position of context. A chunk has the
/// same rows of an operation whatever its steps: a row holds all lanes.
///
/// Example: cairo-decode profile build/stories -n 8 --stride 10 --html profile.html
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder
    build: PathBuf,
    /// Prompt: raw text, as the model reads it
    #[arg(
        short,
        long,
        allow_hyphen_values = true,
        default_value = "Once upon a time"
    )]
    prompt: String,
    /// How many chunks to measure after the prompt, each of --chunk steps
    #[arg(short = 'n', long, allow_negative_numbers = true, default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    tokens: u32,
    /// The next chunk begins so many positions after the last step of the chunk before: 1 measures every position, 10
    /// leaves nine out
    #[arg(long, allow_negative_numbers = true, value_name = "POSITIONS", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..))]
    stride: u32,
    /// Steps of each measured chunk, at most as many as the build has lanes
    #[arg(long, allow_negative_numbers = true, default_value_t = 1, value_name = "STEPS", value_parser = clap::value_parser!(u32).range(1..))]
    chunk: u32,
    /// Write a page with charts, one file that needs no other
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    if let Some(file) = &args.html {
        paths::check_replaced(file, "<!doctype html>", "page")?;
    }
    let report = measure(args)?;
    if let Some(file) = &args.html {
        let page = page(&report).context("the page")?;
        write_atomic(file, page.as_bytes())?;
    }
    if args.json {
        let mut answer = serde_json::to_value(&report).map_err(|e| anyhow!("{e}"))?;
        answer["ok"] = true.into();
        answer["asked_chunks"] = args.tokens.into();
        output::json(&answer);
    } else {
        print(&report);
        let measured = report.positions.len();
        if measured < args.tokens as usize {
            output::line("");
            output::line(format!(
                "measured     {measured} of {} chunks: the model ends the text there",
                args.tokens
            ));
        }
        if let Some(file) = &args.html {
            output::line("");
            output::line(format!("page         {}", file.display()));
        }
    }
    Ok(())
}

fn measure(args: &Args) -> anyhow::Result<Report> {
    let model = TensorModel::open(&paths::build_folder(&args.build)?)?;
    let (decoder, text) = model.decoder()?;
    let (manifest, lanes) = (&decoder.manifest.model, decoder.plan.lanes);
    let length = args.chunk as usize;
    ensure!(
        length <= lanes,
        "--chunk: {length} steps; this build's proofs have 1 to {lanes}"
    );
    let prompt = text.tokenizer.encode(&args.prompt)?;
    let forced = prompt.len().saturating_sub(1);
    fits(args, forced, manifest.context_length)?;
    let id = SessionId(0u32.into());
    let mut session = Session::new(&decoder, Domain::local(), id, prompt)?;
    pass(&mut session, forced, lanes)?;
    let mut profiles = vec![];
    for measured in 0..args.tokens {
        if measured > 0 {
            pass(&mut session, args.stride as usize - 1, lanes)?;
        }
        if session.ended().is_some() {
            break;
        }
        let decoded = session.decode(length)?;
        if decoded.statement().steps < args.chunk {
            break;
        }
        let position = session.frontier().position;
        profiles.push((position, profile_chunk(&decoder, &decoded)?));
        session.advance(&decoded);
    }
    Report::new(&manifest.name, args.chunk, profiles)
        .ok_or_else(|| anyhow!("the model ends the text before a chunk could be measured"))
}

/// Goes on by so many steps, of which nothing is measured, unless the session ends before.
fn pass(session: &mut Session<'_>, mut steps: usize, lanes: usize) -> anyhow::Result<()> {
    while steps > 0 && session.ended().is_none() {
        let decoded = session.decode(steps.min(lanes))?;
        steps -= decoded.statement().steps as usize;
        session.advance(&decoded);
    }
    Ok(())
}

/// Checks that the context has room for the prompt and all chunks that are to be measured.
fn fits(args: &Args, forced: usize, context: u32) -> anyhow::Result<()> {
    let room = u64::from(context).saturating_sub(forced as u64);
    let (chunk, gap) = (u64::from(args.chunk), u64::from(args.stride) - 1);
    // n chunks have n - 1 gaps between them.
    let most = (room + gap) / (chunk + gap);
    let at_most = match most {
        0 => format!("a chunk has at most {room} steps"),
        most => format!("-n {most} is the most"),
    };
    ensure!(
        u64::from(args.tokens) <= most,
        "-n {}, --chunk {chunk} and --stride {}: the model's context of {context} has no room for that after {forced} positions of the prompt; {at_most}",
        args.tokens,
        args.stride
    );
    Ok(())
}

fn print(report: &Report) {
    let last = &report.last;
    let Some(position) = report.positions.last() else {
        return output::line("no position was measured");
    };
    let part = |cells: u64| {
        let percent = 100.0 * cells as f64 / last.cells as f64;
        format!("{} M ({percent:.2} %)", millions(cells))
    };
    output::line(format!(
        "model {}: a chunk of {} at position {position}",
        escape::quoted(&report.model),
        match report.chunk {
            1 => "one step".to_string(),
            steps => format!("{steps} steps"),
        },
    ));
    output::line(format!(
        "{} VM steps, {} M cells: {} in use, {} padding to powers of two, {} fixed tables",
        last.steps,
        millions(last.cells),
        part(last.used),
        part(last.padding),
        part(last.fixed),
    ));
    work("operation", &report.operations, &report.total);
    work("layer", &report.sections, &report.total);
    components(report);
    positions(report);
}

fn millions(cells: u64) -> String {
    format!("{:.2}", cells as f64 / 1e6)
}

/// Lines at the last position, and their growth.
fn work(name: &str, lines: &[Line], total: &Line) {
    let header = [
        name,
        "steps",
        "rows",
        "cells (M)",
        "share %",
        "steps/position",
        "cells/position",
    ];
    let row = |line: &Line| {
        let point = line.last();
        let growth = |of: fn(&Growth) -> f64| {
            let growth = line.growth.as_ref();
            growth.map_or("-".to_string(), |growth| format!("{:.2}", of(growth)))
        };
        vec![
            line.name.clone(),
            point.steps.to_string(),
            point.rows.to_string(),
            millions(point.cells),
            format!("{:.2}", 100.0 * line.share),
            growth(|growth| growth.steps),
            growth(|growth| growth.cells),
        ]
    };
    output::line("");
    table::print(1, &header, lines.iter().chain([total]).map(row));
}

fn components(report: &Report) {
    let header = ["component", "rows", "padded", "in use (M)", "padding (M)"];
    let row = |c: &Component<AnyComponent>| {
        vec![
            c.name.clone(),
            c.rows.to_string(),
            c.padded.to_string(),
            millions(c.rows * c.cells_per_row),
            millions((c.padded - c.rows) * c.cells_per_row),
        ]
    };
    output::line("");
    table::print(1, &header, report.last.components.iter().map(row));
}

fn positions(report: &Report) {
    // What fits a line: the first position, and some after it.
    let stride = report.positions.len().div_ceil(8);
    let shown: Vec<usize> = (0..report.positions.len()).step_by(stride).collect();
    let titles: Vec<String> = shown
        .iter()
        .map(|&i| report.positions[i].to_string())
        .collect();
    let header = std::iter::once("cells (M), position").chain(titles.iter().map(String::as_str));
    let header: Vec<&str> = header.collect();
    let row = |name: &str, cell: &dyn Fn(usize) -> String| {
        let cells = shown.iter().map(|&i| cell(i));
        std::iter::once(name.to_string()).chain(cells).collect()
    };
    let lines = report.operations.iter().chain([&report.total]);
    let cells = lines.map(|line| row(&line.name, &|i| millions(line.at[i].cells)));
    let steps = row("VM steps", &|i| report.total.at[i].steps.to_string());
    output::line("");
    table::print(1, &header, cells.chain([steps]));
}
