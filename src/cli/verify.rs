//! `verify`: receipts and proofs against a model manifest. What needs no circuit is the verifier's command line; here is
//! what a wrapped session needs besides.

use std::path::PathBuf;
use std::time::Instant;

use anyhow::{Context, anyhow};
use cairo_decode::receipt::Manifest;
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::CircuitRoot;
use cairo_decode::wrap::session::Covered;
use cairo_decode::wrap::{self, felt_digest, leaf::Leaf};
use cairo_decode_verifier::cli::verify::{self, print_tokens};

use super::{Failure, failure, output, paths};

/// Verify a session, or one receipt
///
/// Needs the receipts, their proofs and the model's manifest; no weights, no program, no prover. A
/// single receipt says nothing about what came before its first frontier.
///
/// Example: cairo-decode verify session --model build/stories/model.json
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    pub of: verify::Args,
    /// Verify the wrapped proofs instead of the chunks' own; needs --build or --leaf-root
    #[arg(long)]
    wrapped: bool,
    /// Build folder of the model, to compute the circuit's root from its program
    #[arg(long, requires = "wrapped")]
    build: Option<PathBuf>,
    /// Root of the model's circuit, as you trust it
    #[arg(
        long,
        value_name = "FELT",
        requires = "wrapped",
        conflicts_with = "build"
    )]
    leaf_root: Option<String>,
}

pub fn run(args: &Args) -> super::Outcome {
    if !args.wrapped {
        return verify::run(&args.of);
    }
    let manifest = args.of.manifest()?;
    let accept = args.of.accept(&manifest);
    if !args.of.is_session()? {
        return Err(Failure::Input(anyhow!(verify::SESSION_ONLY)));
    }
    paths::session_folder(&args.of.path)?;
    wrapped_session(args, &manifest, &accept)
}

/// The circuit that the wrapped proof must be about: given, or of the program in the build folder.
fn leaf_root(args: &Args, manifest: &Manifest) -> Result<[u8; 32], Failure> {
    if let Some(text) = &args.leaf_root {
        let root: CircuitRoot = text
            .parse()
            .with_context(|| format!("--leaf-root: {text:?}"))?;
        return Ok(felt_digest(&root.0)
            .with_context(|| format!("--leaf-root: {text:?} is no circuit's root"))?);
    }
    let Some(build) = &args.build else {
        return Err(Failure::Input(anyhow!(
            "--wrapped: needs --build or --leaf-root, to know which circuit to trust"
        )));
    };
    let decoder = paths::foldable(build)?;
    let both = [&decoder.manifest, manifest].map(|manifest| &manifest.model);
    let [found, expected] = both.map(|model| (model.model_root, model.program_hash));
    if found != expected {
        return Err(Failure::Input(anyhow!(
            "--build: its model is {} with the program {}, the manifest's is {} with {}",
            found.0,
            found.1,
            expected.0,
            expected.1
        )));
    }
    Ok(Leaf::new(&decoder.manifest.tensors, &decoder.program.words())?.root())
}

/// First chunk and number of chunks of each proof: the frontiers at both ends are proven, KV roots between are not.
fn covered(proofs: &[Covered]) -> Vec<[usize; 2]> {
    let each = proofs.iter();
    each.map(|covered| [covered.first, covered.chunks])
        .collect()
}

fn wrapped_session(args: &Args, manifest: &Manifest, accept: &Accept) -> super::Outcome {
    let root = leaf_root(args, manifest)?;
    let start = Instant::now();
    let verified = wrap::session::verify(&args.of.path, manifest, accept, root)
        .map_err(failure::of_wrapped)?;
    let time = start.elapsed();
    let (session, facts) = (verified.session, verified.facts);
    args.of.check_expected(&session)?;
    let chosen = facts.generated_tokens;
    if args.of.json {
        output::json(&serde_json::json!({
            "ok": true, "scope": "session", "session_id": session.session_id, "model_root": session.model_root,
            "program_hash": session.program_hash, "domain": session.domain, "policy": session.policy,
            "prompt_tokens": session.prompt_tokens, "generated_tokens": chosen,
            "chunks": facts.chunks, "proofs": verified.proofs.len(), "proof_chunks": covered(&verified.proofs), "verify_seconds": time.as_secs_f64(),
        }));
        return Ok(());
    }
    output::line(format!(
        "accepted: {} for {} chunks, verified in {}: model {} with the program {} from a prompt of {} tokens chose {} tokens, {}",
        match verified.proofs.len() {
            1 => "one proof".to_string(),
            n => format!("{n} proofs"),
        },
        facts.chunks,
        output::millis(time),
        session.model_root,
        session.program_hash,
        session.prompt_tokens.len(),
        chosen.len(),
        session.policy,
    ));
    print_tokens(&session, &chosen);
    if verified.proofs.iter().any(|covered| covered.chunks > 1) {
        output::line(
            "  not proven: the KV roots between the chunks of one proof; of each proof the first and the last frontier are",
        );
    }
    Ok(())
}
