//! The one way out: every line that the program prints goes through here.
//!
//! Invariants
//! - Text from outside (names of files, labels, documents, a node's answers) reaches a terminal without control
//!   characters, so it can neither colour, erase nor forge a line. `tests/output.rs` checks that no other file prints.
//! - The first error of writing to stdout is kept; [`finish`] gives it to the caller, who must not report success.
//! - A closed pipe is a reader that has seen enough, and no error.

use std::borrow::Cow;
use std::io::{self, Write};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

pub use cairo_decode::prove::memory::peak as peak_memory;
use serde::Serialize;

/// Why stdout does not have all that was printed.
static FAILED: OnceLock<io::Error> = OnceLock::new();

/// Whether a character could change how the text around it is shown: control characters (C0, DEL, C1), marks of
/// writing direction, separators of lines and paragraphs, and characters that nobody sees.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{2800}'
            | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{ffa0}' | '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}'
            | '\u{1d173}'..='\u{1d17a}' | '\u{61c}' | '\u{200b}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every hidden character that `shown` does not let through written as `write` has it.
fn replaced<'t>(text: &'t str, shown: &[char], write: fn(char) -> String) -> Cow<'t, str> {
    let replace = |c: char| is_hidden(c) && !shown.contains(&c);
    if !text.contains(replace) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match replace(c) {
            true => out.push_str(&write(c)),
            false => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// A line without hidden characters: a line break in it is shown as `\u{a}`.
pub fn escaped(line: &str) -> Cow<'_, str> {
    replaced(line, &[], |c| c.escape_unicode().to_string())
}

/// Text of several lines: line breaks and tabs stay.
pub fn escaped_text(text: &str) -> Cow<'_, str> {
    replaced(text, &['\n', '\t'], |c| c.escape_unicode().to_string())
}

/// JSON text that means the same: JSON has hidden characters only inside its strings, where `\u001b` stands for one.
fn escaped_json(text: &str) -> Cow<'_, str> {
    replaced(text, &['\n'], |c| {
        let units = c.encode_utf16(&mut [0; 2]).to_vec();
        units.iter().map(|unit| format!("\\u{unit:04x}")).collect()
    })
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
        Ok(text) => write_out(&escaped_json(&text)),
        Err(error) => keep(Err(error.into())),
    }
}

/// Prints a line on stdout.
pub fn line(text: impl AsRef<str>) {
    write_out(&escaped(text.as_ref()));
}

/// Prints text for a person on stdout, such as what a model wrote: its line breaks are kept.
pub fn text(text: impl AsRef<str>) {
    write_out(&escaped_text(text.as_ref()));
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
    let _ = writeln!(io::stderr(), "{}", escaped(line.as_ref()));
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
    fn hidden_characters_are_shown() {
        let said = "a\u{1b}[32mb\rc\nd\u{9b}e\u{202e}f\u{2028}g\u{7f}h";
        let shown = r"a\u{1b}[32mb\u{d}c\u{a}d\u{9b}e\u{202e}f\u{2028}g\u{7f}h";
        assert_eq!(escaped(said), shown);
        assert_eq!(escaped_text(said), shown.replace(r"\u{a}", "\n"));
    }

    #[test]
    fn what_nobody_sees_is_shown() {
        let unseen = [
            0xad, 0x34f, 0x115f, 0x1160, 0x3164, 0xffa0, 0x180e, 0x2800, 0xfe00, 0xfe0f, 0xe0100,
            0xe01ef,
        ];
        for c in unseen.into_iter().filter_map(char::from_u32) {
            assert_eq!(
                escaped(&format!("a{c}b")),
                format!("a{}b", c.escape_unicode())
            );
        }
    }

    #[test]
    fn what_people_write_stays() {
        let said = "Ünïcødé, 中文, עברית, 👩\u{200d}🚀 and \\u{1b}";
        assert!(matches!(escaped(said), Cow::Borrowed(text) if text == said));
    }

    #[test]
    fn json_means_the_same() {
        let said = "\u{1b}\u{9b}\u{202e}\u{e0041}\n";
        let text = serde_json::to_string(said).expect("a string");
        let shown = escaped_json(&text);
        assert_eq!(shown, r#""\u001b\u009b\u202e\udb40\udc41\n""#);
        assert_eq!(serde_json::from_str::<String>(&shown).expect("JSON"), said);
    }
}
