//! Bounded reads of the files of a model directory, and a sentence for what stands where a file is expected.

use super::ModelError;
use std::fs::{File, OpenOptions};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

/// Largest configuration file that is read, in bytes.
pub(super) const CONFIG_LIMIT: u64 = 1 << 20;
/// Largest `tokenizer_config.json` or list of tokens that is read, in bytes.
pub(super) const TOKENS_LIMIT: u64 = 1 << 26;
/// Largest `tokenizer.json` that is read, in bytes.
pub(super) const TOKENIZER_LIMIT: u64 = 1 << 28;
/// Largest `model.safetensors.index.json` that is read, in bytes.
pub(super) const INDEX_LIMIT: u64 = 1 << 26;
/// Largest weight file that is read, in bytes.
pub(super) const WEIGHTS_LIMIT: u64 = 1 << 36;

/// First line of what git leaves in the place of a large file that it has not fetched.
const LFS_POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The whole of the regular file `path`, unless it is longer than `limit`.
///
/// The file is opened without waiting, and what was opened is looked at: a named pipe, a device or a folder under the
/// file's name is refused and cannot make the reader wait.
pub(super) fn read_bounded(path: &Path, limit: u64) -> Result<Vec<u8>, ModelError> {
    let failed = |source| ModelError::Read {
        path: path.into(),
        source,
    };
    let (file, length) = open_regular(path)?;
    let too_large = |bytes| ModelError::TooLarge {
        path: path.into(),
        bytes,
        limit,
    };
    if length > limit {
        return Err(too_large(length));
    }
    let mut content = Vec::new();
    // One byte more than allowed, so that a file that grows is refused too.
    file.take(limit + 1)
        .read_to_end(&mut content)
        .map_err(failed)?;
    if content.len() as u64 > limit {
        return Err(too_large(content.len() as u64));
    }
    if content.starts_with(LFS_POINTER) {
        return Err(ModelError::LfsPointer { path: path.into() });
    }
    Ok(content)
}

/// Opens a regular file, and says how long it is.
pub(super) fn open_regular(path: &Path) -> Result<(File, u64), ModelError> {
    let file = open_without_waiting(path).map_err(|source| missing(path, source))?;
    let metadata = file.metadata().map_err(|source| ModelError::Read {
        path: path.into(),
        source,
    })?;
    match metadata.is_file() {
        true => Ok((file, metadata.len())),
        false => Err(ModelError::NotAFile { path: path.into() }),
    }
}

/// Why a file was not opened: a link may be there and its target not, as in a hub's cache that was moved.
fn missing(path: &Path, source: io::Error) -> ModelError {
    let path = path.to_path_buf();
    match std::fs::read_link(&path) {
        Ok(target) if source.kind() == io::ErrorKind::NotFound => {
            ModelError::DanglingLink { path, target }
        }
        _ => ModelError::Read { path, source },
    }
}

/// Whether a directory has something under that name, be it a link to nothing.
pub(super) fn is_there(path: &Path) -> bool {
    path.symlink_metadata().is_ok()
}

/// [`read_bounded`]; `None` if there is no such file.
pub(super) fn read_if_there(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, ModelError> {
    match read_bounded(path, limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(ModelError::Read { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

#[cfg(unix)]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)
}

#[cfg(not(unix))]
fn open_without_waiting(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).open(path)
}

/// Says what `dir` is if it cannot be a Hugging Face model directory.
pub(super) fn check_dir(dir: &Path) -> Result<(), ModelError> {
    let metadata = std::fs::metadata(dir).map_err(|source| match missing(dir, source) {
        ModelError::Read { path, source } if source.kind() == io::ErrorKind::NotFound => {
            ModelError::NoDirectory { path }
        }
        error => error,
    })?;
    if !metadata.is_dir() {
        return Err(ModelError::NotAFolder { path: dir.into() });
    }
    if is_there(&dir.join("config.json")) {
        return Ok(());
    }
    if let Some(snapshot) = snapshot(dir) {
        return Err(ModelError::HubCache {
            dir: dir.into(),
            snapshot,
        });
    }
    if let Some(error) = another_format(dir) {
        return Err(error);
    }
    // Reading the file gives the reason why it is not there.
    Ok(())
}

/// A version of the model in the root of its cache of the hub: the one that the main branch is at, if that is there.
fn snapshot(dir: &Path) -> Option<PathBuf> {
    let snapshots = dir.join("snapshots");
    let main = read_if_there(&dir.join("refs/main"), CONFIG_LIMIT);
    let main = main.ok().flatten().and_then(|hash| {
        let hash = String::from_utf8(hash).ok()?;
        Some(snapshots.join(hash.trim())).filter(|path| path.is_dir())
    });
    let any = || {
        let entries = std::fs::read_dir(&snapshots).ok()?;
        let paths = entries.filter_map(|entry| entry.ok().map(|entry| entry.path()));
        paths.filter(|path| path.is_dir()).min()
    };
    main.or_else(any)
}

/// What a directory holds instead of Hugging Face's files, where a file of it says so.
fn another_format(dir: &Path) -> Option<ModelError> {
    let dir = dir.to_path_buf();
    let original = [
        "consolidated.00.pth",
        "consolidated.safetensors",
        "params.json",
    ];
    if let Some(file) = first_with(&dir, &["gguf", "ggml"]) {
        Some(ModelError::OnlyGguf { dir, file })
    } else if is_there(&dir.join("adapter_config.json")) {
        Some(ModelError::OnlyAdapter { dir })
    } else {
        let file = original.iter().find(|name| is_there(&dir.join(name)))?;
        let file = PathBuf::from(file);
        Some(ModelError::OriginalFormat { dir, file })
    }
}

/// How the weights of a directory are stored.
pub(super) enum Stored {
    /// This file.
    One(PathBuf),
    /// The files that this index names.
    Shards(PathBuf),
}

/// Where the weights of `dir` are, or why there are none to read.
pub(super) fn stored(dir: &Path) -> Result<Stored, ModelError> {
    let single = dir.join("model.safetensors");
    let index = dir.join("model.safetensors.index.json");
    if is_there(&single) {
        Ok(Stored::One(single))
    } else if is_there(&index) {
        Ok(Stored::Shards(index))
    } else {
        Err(no_weights(dir))
    }
}

/// Why a directory without `model.safetensors` and without an index has no weights to read.
fn no_weights(dir: &Path) -> ModelError {
    let pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"]
        .iter()
        .find(|name| is_there(&dir.join(name)))
        .map(PathBuf::from);
    let dir = dir.to_path_buf();
    if let Some(file) = pickled {
        return ModelError::Pickled { dir, file };
    }
    if let Some(error) = another_format(&dir) {
        return error;
    }
    if let Some(file) = first_with(&dir, &["safetensors"]) {
        return ModelError::NoIndex { dir, file };
    }
    match first_with(&dir, &["bin", "pt", "pth"]) {
        Some(file) => ModelError::Pickled { dir, file },
        None => ModelError::NoWeights { dir },
    }
}

/// Why a directory has no `tokenizer.json` to read; `missing` is what reading it gave.
pub(super) fn no_tokenizer(dir: &Path, missing: ModelError) -> ModelError {
    let other = [
        "tokenizer.model",
        "vocab.json",
        "tekken.json",
        "spiece.model",
    ]
    .into_iter()
    .find(|name| is_there(&dir.join(name)));
    match other {
        Some(file) => ModelError::OtherTokenizer {
            dir: dir.into(),
            file,
        },
        None => missing,
    }
}

/// Name of the first file of `dir`, in order of names, with one of the extensions.
fn first_with(dir: &Path, extensions: &[&str]) -> Option<PathBuf> {
    let mut names: Vec<PathBuf> = std::fs::read_dir(dir)
        .ok()?
        .filter_map(|entry| entry.ok().map(|entry| PathBuf::from(entry.file_name())))
        .filter(|name| {
            name.extension()
                .is_some_and(|have| extensions.iter().any(|want| have == *want))
        })
        .collect();
    names.sort();
    names.into_iter().next()
}
