//! `prove`: a generation → a session of receipts and proofs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use cairo_decode::bundle::Bundle;
use cairo_decode::session::{self, Event, Request, SessionReport};
use cairo_decode::verify::statement::{Domain, SessionId};
use indicatif::{ProgressBar, ProgressStyle};

use super::{memory, output};

/// Prove a generation: one proof and receipt per chunk of decode steps
///
/// Run again with the same arguments, a stopped session goes on at its next chunk.
///
/// Example: cairo-decode prove build/stories -p "Once upon a time" -n 16 -o session
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder
    build: PathBuf,
    /// Prompt
    #[arg(short, long)]
    prompt: String,
    /// Tokens to generate, unless the end of sequence comes first
    #[arg(short = 'n', long)]
    tokens: u32,
    /// Session folder
    #[arg(short, long)]
    out: PathBuf,
    /// Decode steps per proof; a chunk that does not fit is split [default: what costs least per step, at most
    /// 64; 2 for wrapping, whose parameters need more memory]
    #[arg(long)]
    chunk: Option<u32>,
    /// Identity of the session as a 0x felt [default: random]
    #[arg(long, value_name = "FELT")]
    session_id: Option<String>,
    /// Chain and contract where the receipts are meant to count, for example
    /// SN_SEPOLIA/0x1234 [default: local]
    #[arg(long, value_name = "CHAIN/CONTRACT")]
    domain: Option<Domain>,
    /// Prove so that the session can be wrapped; always so for a chain
    #[arg(long)]
    wrappable: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let start = Instant::now();
    let bundle = Bundle::open(&args.build)?;
    let session_id = match &args.session_id {
        Some(text) => Some(
            text.parse::<SessionId>()
                .with_context(|| format!("--session-id: {text:?}"))?,
        ),
        None => None,
    };
    let domain = args.domain.unwrap_or_else(Domain::local);
    let wrappable = args.wrappable || !domain.is_local();
    if wrappable {
        memory::return_large_blocks();
    }
    let request = Request {
        prompt: args.prompt.clone(),
        prompt_tokens: bundle.text.tokenizer.encode(&args.prompt)?,
        new_tokens: args.tokens,
        chunk: args.chunk.unwrap_or(if wrappable { 2 } else { 64 }),
        plan: args.chunk.is_none() && !wrappable,
        domain,
        session_id,
        wrappable,
    };
    let bar = ProgressBar::new(request.prompt_tokens.len() as u64 + u64::from(args.tokens));
    bar.set_style(ProgressStyle::with_template(
        "{wide_bar} {pos}/{len} steps {msg} ({elapsed})",
    )?);
    bar.enable_steady_tick(Duration::from_millis(250));
    let report = session::prove(&bundle, &request, &args.out, &mut |event| show(&bar, event))?;
    bar.finish_and_clear();
    print(args, &bundle, &report, start.elapsed())?;
    Ok(())
}

fn show(bar: &ProgressBar, event: Event) {
    match event {
        Event::SetUp => bar.set_message("setting up the prover"),
        Event::Started { steps, proven } => {
            bar.set_length(steps as u64);
            bar.set_position(proven as u64);
        }
        Event::Tracing { chunk } => bar.set_message(format!("chunk {chunk}: running the program")),
        Event::Proving { chunk, vm_steps } => {
            bar.set_message(format!("chunk {chunk}: proving {vm_steps} VM steps"));
        }
        Event::Split { chunk, steps } => {
            bar.println(format!(
                "chunk {chunk} is too long for one proof: {steps} steps per chunk from here on"
            ));
        }
        Event::Proven(report) => bar.inc(report.steps as u64),
    }
}

fn print(
    args: &Args,
    bundle: &Bundle,
    report: &SessionReport,
    wall: Duration,
) -> anyhow::Result<()> {
    let session = &report.session;
    let generated = session
        .completion
        .as_ref()
        .map(|c| c.generated_tokens.clone())
        .unwrap_or_default();
    let all = [session.prompt_tokens.as_slice(), generated.as_slice()].concat();
    let text = bundle.text.tokenizer.decode(&all)?;
    let memory = output::peak_memory();
    if args.json {
        let chunk = |c: &session::ChunkReport| {
            serde_json::json!({
                "chunk": c.chunk, "steps": c.steps, "vm_steps": c.vm_steps, "emitted": c.emitted,
                "trace_seconds": c.trace.as_secs_f64(), "prove_seconds": c.prove.as_secs_f64(),
                "verify_seconds": c.verify.as_secs_f64(), "proof_bytes": c.proof_bytes,
            })
        };
        output::json(&serde_json::json!({
            "ok": true, "session_id": session.session_id, "text": text, "generated_tokens": generated,
            "set_up_seconds": report.set_up.as_secs_f64(), "wall_seconds": wall.as_secs_f64(),
            "peak_memory_bytes": memory,
            "chunks": report.chunks.iter().map(chunk).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    output::line(text);
    output::line(format!(
        "\nsession {} in {}",
        session.session_id,
        args.out.display()
    ));
    output::line("chunk  steps   VM steps    trace     prove    verify     proof");
    for c in &report.chunks {
        output::line(format!(
            "{:>5}  {:>5}  {:>9}  {:>7}  {:>8}  {:>8}  {:>8}",
            c.chunk,
            c.steps,
            c.vm_steps,
            output::seconds(c.trace),
            output::seconds(c.prove),
            output::millis(c.verify),
            output::megabytes(c.proof_bytes),
        ));
    }
    if report.chunks.is_empty() {
        output::line("all chunks were proven before");
    }
    let memory = memory.map_or("unknown".to_string(), |b| {
        format!("{:.2} GB", b as f64 / 1e9)
    });
    output::line(format!(
        "set-up {}, wall {}, peak memory {memory}",
        output::seconds(report.set_up),
        output::seconds(wall)
    ));
    Ok(())
}
