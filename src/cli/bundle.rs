//! `bundle`: a session's folder → one file.

use std::path::{Path, PathBuf};

use anyhow::Context;
use cairo_decode::receipt::{BUNDLE_START, write_bundle};

use super::{Failure, output, paths};

/// Put a session into one file, to give it to somebody
///
/// The file has session.json, all receipts and all proofs. `verify`, cairo-decode-verify and the page for browsers take it like
/// the folder. Verifies nothing.
///
/// Example: cairo-decode bundle session -o session.bundle
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Session folder
    session: PathBuf,
    /// The file [default: the folder's name and .bundle, beside the folder]
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    pub json: bool,
}

pub fn run(args: &Args) -> super::Outcome {
    let session = &args.session;
    paths::session_folder(session)?;
    let out = match &args.out {
        Some(out) => out.clone(),
        None => beside(session)?,
    };
    let shown = out.display();
    if out.is_dir() {
        return Err(anyhow::anyhow!("{shown}: a folder; give the name of a file").into());
    }
    // Its first line names the format.
    paths::check_replaced(&out, BUNDLE_START, "bundle")?;
    let contents = write_bundle(session, &out).map_err(Failure::of_session)?;
    let receipts = contents.files.len() / 2;
    let bytes = contents.files.iter().map(|file| file.bytes).sum::<u64>();
    if args.json {
        output::json(&serde_json::json!({
            "ok": true, "file": shown.to_string(), "receipts": receipts, "bytes": bytes,
        }));
    } else {
        output::line(format!(
            "{shown}: a session of {receipts} receipts with their proofs, {}; not verified",
            output::megabytes(bytes as usize),
        ));
    }
    Ok(())
}

/// The file beside a folder that has its name.
fn beside(folder: &Path) -> anyhow::Result<PathBuf> {
    let name = folder.file_name();
    let name = name.with_context(|| format!("{}: has no name; give -o FILE", folder.display()))?;
    let mut file = name.to_os_string();
    file.push(".bundle");
    Ok(folder.with_file_name(file))
}
