//! The rules of the house that a machine can check: imports, file sizes, leftovers, documents, licences.

#[path = "tidy/imports.rs"]
mod imports;
#[path = "tidy/licences.rs"]
mod licences;
#[path = "tidy/links.rs"]
mod links;
#[path = "tidy/requirements.rs"]
mod requirements;
#[path = "tidy/verifier.rs"]
mod verifier;
#[path = "tidy/web.rs"]
mod web;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Largest number of lines of a source file.
const MAX_LINES: usize = 450;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Files below `dir` with one of the extensions, as (path relative to the root, text).
fn files(dir: &str, extensions: &[&str]) -> Vec<(String, String)> {
    let mut found = vec![];
    collect(&root().join(dir), extensions, &mut found);
    found.sort();
    assert!(!found.is_empty(), "{dir} has files");
    let relative = |p: &Path| {
        p.strip_prefix(root())
            .expect("below the root")
            .display()
            .to_string()
    };
    found
        .iter()
        .map(|p| (relative(p), fs::read_to_string(p).expect("UTF-8")))
        .collect()
}

/// The sources of the product: of the library with its binary, of the verifier, and of its module for browsers.
fn sources() -> Vec<(String, String)> {
    let folders = ["src", "verifier/src", "web/src"];
    folders.map(|folder| files(folder, &["rs"])).concat()
}

fn collect(dir: &Path, extensions: &[&str], found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("a readable folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            collect(&path, extensions, found);
        } else if path
            .extension()
            .is_some_and(|e| extensions.iter().any(|x| e == *x))
        {
            found.push(path);
        }
    }
}

/// No file of the library or of the kernels is longer than a person reads at once.
#[test]
fn file_sizes() {
    let mut problems = vec![];
    for (path, text) in sources().into_iter().chain(files("cairo", &["cairo"])) {
        let lines = text.lines().count();
        if lines > MAX_LINES {
            problems.push(format!("{path}: {lines} lines, at most {MAX_LINES}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Nothing is left to do or switched off.
#[test]
fn no_leftovers() {
    // In pieces, so that this file does not find itself.
    let words = [
        concat!("todo", "!("),
        concat!("unimplemented", "!("),
        concat!("#[", "ignore"),
        concat!("dbg", "!("),
    ];
    let mut problems = vec![];
    for (path, text) in sources().into_iter().chain(files("tests", &["rs"])) {
        for (line, content) in text.lines().enumerate() {
            for word in words.iter().filter(|w| content.contains(**w)) {
                problems.push(format!("{path}:{}: {word}", line + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Panics are caught in one place, which owns the process's panic hook; another hook would be taken off by the first. What a
/// panic anywhere else says, the command line owns.
#[test]
fn panics_are_caught_in_one_place() {
    // In pieces, so that this file does not find itself.
    let words = [
        concat!("catch", "_unwind"),
        concat!("set", "_hook"),
        concat!("take", "_hook"),
    ];
    let owners = ["verifier/src/guard.rs", "verifier/src/cli/bug.rs"];
    let mut problems = vec![];
    for (path, text) in sources() {
        for word in words.iter().filter(|word| text.contains(**word)) {
            if !owners.contains(&path.as_str()) {
                problems.push(format!("{path}: {word}: use guard::guarded"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every file of the library and of the kernels opens with what it owns.
#[test]
fn files_open_with_a_comment() {
    let mut problems = vec![];
    for (path, text) in sources().into_iter().chain(files("cairo", &["cairo"])) {
        if !text.starts_with("//!") {
            problems.push(path);
        }
    }
    assert!(
        problems.is_empty(),
        "no module comment: {}",
        problems.join(", ")
    );
}

/// Every operation and every hash of the numeric specification has its section in `docs/spec.md`, and its file in plain Cairo.
#[test]
fn spec_sections() {
    let text = fs::read_to_string(root().join("docs/spec.md")).expect("docs/spec.md");
    let sections: BTreeSet<&str> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    let operations = text
        .split("\n## ")
        .find(|part| part.contains("Operations\n"));
    let operations = operations.expect("a section of operations").lines();
    let operations: BTreeSet<&str> = operations
        .filter_map(|line| line.strip_prefix("### "))
        // Several norms beside each other.
        .filter(|name| *name != "head norm")
        .collect();
    let in_cairo: BTreeSet<String> = files("cairo/portable/src", &["cairo"])
        .into_iter()
        .map(|(path, _)| stem(&path))
        .collect();
    let hashes = files("verifier/src/spec", &["rs"]);
    let hashes = hashes.iter().map(|(path, _)| stem(path));
    let hashes: Vec<String> = hashes.filter(|name| name != "mod").collect();
    let mut problems = vec![];
    for name in operations {
        if !in_cairo.contains(name) {
            problems.push(format!("cairo/portable/src/{name}.cairo is missing"));
        }
    }
    for name in &hashes {
        if !sections.contains(name.as_str()) {
            problems.push(format!("docs/spec.md has no section {name}"));
        }
        // The verifier alone hashes programs.
        if name != "program_hash" && !in_cairo.contains(name) {
            problems.push(format!("cairo/portable/src/{name}.cairo is missing"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn stem(path: &str) -> String {
    Path::new(path)
        .file_stem()
        .expect("a name")
        .to_string_lossy()
        .into_owned()
}

/// No tracked text file names a folder of the machine it was written on.
#[test]
fn no_machine_paths() {
    let output = Command::new("git")
        .args(["ls-files", "-z"])
        .current_dir(root())
        .output();
    // An export without git has nothing to check.
    let Ok(output) = output else { return };
    if !output.status.success() {
        return;
    }
    let words = [concat!("/wo", "rk/"), concat!("/ro", "ot/")];
    let mut problems = vec![];
    for name in output.stdout.split(|&b| b == 0).filter(|n| !n.is_empty()) {
        let name = String::from_utf8_lossy(name).into_owned();
        let Ok(text) = fs::read_to_string(root().join(&name)) else {
            continue;
        };
        for (line, content) in text.lines().enumerate() {
            for word in words.iter().filter(|w| content.contains(**w)) {
                problems.push(format!("{name}:{}: {word}", line + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The file of non-claims says what is often assumed and not proven, and the README sends readers there and
/// claims nothing of it.
#[test]
fn requirement_37_non_claims() {
    let read = |file: &str| fs::read_to_string(root().join(file)).expect(file);
    let (non_claims, readme) = (read("docs/non-claims.md"), read("README.md"));
    for topic in [
        "**Tokenisation.**",
        "**Quantisation quality.**",
        "**The float model.**",
        "**Training.**",
        "**Stopping early.**",
        "**Time.**",
        "**Zero knowledge.**",
        "**96 bits**",
        "**The libraries.**",
        "**No audit.**",
    ] {
        assert!(non_claims.contains(topic), "docs/non-claims.md: {topic}");
    }
    assert!(readme.contains("(docs/non-claims.md)"), "no link to it");
    // What the README may only say with "not", or as the name of a document.
    let claims = [
        "zero-knowledge",
        "zero knowledge",
        "audited",
        "private inference",
        "post-quantum",
        "trustless",
        "unbreakable",
        "provably secure",
        "guarantee",
    ];
    let lower = readme.to_lowercase();
    for claim in claims {
        for (at, _) in lower.match_indices(claim) {
            let line = lower[..at].rfind('\n').map_or(0, |n| n + 1);
            let end = lower[at..].find('\n').map_or(lower.len(), |n| at + n);
            let line = &lower[line..end];
            assert!(
                line.contains("not ") || line.contains("non-claims"),
                "README.md: {line}"
            );
        }
    }
}
