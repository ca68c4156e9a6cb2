//! The commands that the README shows: the binary understands all of them, and those that need no proof run here, in
//! the README's order, in a folder that holds the demo model and nothing else.

#[path = "support/command.rs"]
mod command;

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use command::{code, command, text};

/// A line of one of the README's blocks.
struct Line {
    /// What is run: the words of the command, without quotes, comment and redirection.
    words: Vec<String>,
    /// Whether the output goes to a file.
    redirected: bool,
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of all blocks that begin with a word of this kind; each line once.
fn lines(kind: impl Fn(&str) -> bool) -> Vec<Line> {
    let readme = fs::read_to_string(root().join("README.md")).expect("README.md");
    let blocks = readme.split("```").skip(1).step_by(2);
    let (mut seen, mut lines) = (BTreeSet::new(), vec![]);
    for line in blocks.flat_map(str::lines) {
        if kind(line.split(' ').next().unwrap_or_default()) && seen.insert(line) {
            lines.push(split(line));
        }
    }
    lines
}

/// Splits a line as a shell would; double quotes are all that the README needs.
fn split(line: &str) -> Line {
    let (mut words, mut quoted) = (vec![String::new()], false);
    for c in line.chars() {
        match c {
            '"' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            _ => words.last_mut().expect("a word").push(c),
        }
    }
    assert!(!quoted, "README.md: a quote that does not end: {line}");
    words.retain(|word| !word.is_empty());
    let end = |mark: &str| words.iter().position(|word| word == mark);
    let redirected = end(">").is_some();
    let end = end("#").or(end(">")).unwrap_or(words.len());
    words.truncate(end);
    Line { words, redirected }
}

fn commands() -> Vec<Line> {
    let lines = lines(|word| word == "cairo-decode");
    assert!(!lines.is_empty(), "README.md shows no command");
    lines
}

/// Every script that the README tells to run is there, and can be run.
#[test]
fn every_script_is_there() {
    let scripts = lines(|word| word.starts_with("scripts/"));
    assert!(!scripts.is_empty(), "README.md shows no script");
    for script in scripts {
        let file = root().join(&script.words[0]);
        let mode = fs::metadata(&file).map(|found| found.permissions().mode());
        assert!(
            mode.is_ok_and(|mode| mode & 0o111 != 0),
            "README.md: {}",
            file.display()
        );
    }
}

/// Every command is one of the binary's, with options that it has: asked for help at the end of the line, the binary
/// reads the whole line.
#[test]
fn every_command_is_understood() {
    let help = |words: &[String]| {
        let args = words.iter().skip(1).map(|word| match word.as_str() {
            // Where the reader writes a domain.
            "CHAIN/CONTRACT" => "SN_SEPOLIA/0x1",
            word => word,
        });
        let args = args.chain(["--help"]);
        command(&args.collect::<Vec<_>>())
            .output()
            .expect("the binary runs")
    };
    for Line { words, .. } in commands() {
        let output = help(&words);
        assert_eq!(
            code(&output),
            0,
            "README.md: {words:?}: {}",
            text(&output.stderr)
        );
    }
    let wrong = split("cairo-decode compile models/stories --no-such-option -o build/stories");
    assert_eq!(code(&help(&wrong.words)), 2);
}

/// The commands that need no proof run, in the README's order: each finds what the ones before it have made.
#[test]
fn commands_without_a_proof_run() {
    let folder = tempfile::tempdir().expect("a folder");
    symlink(root().join("models"), folder.path().join("models")).expect("a link");
    let mut ran = BTreeSet::new();
    for Line { words, redirected } in commands() {
        let about_a_session = words.iter().any(|word| word.starts_with("session"));
        let fast = [
            "compile",
            "generate",
            "run",
            "inspect",
            "profile",
            "completions",
        ];
        if about_a_session || !fast.contains(&words[1].as_str()) {
            continue;
        }
        let args: Vec<&str> = words.iter().skip(1).map(String::as_str).collect();
        let output = command(&args)
            .current_dir(folder.path())
            .output()
            .expect("the binary runs");
        assert_eq!(
            code(&output),
            0,
            "README.md: {words:?}: {}",
            text(&output.stderr)
        );
        assert!(
            !output.stdout.is_empty(),
            "README.md: {words:?} prints nothing"
        );
        assert_eq!(
            redirected,
            words[1] == "completions",
            "README.md: {words:?}"
        );
        ran.insert(words[1].clone());
    }
    assert_eq!(ran.len(), 6, "README.md shows no example of some: {ran:?}");
}
