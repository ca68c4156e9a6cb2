//! `wrap`: a session's proofs → small proofs that a contract can verify.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use cairo_decode::receipt::Wrapped;
use cairo_decode::wrap::session::{self, Event, Step};

use super::progress::Progress;
use super::{interrupt, memory, output, paths, table};

/// Wrap a session: one proof for all of its chunks, small enough for a contract
///
/// The model must have been compiled with --proofs foldable-8, foldable-16, foldable-32 or foldable-large. Run again with the same arguments, a stopped wrap
/// goes on where it was.
///
/// Example: cairo-decode wrap session --build build/foldable
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Session folder
    session: PathBuf,
    /// Build folder of the session's model
    #[arg(long)]
    build: PathBuf,
    /// Chunks under one proof, where several transactions are wanted [default: all of them]
    #[arg(long, value_name = "CHUNKS", allow_negative_numbers = true)]
    group: Option<usize>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    memory::return_large_blocks();
    let start = Instant::now();
    paths::session_folder(&args.session)?;
    let decoder = paths::foldable(&args.build)?;
    interrupt::explain(format!(
        "finished proofs stay in {}; run the same command again to go on",
        args.session.display()
    ));
    let bar = Progress::counting("proofs")?;
    let mut made: Vec<(Step, Duration, bool)> = vec![];
    let words = decoder.program.words();
    let wrapped = session::wrap(
        &args.session,
        &decoder.manifest,
        &words,
        args.group,
        &mut |event| match event {
            Event::Started { proofs } => bar.length(proofs, 0),
            Event::Circuit { of } => bar.message(format!("circuit of the {of}")),
            Event::Proving(step) => bar.message(step.to_string()),
            Event::Made {
                step,
                time,
                resumed,
            } => {
                bar.advance(1);
                made.push((step, time, resumed));
            }
        },
    )?;
    drop(bar);
    let (wall, peak) = (start.elapsed(), memory::peak());
    let first = wrapped.first().context("a session without chunks")?;
    if args.json {
        let proof = |&(step, time, resumed): &(Step, Duration, bool)| {
            serde_json::json!({
                "of": step.name(), "first_chunk": step.first, "chunks": step.chunks, "seconds": time.as_secs_f64(), "resumed": resumed,
            })
        };
        let document = |w: &Wrapped| {
            serde_json::json!({
                "first_chunk": w.first_chunk, "chunks": w.chunks, "proof_felts": w.proof.len(),
            })
        };
        output::json(&serde_json::json!({
            "ok": true, "session_id": first.session_id, "leaf_root": first.leaf_root,
            "wrapped": wrapped.iter().map(document).collect::<Vec<_>>(),
            "wall_seconds": wall.as_secs_f64(), "peak_memory_bytes": peak,
            "proofs": made.iter().map(proof).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    if made.is_empty() {
        output::line("the session was wrapped before, and its wrapped proofs hold");
    }
    let row = |(step, time, resumed): (Step, Duration, bool)| {
        let time = match resumed {
            true => "done before".to_string(),
            false => output::seconds(time),
        };
        vec![step.to_string(), time]
    };
    let header = ["proof", "time"];
    if !made.is_empty() {
        table::print(1, &header, made.into_iter().map(row));
    }
    output::line(format!(
        "session {} wrapped, circuit {}",
        first.session_id, first.leaf_root
    ));
    for w in &wrapped {
        output::line(format!(
            "{}: {} chunks, {} felts",
            w.name(),
            w.chunks,
            w.proof.len()
        ));
    }
    let peak = output::gigabytes(peak);
    output::line(format!(
        "wall {}, peak memory {peak}",
        output::seconds(wall)
    ));
    Ok(())
}
