//! Ctrl-C: what stays and how to go on.

use std::sync::Mutex;

use anyhow::Context;
use signal_hook::consts::SIGINT;
use signal_hook::iterator::Signals;

use super::{output, progress};

/// The exit code of a program that was interrupted.
const INTERRUPTED: i32 = 130;

/// What an interrupt says besides that it was one.
static ADVICE: Mutex<Option<String>> = Mutex::new(None);

/// From here on an interrupt removes the progress line, prints what [`explain`] was given, and ends the process. A file
/// that is being written then is not there, or as it was: `receipt::write_atomic` makes it appear whole.
///
/// # Errors
/// A system that does not let the process handle signals.
pub fn watch() -> anyhow::Result<()> {
    let mut signals = Signals::new([SIGINT]).context("waiting for Ctrl-C")?;
    std::thread::spawn(move || {
        if signals.forever().next().is_some() {
            progress::clear();
            let advice = ADVICE.lock().ok().and_then(|advice| advice.clone());
            let advice = advice.map_or(String::new(), |advice| format!(": {advice}"));
            output::note(format!("interrupted{advice}"));
            std::process::exit(INTERRUPTED);
        }
    });
    Ok(())
}

/// From here on an interrupt gives this advice.
pub fn explain(advice: String) {
    if let Ok(mut said) = ADVICE.lock() {
        *said = Some(advice);
    }
}
