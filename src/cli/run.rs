//! `run`: a generation by the program of a portable build, in the VM.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, ensure};
use cairo_decode::bundle::check_outside_builds;
use cairo_decode::portable::{Decoded, Run, Session, run_session};
use cairo_decode::receipt::write_atomic;
use cairo_decode::verify::statement::{Domain, SessionId};
use starknet_types_core::felt::Felt;

use super::progress::Progress;
use super::prompt::{Asked, Prompt};
use super::{output, paths, table};

/// Decode steps of a run if the command line does not say it.
const DEFAULT_CHUNK: u32 = 4;

/// Run the program of a build of --target cairo, without proving
///
/// Each chunk of decode steps is a run of the program in cairo-vm. Its output is compared with the statement that the integer model gives.
/// With --output the input of each run is written, for other VMs and provers.
///
/// Example: cairo-decode run build/portable -p "Once upon a time" -n 4
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder, of compile --target cairo
    build: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Decode steps per run at most [default: 4, or fewer if a statement of the build has fewer]
    #[arg(long, value_name = "STEPS", allow_negative_numbers = true)]
    chunk: Option<u32>,
    /// Folder for the runs' inputs and outputs: arrays of felts in JSON, as scarb execute --arguments-file reads them
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Identity of the session as a 0x felt
    #[arg(long, value_name = "FELT", default_value = "0x0")]
    session_id: String,
    /// Chain and contract that the statements name, for example SN_SEPOLIA/0x1234 [default: local]
    #[arg(long, value_name = "CHAIN/CONTRACT")]
    domain: Option<Domain>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// A run in numbers.
struct Ran {
    steps: u32,
    emitted: usize,
    vm_steps: usize,
    time: Duration,
}

pub fn run(args: &Args) -> super::Outcome {
    Ok(execute(args)?)
}

fn execute(args: &Args) -> anyhow::Result<()> {
    let id = &args.session_id;
    let session_id: SessionId = id
        .parse()
        .with_context(|| format!("--session-id: {id:?}"))?;
    let build = paths::portable(&args.build)?;
    let document = &build.model.document;
    let most = document.steps_per_chunk;
    let chunk = args.chunk.unwrap_or(DEFAULT_CHUNK.min(most));
    ensure!(
        (1..=most).contains(&chunk),
        "--chunk: {chunk} steps; a statement of this build has 1 to {most}"
    );
    let prompt = args.asked.read_for(&build.text, document.context_length)?;
    if let Some(dir) = &args.output {
        check_outside_builds(dir)
            .map_err(|inside| anyhow!("--output: {inside}; choose another folder"))?;
        new_folder(dir)?;
    }
    let program = build.program()?;
    let domain = args.domain.unwrap_or_else(Domain::local);
    let session = Session::new(&build.model, domain, session_id, prompt.tokens.clone())?;
    let steps = (prompt.tokens.len() - 1) as u32 + prompt.new_tokens;
    let bar = Progress::counting("steps")?;
    bar.length(steps as usize, 0);
    let (mut generated, mut runs) = (vec![], vec![]);
    let mut start = Instant::now();
    let mut each = |decoded: &Decoded<'_>, run: Run| -> anyhow::Result<()> {
        let time = start.elapsed();
        if let Some(dir) = &args.output {
            write(dir, runs.len(), "input", &decoded.input)?;
            write(dir, runs.len(), "output", &run.output)?;
        }
        generated.extend(&decoded.emitted);
        runs.push(Ran {
            steps: decoded.statement.steps,
            emitted: decoded.emitted.len(),
            vm_steps: run.steps,
            time,
        });
        bar.advance(decoded.statement.steps as usize);
        start = Instant::now();
        Ok(())
    };
    run_session(&program, session, steps, chunk, &mut each)?;
    drop(bar);
    print(args, &build.text, (&prompt, &generated), &runs)
}

/// Makes the folder for inputs and outputs, which has nothing in it.
fn new_folder(dir: &Path) -> anyhow::Result<()> {
    let shown = dir.display();
    fs::create_dir_all(dir).with_context(|| format!("--output: cannot create {shown}"))?;
    let mut entries =
        fs::read_dir(dir).with_context(|| format!("--output: cannot list {shown}"))?;
    ensure!(
        entries.next().is_none(),
        "--output: {shown} is not empty; choose another folder"
    );
    Ok(())
}

/// Writes an array of felts as JSON.
fn write(dir: &Path, chunk: usize, kind: &str, felts: &[Felt]) -> anyhow::Result<()> {
    let felts: Vec<String> = felts.iter().map(|felt| format!("{felt:#x}")).collect();
    let text = serde_json::to_vec(&felts)?;
    Ok(write_atomic(
        &dir.join(format!("chunk-{chunk:04}.{kind}.json")),
        &text,
    )?)
}

fn print(
    args: &Args,
    text: &cairo_decode::model::Text,
    (prompt, generated): (&Prompt, &[u32]),
    runs: &[Ran],
) -> anyhow::Result<()> {
    let decode = |tokens: &[u32]| text.tokenizer.decode(tokens);
    let reply = prompt.chat.then(|| decode(generated)).transpose()?;
    let text = decode(&[prompt.tokens.as_slice(), generated].concat())?;
    if args.json {
        let run = |of: &Ran| {
            serde_json::json!({
                "steps": of.steps, "emitted": of.emitted, "vm_steps": of.vm_steps, "seconds": of.time.as_secs_f64(),
            })
        };
        output::json(&serde_json::json!({
            "ok": true, "text": text, "reply": reply, "prompt_tokens": prompt.tokens, "generated_tokens": generated,
            "lost_characters": prompt.lost, "runs": runs.iter().map(run).collect::<Vec<_>>(),
        }));
        return Ok(());
    }
    output::quotation(reply.unwrap_or(text));
    output::line("");
    output::line(format!("tokens {generated:?}"));
    let header = ["chunk", "steps", "new tokens", "VM steps", "time"];
    let row = |(number, of): (usize, &Ran)| {
        vec![
            number.to_string(),
            of.steps.to_string(),
            of.emitted.to_string(),
            of.vm_steps.to_string(),
            output::seconds(of.time),
        ]
    };
    table::print(0, &header, runs.iter().enumerate().map(row));
    output::line("each run stated what the integer model says; nothing is proven");
    if let Some(dir) = &args.output {
        output::line(format!("inputs and outputs in {}", dir.display()));
    }
    Ok(())
}
