//! The command line: arguments → one library call → text or JSON.
//!
//! One file per command. Exit codes: 0 done, 1 rejected (a proof or receipt that does not hold), 2 usage
//! or bad input. Progress goes to stderr, only on a terminal; results go to stdout.

mod bench;
mod chain;
mod compile;
mod completions;
mod generate;
mod inspect;
mod memory;
mod output;
mod profile;
mod prove;
mod verify;
mod wrap;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Prove what a language model generated.
///
/// Compiles a Hugging Face model directory to a Cairo program, proves its decode steps with Stwo, and
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

Exit codes: 0 done, 1 rejected, 2 usage or bad input.";

#[derive(Debug, Subcommand)]
enum Command {
    Compile(compile::Args),
    Generate(generate::Args),
    Prove(prove::Args),
    Verify(verify::Args),
    Wrap(wrap::Args),
    Chain(chain::Args),
    Inspect(inspect::Args),
    Profile(profile::Args),
    Bench(bench::Args),
    Completions(completions::Args),
}

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// A proof, receipt or session does not hold.
    Rejected(anyhow::Error),
    /// The command line, a file, or the machine is at fault.
    Input(anyhow::Error),
}

impl<E: Into<anyhow::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Input(error.into())
    }
}

type Outcome = Result<(), Failure>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let (outcome, json) = match cli.command {
        Command::Compile(args) => (compile::run(&args), args.json),
        Command::Generate(args) => (generate::run(&args), args.json),
        Command::Prove(args) => (prove::run(&args), args.json),
        Command::Verify(args) => (verify::run(&args), args.json),
        Command::Wrap(args) => (wrap::run(&args), args.json),
        Command::Chain(args) => (chain::run(&args), args.json),
        Command::Inspect(args) => (inspect::run(&args), args.json),
        Command::Profile(args) => (profile::run(&args), args.json),
        Command::Bench(args) => (bench::run(&args), args.json),
        Command::Completions(args) => (completions::run(&args), false),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            let (kind, error, code) = match failure {
                Failure::Rejected(error) => ("rejected", error, 1),
                Failure::Input(error) => ("error", error, 2),
            };
            let message = message(&error);
            if json {
                output::json(&serde_json::json!({ "ok": false, kind: message }));
            }
            eprintln!("{kind}: {message}");
            ExitCode::from(code)
        }
    }
}

/// The error and what it came from, leaving out causes that the text before them already tells.
fn message(error: &anyhow::Error) -> String {
    let mut text = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        if text.is_empty() {
            text = cause;
        } else if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}
