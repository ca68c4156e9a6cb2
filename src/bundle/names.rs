//! What a model is called: for people only, neither the model root nor the program depends on it.

use std::path::Path;

use super::BundleError;
use crate::escape;

/// Longest name in characters.
const MAX_NAME: usize = 200;
/// What the hub's cache puts before a model's folder, for `owner/model`.
const HUB_PREFIX: &str = "models--";
/// The hub's folder of versions of a model.
const HUB_VERSIONS: &str = "snapshots";
/// Name of a model whose folder has none.
const NAMELESS: &str = "model";

/// A model's name and where it came from.
pub(super) struct Names {
    pub(super) name: String,
    pub(super) source: String,
}

/// The names of the model in `dir`; `given` is what it is to be called.
///
/// # Errors
/// A given name that is empty or too long.
pub(super) fn names(given: Option<&str>, dir: &Path) -> Result<Names, BundleError> {
    // A folder that is named `.` or by a link has a name of its own.
    let dir = dir.canonicalize().unwrap_or_else(|_| dir.to_path_buf());
    let part = |path: Option<&Path>| {
        let name = path.and_then(Path::file_name);
        name.map(|name| name.to_string_lossy().into_owned())
    };
    let folder = part(Some(&dir)).unwrap_or_else(|| NAMELESS.to_string());
    let above = dir.parent();
    let hub = part(above.and_then(Path::parent))
        .filter(|_| part(above).as_deref() == Some(HUB_VERSIONS))
        .and_then(|name| Some(name.strip_prefix(HUB_PREFIX)?.replace("--", "/")));
    let (name, source) = match hub {
        Some(model) => (model.clone(), format!("{model}@{folder}")),
        None => (folder.clone(), folder),
    };
    let name = match given {
        None => name,
        Some(given) if given.trim().is_empty() || given.chars().count() > MAX_NAME => {
            return Err(BundleError::Name { limit: MAX_NAME });
        }
        Some(given) => given.to_string(),
    };
    Ok(Names {
        name: escape::line(&name).into_owned(),
        source: escape::line(&source).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of_folder(folder: &str) -> (String, String) {
        let temp = tempfile::tempdir().expect("a folder");
        let dir = temp.path().join(folder);
        std::fs::create_dir_all(&dir).expect("a folder");
        let found = names(None, &dir).expect("names");
        (found.name, found.source)
    }

    #[test]
    fn folders_name_models() {
        let long = "x".repeat(255);
        for folder in [
            "SmolLM2-135M",
            "1",
            "core",
            "a b",
            "mod\u{e8}le",
            "\u{6a21}\u{578b}",
            &long,
        ] {
            let folder = folder.to_string();
            assert_eq!(of_folder(&folder), (folder.clone(), folder));
        }
        let (name, _) = of_folder("a\u{202e}\n\u{1b}[32m\"'\\");
        assert_eq!(name, "a\\u{202e}\\n\\u{1b}[32m\"'\\");
        let (name, source) = of_folder("models--of--me-2/snapshots/12fd25");
        assert_eq!(
            (name.as_str(), source.as_str()),
            ("of/me-2", "of/me-2@12fd25")
        );
        let (name, _) = of_folder("models--of--me/other/12fd25");
        assert_eq!(name, "12fd25");
        assert!(!names(None, Path::new(".")).expect("names").name.is_empty());
        assert_eq!(names(None, Path::new("/")).expect("names").name, NAMELESS);
    }

    #[test]
    fn names_that_are_given() {
        let given = |name: &str| names(Some(name), Path::new("/"));
        for name in [
            "core",
            "fn",
            "1",
            "felt252",
            "a b/../\"c\"",
            &"x".repeat(MAX_NAME),
        ] {
            assert_eq!(given(name).expect("a name").name, name);
        }
        assert_eq!(given("a\tb").expect("a name").name, "a\\tb");
        for name in ["", " \n", &"x".repeat(MAX_NAME + 1)] {
            assert!(
                matches!(given(name), Err(BundleError::Name { .. })),
                "{name}"
            );
        }
    }
}
