//! The command line: arguments → one library call → text or JSON.
//!
//! One file per command. Exit codes: 0 done, 1 rejected (what was read does not hold, or lacks a part), 2 usage, or
//! something that is not there, unreadable or full, 130 interrupted. Progress goes to stderr, only on a terminal; results go to stdout.
//! Nothing prints but `output`, and nothing is done before all of it is written. What a path is, `paths` says.

mod bench;
mod bug;
mod chain;
mod compile;
mod completions;
mod failure;
mod generate;
mod inspect;
mod interrupt;
mod memory;
mod output;
mod paths;
mod profile;
mod progress;
mod prompt;
mod prove;
mod table;
mod verify;
mod wrap;

use std::process::ExitCode;

use cairo_decode::escape;
use clap::{CommandFactory, Parser, Subcommand};

pub use failure::Failure;

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

Exit codes: 0 done, 1 rejected, 2 usage or unreadable input, 130 interrupted.";

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

type Outcome = Result<(), Failure>;

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    bug::report();
    if let Err(error) = interrupt::watch() {
        output::note(format!("note: {error:#}"));
    }
    let (outcome, json) = match Cli::try_parse() {
        Ok(cli) => run(cli.command),
        Err(said) => {
            let said = shown(said);
            output::usage(&said);
            return exit(ExitCode::from(said.exit_code() as u8));
        }
    };
    let Err(failure) = outcome else {
        return exit(ExitCode::SUCCESS);
    };
    let (kind, error, code) = match failure {
        Failure::Rejected(error) => ("rejected", error, 1),
        Failure::Input(error) => ("error", error, 2),
    };
    let message = message(&error);
    if json {
        let done = error.downcast_ref::<failure::Done>();
        let mut said = done.map_or(serde_json::json!({}), |done| done.json.clone());
        said[kind] = message.as_str().into();
        output::json(&failure::done_json(false, said));
    }
    output::note(format!("{kind}: {message}"));
    exit(ExitCode::from(code))
}

/// Runs a command. Also says whether it was asked for JSON.
fn run(command: Command) -> (Outcome, bool) {
    match command {
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
    }
}

/// The exit code, unless it says success and not all of the output is written.
fn exit(code: ExitCode) -> ExitCode {
    match output::finish() {
        Ok(()) => code,
        Err(error) => {
            output::note(format!("error: {error}"));
            match code == ExitCode::SUCCESS {
                true => ExitCode::from(2),
                false => code,
            }
        }
    }
}

/// What the parser says, of arguments without hidden characters: it repeats them.
fn shown(said: clap::Error) -> clap::Error {
    let args = std::env::args_os();
    let args = args.map(|arg| escape::line(&arg.to_string_lossy()).into_owned());
    let again = Cli::try_parse_from(args).err();
    again
        .filter(|again| again.kind() == said.kind())
        .unwrap_or_else(|| Cli::command().error(said.kind(), "an argument is not valid text"))
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
