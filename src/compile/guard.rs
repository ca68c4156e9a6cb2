//! A panic of the Cairo compiler is an error of the compilation, and prints nothing.
//!
//! The compiler asserts much of what it is given, and works on several threads. So it gets threads of its own, known by
//! their name: a panic on one of them is returned, one anywhere else is reported as ever.

use std::any::Any;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;
use std::thread;

use super::CompileError;

/// What the names of the compiler's threads begin with.
const THREADS: &str = "cairo-compiler-";
/// Stack of each of them in bytes: the compiler recurses over what it compiles.
const STACK: usize = 64 << 20;
/// Most characters of a panic's message that an error shows.
const MESSAGE: usize = 300;

/// Runs `compile` on the compiler's threads.
///
/// # Errors
/// What `compile` returns, or [`CompileError::Panic`].
pub(super) fn guarded<T: Send>(
    compile: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    silence();
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|thread| format!("{THREADS}{thread}"))
        .stack_size(STACK)
        .build()
        .map_err(|e| CompileError::Setup(e.to_string()))?;
    panic::catch_unwind(AssertUnwindSafe(|| pool.install(compile)))
        .unwrap_or_else(|payload| Err(CompileError::Panic(message(payload.as_ref()))))
}

/// Makes panics of the compiler's threads print nothing.
fn silence() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let report = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let thread = thread::current();
            if !thread.name().is_some_and(|name| name.starts_with(THREADS)) {
                report(info);
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
    fn a_panic_is_an_error() {
        let failed = guarded::<()>(|| panic!("first line {}\nsecond line", 7)).unwrap_err();
        assert!(
            matches!(&failed, CompileError::Panic(line) if line == "first line 7"),
            "{failed}"
        );
        let text = failed.to_string();
        assert!(
            text.contains("bug of cairo-decode") && !text.contains('\n'),
            "{text}"
        );
        // On another thread of the pool, too.
        let spread = || {
            use rayon::prelude::*;
            (0..64)
                .into_par_iter()
                .for_each(|i| assert!(i != 63, "number {i}"));
            Ok(())
        };
        let failed = guarded(spread).unwrap_err();
        assert!(
            matches!(&failed, CompileError::Panic(line) if line == "number 63"),
            "{failed}"
        );
        assert_eq!(guarded(|| Ok(5)).unwrap(), 5);
    }
}
