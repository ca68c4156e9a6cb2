//! `generate`: the integer engine alone, at native speed.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::ensure;
use cairo_decode::bundle::Bundle;
use cairo_decode::engine::Engine;

use super::output;

/// Generate text with the integer engine, without proving
///
/// The tokens are bit for bit those that `prove` proves.
///
/// Example: cairo-decode generate build/stories -p "Once upon a time" -n 60
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder
    build: PathBuf,
    /// Prompt
    #[arg(short, long)]
    prompt: String,
    /// Tokens to generate at most
    #[arg(short = 'n', long, default_value_t = 64)]
    tokens: usize,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let bundle = Bundle::open(&args.build)?;
    let prompt = bundle.text.tokenizer.encode(&args.prompt)?;
    let start = Instant::now();
    let generated = generate(&bundle, &prompt, args.tokens)?;
    let seconds = start.elapsed().as_secs_f64();
    let all = [prompt.as_slice(), generated.as_slice()].concat();
    let text = bundle.text.tokenizer.decode(&all)?;
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "text": text, "prompt_tokens": prompt, "generated_tokens": generated,
            "seconds": seconds,
        }));
    } else {
        output::line(text);
        eprintln!(
            "{} tokens, {:.0} per second",
            all.len(),
            all.len() as f64 / seconds
        );
    }
    Ok(())
}

fn generate(bundle: &Bundle, prompt: &[u32], limit: usize) -> anyhow::Result<Vec<u32>> {
    let context = bundle.manifest.context_length as usize;
    let vocab = bundle.graph.shape.vocab;
    ensure!(!prompt.is_empty(), "the prompt has no tokens");
    ensure!(
        prompt.len() <= context,
        "the prompt has {} tokens, the model's context {context}",
        prompt.len()
    );
    let mut engine = Engine::new(&bundle.graph);
    for &token in &prompt[..prompt.len() - 1] {
        ensure!(
            (token as usize) < vocab,
            "token {token} is outside the vocabulary of {vocab}"
        );
        engine.carry(token);
    }
    let mut generated = vec![];
    let mut last = prompt[prompt.len() - 1];
    while generated.len() < limit && engine.position() < context {
        last = engine.step(last);
        generated.push(last);
        if Some(last) == bundle.manifest.policy.eos {
            break;
        }
    }
    Ok(generated)
}
