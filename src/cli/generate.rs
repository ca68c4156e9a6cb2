//! `generate`: the integer model alone, at native speed.

use std::path::PathBuf;
use std::time::Instant;

use cairo_decode::bundle::TensorModel;
use cairo_decode::model::Text;

use super::prompt::{Asked, Prompt};
use super::{output, paths};

/// Generate text with the integer model, without proving
///
/// The tokens are bit for bit those that `prove` proves. What computes is the integer model itself, one token after the
/// other: it reads no program and no constants of proofs.
///
/// Example: cairo-decode generate build/stories -p "Once upon a time" -n 60
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder
    build: PathBuf,
    #[command(flatten)]
    asked: Asked,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    if paths::is_portable(&args.build) {
        let build = paths::portable(&args.build)?;
        let context = build.model.document.context_length;
        let prompt = args.asked.read_for(&build.text, context)?;
        let start = Instant::now();
        let generated = build.model.generate(&prompt.tokens, prompt.new_tokens)?;
        return Ok(print(args, &build.text, &prompt, (generated, start))?);
    }
    let TensorModel { model, text, .. } = TensorModel::open(&paths::build_folder(&args.build)?)?;
    let context = model.manifest.model.context_length;
    let prompt = args.asked.read_for(&text, context)?;
    let start = Instant::now();
    let generated = model.generate(&prompt.tokens, prompt.new_tokens)?;
    Ok(print(args, &text, &prompt, (generated, start))?)
}

fn print(
    args: &Args,
    text: &Text,
    prompt: &Prompt,
    (generated, start): (Vec<u32>, Instant),
) -> anyhow::Result<()> {
    let seconds = start.elapsed().as_secs_f64();
    let decode = |tokens: &[u32]| text.tokenizer.decode(tokens);
    let reply = prompt.chat.then(|| decode(&generated)).transpose()?;
    let text = decode(&[prompt.tokens.as_slice(), generated.as_slice()].concat())?;
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "text": text, "reply": reply, "prompt_tokens": prompt.tokens, "generated_tokens": generated,
            "lost_characters": prompt.lost, "seconds": seconds,
        }));
    } else {
        output::answer(reply.unwrap_or(text));
        output::note(format!(
            "{} new tokens after {} of the prompt, {:.0} per second",
            generated.len(),
            prompt.tokens.len(),
            generated.len() as f64 / seconds
        ));
    }
    Ok(())
}
