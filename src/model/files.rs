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
    let file = open_without_waiting(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if !metadata.is_file() {
        return Err(ModelError::NotAFile { path: path.into() });
    }
    let too_large = |bytes| ModelError::TooLarge {
        path: path.into(),
        bytes,
        limit,
    };
    if metadata.len() > limit {
        return Err(too_large(metadata.len()));
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
    let metadata = std::fs::metadata(dir).map_err(|source| ModelError::Read {
        path: dir.into(),
        source,
    })?;
    if !metadata.is_dir() {
        return Err(ModelError::NotAFolder { path: dir.into() });
    }
    if dir.join("config.json").exists() {
        return Ok(());
    }
    if let Some(file) = first_with(dir, &["gguf", "ggml"]) {
        return Err(ModelError::OnlyGguf {
            dir: dir.into(),
            file,
        });
    }
    if dir.join("adapter_config.json").exists() {
        return Err(ModelError::OnlyAdapter { dir: dir.into() });
    }
    if dir.join("params.json").exists() {
        return Err(ModelError::OriginalFormat { dir: dir.into() });
    }
    // Reading the file gives the reason why it is not there.
    Ok(())
}

/// Why a directory without `model.safetensors` and without an index has no weights to read.
pub(super) fn no_weights(dir: &Path) -> ModelError {
    let pickled = ["pytorch_model.bin", "pytorch_model.bin.index.json"]
        .iter()
        .find(|name| dir.join(name).exists())
        .map(PathBuf::from)
        .or_else(|| first_with(dir, &["bin", "pt", "pth"]));
    if let Some(file) = first_with(dir, &["safetensors"]) {
        return ModelError::NoIndex {
            dir: dir.into(),
            file,
        };
    }
    if let Some(file) = pickled {
        return ModelError::Pickled {
            dir: dir.into(),
            file,
        };
    }
    if let Some(file) = first_with(dir, &["gguf", "ggml"]) {
        return ModelError::OnlyGguf {
            dir: dir.into(),
            file,
        };
    }
    ModelError::NoWeights { dir: dir.into() }
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
    .find(|name| dir.join(name).exists());
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
