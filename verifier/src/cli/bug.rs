//! What a panic says: it is a bug of this program, whatever was read.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::panic::{self, PanicHookInfo};

use super::output;

/// Makes a panic one line, which is printed as all others are: what it quotes may come from outside. The process ends with
/// exit code 101. `RUST_BACKTRACE` adds where it came from.
pub fn report(program: &'static str) {
    panic::set_hook(Box::new(move |info| {
        output::note(line(program, info));
        let trace = Backtrace::capture();
        if trace.status() == BacktraceStatus::Captured {
            for line in trace.to_string().lines() {
                output::note(line);
            }
        }
    }));
}

fn line(program: &str, info: &PanicHookInfo<'_>) -> String {
    let payload = info.payload();
    let text = payload.downcast_ref::<String>().map(String::as_str);
    let text = text.or_else(|| payload.downcast_ref::<&str>().copied());
    let place = info
        .location()
        .map_or("an unknown place".to_string(), |at| at.to_string());
    format!(
        "error: this is a bug of {program}: {} (at {place})",
        text.unwrap_or("no message")
    )
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;
    use crate::escape;

    #[test]
    fn a_panic_is_one_line() {
        static SAID: Mutex<Vec<String>> = Mutex::new(vec![]);
        let before = panic::take_hook();
        panic::set_hook(Box::new(|info| {
            let line = escape::line(&line("cairo-decode", info)).into_owned();
            SAID.lock().expect("a list").push(line);
        }));
        let node = String::from("}\u{1b}[31m\n{");
        let failed = panic::catch_unwind(|| panic!("the node said {node}"));
        panic::set_hook(before);
        assert!(failed.is_err());
        let said = SAID.lock().expect("a list");
        let start = r"error: this is a bug of cairo-decode: the node said }\u{1b}[31m\n{ (at verifier/src/cli/bug.rs:";
        assert!(said.iter().any(|line| line.starts_with(start)), "{said:?}");
    }
}
