//! `chain submit` and `chain status`: sessions and the registry.

use std::path::Path;

use anyhow::anyhow;
use cairo_decode::bundle::Bundle;
use cairo_decode::chain::claim;
use cairo_decode::receipt::{Receipt, Session, Wrapped};
use cairo_decode::verify::statement::felt_to_hex;
use cairo_decode::wrap;
use starknet_types_core::felt::Felt;

use super::{Args, account, announce, deployed, failure, sent_json, sent_line};
use crate::cli::{Failure, Outcome, output};

struct Folder {
    session: Session,
    receipts: Vec<Receipt>,
    wrapped: Wrapped,
}

fn folder(dir: &Path, bundle: &Bundle) -> Result<Folder, Failure> {
    let (session, receipts, wrapped) = wrap::session::open(dir, &bundle.manifest)?;
    Ok(Folder {
        session,
        receipts,
        wrapped,
    })
}

pub fn submit(args: &Args, dir: &Path, build: &Path) -> Outcome {
    let (deployment, chain) = deployed(args)?;
    let account = account(args, &deployment.rpc)?;
    let bundle = Bundle::open(build)?;
    let folder = folder(dir, &bundle)?;
    if folder.session.domain != deployment.domain() {
        return Err(Failure::Input(anyhow!(
            "{}: domain: is {}, the registry's is {}; prove the session with --domain {}",
            dir.join("session.json").display(),
            folder.session.domain,
            deployment.domain(),
            deployment.domain(),
        )));
    }
    let calldata = claim::submission(&bundle.manifest, &folder.receipts, &folder.wrapped)
        .ok_or_else(|| anyhow!("{}: has no receipts", dir.display()))?;
    let sent = chain
        .invoke(
            &account,
            deployment.registry.0,
            "submit",
            calldata,
            &mut announce(args),
        )
        .map_err(failure)?;
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "session_id": folder.session.session_id, "chunks": folder.receipts.len(),
            "sent": sent_json(&sent),
        }));
    } else {
        output::line(format!(
            "session {} accepted: {} chunks",
            folder.session.session_id,
            folder.receipts.len()
        ));
        output::line(sent_line(&sent));
    }
    Ok(())
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
    let folder = folder(dir, &bundle)?;
    let model_id = claim::model_id(&bundle.manifest, folder.wrapped.leaf_root);
    let Some(first) = folder.receipts.first() else {
        return Err(Failure::Input(anyhow!(
            "{}: has no receipts",
            dir.display()
        )));
    };
    let prompt_root = first.statement.prompt_root;
    let key = vec![model_id, folder.session.session_id.0, prompt_root.0];
    let found = chain
        .call(deployment.registry.0, "session", key)
        .map_err(failure)?;
    let [prompt_length, chunks, position, token, kv_root, tokens_root] = found[..] else {
        return Err(Failure::Input(anyhow!(
            "{}: the registry answers in another form",
            deployment.rpc
        )));
    };
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
            "prompt_root": prompt_root, "prompt_length": prompt_length.to_string(),
            "chunks": chunks.to_string(), "position": position.to_string(),
            "last_token": token.to_string(), "kv_root": felt_to_hex(&kv_root),
            "tokens_root": felt_to_hex(&tokens_root), "accepted": accepted,
        }));
        return Ok(());
    }
    output::line(format!("session     {}", folder.session.session_id));
    output::line(format!(
        "model       {} ({model_id:#x})",
        bundle.manifest.model_root
    ));
    output::line(format!("prompt root {prompt_root}, {prompt_length} tokens"));
    output::line(format!("chunks      {chunks}, up to position {position}"));
    output::line(format!("last token  {token}"));
    output::line(format!("KV root     {kv_root:#x}"));
    output::line(format!("tokens root {tokens_root:#x}"));
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
