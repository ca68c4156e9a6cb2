//! The command line of cairo-decode; see `cli`.

// As in the library: nothing from outside may end in a panic.
#![warn(
    clippy::expect_used,
    clippy::panic,
    clippy::string_slice,
    clippy::unreachable,
    clippy::unwrap_used
)]

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
