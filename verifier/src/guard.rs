//! A panic of a library on outside data is an error of the caller, and prints nothing.
//!
//! Libraries assert what outside data can break: the Cairo compiler, the tokenizers, the verifiers of proofs and of
//! circuits. Each is called through [`guarded`]. This module owns the process's panic hook: the hook is silent on a thread while that thread is inside
//! [`guarded`], and on threads that [`quiet_thread`] marked; a panic anywhere else is reported as ever.
//!
//! Where panics abort (`panic = "abort"`, as in WebAssembly), [`guarded`] does not return from one. What would have been its error
//! goes to the function that [`on_abort`] names, before the program ends.

use std::any::Any;
use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Once, OnceLock};

/// Most characters of a panic's message that an error shows.
const MESSAGE: usize = 300;

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// Runs `call`.
///
/// # Errors
/// The first line of what a panic in `call` says.
pub fn guarded<T>(call: impl FnOnce() -> T) -> Result<T, String> {
    install();
    let before = QUIET.replace(true);
    let done = panic::catch_unwind(AssertUnwindSafe(call));
    QUIET.set(before);
    done.map_err(|payload| message(payload.as_ref()))
}

/// Marks the calling thread, which works for a guarded library only: its panics print nothing.
pub fn quiet_thread() {
    install();
    QUIET.set(true);
}

/// Names the function that is told of a panic inside [`guarded`] where panics abort; the first name counts.
pub fn on_abort(told: fn(String)) {
    TOLD.get_or_init(|| told);
}

static TOLD: OnceLock<fn(String)> = OnceLock::new();

/// Puts the hook in its place, once.
fn install() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.try_with(Cell::get).unwrap_or(false) {
                return report(info);
            }
            if cfg!(panic = "abort")
                && let Some(told) = TOLD.get()
            {
                told(message(info.payload()));
            }
        }));
    });
}

/// The first line of what a panic says.
fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| payload.downcast_ref::<&str>().copied());
    let line = text.and_then(|text| text.lines().next());
    line.map_or_else(
        || "it panicked without a message".to_string(),
        |line| line.chars().take(MESSAGE).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_its_first_line() {
        let failed = guarded(|| -> () { panic!("first line {}\nsecond line", 7) });
        assert_eq!(failed, Err("first line 7".to_string()));
        assert!(!QUIET.get());
        assert_eq!(guarded(|| 5), Ok(5));
        // A guard inside a guard leaves the outer one as it was.
        assert_eq!(guarded(|| (guarded(|| 1), QUIET.get())), Ok((Ok(1), true)));
        assert!(!QUIET.get());
    }
}
