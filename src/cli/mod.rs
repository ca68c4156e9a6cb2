//! The command line: arguments → one library call → text or JSON.
//!
//! One file per command. Exit codes: 0 done, 1 rejected (what was read does not hold, or lacks a part), 2 usage, or
//! something that is not there, unreadable or full, 130 interrupted. Progress goes to stderr, only on a terminal; results go to stdout.
//! Nothing prints but `output`, and nothing is done before all of it is written. What a path is, `paths` says. Both, exit codes, and
//! how errors are said are the verifier's (`cairo_decode_verifier::cli`).

mod bench;
mod bundle;
mod chain;
mod compile;
mod completions;
mod failure;
mod generate;
mod inspect;
mod interrupt;
mod memory;
mod paths;
mod portable;
mod profile;
mod progress;
mod prompt;
mod prove;
mod run;
mod table;
mod verify;
mod wrap;

use std::process::ExitCode;

use cairo_decode_verifier::cli::{Outcome, output, shell};
use clap::{Parser, Subcommand};

use failure::Failure;

/// Prove what a language model generated.
///
/// Compiles a Hugging Face model directory or a GGUF file to a Cairo program, proves its decode steps with Stwo, and
/// verifies the receipts.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true, after_help = EXAMPLES)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLES: &str = "\
Example:
  cairo-decode compile models/stories -o build/stories
  cairo-decode prove build/stories -p \"Once upon a time\" -n 8 -o session
  cairo-decode verify session --model build/stories/model.json

Exit codes: 0 done, 1 rejected, 2 usage or unreadable input, 130 interrupted.";

#[derive(Debug, Subcommand)]
enum Command {
    Compile(compile::Args),
    Generate(generate::Args),
    Run(run::Args),
    Prove(prove::Args),
    Verify(verify::Args),
    Bundle(bundle::Args),
    Wrap(wrap::Args),
    Chain(chain::Args),
    Inspect(inspect::Args),
    Profile(profile::Args),
    Bench(bench::Args),
    Completions(completions::Args),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    if let Err(error) = interrupt::watch() {
        output::note(format!("note: {error:#}"));
    }
    shell::run("cairo-decode", |cli: Cli| run(cli.command))
}

/// Runs a command. Also says whether it was asked for JSON.
fn run(command: Command) -> (Outcome, bool) {
    match command {
        Command::Compile(args) => (compile::run(&args), args.json),
        Command::Generate(args) => (generate::run(&args), args.json),
        Command::Run(args) => (run::run(&args), args.json),
        Command::Prove(args) => (prove::run(&args), args.json),
        Command::Verify(args) => (verify::run(&args), args.of.json),
        Command::Bundle(args) => (bundle::run(&args), args.json),
        Command::Wrap(args) => (wrap::run(&args), args.json),
        Command::Chain(args) => (chain::run(&args), args.json),
        Command::Inspect(args) => (inspect::run(&args), args.json),
        Command::Profile(args) => (profile::run(&args), args.json),
        Command::Bench(args) => (bench::run(&args), args.json),
        Command::Completions(args) => (completions::run(&args), false),
    }
}
