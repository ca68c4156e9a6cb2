//! `verify`: receipts and proofs against a model manifest.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Instant;

use anyhow::Context;
use cairo_decode::receipt::{
    Manifest, ModelManifest, Session, SessionFacts, Stated, Verified, VerifySessionError,
    verify_receipt, verify_session, verify_tensor_receipt, verify_tensor_session,
};
use cairo_decode::verify::policy::Accept;
use cairo_decode::verify::statement::{CircuitRoot, Domain, SessionId};
use cairo_decode::wrap::{self, felt_digest, leaf::Leaf};

use super::{Failure, output, paths};

/// Verify a session, or one receipt
///
/// Needs the receipts, their proofs and the model's manifest; no weights, no program, no prover. A
/// single receipt says nothing about what came before its first frontier.
///
/// Example: cairo-decode verify session --model build/stories/model.json
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Session folder, or a receipt file with its proof beside it
    path: PathBuf,
    /// The model's manifest, or its build folder
    #[arg(long, value_name = "FILE")]
    model: PathBuf,
    /// The prompt's tokens, as you expect them: 0,190,246 [default: those of session.json, which the
    /// proofs bind but the prover chose]
    #[arg(long, value_name = "TOKENS", allow_hyphen_values = true)]
    prompt_tokens: Option<TokenIds>,
    /// The session's identity, as you expect it
    #[arg(long, value_name = "FELT")]
    session_id: Option<String>,
    /// Chain and contract that the receipts are for, for example SN_SEPOLIA/0x1234 [default: local]
    #[arg(long, value_name = "CHAIN/CONTRACT")]
    domain: Option<Domain>,
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
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

/// Token ids as [`output::tokens`] or JSON write them: with commas, and perhaps with spaces or in brackets.
#[derive(Debug, Clone)]
struct TokenIds(Vec<u32>);

impl FromStr for TokenIds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<TokenIds, &'static str> {
        let text = text.trim();
        let inner = text
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let ids = inner.unwrap_or(text).split(',');
        let ids: Result<Vec<u32>, _> = ids.map(|id| id.trim().parse()).collect();
        ids.map(TokenIds)
            .map_err(|_| "token ids with commas, like 0,190,246; `generate --json` prints them")
    }
}

pub fn run(args: &Args) -> super::Outcome {
    let manifest = paths::manifest(&args.model)?;
    let domain = args.domain.unwrap_or_else(Domain::local);
    let accept = manifest.model().accept(domain);
    if args.path.is_dir() {
        paths::session_folder(&args.path)?;
        return match (&manifest, args.wrapped) {
            (ModelManifest::Cairo(manifest), true) => wrapped_session(args, manifest, &accept),
            (ModelManifest::Tensors(_), true) => Err(Failure::Input(anyhow::anyhow!(
                "--wrapped: the model's proofs have tensor components, and such proofs are not wrapped"
            ))),
            (_, false) => whole_session(args, &manifest, &accept),
        };
    }
    paths::receipt(&args.path)?;
    if args.prompt_tokens.is_some() || args.session_id.is_some() || args.wrapped {
        let message = "--prompt-tokens, --session-id and --wrapped go with a session folder, not with one receipt";
        return Err(Failure::Input(anyhow::anyhow!(message)));
    }
    one_receipt(args, &manifest, &accept)
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
        return Err(Failure::Input(anyhow::anyhow!(
            "--wrapped: needs --build or --leaf-root, to know which circuit to trust"
        )));
    };
    let bundle = paths::build(build)?;
    if bundle.manifest.program_hash != manifest.program_hash {
        return Err(Failure::Input(anyhow::anyhow!(
            "--build: its program is {}, the manifest's is {}",
            bundle.manifest.program_hash,
            manifest.program_hash
        )));
    }
    Ok(Leaf::new(&bundle.program.words())?.root())
}

fn wrapped_session(args: &Args, manifest: &Manifest, accept: &Accept) -> super::Outcome {
    let root = leaf_root(args, manifest)?;
    let start = Instant::now();
    let verified =
        wrap::session::verify(&args.path, manifest, accept, root).map_err(Failure::of_wrapped)?;
    let time = start.elapsed();
    let (session, facts) = (verified.session, verified.facts);
    expected(args, &session)?;
    let chosen = facts.generated_tokens;
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "scope": "session", "session_id": session.session_id, "model_root": session.model_root,
            "program_hash": session.program_hash, "domain": session.domain, "policy": session.policy,
            "prompt_tokens": session.prompt_tokens, "generated_tokens": chosen,
            "chunks": facts.chunks, "proofs": verified.proofs, "verify_seconds": time.as_secs_f64(),
        }));
        return Ok(());
    }
    output::line(format!(
        "accepted: {} for {} chunks, verified in {}: model {} from a prompt of {} tokens chose {} tokens, {}",
        match verified.proofs {
            1 => "one proof".to_string(),
            n => format!("{n} proofs"),
        },
        facts.chunks,
        output::millis(time),
        session.model_root,
        session.prompt_tokens.len(),
        chosen.len(),
        session.policy,
    ));
    output::line(format!(
        "  session {} for {}",
        session.session_id, session.domain
    ));
    print_tokens(&session, &chosen);
    Ok(())
}

fn whole_session(args: &Args, manifest: &ModelManifest, accept: &Accept) -> super::Outcome {
    let path = &args.path;
    match manifest {
        ModelManifest::Cairo(manifest) => shown_session(args, |observe| {
            verify_session(path, manifest, accept, observe)
        }),
        ModelManifest::Tensors(manifest) => shown_session(args, |observe| {
            verify_tensor_session(path, manifest, accept, observe)
        }),
    }
}

/// What takes a verified receipt.
type Observe<'a, S> = &'a mut dyn FnMut(usize, &Verified<S>);

/// What a verified session is.
type Found<S> = (Session, SessionFacts<<S as Stated>::Frontier>);

fn shown_session<S: Stated>(
    args: &Args,
    verify: impl FnOnce(Observe<'_, S>) -> Result<Found<S>, VerifySessionError>,
) -> super::Outcome {
    let mut verified: Vec<Verified<S>> = vec![];
    let mut observe = |_: usize, v: &Verified<S>| verified.push(v.clone());
    let (session, facts) = verify(&mut observe).map_err(Failure::of_session)?;
    expected(args, &session)?;
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "scope": "session", "session_id": session.session_id, "model_root": session.model_root,
            "program_hash": session.program_hash, "domain": session.domain, "policy": session.policy,
            "prompt_tokens": session.prompt_tokens, "generated_tokens": facts.generated_tokens,
            "steps": facts.steps, "finished": facts.finished,
            "receipts": verified.iter().map(summary).collect::<Vec<_>>(),
        }));
    } else {
        print_session(&session, &facts.generated_tokens, &verified);
    }
    Ok(())
}

/// Compares what the proofs bind, but the prover chose, with what the caller expects.
fn expected(args: &Args, session: &Session) -> super::Outcome {
    let differs = |field: &str, found: String, expected: &str| {
        let file = args.path.join(cairo_decode::receipt::SESSION_FILE);
        let message = format!(
            "{}: {field}: is {found}, expected {expected}",
            file.display()
        );
        Err(Failure::Rejected(anyhow::anyhow!(message)))
    };
    if let Some(TokenIds(tokens)) = &args.prompt_tokens
        && *tokens != session.prompt_tokens
    {
        return differs(
            "prompt_tokens",
            output::tokens(&session.prompt_tokens),
            &output::tokens(tokens),
        );
    }
    if let Some(text) = &args.session_id {
        let id: SessionId = text
            .parse()
            .with_context(|| format!("--session-id: {text:?}"))?;
        if id != session.session_id {
            return differs("session_id", session.session_id.to_string(), text);
        }
    }
    Ok(())
}

fn one_receipt(args: &Args, manifest: &ModelManifest, accept: &Accept) -> super::Outcome {
    let path = &args.path;
    match manifest {
        ModelManifest::Cairo(_) => shown_receipt(args, verify_receipt(path, accept)),
        ModelManifest::Tensors(manifest) => {
            shown_receipt(args, verify_tensor_receipt(path, accept, manifest))
        }
    }
}

fn shown_receipt<S: Stated>(
    args: &Args,
    verified: Result<Verified<S>, VerifySessionError>,
) -> super::Outcome {
    let verified = verified.map_err(Failure::of_session)?;
    if args.json {
        let statement = &verified.receipt.statement;
        output::json(&serde_json::json!({
            "ok": true, "scope": "receipt", "session_id": statement.session_id(),
            "model_root": statement.subject().model_root, "receipt": summary(&verified),
        }));
    } else {
        output::line(describe(&verified));
        output::line("accepted: this chunk only; its first frontier is taken as given");
    }
    Ok(())
}

fn summary<S: Stated>(verified: &Verified<S>) -> serde_json::Value {
    let s = &verified.receipt.statement;
    serde_json::json!({
        "first_position": S::position(s.frontier_in()), "steps": s.steps(),
        "forced_tokens": verified.receipt.forced_tokens,
        "emitted_tokens": verified.receipt.emitted_tokens,
        "security_bits": verified.receipt.proof.security_bits,
        "verify_seconds": verified.time.as_secs_f64(),
    })
}

/// What a chunk did. A step reads the token at its position and says the next one: while the prompt lasts, the
/// prompt's, and after it one that the policy chooses.
fn describe<S: Stated>(verified: &Verified<S>) -> String {
    let s = &verified.receipt.statement;
    let [first, next] = [s.frontier_in(), s.frontier_out()].map(S::position);
    let of_prompt = s.prompt_length().min(next).saturating_sub(first);
    format!(
        "{}: read {of_prompt} of the prompt's {} tokens, chose {}; {} bits, verified in {}",
        match s.steps() {
            1 => format!("position {first}"),
            _ => format!("positions {first} to {}", next.saturating_sub(1)),
        },
        s.prompt_length(),
        verified.receipt.emitted_tokens.len(),
        verified.receipt.proof.security_bits,
        output::millis(verified.time),
    )
}

fn print_session<S: Stated>(session: &Session, chosen: &[u32], verified: &[Verified<S>]) {
    for (i, v) in verified.iter().enumerate() {
        output::line(format!("receipt {i:04}  {}", describe(v)));
    }
    output::line(format!(
        "accepted: model {} from a prompt of {} tokens chose {} tokens, {}",
        session.model_root,
        session.prompt_tokens.len(),
        chosen.len(),
        session.policy,
    ));
    output::line(format!(
        "  session {} for {}",
        session.session_id, session.domain
    ));
    print_tokens(session, chosen);
}

/// The tokens, so that they can be pasted into `--prompt-tokens`.
fn print_tokens(session: &Session, chosen: &[u32]) {
    output::line(format!(
        "  prompt  {}",
        output::tokens(&session.prompt_tokens)
    ));
    output::line(format!("  chosen  {}", output::tokens(chosen)));
}
