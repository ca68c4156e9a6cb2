//! `inspect`: what a build, a session or a receipt claims. Verifies nothing.

use std::path::{Path, PathBuf};

use cairo_decode::air::components::Columns;
use cairo_decode::air::layout::Sizes;
use cairo_decode::bundle::{Bundle, MANIFEST_FILE, TensorModel};
use cairo_decode::escape;
use cairo_decode::receipt::{
    Carried, Document, Manifest, ModelManifest, ReceiptOf, SESSION_FILE, Session, SessionDir,
    Stated, TENSOR_RECEIPT_FORMAT, TensorManifest, folder_of,
};
use cairo_decode::verify::statement::{Statement, Weights, v3};

use super::paths::AnyBuild;
use super::{output, paths, table};

/// Show what a build, a session, a receipt or a manifest claims (without verifying it)
///
/// Example: cairo-decode inspect session
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder, session folder, receipt file, or model manifest
    path: PathBuf,
    /// Also print the operations of a build: its step graph, or the plan of its tensor components
    #[arg(long)]
    graph: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let path = &args.path;
    let is_session = path.join(SESSION_FILE).is_file();
    if !is_session && path.join(MANIFEST_FILE).is_file() {
        return Ok(build(args, path)?);
    }
    if args.graph {
        let message = format!(
            "{}: --graph goes with a build's folder, which has a step graph",
            path.display()
        );
        return Err(anyhow::anyhow!(message).into());
    }
    if is_session {
        session(args, path)?;
    } else if path.is_file() && path.ends_with(SESSION_FILE) {
        session(args, &folder_of(path))?;
    } else if path.is_file() {
        file(args, path)?;
    } else {
        if path.is_dir() {
            paths::build_folder(path)?;
        }
        return Err(neither(path).into());
    }
    Ok(())
}

fn neither(path: &Path) -> anyhow::Error {
    if !path.exists() {
        return anyhow::anyhow!("{}: not found", path.display());
    }
    anyhow::anyhow!(
        "{}: neither a session, a build, a receipt nor a manifest",
        path.display()
    )
}

fn build(args: &Args, dir: &Path) -> anyhow::Result<()> {
    match AnyBuild::open(dir)? {
        AnyBuild::Steps(bundle) => {
            steps(args, &bundle);
            Ok(())
        }
        AnyBuild::Tensors(model) => tensor_build(args, *model),
    }
}

/// A build whose proofs have tensor components: what its folder says, and the plan that follows from it.
fn tensor_build(args: &Args, model: TensorModel) -> anyhow::Result<()> {
    let (decoder, _) = model.decoder()?;
    let words = decoder.program.words().len();
    let operations = decoder.plan.operations.len();
    let layouts = decoder.manifest.tensors.layouts();
    let columns = layouts.largest().columns();
    let components: Vec<_> = layouts.components.iter().zip(&columns).collect();
    if args.json {
        let component = |(sizes, columns): &(&Sizes, &Columns)| {
            serde_json::json!({
                "name": sizes.component.to_string(),
                "rows": [1u64 << sizes.smallest, 1u64 << sizes.largest],
                "columns": { "constant": columns.constants.len(), "trace": columns.trace, "interaction": columns.interaction },
            })
        };
        output::json(&serde_json::json!({
            "ok": true, "manifest": decoder.manifest, "program_words": words, "operations": operations,
            "lanes": layouts.lanes, "components": components.iter().map(component).collect::<Vec<_>>(),
            "bits": decoder.bits(), "graph": args.graph.then(|| decoder.listing()),
        }));
        return Ok(());
    }
    tensors(&decoder.manifest);
    output::line(format!(
        "words        {words}, for a chunk of {operations} operations"
    ));
    let bits = decoder.bits().into_iter().map(|(name, bits)| match bits {
        [least, most] if least == most => format!("{name} {most}"),
        [least, most] => format!("{name} {least} to {most}"),
    });
    let bits: Vec<String> = bits.collect();
    output::line(format!("bits         {}", bits.join(", ")));
    shown_components(&components);
    if args.graph {
        output::line("");
        output::line(
            "operations: number, name, reads -> writes; a tensor is channels@address:bits",
        );
        output::text(decoder.listing());
    }
    Ok(())
}

/// Components with the numbers of rows that they may have, and their columns.
fn shown_components(components: &[(&Sizes, &Columns)]) {
    output::line("");
    let header = [
        "component",
        "rows",
        "at most",
        "constant columns",
        "trace",
        "interaction",
    ];
    let row = |(sizes, columns): &(&Sizes, &Columns)| {
        vec![
            sizes.component.to_string(),
            (1u64 << sizes.smallest).to_string(),
            (1u64 << sizes.largest).to_string(),
            columns.constants.len().to_string(),
            columns.trace.to_string(),
            columns.interaction.to_string(),
        ]
    };
    table::print(1, &header, components.iter().map(row));
}

/// A build whose proofs are of VM steps.
fn steps(args: &Args, bundle: &Bundle) {
    let words = bundle.program.words().len();
    if args.json {
        let graph = args.graph.then(|| bundle.graph.to_string());
        output::json(&serde_json::json!({
            "ok": true, "manifest": bundle.manifest, "program_words": words,
            "operations": bundle.graph.nodes.len(), "graph": graph,
        }));
        return;
    }
    manifest(&bundle.manifest);
    output::line(format!(
        "words        {words}, for a step of {} operations",
        bundle.graph.nodes.len()
    ));
    if args.graph {
        output::line("");
        output::text(bundle.graph.to_string());
    }
}

fn session(args: &Args, dir: &Path) -> anyhow::Result<()> {
    let folder = SessionDir::open(dir)?;
    let session: Session = folder.load_session()?;
    // The first receipt's format says of which kind all are.
    let first = folder.receipt_path(0);
    if first.is_file() && paths::has_format(&first, TENSOR_RECEIPT_FORMAT)? {
        return shown_session::<v3::Statement>(args, &folder, &session);
    }
    shown_session::<Statement>(args, &folder, &session)
}

fn shown_session<S: Stated>(
    args: &Args,
    folder: &SessionDir,
    session: &Session,
) -> anyhow::Result<()> {
    let receipts = folder.load_receipts::<S>(session)?;
    if args.json {
        output::json(&serde_json::json!({ "ok": true, "session": session, "receipts": receipts }));
        return Ok(());
    }
    let status = if session.is_complete() {
        "complete"
    } else {
        "running"
    };
    output::line(format!(
        "session      {} ({status}, {} receipts)",
        session.session_id,
        receipts.len()
    ));
    output::line(format!("domain       {}", session.domain));
    output::line(format!("model root   {}", session.model_root));
    output::line(format!("program      {}", session.program_hash));
    output::line(format!("policy       {}", session.policy));
    output::line(format!(
        "prompt       {} (the text is not proven), tokens {}",
        escape::quoted(&session.prompt),
        output::tokens(&session.prompt_tokens)
    ));
    for (i, receipt) in receipts.iter().enumerate() {
        output::line("");
        output::line(format!("receipt {i:04}"));
        movement(receipt);
    }
    Ok(())
}

fn file(args: &Args, path: &Path) -> anyhow::Result<()> {
    paths::no_proof(path)?;
    // The format field says which document it is.
    if paths::is_receipt(path)? {
        return match paths::has_format(path, TENSOR_RECEIPT_FORMAT)? {
            true => receipt::<v3::Statement>(args, path),
            false => receipt::<Statement>(args, path),
        };
    }
    if paths::is_manifest(path)? {
        let found = ModelManifest::read(path)?;
        match (&found, args.json) {
            (ModelManifest::Cairo(found), true) => {
                output::json(&serde_json::json!({ "ok": true, "manifest": found }))
            }
            (ModelManifest::Tensors(found), true) => {
                output::json(&serde_json::json!({ "ok": true, "manifest": found }))
            }
            (ModelManifest::Cairo(found), false) => manifest(found),
            (ModelManifest::Tensors(found), false) => tensors(found),
        }
        return Ok(());
    }
    Err(neither(path))
}

fn receipt<S: Stated>(args: &Args, path: &Path) -> anyhow::Result<()> {
    let receipt = &ReceiptOf::<S>::read(path)?;
    if args.json {
        output::json(&serde_json::json!({ "ok": true, "receipt": receipt }));
        return Ok(());
    }
    let s = receipt.statement.subject();
    output::line(format!("session      {}", receipt.statement.session_id()));
    output::line(format!("domain       {}", s.domain));
    output::line(format!("model root   {}", s.model_root));
    output::line(format!("program      {}", s.program_hash));
    output::line(format!("policy       {}", s.policy));
    weights(s.version);
    movement(receipt);
    Ok(())
}

fn manifest(m: &Manifest) {
    output::line(format!(
        "model        {} from {} ({} parameters)",
        escape::quoted(&m.name),
        escape::quoted(&m.source),
        m.parameters
    ));
    output::line(format!("model root   {}", m.model_root));
    output::line(format!("program      {}", m.program_hash));
    output::line(format!("policy       {}", m.policy));
    weights(m.statement_version);
    output::line(format!(
        "sizes        vocabulary {}, context {}, {} words of keys and values per position",
        m.vocab_size, m.context_length, m.kv_words_per_position
    ));
    output::line(format!(
        "versions     spec {}, statement {}",
        m.spec_version, m.statement_version
    ));
}

/// A manifest, and what it pins of the tensor components.
fn tensors(m: &TensorManifest) {
    manifest(&m.model);
    let layouts = m.tensors.layouts();
    output::line(format!(
        "tensors      {} lanes, {} components, layouts {}",
        layouts.lanes,
        layouts.components.len(),
        hex::encode(layouts.digest())
    ));
    for (set, root) in m.tensors.roots() {
        let root = hex::encode(root);
        output::line(format!("constants    {root} ({})", set.name));
    }
}

/// What a version of the statement says.
fn weights(version: u32) {
    if let Some(weights) = Weights::of_version(version) {
        output::line(format!("weights      {weights}"));
    }
}

/// How the frontier moved.
fn movement<S: Stated>(receipt: &ReceiptOf<S>) {
    let s = &receipt.statement;
    output::line(format!(
        "steps        {} (prompt of {} tokens, root {})",
        s.steps(),
        s.prompt_length(),
        s.prompt_root()
    ));
    let (forced, chosen) = (&receipt.forced_tokens, &receipt.emitted_tokens);
    output::line(format!("forced       {}", output::tokens(forced)));
    output::line(format!("chosen       {}", output::tokens(chosen)));
    frontier::<S>("from", s.frontier_in());
    frontier::<S>("to", s.frontier_out());
    output::line(format!(
        "proof        {}, {} bytes, {} bits, blake2s {}",
        receipt.proof.file, receipt.proof.bytes, receipt.proof.security_bits, receipt.proof.blake2s
    ));
}

fn frontier<S: Stated>(name: &str, f: &S::Frontier) {
    let roots = S::LINKS.iter().filter_map(|link| match (link.of)(f) {
        Carried::Token(_) => None,
        root => Some(format!(", {} {root}", link.field.trim_end_matches("_root"))),
    });
    output::line(format!(
        "{name:<12} next position {}, next token read {}{}",
        S::position(f),
        S::last_token(f),
        roots.collect::<String>()
    ));
}
