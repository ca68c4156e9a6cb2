//! `chain submit` and `chain status`: sessions and the registry.
//!
//! What names the model comes from the build folder, never from the session's: its circuit is computed from the
//! program, and the session's documents are compared with it.

use std::path::Path;

use anyhow::anyhow;
use cairo_decode::chain::Registry;
use cairo_decode::chain::claim::{self, SessionName, SessionState};
use cairo_decode::chain::deployment::Deployment;
use cairo_decode::chain::{Chain, Sent};
use cairo_decode::receipt::{Manifest, Receipt, SESSION_FILE, Session, Wrapped};
use cairo_decode::verify::statement::Frontier;
use cairo_decode::verify::statement::{CircuitRoot, Domain, felt_to_hex};
use cairo_decode::wrap::leaf::Leaf;
use cairo_decode::wrap::{self, digest_felt};
use starknet_types_core::felt::Felt;

use super::{Args, account, deployed, failure, sending, sent_json, sent_line};
use crate::cli::failure::{self, Done};
use crate::cli::{Failure, Outcome, output, paths};

/// A model as a build folder pins it.
pub struct Pinned {
    pub manifest: Manifest,
    circuit: [u8; 32],
}

impl Pinned {
    /// Reads a build folder and computes the circuit of its program.
    pub fn open(build: &Path) -> Result<Pinned, Failure> {
        let decoder = paths::foldable(build)?;
        let circuit = Leaf::new(&decoder.manifest.tensors, &decoder.program.words())?.root();
        Ok(Pinned {
            manifest: decoder.manifest,
            circuit,
        })
    }

    pub fn leaf_root(&self) -> CircuitRoot {
        CircuitRoot(digest_felt(&self.circuit))
    }

    pub fn model_id(&self) -> Felt {
        claim::model_id(&self.manifest, self.leaf_root())
    }
}

/// A wrapped session's folder.
struct Folder {
    session: Session,
    receipts: Vec<Receipt>,
    wrapped: Vec<Wrapped>,
}

impl Folder {
    /// Reads a session's documents and checks that they are about this model, its circuit and this registry; with
    /// `verify` their proofs too.
    fn open(dir: &Path, model: &Pinned, domain: Domain, verify: bool) -> Result<Folder, Failure> {
        paths::session_folder(dir)?;
        let (session, receipts, wrapped) = wrap::session::open(dir, &model.manifest, model.circuit)
            .map_err(failure::of_wrapped)?;
        same_domain(dir, &session, domain)?;
        if verify {
            let accept = model.manifest.model.accept(domain);
            wrap::session::verify(dir, &model.manifest, &accept, model.circuit)
                .map_err(failure::of_wrapped)?;
        }
        if receipts.is_empty() {
            return Err(Failure::Input(anyhow!(
                "{}: has no receipts",
                dir.display()
            )));
        }
        Ok(Folder {
            session,
            receipts,
            wrapped,
        })
    }

    /// What names the session in the registry.
    fn name(&self, model: &Pinned) -> SessionName {
        SessionName::of(model.model_id(), &self.receipts[0])
    }

    /// Where the chunks of each wrapped document end.
    fn ends(&self) -> Vec<Frontier> {
        let last = self
            .wrapped
            .iter()
            .map(|w| (w.first_chunk + w.chunks) as usize - 1);
        last.map(|chunk| self.receipts[chunk].statement.frontier_out)
            .collect()
    }

    /// The wrapped document that begins at a chunk.
    fn beginning_at(&self, first: u32) -> Result<&Wrapped, Failure> {
        let part = self.wrapped.iter().find(|w| w.first_chunk == first);
        part.ok_or_else(|| {
            let known = self.wrapped.iter().map(|w| w.first_chunk.to_string());
            Failure::Input(anyhow!(
                "--from: no wrapped proof begins at chunk {first}; they begin at {}",
                known.collect::<Vec<_>>().join(", ")
            ))
        })
    }
}

fn same_domain(dir: &Path, session: &Session, domain: Domain) -> Result<(), Failure> {
    if session.domain == domain {
        return Ok(());
    }
    Err(Failure::Rejected(anyhow!(
        "{}: domain: is {}, the registry's is {domain}; prove the session with --domain {domain}",
        dir.join(SESSION_FILE).display(),
        session.domain,
    )))
}

pub fn submit(args: &Args, dir: &Path, build: &Path, from: Option<u32>) -> Outcome {
    let (deployment, chain) = deployed(args)?;
    let account = account(args, &deployment.rpc)?;
    let model = Pinned::open(build)?;
    let folder = Folder::open(dir, &model, deployment.domain(), false)?;
    let (registry, name) = (
        Registry::new(&chain, deployment.registry.0),
        folder.name(&model),
    );
    let ends = folder.ends();
    let mut accepted = registry.accepted(&name, &ends).map_err(failure)?;
    let only = from.map(|first| folder.beginning_at(first)).transpose()?;
    let mut rows = vec![];
    for (part, wrapped) in folder.wrapped.iter().enumerate() {
        let asked = only.map_or(!accepted[part], |only| only == wrapped);
        if !asked {
            continue;
        }
        let calldata = claim::submission(model.model_id(), &folder.receipts, wrapped)
            .ok_or_else(|| anyhow!("{}: has no receipts", dir.display()))?;
        let sent = sending(args, |s| {
            chain.invoke(&account, deployment.registry.0, "submit", calldata, s)
        });
        match sent {
            Ok(sent) => {
                show(args, wrapped, &sent);
                rows.push(serde_json::json!({
                    "first_chunk": wrapped.first_chunk, "chunks": wrapped.chunks, "sent": sent_json(&sent),
                }));
            }
            // Somebody else has submitted what ends there meanwhile, and perhaps other parts.
            Err(error) if from.is_none() && error.is_replay() => {
                let known = registry.accepted(&name, &ends).map_err(failure);
                accepted = known.map_err(|error| after(error, &rows))?;
                if !accepted[part] {
                    return Err(after(failure(error), &rows));
                }
            }
            Err(error) => return Err(after(failure(error), &rows)),
        }
    }
    if args.json {
        let session = folder.session.session_id;
        output::json(&serde_json::json!({ "ok": true, "session_id": session, "submitted": rows }));
    } else if rows.is_empty() {
        output::line("nothing to submit: the registry has accepted this session to its end");
    }
    Ok(())
}

/// The failure, and what was submitted before it.
fn after(error: Failure, rows: &[serde_json::Value]) -> Failure {
    let text = match rows.len() {
        0 => return error,
        1 => "1 part was submitted, the next one was not".to_string(),
        many => format!("{many} parts were submitted, the next one was not"),
    };
    let json = serde_json::json!({ "submitted": rows });
    error.after(Done { text, json })
}

fn show(args: &Args, wrapped: &Wrapped, sent: &Sent) {
    if !args.json {
        output::line(format!(
            "session {} accepted: {} chunks from chunk {}",
            wrapped.session_id, wrapped.chunks, wrapped.first_chunk
        ));
        output::line(sent_line(sent));
    }
}

pub fn status(args: &Args, dir: Option<&Path>, build: Option<&Path>) -> Outcome {
    let (deployment, chain) = deployed(args)?;
    match (dir, build) {
        (Some(dir), Some(build)) => session_status(args, &deployment, &chain, dir, build),
        _ => registry_status(args, &deployment),
    }
}

/// The registry alone. [`deployed`] has compared the classes with the chain's.
fn registry_status(args: &Args, deployment: &Deployment) -> Outcome {
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "registry": deployment.registry, "verifier_class": deployment.verifier_class,
            "domain": deployment.domain().to_string(),
        }));
    } else {
        output::line(format!("registry {}", deployment.registry));
        output::line(format!("domain   {}", deployment.domain()));
        output::line(format!("verifier {}", deployment.verifier_class));
    }
    Ok(())
}

fn session_status(
    args: &Args,
    deployment: &Deployment,
    chain: &Chain,
    dir: &Path,
    build: &Path,
) -> Outcome {
    let model = Pinned::open(build)?;
    let folder = Folder::open(dir, &model, deployment.domain(), true)?;
    let registry = Registry::new(chain, deployment.registry.0);
    let name = folder.name(&model);
    let registered = registry.is_registered(name.model_id).map_err(failure)?;
    let accepted = registry.accepted(&name, &folder.ends()).map_err(failure)?;
    let state = registry.session(&name).map_err(failure)?;
    if args.json {
        let SessionState {
            prompt_proven,
            frontier,
        } = state;
        output::json(&serde_json::json!({
            "ok": true, "session_id": folder.session.session_id,
            "model_id": felt_to_hex(&name.model_id), "registered": registered,
            "prompt_root": felt_to_hex(&name.prompt_root), "prompt_length": name.prompt_length,
            "prompt_proven": prompt_proven, "position": frontier.position,
            "last_token": frontier.last_token, "kv_root": frontier.kv_root,
            "tokens_root": frontier.tokens_root, "chosen_root": frontier.chosen_root, "accepted": accepted,
        }));
        return Ok(());
    }
    output::line(format!("session     {}", folder.session.session_id));
    output::line(format!(
        "model       {} ({:#x}{})",
        model.manifest.model.model_root,
        name.model_id,
        if registered { "" } else { ", not registered" }
    ));
    print_state(&name, &state);
    for (wrapped, accepted) in folder.wrapped.iter().zip(&accepted) {
        let word = if *accepted {
            "accepted"
        } else {
            "not accepted"
        };
        let (first, last) = (
            wrapped.first_chunk,
            wrapped.first_chunk + wrapped.chunks - 1,
        );
        output::line(format!("chunks {first:04} to {last:04} {word}"));
    }
    Ok(())
}

fn print_state(name: &SessionName, state: &SessionState) {
    let prompt = format!(
        "prompt root {:#x}, {} tokens",
        name.prompt_root, name.prompt_length
    );
    if !state.prompt_proven {
        output::line(format!(
            "{prompt}, not proven: no accepted claim ends behind the prompt"
        ));
        return;
    }
    let frontier = &state.frontier;
    output::line(format!("{prompt}, proven"));
    output::line(format!("up to position {}", frontier.position));
    output::line(format!("last token  {}", frontier.last_token));
    output::line(format!("KV root     {}", frontier.kv_root));
    output::line(format!("tokens root {}", frontier.tokens_root));
    output::line(format!("chosen root {}", frontier.chosen_root));
}
