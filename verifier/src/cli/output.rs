//! The one way out: every line that the program prints goes through here.
//!
//! Invariants
//! - Text from outside (names of files, labels, documents, a node's answers, what a model wrote) reaches a terminal
//!   without hidden characters ([`escape`]), so it can neither colour nor erase a line. Nor can it forge one: it is within
//!   a line that begins with this program's words, or each of its lines is marked ([`quotation`], [`answer`]).
//!   `tests/output.rs` of `cairo-decode` checks that no other file prints.
//! - The first error of writing to stdout is kept; [`finish`] gives it to the caller, who must not report success.
//! - A closed pipe is a reader that has seen enough, and no error.

use std::io::{self, IsTerminal, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

use crate::escape;

/// Why stdout does not have all that was printed.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// What stands before each line of a text from outside in a report: no line of a report begins so.
const MARK: &str = "> ";

/// A text from outside as lines that nobody can take for a report's: without hidden characters, each behind [`MARK`].
fn marked(text: &str) -> String {
    let text = escape::lines(text);
    let lines: Vec<String> = text
        .split('\n')
        .map(|line| format!("{MARK}{line}"))
        .collect();
    lines.join("\n")
}

/// Writes a text and a line break to stdout.
fn write_out(text: &str) {
    closed();
    let mut out = io::stdout().lock();
    keep(writeln!(out, "{text}"));
}

/// Whether stdout was closed when the process started. The standard library puts `/dev/null` there before `main`, so it
/// is looked at before that.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// What the system runs before the standard library prepares `main`.
#[cfg(target_os = "linux")]
#[allow(
    unsafe_code,
    reason = "nothing safe runs before the standard library prepares `main`"
)]
mod at_start {
    use std::sync::atomic::Ordering;

    extern "C" fn look_at_stdout() {
        // SAFETY: the call asks the system about a number; it reads and writes no memory of ours.
        let flags = unsafe { libc::fcntl(libc::STDOUT_FILENO, libc::F_GETFD) };
        super::CLOSED.store(flags == -1, Ordering::Relaxed);
    }

    // SAFETY: the section is a list of functions of this kind. This one uses nothing that is prepared later.
    #[unsafe(link_section = ".init_array")]
    #[used]
    static LOOK: extern "C" fn() = look_at_stdout;
}

/// Notes that what is written to a closed stdout reaches nobody.
fn closed() {
    if CLOSED.load(Ordering::Relaxed) {
        keep(Err(io::Error::other("stdout is closed")));
    }
}

/// Keeps the first error of writing to stdout.
fn keep(written: io::Result<()>) {
    if let Err(error) = written {
        // Only the first one is of interest: it has made the output incomplete.
        let _ = FAILED.set(error);
    }
}

/// Prints a value as JSON on stdout.
pub fn json(value: &impl Serialize) {
    match serde_json::to_string_pretty(value) {
        Ok(text) => write_out(&escape::json(&text)),
        Err(error) => keep(Err(error.into())),
    }
}

/// Prints a line on stdout.
pub fn line(text: impl AsRef<str>) {
    write_out(&escape::line(text.as_ref()));
}

/// Prints text of this program on stdout that has several lines: a plan's operations, a shell's script. Never text from outside,
/// whose lines could be taken for the report's: see [`quotation`] and [`answer`].
pub fn text(text: impl AsRef<str>) {
    write_out(&escape::lines(text.as_ref()));
}

/// Prints text from outside within a report on stdout, such as what a model wrote: every line is marked.
pub fn quotation(text: impl AsRef<str>) {
    write_out(&marked(text.as_ref()));
}

/// Prints text from outside that is all that stdout gets. A file or a pipe gets the text as it is, but for hidden
/// characters; on a terminal, where the report on stderr stands beside it, every line is marked.
pub fn answer(text: impl AsRef<str>) {
    match io::stdout().is_terminal() {
        true => quotation(text),
        false => write_out(&escape::lines(text.as_ref())),
    }
}

/// Prints what the command line's own parser says, with its colours on a terminal. Only stdout is checked.
pub fn usage(said: &clap::Error) {
    let printed = said.print();
    if !said.use_stderr() {
        closed();
        keep(printed);
    }
}

/// Prints a line on stderr. If that cannot be written there is nobody to tell.
pub fn note(line: impl AsRef<str>) {
    let _ = writeln!(io::stderr(), "{}", escape::line(line.as_ref()));
}

/// Makes sure that all of the output is written.
///
/// # Errors
/// The first error of writing to stdout, unless it was that the reader went away.
pub fn finish() -> anyhow::Result<()> {
    keep(io::stdout().flush());
    match FAILED.get() {
        Some(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(anyhow::anyhow!("cannot write the output: {error}"))
        }
        _ => Ok(()),
    }
}

/// Token ids as `verify --prompt-tokens` takes them.
pub fn tokens(ids: &[u32]) -> String {
    let ids: Vec<String> = ids.iter().map(u32::to_string).collect();
    ids.join(",")
}

/// Seconds with two digits.
pub fn seconds(time: Duration) -> String {
    format!("{:.2} s", time.as_secs_f64())
}

/// Milliseconds with one digit.
pub fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

/// Bytes in GB (10^9) with two digits, where the system says them.
pub fn gigabytes(bytes: Option<u64>) -> String {
    bytes.map_or("unknown".to_string(), |b| {
        format!("{:.2} GB", b as f64 / 1e9)
    })
}

/// Bytes in MB (10^6) with two digits.
pub fn megabytes(bytes: usize) -> String {
    format!("{:.2} MB", bytes as f64 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_from_outside_are_marked() {
        let said = "a\naccepted: model\r\n\nrejected\u{2028}session\u{85}x\u{b}y\n";
        let shown = "> a\n> accepted: model\\r\n> \n> rejected\\u{2028}session\\u{85}x\\u{b}y\n> ";
        assert_eq!(marked(said), shown);
        assert_eq!(marked(""), "> ");
    }
}
