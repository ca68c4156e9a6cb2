//! Checks by name: how the verifier's functions list what they check.
//!
//! Owns: [`Checked`], one check and what it found, and [`all`], which refuses on the first that failed.
//! Every function that checks a proof, a receipt or a session computes such a list and hands it to
//! [`all`], whole. The lists are public, so that a test can say what each check is needed for: it looks at
//! all findings but one.
//!
//! Absent on purpose: a way to leave a check out. Whoever calls `verify_proof`, `check_receipt` or
//! `check_session` gets all of them.

/// A check's name and its finding.
pub type Checked<E> = (&'static str, Result<(), E>);

/// The error of the first check that failed.
///
/// # Errors
/// That error.
pub fn all<E>(checks: impl IntoIterator<Item = Checked<E>>) -> Result<(), E> {
    checks.into_iter().try_for_each(|(_, found)| found)
}

/// `error` unless the condition holds.
pub(crate) fn ensure<E>(holds: bool, error: impl FnOnce() -> E) -> Result<(), E> {
    if holds { Ok(()) } else { Err(error()) }
}

/// The same checks with another type of error.
pub(crate) fn mapped<E, F: From<E>>(
    checks: impl IntoIterator<Item = Checked<E>>,
) -> impl Iterator<Item = Checked<F>> {
    checks
        .into_iter()
        .map(|(name, found)| (name, found.map_err(F::from)))
}

/// The same checks of several things: each with the first error that it found.
pub(crate) fn merged<E>(
    lists: impl IntoIterator<Item = impl IntoIterator<Item = Checked<E>>>,
) -> Vec<Checked<E>> {
    let mut merged: Vec<Checked<E>> = vec![];
    for list in lists {
        for (at, (name, found)) in list.into_iter().enumerate() {
            match merged.get_mut(at) {
                None => merged.push((name, found)),
                Some((_, earlier)) if earlier.is_ok() => *earlier = found,
                Some(_) => {}
            }
        }
    }
    merged
}
