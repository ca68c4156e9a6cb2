//! What is around a command: its arguments, how its errors are said, its exit code.
//!
//! Exit codes: 0 done, 1 rejected (what was read does not hold, or lacks a part), 2 usage, or something that is not there,
//! unreadable or full, 101 a bug. Success is not reported before all of the output is written.

use std::process::ExitCode;

use clap::Parser;

use super::failure::{Done, Failure, done_json};
use super::{Outcome, bug, output};
use crate::escape;

/// Runs the command line of this process, which is a program of this name. `run` runs a command, and also says whether it
/// was asked for JSON.
pub fn run<Command: Parser>(
    program: &'static str,
    run: impl FnOnce(Command) -> (Outcome, bool),
) -> ExitCode {
    bug::report(program);
    let (outcome, json) = match Command::try_parse() {
        Ok(command) => run(command),
        Err(said) => {
            let said = shown::<Command>(said);
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
        let done = error.downcast_ref::<Done>();
        let mut said = done.map_or(serde_json::json!({}), |done| done.json.clone());
        said[kind] = message.as_str().into();
        output::json(&done_json(false, said));
    }
    output::note(format!("{kind}: {message}"));
    exit(ExitCode::from(code))
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
fn shown<Command: Parser>(said: clap::Error) -> clap::Error {
    let args = std::env::args_os();
    let args = args.map(|arg| escape::line(&arg.to_string_lossy()).into_owned());
    let again = Command::try_parse_from(args).err();
    again
        .filter(|again| again.kind() == said.kind())
        .unwrap_or_else(|| Command::command().error(said.kind(), "an argument is not valid text"))
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
