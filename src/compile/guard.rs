//! A panic of the Cairo compiler is an error of the compilation, and prints nothing.
//!
//! The compiler asserts much of what it is given, and works on several threads. So it gets threads of its own, on
//! which the guard of the crate is silent: a panic on one of them is returned, one anywhere else is reported as ever.

use super::CompileError;
use crate::guard;

/// What the names of the compiler's threads begin with.
const THREADS: &str = "cairo-compiler-";
/// Stack of each of them in bytes: the compiler recurses over what it compiles.
const STACK: usize = 64 << 20;

/// Runs `compile` on the compiler's threads.
///
/// # Errors
/// What `compile` returns, or [`CompileError::Panic`].
pub(super) fn guarded<T: Send>(
    compile: impl FnOnce() -> Result<T, CompileError> + Send,
) -> Result<T, CompileError> {
    let pool = rayon::ThreadPoolBuilder::new()
        .thread_name(|thread| format!("{THREADS}{thread}"))
        .start_handler(|_| guard::quiet_thread())
        .stack_size(STACK)
        .build()
        .map_err(|e| CompileError::Setup(e.to_string()))?;
    guard::guarded(|| pool.install(compile)).unwrap_or_else(|panic| Err(CompileError::Panic(panic)))
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
