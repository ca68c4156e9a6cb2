//! What a writer does with names that an earlier run, or somebody else, left in the folder.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use super::write::is_temporary;
use super::{FileError, Files, Folder, WriterError, is_chunk_name};

/// First letters of the names of the temporary files of a session's documents.
const OURS: [&str; 3] = [".chunk-", ".session.json", ".wrapped-"];

/// Refuses a folder with the name of a chunk's file: neither can a file take its place, nor can it be removed as one.
///
/// # Errors
/// [`WriterError::ChunkFolder`], and what listing gives.
pub(super) fn check_names(dir: &Path) -> Result<(), WriterError> {
    let names = Folder::new(dir).names()?;
    for name in names.iter().filter(|name| is_chunk_name(name)) {
        let file = dir.join(name);
        if is_folder(&file) {
            return Err(WriterError::ChunkFolder { file });
        }
    }
    Ok(())
}

/// Removes what stopped writes left. Other things with such a name are nobody's business: folders, and names with
/// other characters than the writer's, which are ASCII.
///
/// # Errors
/// A file that cannot be removed, and what listing gives.
pub(super) fn remove_temporary(dir: &Path) -> Result<(), WriterError> {
    for name in Folder::new(dir).names()? {
        let ours = name.is_ascii() && OURS.iter().any(|start| name.starts_with(start));
        let file = dir.join(&name);
        if !ours || !is_temporary(&name) || is_folder(&file) {
            continue;
        }
        match fs::remove_file(&file) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                return Err(FileError::io(&file, "remove")(error).into());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Whether a folder has this name; a link to one is a file.
fn is_folder(file: &Path) -> bool {
    fs::symlink_metadata(file).is_ok_and(|found| found.is_dir())
}
