//! `generate`: the integer model alone, at native speed.

use std::path::PathBuf;
use std::time::Instant;

use cairo_decode::bundle::Bundle;
use cairo_decode::engine::Engine;

use super::output;
use super::paths::AnyBuild;
use super::prompt::{Asked, Prompt};

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
    let build = AnyBuild::open(&args.build)?;
    let text = build.text();
    let prompt = args.asked.read_for(text, build.manifest().context_length)?;
    let start = Instant::now();
    let generated = match &build {
        AnyBuild::Steps(bundle) => generate(bundle, &prompt),
        AnyBuild::Tensors(of) => of.model.generate(&prompt.tokens, prompt.new_tokens)?,
    };
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

/// The tokens after the prompt; [`Asked::read_for`] has checked that there is room for them.
fn generate(bundle: &Bundle, prompt: &Prompt) -> Vec<u32> {
    let Some((&last, carried)) = prompt.tokens.split_last() else {
        return vec![];
    };
    let mut engine = Engine::new(&bundle.graph);
    carried.iter().for_each(|&token| engine.carry(token));
    let (mut last, mut generated) = (last, vec![]);
    for _ in 0..prompt.new_tokens {
        last = engine.step(last);
        generated.push(last);
        if Some(last) == bundle.manifest.policy.eos {
            break;
        }
    }
    generated
}
