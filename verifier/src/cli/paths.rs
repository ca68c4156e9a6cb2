//! What a path on the command line is: a build, a session, a receipt. A path that is something else is a mistake of
//! typing, and the message says what it is and what to give instead; that is never a rejection.

use std::io::Read;
use std::path::{Path, PathBuf};

use anyhow::{bail, ensure};

use crate::receipt::{
    BUNDLE_START, Document, FileError, MANIFEST_FILE, MAX_DOCUMENT_BYTES, MODEL_FORMAT, Manifest,
    RECEIPT_FORMAT, SESSION_FILE, folder_of, open_regular, read_bounded,
};

/// The end of a proof's name, and of its receipt's.
const ENDS: (&str, &str) = (".proof", ".receipt.json");

/// The folder of a build.
///
/// # Errors
/// A path that is something else.
pub fn build_folder(path: &Path) -> anyhow::Result<PathBuf> {
    let shown = path.display();
    if path.is_file() {
        ensure!(
            path.ends_with(MANIFEST_FILE),
            "{shown}: a file; give the build's folder"
        );
        return Ok(folder_of(path));
    }
    if !path.join(MANIFEST_FILE).exists() {
        ensure!(
            !path.join(SESSION_FILE).exists(),
            "{shown}: a session, not a build; give the build of its model"
        );
        ensure!(
            !path.join("portable.json").exists(),
            "{shown}: a build of compile --target cairo, which nothing here proves or verifies; compile the model without --target for that"
        );
        ensure!(
            !path.join("program.json").exists(),
            "{shown}: a build without its {MANIFEST_FILE}, or portable.json if it was compiled with --target cairo: compile the model again"
        );
        ensure!(
            !path.join("config.json").exists(),
            "{shown}: a model directory, not a build: first run cairo-decode compile {shown} -o BUILD"
        );
    }
    Ok(path.to_path_buf())
}

/// Reads a manifest: the file, or the one in a build's folder.
///
/// # Errors
/// A path that is neither, and as [`Manifest::read`].
pub fn manifest(path: &Path) -> anyhow::Result<Manifest> {
    Ok(match path.is_dir() {
        true => Manifest::read(&build_folder(path)?.join(MANIFEST_FILE))?,
        false => Manifest::read(path)?,
    })
}

/// Checks that a path is the folder of a session.
///
/// # Errors
/// What it is instead.
pub fn session_folder(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    ensure!(path.exists(), "{shown}: not found");
    ensure!(path.is_dir(), "{shown}: a file; give the session's folder");
    ensure!(
        path.join(SESSION_FILE).is_file(),
        "{shown}: no {SESSION_FILE}, not a session folder"
    );
    Ok(())
}

/// Checks that a path is the file of a receipt, which need not hold.
///
/// # Errors
/// What it is instead.
pub fn receipt(path: &Path) -> anyhow::Result<()> {
    let shown = path.display();
    ensure!(path.exists(), "{shown}: not found");
    if path.ends_with(SESSION_FILE) {
        bail!(
            "{shown}: the document of a session; give the session's folder, {}",
            folder_of(path).display()
        );
    }
    no_proof(path)?;
    ensure!(
        is_receipt(path)?,
        "{shown}: neither a receipt nor a session's folder or bundle"
    );
    Ok(())
}

/// Whether a file begins as a session's bundle does, which need not hold.
///
/// # Errors
/// A file that cannot be read.
pub fn is_bundle(path: &Path) -> anyhow::Result<bool> {
    Ok(path.is_file() && start_of(path, BUNDLE_START.len())? == BUNDLE_START.as_bytes())
}

/// The first bytes of a file, so many or all.
///
/// # Errors
/// A file that cannot be read.
pub fn start_of(file: &Path, most: usize) -> Result<Vec<u8>, FileError> {
    let mut start = vec![];
    let read = open_regular(file)?
        .take(most as u64)
        .read_to_end(&mut start);
    read.map_err(FileError::io(file, "read"))?;
    Ok(start)
}

/// Checks that a file is not a proof, which is read only beside its receipt.
///
/// # Errors
/// The name of the receipt.
pub fn no_proof(path: &Path) -> anyhow::Result<()> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if let Some(start) = name.strip_suffix(ENDS.0) {
        bail!(
            "{}: a proof; its receipt is {start}{}",
            path.display(),
            ENDS.1
        );
    }
    Ok(())
}

/// Whether a file has the name of a manifest, or says that it is one.
///
/// # Errors
/// A file that cannot be read.
pub fn is_manifest(path: &Path) -> anyhow::Result<bool> {
    Ok(path.ends_with(MANIFEST_FILE) || is_format(path, MODEL_FORMAT)?)
}

/// Whether a file has the name of a receipt, or says that it is one.
///
/// # Errors
/// A file that cannot be read.
pub fn is_receipt(path: &Path) -> anyhow::Result<bool> {
    let named = path.to_string_lossy().ends_with(ENDS.1);
    Ok(named || is_format(path, RECEIPT_FORMAT)?)
}

/// Whether a file has this `format`, of any version.
fn is_format(path: &Path, format: &str) -> anyhow::Result<bool> {
    let kind = |format: &str| format.split('/').next().map(str::to_owned);
    let found = format_of(path)?;
    Ok(found.is_some_and(|found| kind(&found) == kind(format)))
}

/// The `format` that a file says it has.
fn format_of(path: &Path) -> anyhow::Result<Option<String>> {
    let bytes = match read_bounded(path, MAX_DOCUMENT_BYTES) {
        Err(FileError::TooLarge { .. }) => return Ok(None),
        read => read?,
    };
    let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
    Ok(document["format"].as_str().map(str::to_owned))
}
