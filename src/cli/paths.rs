//! What a path on the command line is: builds here, and what the verifier's command line knows.

use std::path::Path;

use anyhow::{bail, ensure};
use cairo_decode::bundle::{PortableBundle, TensorModel};
use cairo_decode::decode::Decoder;
use cairo_decode::portable::PORTABLE_FILE;
use cairo_decode::receipt::folder_of;
pub use cairo_decode_verifier::cli::paths::*;

/// Whether a path is a build of the portable target, or its document.
pub fn is_portable(path: &Path) -> bool {
    PortableBundle::is_in(path) || path.ends_with(PORTABLE_FILE)
}

/// Reads the portable build in a folder, of which the document may be given instead.
///
/// # Errors
/// A path that is something else, and as [`PortableBundle::open`].
pub fn portable(path: &Path) -> anyhow::Result<PortableBundle> {
    if is_portable(path) {
        let folder = match path.is_file() {
            true => folder_of(path),
            false => path.to_path_buf(),
        };
        return Ok(PortableBundle::open(&folder)?);
    }
    let folder = build_folder(path)?;
    bail!(
        "{}: no build of --target cairo: first compile the model with it",
        folder.display()
    )
}

/// Reads manifest, plan and program of the build in a folder, whose proofs are made to be wrapped.
///
/// # Errors
/// A path that is no build's, and as [`TensorModel::open`].
pub fn foldable(path: &Path) -> anyhow::Result<Decoder> {
    let (decoder, _) = TensorModel::open(&build_folder(path)?)?.decoder()?;
    Ok(decoder)
}

/// Refuses to write over a file that does not begin as the ones that the command writes.
///
/// # Errors
/// Such a file, or one that cannot be read.
pub fn check_replaced(file: &Path, start: &str, what: &str) -> anyhow::Result<()> {
    if file.is_file() {
        let found = start_of(file, start.len())?;
        ensure!(
            found.is_empty() || found == start.as_bytes(),
            "{}: exists and is no {what} of cairo-decode; choose another name, or remove it",
            file.display()
        );
    }
    Ok(())
}
