//! The command line as the tests use it.

#![allow(dead_code)]

use std::path::Path;
use std::process::{Command, Output};

/// The password of the tests' keystores.
pub const PASSWORD: &str = "correct horse";

/// The variable that the binary reads it from.
pub const PASSWORD_VARIABLE: &str = "CAIRO_DECODE_PASSWORD";

pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cairo-decode"));
    command.args(args).env(PASSWORD_VARIABLE, PASSWORD);
    command
}

pub fn run(args: &[&str]) -> Output {
    cairo_decode_verdicts::command(args);
    command(args).output().expect("the binary runs")
}

pub fn code(output: &Output) -> i32 {
    output.status.code().expect("an exit code, not a signal")
}

pub fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

pub fn path(path: &Path) -> &str {
    path.to_str().expect("UTF-8")
}

/// The command that proves three tokens after a prompt into a folder.
pub fn proving<'a>(build: &'a Path, prompt: &'a str, out: &'a Path) -> [&'a str; 8] {
    let (build, out) = (path(build), path(out));
    ["prove", build, "-p", prompt, "-n", "3", "-o", out]
}

/// The command that compiles a model for programs that hold its weights.
pub fn compiling_steps<'a>(model: &'a Path, build: &'a Path) -> [&'a str; 6] {
    let (model, build) = (path(model), path(build));
    ["compile", "--target", "steps", model, "-o", build]
}

/// The command that compiles a model for proofs of at most 8 steps.
pub fn compiling<'a>(model: &'a Path, build: &'a Path) -> [&'a str; 6] {
    let (model, build) = (path(model), path(build));
    ["compile", "--lanes", "8", model, "-o", build]
}

/// The command that compiles a model for proofs of at most 8 steps that can be wrapped.
pub fn compiling_foldable<'a>(model: &'a Path, build: &'a Path) -> [&'a str; 8] {
    let (model, build) = (path(model), path(build));
    let proofs = ["--proofs", "foldable-16", "--lanes", "8"];
    [
        "compile", proofs[0], proofs[1], proofs[2], proofs[3], model, "-o", build,
    ]
}

/// Runs a command that has to succeed. Returns what it printed.
pub fn accept(args: &[&str]) -> String {
    let output = run(args);
    assert_eq!(code(&output), 0, "{args:?}: {}", text(&output.stderr));
    text(&output.stdout)
}

/// Runs a command that has to fail with a code and a message that names something.
pub fn reject(args: &[&str], exit: i32, names: &str) {
    let output = run(args);
    let stderr = text(&output.stderr);
    assert_eq!(code(&output), exit, "{args:?}: {stderr}");
    assert!(
        stderr.contains(names),
        "{args:?}: {stderr:?} does not name {names:?}"
    );
    assert!(!stderr.contains("panicked"), "{stderr}");
}
