//! `wrap`: a session's proofs → small proofs that a contract can verify.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use cairo_decode::receipt::Wrapped;
use cairo_decode::wrap::session::{self, Event};

use super::progress::Progress;
use super::{interrupt, memory, output, paths, table};

/// Wrap a session: one proof for up to 16 chunks, small enough for a contract
///
/// A longer session gets as many proofs as it takes. The session must have been proven with --wrappable, or for a chain with --domain. Run again with the
/// same arguments, a stopped wrap goes on where it was.
///
/// Example: cairo-decode wrap session --build build/steps
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Session folder
    session: PathBuf,
    /// Build folder of the session's model
    #[arg(long)]
    build: PathBuf,
    /// Chunks under one proof, at most 16; each proof is a transaction
    #[arg(long, default_value_t = 16, allow_negative_numbers = true)]
    group: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    memory::return_large_blocks();
    let start = Instant::now();
    paths::session_folder(&args.session)?;
    let bundle = paths::build(&args.build)?;
    interrupt::explain(format!(
        "finished proofs stay in {}; run the same command again to go on",
        args.session.display()
    ));
    let bar = Progress::counting("proofs")?;
    let mut nodes: Vec<(usize, usize, Duration, bool)> = vec![];
    let words = bundle.program.words();
    let wrapped = session::wrap(
        &args.session,
        &bundle.manifest,
        &words,
        args.group,
        &mut |event| match event {
            Event::Started { nodes } => bar.length(nodes, 0),
            Event::Circuit { level } => bar.message(format!("level {level}: circuit")),
            Event::Proving { level, node } => {
                bar.message(format!("level {level}: proof {node}"));
            }
            Event::Node {
                level,
                node,
                time,
                resumed,
            } => {
                bar.advance(1);
                nodes.push((level, node, time, resumed));
            }
        },
    )?;
    drop(bar);
    let (wall, peak) = (start.elapsed(), memory::peak());
    let first = wrapped.first().context("a session without chunks")?;
    if args.json {
        let node = |&(level, node, time, resumed): &(usize, usize, Duration, bool)| {
            serde_json::json!({
                "level": level, "first_chunk": node, "seconds": time.as_secs_f64(), "resumed": resumed,
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
            "proofs": nodes.iter().map(node).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    let row = |(level, node, time, resumed): (usize, usize, Duration, bool)| {
        let time = match resumed {
            true => "done before".to_string(),
            false => output::seconds(time),
        };
        vec![level.to_string(), node.to_string(), time]
    };
    let header = ["level", "from chunk", "time"];
    table::print(0, &header, nodes.into_iter().map(row));
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
