//! `wrap`: a session's proofs → one small proof that a contract can verify.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use cairo_decode::bundle::Bundle;
use cairo_decode::wrap::session::{self, Event};
use indicatif::{ProgressBar, ProgressStyle};

use super::output;

/// Wrap a session: one proof for all its chunks, small enough for a contract
///
/// The session must have been proven with --wrappable, or for a chain with --domain. Run again with the
/// same arguments, a stopped wrap goes on where it was.
///
/// Example: cairo-decode wrap session --build build/stories
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Session folder
    session: PathBuf,
    /// Build folder of the session's model
    #[arg(long)]
    build: PathBuf,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let start = Instant::now();
    let bundle = Bundle::open(&args.build)?;
    let bar = ProgressBar::new(1);
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} proofs {msg} ({elapsed})",
    )?);
    bar.enable_steady_tick(Duration::from_millis(250));
    let mut nodes: Vec<(usize, usize, Duration, bool)> = vec![];
    let words = bundle.program.words();
    let wrapped = session::wrap(
        &args.session,
        &bundle.manifest,
        &words,
        &mut |event| match event {
            Event::Started { nodes } => bar.set_length(nodes as u64),
            Event::Circuit { level } => bar.set_message(format!("level {level}: circuit")),
            Event::Proving { level, node } => {
                bar.set_message(format!("level {level}: proof {node}"));
            }
            Event::Node {
                level,
                node,
                time,
                resumed,
            } => {
                bar.inc(1);
                nodes.push((level, node, time, resumed));
            }
        },
    )?;
    bar.finish_and_clear();
    let (wall, memory) = (start.elapsed(), output::peak_memory());
    if args.json {
        let node = |&(level, node, time, resumed): &(usize, usize, Duration, bool)| {
            serde_json::json!({
                "level": level, "node": node, "seconds": time.as_secs_f64(), "resumed": resumed,
            })
        };
        output::json(&serde_json::json!({
            "ok": true, "session_id": wrapped.session_id, "leaf_root": wrapped.leaf_root,
            "chunks": wrapped.chunks, "proof_felts": wrapped.proof.len(),
            "wall_seconds": wall.as_secs_f64(), "peak_memory_bytes": memory,
            "proofs": nodes.iter().map(node).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    output::line("level  proof      time");
    for (level, node, time, resumed) in nodes {
        let time = match resumed {
            true => "done before".to_string(),
            false => output::seconds(time),
        };
        output::line(format!("{level:>5}  {node:>5}  {time:>8}"));
    }
    output::line(format!(
        "session {} wrapped: {} chunks, {} felts, circuit {}",
        wrapped.session_id,
        wrapped.chunks,
        wrapped.proof.len(),
        wrapped.leaf_root,
    ));
    let memory = memory.map_or("unknown".to_string(), |b| {
        format!("{:.2} GB", b as f64 / 1e9)
    });
    output::line(format!(
        "wall {}, peak memory {memory}",
        output::seconds(wall)
    ));
    Ok(())
}
