//! `prove`: a generation → a session of receipts and proofs.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::Context;
use cairo_decode::bundle::TensorBundle;
use cairo_decode::model::Text;
use cairo_decode::session::{self, Again, Event, Request, SessionReport};
use cairo_decode::verify::statement::{Domain, SessionId};

use super::progress::Progress;
use super::prompt::{Asked, Prompt};
use super::{interrupt, memory, output, paths, table};

/// Prove a generation: one proof and receipt per chunk of decode steps
///
/// Run again with the same arguments, a stopped session goes on at its next chunk. What is there is checked first, and
/// proven again where it does not hold. Another --chunk counts for the chunks to come; any other difference is refused.
///
/// Example: cairo-decode prove build/stories -p "Once upon a time" -n 16 -o session
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder
    build: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Session folder
    #[arg(short, long)]
    out: PathBuf,
    /// Decode steps per proof at most [default: as many as a proof of the build has lanes]
    #[arg(long, allow_negative_numbers = true)]
    chunk: Option<u32>,
    /// Identity of the session as a 0x felt [default: random]
    #[arg(long, value_name = "FELT")]
    session_id: Option<String>,
    /// Chain and contract where the receipts are meant to count, for example
    /// SN_SEPOLIA/0x1234 [default: local]
    #[arg(long, value_name = "CHAIN/CONTRACT")]
    domain: Option<Domain>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let start = Instant::now();
    let session_id = match &args.session_id {
        Some(text) => Some(
            text.parse::<SessionId>()
                .with_context(|| format!("--session-id: {text:?}"))?,
        ),
        None => None,
    };
    let folder = paths::build_folder(&args.build)?;
    // Its constants are committed to, which is most of what setting up the prover is.
    let bar = Progress::spinning()?;
    bar.message("setting up the prover");
    let TensorBundle { build, text, .. } = TensorBundle::open(&folder)?;
    drop(bar);
    let opened = start.elapsed();
    let domain = args.domain.unwrap_or_else(Domain::local);
    let context = build.manifest.model.context_length;
    let prompt = args.asked.read_for(&text, context)?;
    let request = Request {
        prompt: prompt.text.clone(),
        prompt_tokens: prompt.tokens.clone(),
        new_tokens: prompt.new_tokens,
        chunk: args.chunk,
        domain,
        session_id,
    };
    interrupt::explain(format!(
        "finished chunks stay in {}; run the same command again to go on",
        args.out.display()
    ));
    let bar = Progress::counting("steps")?;
    let report = session::prove(&build, &request, &args.out, &mut |event| {
        show(&bar, &event);
    })?;
    drop(bar);
    if args
        .chunk
        .is_some_and(|chunk| chunk != report.session.chunk_size)
    {
        output::note("note: --chunk changes nothing, as no chunk is to come");
    }
    let times = [opened, start.elapsed()];
    print(args, &text, (&prompt, &report), times)?;
    Ok(())
}

fn show(bar: &Progress, event: &Event) {
    match event {
        Event::Started { steps, proven } => bar.length(*steps, *proven),
        Event::Again(Again { chunk, reason }) => bar.note(match chunk {
            Some(chunk) => format!("note: chunk {chunk} is proven again: {reason}"),
            None => format!("note: written again: {reason}"),
        }),
        Event::OtherChunk { before, now } => bar.note(format!(
            "note: chunks from here on have at most {now} steps, and not {before} as before"
        )),
        Event::Tracing { chunk } => bar.message(format!("chunk {chunk}: running the program")),
        Event::Proving { chunk, vm_steps } => {
            bar.message(format!("chunk {chunk}: proving {vm_steps} VM steps"));
        }
        Event::Proven(report) => bar.advance(report.steps),
        Event::Removed { files, reason } => {
            for name in files {
                bar.note(format!("note: removed {name}, {reason}"));
            }
        }
    }
}

fn print(
    args: &Args,
    text: &Text,
    (prompt, report): (&Prompt, &SessionReport),
    [set_up, wall]: [Duration; 2],
) -> anyhow::Result<()> {
    let session = &report.session;
    let generated = &report.generated;
    let all = [session.prompt_tokens.as_slice(), generated.as_slice()].concat();
    let reply = prompt.chat.then(|| text.tokenizer.decode(generated));
    let (text, reply) = (text.tokenizer.decode(&all)?, reply.transpose()?);
    let memory = memory::peak();
    if args.json {
        let chunk = |c: &session::ChunkReport| {
            serde_json::json!({
                "chunk": c.chunk, "steps": c.steps, "vm_steps": c.vm_steps, "emitted": c.emitted,
                "trace_seconds": c.trace.as_secs_f64(), "prove_seconds": c.prove.as_secs_f64(),
                "verify_seconds": c.verify.as_secs_f64(), "proof_bytes": c.proof_bytes,
            })
        };
        let again = |a: &Again| serde_json::json!({ "chunk": a.chunk, "reason": a.reason });
        output::json(&serde_json::json!({
            "ok": true, "session_id": session.session_id, "text": text, "reply": reply, "generated_tokens": generated,
            "lost_characters": prompt.lost,
            "set_up_seconds": set_up.as_secs_f64(), "wall_seconds": wall.as_secs_f64(),
            "peak_memory_bytes": memory,
            "chunks": report.chunks.iter().map(chunk).collect::<Vec<_>>(),
            "again": report.again.iter().map(again).collect::<Vec<_>>(), "removed": report.removed,
        }));
        return Ok(());
    }
    output::quotation(reply.unwrap_or(text));
    output::line("");
    output::line(format!(
        "session {} in {}",
        session.session_id,
        args.out.display()
    ));
    let row = |c: &session::ChunkReport| {
        vec![
            c.chunk.to_string(),
            c.steps.to_string(),
            c.vm_steps.to_string(),
            output::seconds(c.trace),
            output::seconds(c.prove),
            output::millis(c.verify),
            output::megabytes(c.proof_bytes),
        ]
    };
    let header = [
        "chunk", "steps", "VM steps", "trace", "prove", "verify", "proof",
    ];
    match report.chunks.is_empty() {
        true => output::line("all chunks were proven before, and hold"),
        false => table::print(0, &header, report.chunks.iter().map(row)),
    }
    let memory = output::gigabytes(memory);
    output::line(format!(
        "set-up {}, wall {}, peak memory {memory}",
        output::seconds(set_up),
        output::seconds(wall)
    ));
    Ok(())
}
