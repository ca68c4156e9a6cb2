//! The command line of cairo-decode; see `cli`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
