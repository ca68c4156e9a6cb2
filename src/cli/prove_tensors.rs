//! `prove` with a build whose proofs have tensor components: proofs of chunks, each verified from its bytes, and no receipts.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::ensure;
use cairo_decode::bundle::TensorBundle;
use cairo_decode::decode::Session;
use cairo_decode::receipt::{proof_name, write_atomic};
use cairo_decode::session::random_session_id;
use cairo_decode::verify::statement::{Domain, SessionId};

use super::super::progress::Progress;
use super::super::{output, table};
use super::Args;

/// A chunk that has been proven.
struct Chunk {
    steps: u32,
    emitted: Vec<u32>,
    decode: Duration,
    prove: Duration,
    bytes: usize,
}

pub fn run(
    args: &Args,
    folder: &Path,
    domain: Domain,
    session_id: Option<SessionId>,
) -> super::super::Outcome {
    ensure_free(args)?;
    let start = Instant::now();
    let bar = Progress::counting("steps")?;
    bar.message("setting up the prover");
    let bundle = TensorBundle::open(folder)?;
    let build = &bundle.build;
    let model = &build.manifest.model;
    let lanes = build.plan.lanes;
    let length = args.chunk.map_or(lanes, |chunk| chunk as usize);
    ensure_length(length, lanes)?;
    let prompt = args.asked.read_for(&bundle.text, model.context_length)?;
    let id = match session_id {
        Some(id) => id,
        None => random_session_id()?,
    };
    let set_up = start.elapsed();
    let mut session = Session::new(build, domain, id, prompt.tokens.clone())?;
    fs::create_dir_all(&args.out)?;
    let mut left = prompt.tokens.len() - 1 + prompt.new_tokens as usize;
    bar.length(left, 0);
    let mut chunks: Vec<Chunk> = vec![];
    while left > 0 && session.ended().is_none() {
        bar.message(format!("chunk {}: proving", chunks.len()));
        let started = Instant::now();
        let decoded = session.decode(length.min(left))?;
        let decode = started.elapsed();
        let started = Instant::now();
        let (bytes, _) = build.prove(&decoded)?;
        let prove = started.elapsed();
        write_atomic(&args.out.join(proof_name(chunks.len())), &bytes)?;
        session.advance(&decoded);
        let steps = decoded.statement().steps;
        left -= steps as usize;
        bar.advance(steps as usize);
        chunks.push(Chunk {
            steps,
            emitted: decoded.emitted,
            decode,
            prove,
            bytes: bytes.len(),
        });
    }
    drop(bar);
    let all = chunks.iter().flat_map(|chunk| &chunk.emitted).copied();
    let generated: Vec<u32> = all.collect();
    let tokens = [&prompt.tokens[..], &generated].concat();
    let text = bundle.text.tokenizer.decode(&tokens)?;
    print(
        args,
        (id, text, &generated),
        &chunks,
        [set_up, start.elapsed()],
    );
    Ok(())
}

/// The folder is new or empty: these proofs are not gone on with.
fn ensure_free(args: &Args) -> anyhow::Result<()> {
    let shown = args.out.display();
    ensure!(
        !args.wrappable,
        "--wrappable: proofs with tensor components cannot be wrapped yet"
    );
    let empty = match args.out.exists() {
        true => fs::read_dir(&args.out)?.next().is_none(),
        false => true,
    };
    ensure!(
        empty,
        "{shown}: holds something; proofs with tensor components go into a new folder"
    );
    Ok(())
}

fn ensure_length(length: usize, lanes: usize) -> anyhow::Result<()> {
    ensure!(
        (1..=lanes).contains(&length),
        "--chunk: {length} steps; this build's proofs have 1 to {lanes}"
    );
    Ok(())
}

fn print(
    args: &Args,
    (id, text, generated): (SessionId, String, &[u32]),
    chunks: &[Chunk],
    [set_up, wall]: [Duration; 2],
) {
    let memory = output::peak_memory();
    if args.json {
        let chunk = |(number, c): (usize, &Chunk)| {
            serde_json::json!({
                "chunk": number, "steps": c.steps, "emitted": c.emitted, "proof_bytes": c.bytes,
                "decode_seconds": c.decode.as_secs_f64(), "prove_seconds": c.prove.as_secs_f64(),
            })
        };
        output::json(&serde_json::json!({
            "ok": true, "session_id": id, "text": text, "generated_tokens": generated, "receipts": false,
            "set_up_seconds": set_up.as_secs_f64(), "wall_seconds": wall.as_secs_f64(), "peak_memory_bytes": memory,
            "chunks": chunks.iter().enumerate().map(chunk).collect::<Vec<_>>(),
        }));
        return;
    }
    output::quotation(text);
    output::line("");
    output::line(format!("proofs of session {id} in {}", args.out.display()));
    output::note(
        "note: proofs with tensor components have no receipts yet, so verify does not read them",
    );
    let row = |(number, c): (usize, &Chunk)| {
        vec![
            number.to_string(),
            c.steps.to_string(),
            output::seconds(c.decode),
            output::seconds(c.prove),
            output::megabytes(c.bytes),
        ]
    };
    let header = ["chunk", "steps", "decode", "prove", "proof"];
    table::print(0, &header, chunks.iter().enumerate().map(row));
    let memory = output::gigabytes(memory);
    output::line(format!(
        "set-up {}, wall {}, peak memory {memory}",
        output::seconds(set_up),
        output::seconds(wall)
    ));
}
