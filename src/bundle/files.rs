//! Reading and writing the files of a build folder.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{fs, io};

use bincode::Options;
use rustix::fs::{CWD, RenameFlags, renameat_with};

use super::size::MAX_GRAPH_BYTES;
use super::{BundleError, MANIFEST_FILE};
use crate::ir::Graph;
use crate::receipt::{read_bounded, write_atomic};

/// First bytes of a graph file: name and version of the encoding.
const GRAPH_MAGIC: &[u8; 8] = b"cdgraph1";

fn options() -> impl Options {
    bincode::DefaultOptions::new()
        .with_limit(MAX_GRAPH_BYTES)
        .reject_trailing_bytes()
}

/// The bytes of `graph.bin`.
///
/// # Errors
/// [`BundleError::Unwritable`]: a graph that could not be read back.
pub(super) fn encode_graph(graph: &Graph) -> Result<Vec<u8>, BundleError> {
    let mut bytes = GRAPH_MAGIC.to_vec();
    let body = options().serialize(graph).map_err(encode("graph.bin"))?;
    bytes.extend(body);
    Ok(bytes)
}

/// What to do with an error of writing `file`'s bytes.
pub(super) fn encode<E: Display>(file: &'static str) -> impl Fn(E) -> BundleError {
    move |error| BundleError::Unwritable {
        file,
        problem: error.to_string(),
    }
}

/// Reads `graph.bin`, of at most `limit` bytes.
pub(super) fn decode_graph(path: &Path, limit: u64) -> Result<Graph, BundleError> {
    let bytes = read_bounded(path, limit)?;
    let problem = |problem: String| BundleError::Graph {
        path: path.to_path_buf(),
        problem,
    };
    let body = bytes
        .strip_prefix(GRAPH_MAGIC)
        .ok_or_else(|| problem("it does not start with \"cdgraph1\"".to_string()))?;
    options()
        .deserialize(body)
        .map_err(|e| problem(e.to_string()))
}

/// A folder under construction beside its final place, removed if it is not published.
pub(super) struct NewFolder {
    out: PathBuf,
    work: tempfile::TempDir,
}

impl NewFolder {
    /// Starts a folder that will become `out`. Refuses an `out` that holds anything but a build.
    pub(super) fn create(out: &Path) -> Result<NewFolder, BundleError> {
        let io = |action| {
            let path = out.to_path_buf();
            move |source| BundleError::Io {
                path,
                action,
                source,
            }
        };
        if out.exists() && !out.join(MANIFEST_FILE).is_file() {
            let empty = out.is_dir() && fs::read_dir(out).map_err(io("list"))?.next().is_none();
            if !empty {
                return Err(BundleError::NotABuild {
                    path: out.to_path_buf(),
                });
            }
        }
        let parent = match out.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(io("create the parent of"))?;
        let work = tempfile::Builder::new()
            .prefix(".compile-")
            .tempdir_in(parent)
            .map_err(io("create a folder beside"))?;
        Ok(NewFolder {
            out: out.to_path_buf(),
            work,
        })
    }

    /// Path of a file in the folder under construction.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.work.path().join(name)
    }

    /// Writes a file.
    pub(super) fn write(&self, name: &str, bytes: &[u8]) -> Result<(), BundleError> {
        let path = self.path(name);
        if let Some(parent) = path.parent() {
            let io = |source| BundleError::Io {
                path: parent.to_path_buf(),
                action: "create",
                source,
            };
            fs::create_dir_all(parent).map_err(io)?;
        }
        Ok(write_atomic(&path, bytes)?)
    }

    /// Puts the folder in its place, in one step; an earlier build is removed after.
    pub(super) fn publish(self) -> Result<(), BundleError> {
        let NewFolder { out, work } = self;
        let io = |action| {
            let path = out.clone();
            move |source| BundleError::Io {
                path,
                action,
                source,
            }
        };
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755))
                .map_err(io("make readable what will be"))?;
        }
        if out.exists() {
            // What is in `work` afterwards, and removed with it, is the earlier build.
            exchange(work.path(), &out).map_err(io("put the new build in the place of"))?;
            return work.close().map_err(io("remove the old build of"));
        }
        fs::rename(work.path(), &out).map_err(io("move the new build to"))?;
        let _ = work.keep();
        Ok(())
    }
}

/// Exchanges two folders, so that both names are taken at every moment.
fn exchange(a: &Path, b: &Path) -> io::Result<()> {
    Ok(renameat_with(CWD, a, CWD, b, RenameFlags::EXCHANGE)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What cannot be encoded is an error that names the file, never an empty one.
    #[test]
    fn a_failed_encoding_is_an_error() {
        let no_json = std::collections::BTreeMap::from([((1, 2), 3)]);
        let error = serde_json::to_vec(&no_json).map_err(encode("fidelity.json"));
        let error = error.expect_err("keys of JSON are strings").to_string();
        assert!(
            error.starts_with("fidelity.json: cannot be written"),
            "{error}"
        );
    }
}
