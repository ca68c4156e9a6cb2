//! The rules of the house that a machine can check: module arrows, file sizes, leftovers, documents.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What each module of `src/` may import from the others. A missing line is an error.
const ARROWS: [(&str, &[&str]); 23] = [
    ("spec", &[]),
    ("model", &[]),
    ("ir", &["spec"]),
    ("quantize", &["model", "spec", "ir"]),
    ("cost", &[]),
    ("casm", &["cost"]),
    ("lower", &["casm", "cost", "ir", "spec"]),
    ("compile", &["casm", "cost", "spec"]),
    ("trace", &["casm", "compile"]),
    // It implements the trait that the fidelity report runs.
    ("engine", &["ir", "spec", "quantize"]),
    ("verify", &["spec"]),
    ("receipt", &["verify", "spec"]),
    ("chunk", &["engine", "ir", "spec", "verify"]),
    ("prove", &["trace", "verify"]),
    ("wrap", &["prove", "receipt", "verify"]),
    ("contract", &["compile"]),
    ("chain", &["contract", "receipt", "verify"]),
    (
        "bundle",
        &[
            "chunk", "compile", "engine", "ir", "lower", "model", "quantize", "receipt", "spec",
            "verify",
        ],
    ),
    (
        "session",
        &[
            "bundle", "chunk", "profile", "prove", "receipt", "spec", "trace", "verify", "wrap",
        ],
    ),
    (
        "profile",
        &[
            "bundle", "chunk", "compile", "cost", "ir", "lower", "prove", "spec", "trace", "verify",
        ],
    ),
    (
        "bench",
        &[
            "bundle", "casm", "chunk", "compile", "cost", "ir", "lower", "model", "profile",
            "prove", "quantize", "session", "trace", "verify",
        ],
    ),
    // Above the library: every module, by the crate's name or by `crate`.
    ("cli", &["*"]),
    ("main", &["*"]),
];

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

/// Top-level module of a path: `src/ir/verify.rs` → `ir`, `src/main.rs` → `main`.
fn module(path: &str) -> &str {
    let below = path.strip_prefix("src/").expect("a file of src");
    below
        .split('/')
        .next()
        .expect("a name")
        .trim_end_matches(".rs")
}

/// Modules that a file names through `crate::…`, or through as many `super`s as lead to the root.
fn imports(path: &str, text: &str, modules: &BTreeSet<&str>) -> BTreeSet<String> {
    let depth = path.matches('/').count() - usize::from(path.ends_with("/mod.rs"));
    let mut prefixes = vec!["crate::".to_string(), "cairo_decode::".to_string()];
    prefixes.push("super::".repeat(depth));
    let mut found = BTreeSet::new();
    let code: Vec<&str> = text
        .lines()
        .map(|l| l.split("//").next().unwrap_or(""))
        .collect();
    let code = code.join("\n");
    for prefix in prefixes.iter().filter(|p| !p.is_empty()) {
        for (at, _) in code.match_indices(prefix.as_str()) {
            let before = code[..at].chars().next_back();
            if before.is_some_and(|c| c.is_alphanumeric() || c == '_' || c == ':') {
                continue;
            }
            found.extend(
                names(&code[at + prefix.len()..])
                    .into_iter()
                    .filter(|n| modules.contains(n.as_str())),
            );
        }
    }
    found
}

/// First path segments after a prefix: one name, or each name of a `{…}` list.
fn names(rest: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.trim_start()
            .chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .collect()
    };
    let Some(list) = rest.strip_prefix('{') else {
        return vec![word(rest)];
    };
    let (mut depth, mut start, mut found) = (1, 0, vec![]);
    for (i, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if (depth == 1 && c == ',') || depth == 0 {
            found.push(word(&list[start..i]));
            start = i + 1;
        }
        if depth == 0 {
            break;
        }
    }
    found
}

/// A module imports only what the map allows; `verify` and `receipt` never see the prover.
#[test]
fn module_arrows() {
    let arrows: BTreeMap<&str, &[&str]> = ARROWS.into();
    let sources = files("src", &["rs"]);
    let modules: BTreeSet<&str> = sources.iter().map(|(path, _)| module(path)).collect();
    let mut problems = vec![];
    for (path, text) in &sources {
        let own = module(path);
        if own == "lib" {
            continue;
        }
        let Some(allowed) = arrows.get(own) else {
            problems.push(format!(
                "{path}: module {own} is not in the map of tests/tidy.rs"
            ));
            continue;
        };
        for import in imports(path, text, &modules) {
            if import != own && !allowed.contains(&import.as_str()) && !allowed.contains(&"*") {
                problems.push(format!("{path}: {own} imports {import}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The reader of imports finds them in every form.
#[test]
fn imports_are_found() {
    let modules = BTreeSet::from(["a", "b", "c", "d"]);
    let of = |path: &str, text: &str| {
        imports(path, text, &modules)
            .into_iter()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(
        of("src/x/y.rs", "use crate::a::T; fn f() { crate::b::g() }"),
        "a b"
    );
    assert_eq!(
        of("src/x/y.rs", "use crate::{a::{self, T}, b, d};"),
        "a b d"
    );
    assert_eq!(
        of("src/x/y.rs", "use super::a::T; use super::super::c::T;"),
        "c"
    );
    assert_eq!(of("src/x/mod.rs", "use super::a::T;"), "a");
    assert_eq!(
        of(
            "src/x/y/z.rs",
            "use super::super::super::d::T; use super::super::a::T;"
        ),
        "d"
    );
    assert_eq!(of("src/main.rs", "use cairo_decode::c::T;"), "c");
    assert_eq!(
        of("src/x.rs", "// crate::a\n/// [`crate::b`]\nuse mycrate::c;"),
        ""
    );
}

/// No file of the library, of the kernels, or of the tests is longer than a person reads at once.
#[test]
fn file_sizes() {
    let mut problems = vec![];
    for (path, text) in files("src", &["rs"])
        .into_iter()
        .chain(files("cairo", &["cairo"]))
    {
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
    for (path, text) in files("src", &["rs"])
        .into_iter()
        .chain(files("tests", &["rs"]))
    {
        for (line, content) in text.lines().enumerate() {
            for word in words.iter().filter(|w| content.contains(**w)) {
                problems.push(format!("{path}:{}: {word}", line + 1));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Every public module opens with what it owns.
#[test]
fn files_open_with_a_comment() {
    let mut problems = vec![];
    for (path, text) in files("src", &["rs"])
        .into_iter()
        .chain(files("cairo", &["cairo"]))
    {
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

/// Every operation of the numeric specification has its section in `docs/spec.md`, and its kernel.
#[test]
fn spec_sections() {
    let text = fs::read_to_string(root().join("docs/spec.md")).expect("docs/spec.md");
    let sections: BTreeSet<String> = text
        .lines()
        .filter(|line| line.starts_with('#'))
        .map(|line| line.trim_start_matches('#').trim().replace('`', ""))
        .collect();
    let kernels: BTreeSet<String> = files("cairo/src", &["cairo"])
        .into_iter()
        .map(|(path, _)| stem(&path))
        .collect();
    let mut problems = vec![];
    for (path, _) in files("src/spec", &["rs"]) {
        let name = stem(&path);
        let rust_only = ["mod", "program_hash"].contains(&name.as_str());
        if !rust_only && !kernels.contains(&name) {
            problems.push(format!("cairo/src/{name}.cairo is missing"));
        }
        let named = |section: &String| {
            section
                .split(|c: char| !c.is_alphanumeric() && c != '_')
                .any(|w| w == name)
        };
        if name != "mod" && !sections.iter().any(named) {
            problems.push(format!("docs/spec.md has no section {name}"));
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

/// The count of requirements: a test that passed counts, one that failed takes its requirement away, a line
/// that something was printed into does not count.
#[test]
fn requirements_are_counted() {
    let log = tempfile::NamedTempFile::new().expect("a file");
    let text = "\
test requirement_01_a ... ok
test a::b::requirement_02_c ... ok
test cairo_decode_contracts::registry_test::requirement_28_d ... ok (gas usage est.: 5)
test requirement_03_e ... FAILED
test requirement_03_f ... ok
test requirement_04_g ... printed something
test requirement_38_h ... ok
test another ... ok
";
    fs::write(log.path(), text).expect("written");
    let output = Command::new(root().join("scripts/requirements"))
        .arg(log.path())
        .output()
        .expect("the script runs");
    let said = String::from_utf8(output.stdout).expect("UTF-8");
    assert!(said.starts_with("requirements: 3/37\n"), "{said}");
    assert!(said.contains("no test ran for: 05, 06"), "{said}");
    assert!(said.contains("a test failed for: 03, 04\n"), "{said}");
}

/// Every requirement has a test, by its name.
#[test]
fn every_requirement_has_a_test() {
    let mut found = BTreeSet::new();
    for (dir, extension) in [("tests", "rs"), ("contracts/src", "cairo")] {
        for (_, text) in files(dir, &[extension]) {
            for (at, prefix) in text.match_indices(concat!("fn requirement", "_")) {
                let number = &text[at + prefix.len()..at + prefix.len() + 2];
                found.insert(number.parse::<u32>().expect("a number of two digits"));
            }
        }
    }
    let missing: Vec<u32> = (1..=37).filter(|n| !found.contains(n)).collect();
    assert!(missing.is_empty(), "no test is named after {missing:?}");
}
