//! Reading and writing the files of a build folder.

use std::fmt::Display;
use std::path::{Path, PathBuf};
use std::{fs, io};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use thiserror::Error;

use super::{BundleError, MANIFEST_FILE};
use crate::model::CHAT_FILE;
use crate::portable::{PORTABLE_FILE, PORTABLE_FORMAT};
use crate::receipt::{MAX_DOCUMENT_BYTES, MODEL_FORMAT, read_bounded, write_atomic};

/// What to do with an error of writing `file`'s bytes.
pub(super) fn encode<E: Display>(file: &'static str) -> impl Fn(E) -> BundleError {
    move |error| BundleError::Unwritable {
        file,
        problem: error.to_string(),
    }
}

/// Refuses a folder with the documents of two builds: one command would read one of them, and another command the other.
///
/// # Errors
/// [`BundleError::TwoBuilds`].
pub(super) fn check_one_build(dir: &Path) -> Result<(), BundleError> {
    match [MANIFEST_FILE, PORTABLE_FILE].map(|file| dir.join(file).is_file()) {
        [true, true] => Err(BundleError::TwoBuilds {
            path: dir.to_path_buf(),
        }),
        _ => Ok(()),
    }
}

/// A file of a build's folder. Besides these there is the generated Cairo, and nothing else: a folder that has anything
/// else is not replaced.
#[derive(Debug, Clone, Copy)]
pub(super) enum Part {
    Manifest,
    Portable,
    Integers,
    Program,
    Config,
    Tokenizer,
    Chat,
    Fidelity,
}

impl Part {
    const ALL: [Part; 8] = [
        Part::Manifest,
        Part::Portable,
        Part::Integers,
        Part::Program,
        Part::Config,
        Part::Tokenizer,
        Part::Chat,
        Part::Fidelity,
    ];

    pub(super) fn name(self) -> &'static str {
        match self {
            Part::Manifest => MANIFEST_FILE,
            Part::Portable => PORTABLE_FILE,
            Part::Integers => "integers.bin",
            Part::Program => "program.json",
            Part::Config => "config.json",
            Part::Tokenizer => "tokenizer.json",
            Part::Chat => CHAT_FILE,
            Part::Fidelity => "fidelity.json",
        }
    }
}

/// The folder of the generated package and its library, inside a build's.
const CAIRO: &str = "cairo";

/// Whether an entry of a build's folder has a name that [`NewFolder`] gives: one of the parts, or `Scarb.toml` and the
/// sources of a Cairo package.
fn is_own(entry: &Path, is_folder: bool) -> bool {
    let names: Option<Vec<&str>> = entry.iter().map(|name| name.to_str()).collect();
    match names.as_deref() {
        Some([name]) if is_folder => *name == CAIRO,
        Some([name]) => Part::ALL.iter().any(|part| part.name() == *name),
        Some([CAIRO, _package]) => is_folder,
        Some([CAIRO, _package, "src"]) => is_folder,
        Some([CAIRO, _package, "Scarb.toml"]) => !is_folder,
        Some([CAIRO, _package, "src", .., name]) => is_folder || name.ends_with(".cairo"),
        _ => false,
    }
}

/// The first entry of a folder, by name, that is no build's.
fn foreign(dir: &Path) -> io::Result<Option<PathBuf>> {
    let mut left = vec![PathBuf::new()];
    while let Some(folder) = left.pop() {
        let entries = fs::read_dir(dir.join(&folder))?;
        let mut entries = entries.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let kind = entry.file_type()?;
            let path = folder.join(entry.file_name());
            let regular = kind.is_dir() || kind.is_file();
            if !regular || !is_own(&path, kind.is_dir()) {
                return Ok(Some(path));
            }
            if kind.is_dir() {
                left.push(path);
            }
        }
    }
    Ok(None)
}

/// Whether a folder has a build's document of any version. What else it has, is not looked at.
fn has_manifest(dir: &Path) -> bool {
    let documents = [
        (MANIFEST_FILE, MODEL_FORMAT),
        (PORTABLE_FILE, PORTABLE_FORMAT),
    ];
    documents.iter().any(|(file, format)| {
        let (name, _version) = format.split_once('/').unwrap_or((format, ""));
        let bytes = read_bounded(&dir.join(file), MAX_DOCUMENT_BYTES).unwrap_or_default();
        let document: serde_json::Value = serde_json::from_slice(&bytes).unwrap_or_default();
        let format = document["format"].as_str().unwrap_or_default();
        format.split('/').next() == Some(name)
    })
}

/// A place that is no place for what somebody wants to keep.
#[derive(Debug, Error)]
#[error("{}: inside the build {}, which is replaced as a whole when its model is compiled again", path.display(), build.display())]
pub struct InsideBuild {
    path: PathBuf,
    build: PathBuf,
}

/// Refuses a path that lies in a build's folder, or is one: whatever is put there is lost when the model is compiled again.
///
/// # Errors
/// [`InsideBuild`].
pub fn check_outside_builds(path: &Path) -> Result<(), InsideBuild> {
    match build_around(path) {
        None => Ok(()),
        Some(build) => Err(InsideBuild {
            path: path.to_path_buf(),
            build,
        }),
    }
}

fn build_around(path: &Path) -> Option<PathBuf> {
    let path = std::path::absolute(path).ok()?;
    let there = path
        .ancestors()
        .find_map(|dir| fs::canonicalize(dir).ok())?;
    let has_model = |dir: &Path| dir.join(Part::Integers.name()).is_file();
    let is_build = |dir: &&Path| has_model(dir) && has_manifest(dir);
    there.ancestors().find(is_build).map(Path::to_path_buf)
}

/// Where a build goes: `out`, or what it is a link to. There may be nothing, an empty folder, or an earlier build and
/// nothing else.
///
/// # Errors
/// [`BundleError::NotABuild`], [`BundleError::AlsoHolds`], and what looking at the folder gives.
pub(super) fn destination(out: &Path) -> Result<PathBuf, BundleError> {
    match fs::symlink_metadata(out) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(out.to_path_buf()),
        _ => {}
    }
    let place = fs::canonicalize(out).map_err(io_error(out, "find"))?;
    replaceable(&place, out)?;
    Ok(place)
}

/// Checks that nobody misses the folder, which the user calls `out`, once a new build is in its place.
fn replaceable(place: &Path, out: &Path) -> Result<(), BundleError> {
    let path = out.to_path_buf();
    if !place.is_dir() {
        return Err(BundleError::NotABuild { path });
    }
    let Some(entry) = foreign(place).map_err(io_error(out, "list"))? else {
        let empty = fs::read_dir(place).map_err(io_error(out, "list"))?;
        return match has_manifest(place) || empty.count() == 0 {
            true => Ok(()),
            false => Err(BundleError::NotABuild { path }),
        };
    };
    match has_manifest(place) {
        true => Err(BundleError::AlsoHolds { path, entry }),
        false => Err(BundleError::NotABuild { path }),
    }
}

fn io_error(path: &Path, action: &'static str) -> impl FnOnce(io::Error) -> BundleError {
    let path = path.to_path_buf();
    move |source| BundleError::Io {
        path,
        action,
        source,
    }
}

/// A folder under construction beside its final place, removed if it is not published.
pub(super) struct NewFolder {
    /// Where the user wants the build.
    out: PathBuf,
    /// Where that is.
    place: PathBuf,
    work: tempfile::TempDir,
}

impl NewFolder {
    /// Starts a folder that will become `out`. Refuses an `out` that holds anything but a build.
    pub(super) fn create(out: &Path) -> Result<NewFolder, BundleError> {
        let place = destination(out)?;
        let parent = match place.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        fs::create_dir_all(parent).map_err(io_error(out, "create the parent of"))?;
        let work = tempfile::Builder::new()
            .prefix(".compile-")
            .tempdir_in(parent)
            .map_err(io_error(out, "create a folder beside"))?;
        Ok(NewFolder {
            out: out.to_path_buf(),
            place,
            work,
        })
    }

    /// Path of a part in the folder under construction.
    pub(super) fn path(&self, part: Part) -> PathBuf {
        self.work.path().join(part.name())
    }

    /// Writes a part.
    pub(super) fn write(&self, part: Part, bytes: &[u8]) -> Result<(), BundleError> {
        Ok(write_atomic(&self.path(part), bytes)?)
    }

    /// Writes a file of a Cairo package: its `Scarb.toml`, or a source in `src/`.
    pub(super) fn write_cairo(
        &self,
        package: &str,
        file: &str,
        text: &str,
    ) -> Result<(), BundleError> {
        let path = self.work.path().join(CAIRO).join(package).join(file);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).map_err(io_error(parent, "create"))?;
        }
        Ok(write_atomic(&path, text.as_bytes())?)
    }

    /// Puts the folder in its place, in one step; an earlier build is removed after. What came into it meanwhile is
    /// not lost: then the earlier build stays.
    pub(super) fn publish(self) -> Result<(), BundleError> {
        let NewFolder { out, place, work } = self;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            fs::set_permissions(work.path(), fs::Permissions::from_mode(0o755))
                .map_err(io_error(&out, "make readable what will be"))?;
        }
        if !place.exists() {
            fs::rename(work.path(), &place).map_err(io_error(&out, "move the new build to"))?;
            let _ = work.keep();
            return Ok(());
        }
        let put = io_error(&out, "put the new build in the place of");
        exchange(work.path(), &place).map_err(put)?;
        // What is in `work` now, and removed with it, was in the build's place until this moment.
        if let Err(refused) = replaceable(work.path(), &out) {
            if let Err(source) = exchange(work.path(), &place) {
                let path = work.keep();
                let action = "put back";
                return Err(BundleError::Io {
                    path,
                    action,
                    source,
                });
            }
            return Err(refused);
        }
        work.close()
            .map_err(io_error(&out, "remove the old build of"))
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

    /// A build's folder with a manifest and a Cairo source.
    fn build(out: &Path) -> NewFolder {
        let folder = NewFolder::create(out).expect("a new folder");
        let manifest = format!("{{ \"format\": \"{MODEL_FORMAT}\" }}");
        folder
            .write(Part::Manifest, manifest.as_bytes())
            .expect("written");
        folder
            .write_cairo("kernels", "src/part/lib.cairo", "// Cairo")
            .expect("written");
        folder
    }

    /// What a user puts into a build's folder while a new one is made is found when the folders are exchanged.
    #[test]
    fn what_comes_meanwhile_stays() {
        let root = tempfile::tempdir().expect("a folder");
        let out = root.path().join("build");
        build(&out).publish().expect("published");
        build(&out).publish().expect("published again");
        for late in [
            "notes.txt",
            "cairo/kernels/target",
            "cairo/kernels/src/a.rs",
        ] {
            let folder = build(&out);
            let file = out.join(late);
            fs::write(&file, "mine").expect("written");
            let refused = folder.publish().expect_err("not lost").to_string();
            assert!(
                refused.contains(&format!("also holds {late};")),
                "{refused}"
            );
            assert_eq!(fs::read(&file).expect("it is there"), b"mine");
            let beside = fs::read_dir(root.path()).expect("a folder").count();
            assert_eq!(beside, 1, "nothing is left over");
            fs::remove_file(file).expect("removed");
        }
        // The place was free, and no longer is.
        let folder = build(&root.path().join("other"));
        fs::create_dir(root.path().join("other")).expect("a folder");
        fs::write(root.path().join("other/model.json"), "{}").expect("written");
        let refused = folder.publish().expect_err("not lost");
        assert!(
            matches!(refused, BundleError::NotABuild { .. }),
            "{refused}"
        );
    }
}
