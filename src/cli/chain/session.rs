//! `chain submit` and `chain status`: sessions and the registry.

use std::path::Path;

use anyhow::anyhow;
use cairo_decode::bundle::Bundle;
use cairo_decode::chain::claim::{self, SessionState};
use cairo_decode::chain::deployment::Deployment;
use cairo_decode::chain::{Chain, Sent};
use cairo_decode::receipt::{Manifest, Receipt, Session, Wrapped};
use cairo_decode::verify::statement::felt_to_hex;
use cairo_decode::wrap;
use starknet_types_core::felt::Felt;

use super::{Args, account, deployed, failure, sending, sent_json, sent_line};
use crate::cli::{Failure, Outcome, output};

/// A wrapped session's folder.
struct Folder {
    session: Session,
    receipts: Vec<Receipt>,
    wrapped: Vec<Wrapped>,
}

impl Folder {
    fn open(dir: &Path, bundle: &Bundle) -> Result<Folder, Failure> {
        let root = wrap::leaf::Leaf::new(&bundle.program.words())?.root();
        let (session, receipts, wrapped) = wrap::session::open(dir, &bundle.manifest, root)?;
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

    /// Under which felts the registry has the session.
    fn key(&self, manifest: &Manifest) -> Vec<Felt> {
        vec![
            claim::model_id(manifest, self.wrapped[0].leaf_root),
            self.session.session_id.0,
            self.receipts[0].statement.prompt_root.0,
        ]
    }

    /// What the registry has of it.
    fn state(
        &self,
        manifest: &Manifest,
        deployment: &Deployment,
        chain: &Chain,
    ) -> Result<SessionState, Failure> {
        let felts = chain
            .call(deployment.registry.0, "session", self.key(manifest))
            .map_err(failure)?;
        Ok(SessionState::from_felts(&felts)
            .ok_or_else(|| anyhow!("{}: the registry answers in another form", deployment.rpc))?)
    }
}

pub fn submit(args: &Args, dir: &Path, build: &Path, from: Option<u32>) -> Outcome {
    let (deployment, chain) = deployed(args)?;
    let account = account(args, &deployment.rpc)?;
    let bundle = Bundle::open(build)?;
    let folder = Folder::open(dir, &bundle)?;
    let manifest = bundle.manifest;
    if folder.session.domain != deployment.domain() {
        return Err(Failure::Input(anyhow!(
            "{}: domain: is {}, the registry's is {}; prove the session with --domain {}",
            dir.join("session.json").display(),
            folder.session.domain,
            deployment.domain(),
            deployment.domain(),
        )));
    }
    let parts: Vec<&Wrapped> = match from {
        Some(first) => {
            let part = folder.wrapped.iter().find(|w| w.first_chunk == first);
            let part = part.ok_or_else(|| {
                let known: Vec<String> = folder
                    .wrapped
                    .iter()
                    .map(|w| w.first_chunk.to_string())
                    .collect();
                anyhow!(
                    "--from: no wrapped proof begins at chunk {first}; they begin at {}",
                    known.join(", ")
                )
            })?;
            vec![part]
        }
        None => {
            let reached = folder.state(&manifest, &deployment, &chain)?.position;
            let begins = |w: &Wrapped| {
                folder.receipts[w.first_chunk as usize]
                    .statement
                    .frontier_in
                    .position
            };
            let parts = folder.wrapped.iter();
            parts.filter(|w| begins(w) >= reached).collect()
        }
    };
    let mut rows = vec![];
    for wrapped in parts {
        let calldata = claim::submission(&manifest, &folder.receipts, wrapped)
            .ok_or_else(|| anyhow!("{}: has no receipts", dir.display()))?;
        let registry = deployment.registry.0;
        let sent = sending(args, |s| {
            chain.invoke(&account, registry, "submit", calldata, s)
        })
        .map_err(failure)?;
        show(args, wrapped, &sent);
        rows.push(serde_json::json!({
            "first_chunk": wrapped.first_chunk, "chunks": wrapped.chunks, "sent": sent_json(&sent),
        }));
    }
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "session_id": folder.session.session_id, "submitted": rows,
        }));
    } else if rows.is_empty() {
        output::line("nothing to submit: the registry has all of this session");
    }
    Ok(())
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
    let (Some(dir), Some(build)) = (dir, build) else {
        let class = chain
            .call(deployment.registry.0, "verifier_class", vec![])
            .map_err(failure)?;
        let class = class.first().copied().unwrap_or_default();
        if args.json {
            output::json(&serde_json::json!({
                "ok": true, "registry": deployment.registry, "verifier_class": felt_to_hex(&class),
                "domain": deployment.domain().to_string(),
            }));
        } else {
            output::line(format!("registry {}", deployment.registry));
            output::line(format!("domain   {}", deployment.domain()));
            output::line(format!("verifier {class:#x}"));
        }
        return Ok(());
    };
    let bundle = Bundle::open(build)?;
    let folder = Folder::open(dir, &bundle)?;
    let manifest = bundle.manifest;
    let state = folder.state(&manifest, &deployment, &chain)?;
    let model_id = claim::model_id(&manifest, folder.wrapped[0].leaf_root);
    let prompt_root = folder.receipts[0].statement.prompt_root;
    let mut accepted = vec![];
    for receipt in &folder.receipts {
        let hash = claim::statement_hash(receipt);
        let answer = chain
            .call(deployment.registry.0, "is_accepted", vec![hash])
            .map_err(failure)?;
        accepted.push(answer.first() == Some(&Felt::ONE));
    }
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "session_id": folder.session.session_id, "model_id": felt_to_hex(&model_id),
            "prompt_root": prompt_root, "prompt_length": state.prompt_length, "chunks": state.chunks,
            "position": state.position, "last_token": state.last_token, "kv_root": felt_to_hex(&state.kv_root),
            "tokens_root": felt_to_hex(&state.tokens_root), "accepted": accepted,
        }));
        return Ok(());
    }
    output::line(format!("session     {}", folder.session.session_id));
    output::line(format!(
        "model       {} ({model_id:#x})",
        manifest.model_root
    ));
    output::line(format!(
        "prompt root {prompt_root}, {} tokens",
        state.prompt_length
    ));
    output::line(format!(
        "chunks      {}, up to position {}",
        state.chunks, state.position
    ));
    output::line(format!("last token  {}", state.last_token));
    output::line(format!("KV root     {:#x}", state.kv_root));
    output::line(format!("tokens root {:#x}", state.tokens_root));
    for (i, accepted) in accepted.iter().enumerate() {
        let word = if *accepted {
            "accepted"
        } else {
            "not accepted"
        };
        output::line(format!("receipt {i:04} {word}"));
    }
    Ok(())
}
