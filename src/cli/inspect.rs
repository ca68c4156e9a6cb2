//! `inspect`: what a build, a session or a receipt claims. Verifies nothing.

use std::path::{Path, PathBuf};

use cairo_decode::air::components::Columns;
use cairo_decode::air::layout::Sizes;
use cairo_decode::bundle::{MANIFEST_FILE, TensorModel};
use cairo_decode::escape;
use cairo_decode::receipt::{
    Document, Manifest, Receipt, SESSION_FILE, Session, SessionDir, folder_of,
};
use cairo_decode::verify::statement::Frontier;

use super::{output, paths, portable, table};

/// Show what a build, a session, a receipt or a manifest claims (without verifying it)
///
/// Example: cairo-decode inspect session
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Build folder, session folder, receipt file, or model manifest
    path: PathBuf,
    /// Also print the operations of a build
    #[arg(long)]
    graph: bool,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let path = &args.path;
    let is_session = path.join(SESSION_FILE).is_file();
    if paths::is_portable(path) {
        return Ok(portable::inspect(path, args.json)?);
    }
    if !is_session && path.join(MANIFEST_FILE).is_file() {
        return Ok(build(args, path)?);
    }
    if args.graph {
        let message = format!(
            "{}: --graph goes with a build's folder, which has operations",
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

/// A build: what its folder says, and the plan that follows from it.
fn build(args: &Args, dir: &Path) -> anyhow::Result<()> {
    let (decoder, _) = TensorModel::open(&paths::build_folder(dir)?)?.decoder()?;
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
    manifest(&decoder.manifest);
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

fn session(args: &Args, dir: &Path) -> anyhow::Result<()> {
    let folder = SessionDir::open(dir)?;
    let session: Session = folder.load_session()?;
    let receipts = folder.load_receipts(&session)?;
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
        return receipt(args, path);
    }
    if paths::is_manifest(path)? {
        let found = Manifest::read(path)?;
        match args.json {
            true => output::json(&serde_json::json!({ "ok": true, "manifest": found })),
            false => manifest(&found),
        }
        return Ok(());
    }
    Err(neither(path))
}

fn receipt(args: &Args, path: &Path) -> anyhow::Result<()> {
    let receipt = &Receipt::read(path)?;
    if args.json {
        output::json(&serde_json::json!({ "ok": true, "receipt": receipt }));
        return Ok(());
    }
    let s = &receipt.statement;
    output::line(format!("session      {}", s.session_id));
    output::line(format!("domain       {}", s.domain));
    output::line(format!("model root   {}", s.model_root));
    output::line(format!("program      {}", s.program_hash));
    output::line(format!("policy       {}", s.policy));
    movement(receipt);
    Ok(())
}

/// A manifest, and what it pins of the components.
fn manifest(of: &Manifest) {
    let m = &of.model;
    output::line(format!(
        "model        {} from {} ({} parameters)",
        escape::quoted(&m.name),
        escape::quoted(&m.source),
        m.parameters
    ));
    output::line(format!("model root   {}", m.model_root));
    output::line(format!("program      {}", m.program_hash));
    output::line(format!("policy       {}", m.policy));
    output::line(format!(
        "sizes        vocabulary {}, context {}, {} words of keys and values per position",
        m.vocab_size, m.context_length, m.kv_words_per_position
    ));
    output::line(format!(
        "versions     spec {}, statement {}",
        m.spec_version, m.statement_version
    ));
    let layouts = of.tensors.layouts();
    output::line(format!(
        "tensors      {} lanes, {} components, layouts {}",
        layouts.lanes,
        layouts.components.len(),
        hex::encode(layouts.digest())
    ));
    for (set, root) in of.tensors.roots() {
        let root = hex::encode(root);
        output::line(format!("constants    {root} ({})", set.name));
    }
}

/// How the frontier moved.
fn movement(receipt: &Receipt) {
    let s = &receipt.statement;
    output::line(format!(
        "steps        {} (prompt of {} tokens, root {})",
        s.steps, s.prompt_length, s.prompt_root
    ));
    let (forced, chosen) = (&receipt.forced_tokens, &receipt.emitted_tokens);
    output::line(format!("forced       {}", output::tokens(forced)));
    output::line(format!("chosen       {}", output::tokens(chosen)));
    frontier("from", &s.frontier_in);
    frontier("to", &s.frontier_out);
    output::line(format!(
        "proof        {}, {} bytes, {} bits, blake2s {}",
        receipt.proof.file, receipt.proof.bytes, receipt.proof.security_bits, receipt.proof.blake2s
    ));
}

fn frontier(name: &str, f: &Frontier) {
    output::line(format!(
        "{name:<12} next position {}, next token read {}, kv {}, tokens {}, chosen {}",
        f.position, f.last_token, f.kv_root, f.tokens_root, f.chosen_root
    ));
}
