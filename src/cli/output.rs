//! What the commands share in printing.

use std::io::Write;
use std::time::Duration;

pub use cairo_decode::prove::memory::peak as peak_memory;
use serde::Serialize;

/// Prints a value as JSON on stdout. A reader that went away is no error.
pub fn json(value: &impl Serialize) {
    let text = serde_json::to_string_pretty(value).unwrap_or_default();
    let _ = writeln!(std::io::stdout(), "{text}");
}

/// Prints a line on stdout. A reader that went away is no error.
pub fn line(text: impl AsRef<str>) {
    let _ = writeln!(std::io::stdout(), "{}", text.as_ref());
}

/// Seconds with two digits.
pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Milliseconds with one digit.
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Bytes in MB (10^6) with two digits.
pub fn megabytes(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}
