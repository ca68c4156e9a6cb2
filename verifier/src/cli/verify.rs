//! Verifying a session, or one receipt, from its files: what `cairo-decode-verify` does, and `cairo-decode verify` too.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::Context;

use super::failure::Failure;
use super::{Outcome, output, paths};
use crate::receipt::{
    Accepted, Expected, Folder, Manifest, Receipt, Rejected, Session, SessionBundle, TokenIds,
    Verification, verify_receipt,
};
use crate::verify::policy::Accept;
use crate::verify::statement::Domain;

/// What is verified, and what is expected of it.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Session folder, a session's bundle, or a receipt file with its proof beside it
    pub path: PathBuf,
    /// The model's manifest, or its build folder
    #[arg(long, value_name = "FILE")]
    pub model: PathBuf,
    /// The prompt's tokens, as you expect them: 0,190,246 [default: those of session.json, which the
    /// proofs bind but the prover chose]
    #[arg(long, value_name = "TOKENS", allow_hyphen_values = true)]
    pub prompt_tokens: Option<TokenIds>,
    /// The session's identity, as you expect it
    #[arg(long, value_name = "FELT")]
    pub session_id: Option<String>,
    /// Chain and contract that the receipts are for, for example SN_SEPOLIA/0x1234 [default: local]
    #[arg(long, value_name = "CHAIN/CONTRACT")]
    pub domain: Option<Domain>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

impl Args {
    /// The manifest that `--model` names.
    ///
    /// # Errors
    /// A path that is no manifest's.
    pub fn manifest(&self) -> anyhow::Result<Manifest> {
        paths::manifest(&self.model)
    }

    /// What a verifier accepts that expects this manifest's model in `--domain`.
    pub fn accept(&self, manifest: &Manifest) -> Accept {
        manifest.accept(self.domain.unwrap_or_else(Domain::local))
    }

    /// Whether the path is a session's folder or bundle; a receipt, if not.
    ///
    /// # Errors
    /// A path that is neither, or options that go with a session only.
    pub fn is_session(&self) -> anyhow::Result<bool> {
        if self.path.is_dir() {
            paths::session_folder(&self.path)?;
            return Ok(true);
        }
        if paths::is_bundle(&self.path)? {
            return Ok(true);
        }
        paths::receipt(&self.path)?;
        if self.prompt_tokens.is_some() || self.session_id.is_some() {
            anyhow::bail!(SESSION_ONLY);
        }
        Ok(false)
    }

    /// Compares what the proofs bind, but the prover chose, with what the caller expects.
    ///
    /// # Errors
    /// What differs.
    pub fn check_expected(&self, session: &Session) -> Outcome {
        let id = self.session_id.as_ref().map(|text| {
            text.parse()
                .with_context(|| format!("--session-id: {text:?}"))
        });
        let expected = Expected {
            prompt_tokens: self.prompt_tokens.clone(),
            session_id: id.transpose()?,
        };
        let checked = expected.check(&self.path, session);
        checked.map_err(Failure::of_session)
    }
}

/// What is said of options for a session that come with one receipt.
pub const SESSION_ONLY: &str =
    "--prompt-tokens, --session-id and --wrapped go with a session, not with one receipt";

/// Verifies what the arguments say, and prints what was found.
///
/// # Errors
/// Arguments that name something else, or the first thing that does not hold.
pub fn run(args: &Args) -> Outcome {
    let manifest = args.manifest()?;
    let accept = args.accept(&manifest);
    match args.is_session()? {
        true => session(args, &manifest, &accept),
        false => receipt(args, &manifest, &accept),
    }
}

/// Verifies a session.
///
/// # Errors
/// The first thing that does not hold.
pub fn session(args: &Args, manifest: &Manifest, accept: &Accept) -> Outcome {
    let opened = match args.path.is_dir() {
        true => Verification::open(Folder::new(&args.path), manifest, accept),
        false => SessionBundle::open(&args.path)
            .map_err(Rejected::from)
            .and_then(|bundle| Verification::open(bundle, manifest, accept)),
    };
    let mut session = opened.map_err(Failure::of_session)?;
    let mut times = vec![];
    loop {
        let start = Instant::now();
        match session.next_chunk().map_err(Failure::of_session)? {
            Some(_) => times.push(start.elapsed()),
            None => break,
        }
    }
    let accepted = session.finish().map_err(Failure::of_session)?;
    args.check_expected(&accepted.session)?;
    if args.json {
        let session = &accepted.session;
        let receipts = accepted.chunks.iter().zip(&times);
        output::json(&serde_json::json!({
            "ok": true, "scope": "session", "session_id": session.session_id, "model_root": session.model_root,
            "program_hash": session.program_hash, "domain": session.domain, "policy": session.policy,
            "prompt_tokens": session.prompt_tokens, "generated_tokens": accepted.generated_tokens,
            "steps": accepted.steps, "finished": accepted.finished,
            "receipts": receipts.map(|(chunk, time)| summary(chunk, *time)).collect::<Vec<_>>(),
        }));
    } else {
        print_session(&accepted, &times);
    }
    Ok(())
}

/// Verifies one receipt.
fn receipt(args: &Args, manifest: &Manifest, accept: &Accept) -> Outcome {
    let start = Instant::now();
    let name = args.path.file_name().and_then(|name| name.to_str());
    let name = name.with_context(|| format!("{}: its name is no text", args.path.display()))?;
    let folder = Folder::new(args.path.parent().unwrap_or(Path::new("")));
    let chunk = verify_receipt(&folder, name, manifest, accept).map_err(Failure::of_session)?;
    let time = start.elapsed();
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "scope": "receipt", "session_id": chunk.statement.session_id,
            "model_root": chunk.statement.model_root, "receipt": summary(&chunk, time),
        }));
    } else {
        output::line(describe(&chunk, time));
        output::line("accepted: this chunk only; its first frontier is taken as given");
    }
    Ok(())
}

fn summary(chunk: &Receipt, time: Duration) -> serde_json::Value {
    serde_json::json!({
        "first_position": chunk.statement.frontier_in.position, "steps": chunk.statement.steps,
        "forced_tokens": chunk.forced_tokens,
        "emitted_tokens": chunk.emitted_tokens,
        "security_bits": chunk.proof.security_bits,
        "verify_seconds": time.as_secs_f64(),
    })
}

/// What a chunk did. A step reads the token at its position and says the next one: while the prompt lasts, the
/// prompt's, and after it one that the policy chooses.
fn describe(chunk: &Receipt, time: Duration) -> String {
    let first = chunk.statement.frontier_in.position;
    let next = first.saturating_add(chunk.statement.steps);
    let of_prompt = chunk
        .statement
        .prompt_length
        .min(next)
        .saturating_sub(first);
    format!(
        "{}: read {of_prompt} of the prompt's {} tokens, chose {}; {} bits, verified in {}",
        match chunk.statement.steps {
            1 => format!("position {first}"),
            _ => format!("positions {first} to {}", next.saturating_sub(1)),
        },
        chunk.statement.prompt_length,
        chunk.emitted_tokens.len(),
        chunk.proof.security_bits,
        output::millis(time),
    )
}

fn print_session(accepted: &Accepted, times: &[Duration]) {
    for (i, (chunk, time)) in accepted.chunks.iter().zip(times).enumerate() {
        output::line(format!("receipt {i:04}  {}", describe(chunk, *time)));
    }
    let session = &accepted.session;
    output::line(format!(
        "accepted: model {} with the program {} from a prompt of {} tokens chose {} tokens, {}",
        session.model_root,
        session.program_hash,
        session.prompt_tokens.len(),
        accepted.generated_tokens.len(),
        session.policy,
    ));
    print_tokens(session, &accepted.generated_tokens);
}

/// The session's identity, and the tokens, so that they can be pasted into `--prompt-tokens`.
pub fn print_tokens(session: &Session, chosen: &[u32]) {
    output::line(format!(
        "  session {} for {}",
        session.session_id, session.domain
    ));
    output::line(format!(
        "  prompt  {}",
        output::tokens(&session.prompt_tokens)
    ));
    output::line(format!("  chosen  {}", output::tokens(chosen)));
}
