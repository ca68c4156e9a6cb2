//! `compile`: a Hugging Face model directory → a build folder.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::ensure;
use cairo_decode::bundle::{self, BuildReport, BuildRequest, Fidelity, Origin, Stage, TextUse};
use cairo_decode::decode::{Cost, Cut};
use cairo_decode::escape;
use cairo_decode::fidelity::{MIN_AGREEMENT, MIN_TOKENS, Verdict, readable, readable_change};
use cairo_decode::model::Eos;
use cairo_decode::portable::PortableDocument;
use cairo_decode::quantize::sites::Loss;
use cairo_decode::receipt::Manifest;
use cairo_decode::tensor::LANES;
use cairo_decode::verify::params::{self, ParamSet};
use serde::Serialize;

use super::progress::Progress;
use super::{output, portable};

/// Import, quantise and compile a model directory or a GGUF file; print a fidelity report
///
/// Reads config.json, model.safetensors (or shards) and tokenizer.json, or a GGUF file, which has all three. Scales are calibrated on
/// calibration.txt, quality is measured on heldout.txt; both are looked for in the model directory. A directory without
/// them, as those of the hub, gets plain English texts that come with the program. A model whose integers do not follow
/// its floats is not built.
///
/// Example: cairo-decode compile models/stories -o build/stories
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Hugging Face model directory, or a file whose name ends in .gguf
    model: PathBuf,
    /// Build folder to make; an earlier build there is replaced, unless its folder holds anything else
    #[arg(short, long)]
    out: PathBuf,
    /// Calibration text, documents separated by blank lines; a file or a pipe [default: MODEL/calibration.txt, or else a
    /// text of the program]
    #[arg(long, value_name = "FILE")]
    calibration: Option<PathBuf>,
    /// Held-out text for the fidelity report [default: MODEL/heldout.txt, or else a text of the program]
    #[arg(long, value_name = "FILE")]
    heldout: Option<PathBuf>,
    /// Build the model however little its integers follow its floats
    #[arg(long)]
    accept_fidelity: bool,
    /// What people call the model; nothing that is proven depends on it [default: the directory's name]
    #[arg(long)]
    name: Option<String>,
    /// Longest context in tokens [default: the model's]
    #[arg(long, value_name = "TOKENS", allow_negative_numbers = true)]
    context: Option<usize>,
    /// Token that ends a session, or none [default: the one that the model's files name]
    ///
    /// A session ends at one token. Where the files name several, one is chosen here; the others are then tokens like
    /// any other, and text goes on after them.
    #[arg(long, value_name = "ID|none", allow_negative_numbers = true, value_parser = eos)]
    eos: Option<Eos>,
    /// What the build is: a program that calls tensor components, which prove products and attention; or with cairo, for small models, a
    /// package of plain Cairo that any compiler, VM and prover of Cairo takes, which `run` runs and nothing here proves
    #[arg(long, value_enum, default_value_t = Target::Tensors)]
    target: Target,
    /// Decode steps that a proof has at most, 8, 16, 32 or 64; with more of them a step costs less, and a
    /// proof is larger [default: the most of which a proof behind a full context takes at most 12 GB of memory]
    #[arg(long, value_name = "STEPS", allow_negative_numbers = true)]
    lanes: Option<usize>,
    /// Compact proofs are half as long as plain ones and verified in half the time, and take longer and more
    /// memory to make; large is for models that have too many rows for plain. Foldable proofs can be wrapped for a contract: with more blow-up
    /// they have fewer queries and take more memory, and more lanes fit; foldable-large is for models of more than 2^18 rows [default: compact where plain proofs are longer than
    /// 3 MB and compact ones take at most 12 GB of memory]
    #[arg(long, value_enum)]
    proofs: Option<Proofs>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// What a build is for.
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Target {
    Tensors,
    Cairo,
}

/// See [`params`].
#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Proofs {
    Plain,
    Compact,
    Large,
    #[value(name = "foldable-8")]
    Foldable8,
    #[value(name = "foldable-16")]
    Foldable16,
    #[value(name = "foldable-32")]
    Foldable32,
    FoldableLarge,
}

impl Proofs {
    fn set(self) -> &'static ParamSet {
        match self {
            Proofs::Plain => &params::PLAIN,
            Proofs::Compact => &params::COMPACT,
            Proofs::Large => &params::LARGE,
            Proofs::Foldable8 => &params::FOLDABLE_8,
            Proofs::Foldable16 => &params::FOLDABLE_16,
            Proofs::Foldable32 => &params::FOLDABLE_32,
            Proofs::FoldableLarge => &params::FOLDABLE_LARGE,
        }
    }
}

/// Bytes of memory from which on people hear what a chunk will take before the rest is done, which takes a while then.
const ANNOUNCED: u64 = 4_000_000_000;

pub fn run(args: &Args) -> super::Outcome {
    let request = request(args)?;
    let bar = Progress::spinning()?;
    let start = Instant::now();
    let mut show = |stage| match stage {
        Stage::Planned(cost) if cost.memory_bytes >= ANNOUNCED => {
            bar.note(format!("note: a chunk will take {}", describe_cost(&cost)));
        }
        stage => bar.message(describe(stage)),
    };
    match args.target {
        Target::Tensors => {
            let report = bundle::build(&request, &mut show)?;
            drop(bar);
            print(args, &report, start.elapsed().as_secs_f64());
        }
        Target::Cairo => {
            let report = bundle::build_portable(&request, &mut show)?;
            drop(bar);
            print_portable(args, &report, start.elapsed().as_secs_f64());
        }
    }
    Ok(())
}

/// What is asked for.
fn request(args: &Args) -> anyhow::Result<BuildRequest> {
    if let Some(lanes) = args.lanes {
        ensure!(
            LANES.contains(&lanes),
            "--lanes: must be 8, 16, 32 or 64, not {lanes}"
        );
    }
    Ok(BuildRequest {
        model: args.model.clone(),
        name: args.name.clone(),
        calibration: args.calibration.clone(),
        heldout: args.heldout.clone(),
        accept_fidelity: args.accept_fidelity,
        eos: args.eos,
        out: args.out.clone(),
        context: args.context,
        cut: Cut {
            lanes: args.lanes,
            block: None,
            set: args.proofs.map(Proofs::set),
        },
    })
}

/// A token id, or `none`.
fn eos(text: &str) -> Result<Eos, String> {
    match text {
        "none" => Ok(Eos::None),
        _ => text
            .parse()
            .map(Eos::Token)
            .map_err(|_| "expected a token id or none".to_owned()),
    }
}

fn describe(stage: Stage) -> &'static str {
    match stage {
        Stage::Import => "reading the model",
        Stage::Quantize => "calibrating and quantising",
        Stage::Planned(_) => "planning",
        Stage::Fidelity => "measuring fidelity",
        Stage::Compile => "compiling Cairo",
        Stage::Write => "writing the build",
    }
}

/// What a chunk costs at most.
fn describe_cost(cost: &Cost) -> String {
    format!(
        "at most {:.0} M cells, {} of memory, about {:.0} core-seconds, a proof of {}",
        cost.cells.all() as f64 / 1e6,
        output::gigabytes(Some(cost.memory_bytes)),
        cost.core_milliseconds as f64 / 1e3,
        output::megabytes(cost.proof_bytes as usize),
    )
}

/// Prints what a build is.
fn print(args: &Args, report: &BuildReport<Manifest>, seconds: f64) {
    if !begin(args, report, seconds, "manifest") {
        return;
    }
    let m = &report.manifest.model;
    output::line(format!(
        "model        {} ({} parameters)",
        escape::quoted(&m.name),
        m.parameters
    ));
    output::line(format!("model root   {}", m.model_root));
    output::line(format!(
        "program      {} ({} words)",
        m.program_hash, report.words
    ));
    let layouts = report.manifest.tensors.layouts();
    output::line(format!(
        "proofs       at most {} steps each, in {} components",
        layouts.lanes,
        layouts.components.len()
    ));
    if let Some(cost) = &report.cost {
        output::line(format!("chunk        {}", describe_cost(cost)));
    }
    output::line(format!(
        "policy       {}, context {}",
        m.policy, m.context_length
    ));
    print_fidelity(&report.fidelity);
    output::line(format!(
        "build        {} in {seconds:.1} s",
        args.out.display()
    ));
}

/// Prints what a portable build is.
fn print_portable(args: &Args, report: &BuildReport<PortableDocument>, seconds: f64) {
    if !begin(args, report, seconds, "portable") {
        return;
    }
    portable::print(&report.manifest);
    print_fidelity(&report.fidelity);
    let out = args.out.display();
    output::line(format!("build        {out} in {seconds:.1} s"));
    output::line(format!("package      {out}/cairo/model"));
}

/// Says all as JSON, or the warnings; whether more is to be said. `document` is what the build's document is called.
fn begin<M: Serialize>(args: &Args, report: &BuildReport<M>, seconds: f64, document: &str) -> bool {
    let warnings: Vec<String> = report.warnings.iter().map(ToString::to_string).collect();
    if args.json {
        let mut answer = serde_json::json!({
            "ok": true, document: report.manifest, "fidelity": report.fidelity, "program_words": report.words,
            "seconds": seconds, "warnings": warnings,
        });
        if let Some(cost) = &report.cost {
            answer["cost"] = serde_json::json!(cost);
        }
        output::json(&answer);
        return false;
    }
    for warning in warnings {
        output::note(format!("warning: {warning}"));
    }
    true
}

/// How many kinds of operations are named as those that lose most.
const NAMED_LOSSES: usize = 3;

fn nats(divergence: f64) -> String {
    match divergence {
        small if small < 1e-4 => format!("{small:.1e}"),
        small if small < 1.0 => format!("{small:.5}"),
        large => readable(large),
    }
}

fn print_fidelity(fidelity: &Fidelity) {
    let f = &fidelity.report;
    output::line(format!("calibrated   {}", fidelity.calibration));
    output::line(format!("fidelity     {}", fidelity.heldout));
    output::line(format!(
        "  top-1 agreement   {:.2} % of {} positions",
        100.0 * f.top1_agreement,
        f.tokens
    ));
    output::line(format!(
        "  KL divergence     {} nats",
        nats(f.kl_divergence)
    ));
    output::line(format!(
        "  perplexity        {} integer, {} float ({})",
        readable(f.perplexity_int),
        readable(f.perplexity_float),
        readable_change(f.perplexity_ratio)
    ));
    let losses = fidelity.losses.iter().take(NAMED_LOSSES);
    let loss = |loss: &Loss| format!("{} {} nats", loss.part, nats(loss.kl_divergence));
    let losses: Vec<String> = losses.map(loss).collect();
    if !losses.is_empty() {
        output::line(format!("  most is lost by   {}", losses.join(", ")));
    }
    for warning in warnings(fidelity) {
        output::note(format!("warning: {warning}"));
    }
}

/// What a reader of the numbers should know.
fn warnings(fidelity: &Fidelity) -> Vec<String> {
    let mut warnings = vec![];
    if let [first, ..] = &fidelity.report.stops[..] {
        warnings.push(format!(
            "the integer model stops in {} paragraphs of the held-out text, first at token {} of paragraph {} ({}); it cannot \
             prove them",
            fidelity.report.stops.len(),
            first.token,
            first.document,
            first.problem
        ));
    }
    match fidelity.report.verdict() {
        Verdict::Useful if fidelity.report.top1_agreement < MIN_AGREEMENT => warnings.push(format!(
            "both put the same token first at fewer than {:.0} % of the positions, as they find several about as likely: \
             their greedy text will differ",
            100.0 * MIN_AGREEMENT
        )),
        Verdict::Useful => {}
        Verdict::TooFewTokens => warnings.push(format!(
            "fewer than {MIN_TOKENS} positions say little; pass a longer text with --heldout FILE"
        )),
        Verdict::Useless => warnings.push(
            "the integer model does not follow the float model; built because of --accept-fidelity"
                .to_string(),
        ),
        Verdict::NothingToFollow => warnings.push(format!(
            "the float model's own perplexity is {}, so the integers have nothing to follow; built because of \
             --accept-fidelity",
            readable(fidelity.report.perplexity_float)
        )),
    }
    if fidelity.calibration.tokens < MIN_TOKENS {
        warnings.push(format!(
            "scales that are calibrated on fewer than {MIN_TOKENS} tokens may not suit others; pass a longer text with --calibration FILE"
        ));
    }
    let texts = [
        (&fidelity.calibration, "--calibration"),
        (&fidelity.heldout, "--heldout"),
    ];
    for (text, option) in texts {
        if text.mostly_unknown {
            warnings.push(format!(
                "the tokenizer knows little of {}; pass a text that the model knows with {option} FILE",
                text.name
            ));
        }
    }
    let own = |text: &TextUse| matches!(text.origin, Origin::Program | Origin::RandomTokens);
    if own(&fidelity.heldout) && own(&fidelity.calibration) {
        warnings.push(
            "scales and numbers are of texts that nobody chose for this model; on its own kind of text they may differ \
             (--calibration FILE, --heldout FILE)"
                .to_string(),
        );
    } else if own(&fidelity.calibration) {
        warnings.push(
            "scales are calibrated on a text that nobody chose for this model; on its own kind of text they may differ \
             (--calibration FILE)"
                .to_string(),
        );
    } else if own(&fidelity.heldout) {
        warnings.push(
            "the numbers are of a text that nobody chose for this model; on its own kind of text they may differ (--heldout FILE)"
                .to_string(),
        );
    }
    warnings
}
