//! Progress on stderr: a bar, only on a terminal, and notes beside it.

use std::sync::Mutex;
use std::time::Duration;

use anyhow::Context;
use cairo_decode::escape;
use indicatif::{ProgressBar, ProgressStyle};

use super::output;

/// The bar that is drawn now.
static DRAWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

/// Removes the bar that is drawn, if there is one. It is not drawn again.
pub fn clear() {
    if let Some(bar) = DRAWN.lock().ok().and_then(|mut drawn| drawn.take()) {
        bar.finish_and_clear();
    }
}

/// A bar, removed when it is dropped.
pub struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A bar that counts `unit`s.
    pub fn counting(unit: &str) -> anyhow::Result<Progress> {
        let template = format!("{{wide_bar}} {{pos}}/{{len}} {unit} {{msg}} ({{elapsed}})");
        Progress::new(ProgressBar::new(1), &template)
    }

    /// A sign that something goes on, of unknown length.
    pub fn spinning() -> anyhow::Result<Progress> {
        Progress::new(ProgressBar::new_spinner(), "{spinner} {msg} ({elapsed})")
    }

    fn new(bar: ProgressBar, template: &str) -> anyhow::Result<Progress> {
        bar.set_style(ProgressStyle::with_template(template).context("a progress bar")?);
        bar.enable_steady_tick(Duration::from_millis(250));
        if let Ok(mut drawn) = DRAWN.lock() {
            *drawn = Some(bar.clone());
        }
        Ok(Progress { bar })
    }

    /// Says what is being done.
    pub fn message(&self, text: impl AsRef<str>) {
        self.bar
            .set_message(escape::line(text.as_ref()).into_owned());
    }

    /// How much there is to do, and how much of it is done.
    pub fn length(&self, all: usize, done: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
    }

    /// So much more is done.
    pub fn advance(&self, by: usize) {
        self.bar.inc(by as u64);
    }

    /// Prints a line on stderr, whether or not there is a terminal.
    pub fn note(&self, line: impl AsRef<str>) {
        self.bar.suspend(|| output::note(line));
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
