//! Ctrl-C: what stays and how to go on.

use anyhow::Context;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use super::output;

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// From here on an interrupt prints `advice` and ends the process. A file that is being written then is not there, or as
/// it was: `receipt::write_atomic` makes it appear whole.
///
/// # Errors
/// A system that does not let the process handle signals.
pub fn explain(advice: String) -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT]).context("waiting for Ctrl-C")?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            output::note(format!("interrupted: {advice}"));
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}
