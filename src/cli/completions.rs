//! `completions`: shell completions on stdout.

use clap::CommandFactory;
use clap_complete::Shell;

/// Print shell completions
///
/// Example: cairo-decode completions bash > ~/.local/share/bash-completion/completions/cairo-decode
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The shell
    shell: Shell,
}

pub fn run(args: &Args) -> super::Outcome {
    let mut command = super::Cli::command();
    clap_complete::generate(
        args.shell,
        &mut command,
        "cairo-decode",
        &mut std::io::stdout(),
    );
    Ok(())
}
