//! `completions`: shell completions on stdout.

use clap::CommandFactory;
use clap_complete::Shell;

use super::output;

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
    let mut script = vec![];
    clap_complete::generate(args.shell, &mut command, "cairo-decode", &mut script);
    let script = String::from_utf8(script)?;
    output::text(script.trim_end_matches('\n'));
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::ValueEnum;

    /// A script for a shell is printed as it is.
    #[test]
    fn scripts_have_no_hidden_characters() {
        for shell in Shell::value_variants() {
            let mut command = super::super::Cli::command();
            let mut script = vec![];
            clap_complete::generate(*shell, &mut command, "cairo-decode", &mut script);
            let script = String::from_utf8(script).expect("UTF-8");
            assert_eq!(cairo_decode::escape::lines(&script), script, "{shell}");
        }
    }
}
