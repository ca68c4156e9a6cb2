//! Checks by name: how the verifier's functions list what they check.
//!
//! Owns: [`Check`], a name and how its finding is made, and [`all`], which refuses on the first that fails.
//! Every function that checks a proof, a receipt or a session makes such a list and hands it to [`all`],
//! whole. The lists are public, so that a test can say what each check is needed for: it asks all checks but
//! one.
//!
//! Invariant: nothing is computed before a check is asked, and [`all`] asks in order. So a check that
//! computes much over data from outside stands behind those that bound the data's size.
//!
//! Absent on purpose: a way to leave a check out. Whoever calls `verify_proof`, `check_receipt` or
//! `check_session` gets all of them.

/// One check: its name, and how it finds whether it holds.
pub struct Check<'a, E> {
    name: &'static str,
    find: Box<dyn Fn() -> Result<(), E> + 'a>,
}

impl<'a, E> Check<'a, E> {
    /// A check that is made when it is asked for.
    pub fn new(name: &'static str, find: impl Fn() -> Result<(), E> + 'a) -> Self {
        Check {
            name,
            find: Box::new(find),
        }
    }

    /// The check's name, one of its kind.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Makes the check.
    ///
    /// # Errors
    /// What it found.
    pub fn find(&self) -> Result<(), E> {
        (self.find)()
    }
}

/// Makes the checks in order, up to the first that fails.
///
/// # Errors
/// That one's error.
pub fn all<'a, E>(checks: impl IntoIterator<Item = Check<'a, E>>) -> Result<(), E> {
    checks.into_iter().try_for_each(|check| check.find())
}

/// `error` unless the condition holds.
pub(crate) fn ensure<E>(holds: bool, error: impl FnOnce() -> E) -> Result<(), E> {
    if holds { Ok(()) } else { Err(error()) }
}

/// The same checks with another type of error.
pub(crate) fn mapped<'a, E: 'a, F: From<E>>(
    checks: impl IntoIterator<Item = Check<'a, E>>,
) -> impl Iterator<Item = Check<'a, F>> {
    checks.into_iter().map(|check| Check {
        name: check.name,
        find: Box::new(move || check.find().map_err(F::from)),
    })
}
