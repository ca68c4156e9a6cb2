//! `compile`: a Hugging Face model directory → a build folder.

use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::Context;
use cairo_decode::bundle::{self, BuildReport, BuildRequest, Stage};
use cairo_decode::lower::WeightLayout;
use cairo_decode::quantize::QuantOptions;

use super::output;
use super::progress::Progress;

/// Import, quantise and compile a model directory; print a fidelity report
///
/// Reads config.json, model.safetensors (or shards) and tokenizer.json. Scales are calibrated on
/// calibration.txt, quality is measured on heldout.txt; both are looked for in the model directory.
///
/// Example: cairo-decode compile models/stories -o build/stories
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Hugging Face model directory
    model: PathBuf,
    /// Build folder to make (an earlier build there is replaced)
    #[arg(short, long)]
    out: PathBuf,
    /// Calibration text, documents separated by blank lines [default: MODEL/calibration.txt]
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Held-out text for the fidelity report [default: MODEL/heldout.txt]
    #[arg(long, value_name = "FILE")]
    heldout: Option<PathBuf>,
    /// Name of the model and its Cairo package [default: the directory's name]
    #[arg(long)]
    name: Option<String>,
    /// Longest context in tokens [default: the model's]
    #[arg(long, value_name = "TOKENS")]
    context: Option<usize>,
    /// How the program comes to its weights: with pairs it holds them in few words, for proofs that are wrapped; with
    /// ready it has less to prove per chunk; with committed it reads them, and a proof has only a hash of them
    #[arg(long, value_enum, default_value_t = Weights::Pairs)]
    weights: Weights,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// See [`WeightLayout`].
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Weights {
    Pairs,
    Ready,
    Committed,
}

pub fn run(args: &Args) -> super::Outcome {
    let request = request(args)?;
    let bar = Progress::spinning()?;
    let start = Instant::now();
    let report = bundle::build(&request, &mut |stage| bar.message(describe(stage)))?;
    drop(bar);
    print(args, &report, start.elapsed().as_secs_f64());
    Ok(())
}

fn request(args: &Args) -> anyhow::Result<BuildRequest> {
    let beside = |given: &Option<PathBuf>, name: &str| {
        given.clone().unwrap_or_else(|| args.model.join(name))
    };
    let name = match &args.name {
        Some(name) => name.clone(),
        None => package_name(&args.model)
            .context("--name: the directory's name gives no package name, pass one")?,
    };
    Ok(BuildRequest {
        model: args.model.clone(),
        calibration: beside(&args.calibration, "calibration.txt"),
        heldout: beside(&args.heldout, "heldout.txt"),
        out: args.out.clone(),
        options: QuantOptions {
            name,
            context: args.context,
            ..QuantOptions::default()
        },
        weights: match args.weights {
            Weights::Pairs => WeightLayout::Pairs,
            Weights::Ready => WeightLayout::Ready,
            Weights::Committed => WeightLayout::Committed,
        },
    })
}

/// The directory's name as a package name: lower case, other characters as `_`.
fn package_name(dir: &Path) -> Option<String> {
    let dir = dir.canonicalize().ok()?;
    let name = dir.file_name()?.to_string_lossy().to_lowercase();
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let name: String = name.chars().map(plain).collect();
    name.starts_with(|c: char| c.is_ascii_lowercase())
        .then_some(name)
}

fn describe(stage: Stage) -> &'static str {
    match stage {
        Stage::Import => "reading the model",
        Stage::Quantize => "calibrating and quantising",
        Stage::Fidelity => "measuring fidelity",
        Stage::Lower => "generating Cairo",
        Stage::Compile => "compiling Cairo",
        Stage::Write => "writing the build",
    }
}

fn print(args: &Args, report: &BuildReport, seconds: f64) {
    let (m, f) = (&report.manifest, &report.fidelity);
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "manifest": m, "fidelity": f, "program_words": report.words, "seconds": seconds,
        }));
        return;
    }
    output::line(format!(
        "model        {} ({} parameters)",
        m.name, m.parameters
    ));
    output::line(format!("model root   {}", m.model_root));
    output::line(format!(
        "program      {} ({} words)",
        m.program_hash, report.words
    ));
    output::line(format!(
        "policy       {}, context {}",
        m.policy, m.context_length
    ));
    output::line(format!("fidelity on  {} tokens of held-out text", f.tokens));
    output::line(format!(
        "  top-1 agreement   {:.2} %",
        100.0 * f.top1_agreement
    ));
    output::line(format!("  KL divergence     {:.5} nats", f.kl_divergence));
    output::line(format!(
        "  perplexity        {:.4} integer, {:.4} float ({:+.2} %)",
        f.perplexity_int,
        f.perplexity_float,
        100.0 * (f.perplexity_ratio - 1.0)
    ));
    output::line(format!(
        "build        {} in {seconds:.1} s",
        args.out.display()
    ));
}
