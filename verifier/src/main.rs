//! `cairo-decode-verify`: a session, or one receipt, against a model manifest.

// As in the library: nothing from outside may end in a panic.
#![warn(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

use std::process::ExitCode;

use cairo_decode_verifier::cli::{shell, verify};

/// Verify what a language model generated
///
/// Needs the receipts, their proofs and the model's manifest; no weights, no program, no prover. A
/// single receipt says nothing about what came before its first frontier.
#[derive(Debug, clap::Parser)]
#[command(name = "cairo-decode-verify", version, after_help = EXAMPLE)]
struct Cli {
    #[command(flatten)]
    args: verify::Args,
}

const EXAMPLE: &str = "\
Example: cairo-decode-verify session --model model.json

Exit codes: 0 accepted, 1 rejected, 2 usage or unreadable input.";

fn main() -> ExitCode {
    shell::run("cairo-decode-verify", |cli: Cli| {
        (verify::run(&cli.args), cli.args.json)
    })
}
