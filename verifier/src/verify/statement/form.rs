//! The form of a statement: what can be refused without a proof.

use starknet_types_core::felt::Felt;

use super::super::checks::{Check, all, ensure};
use super::{Domain, MAX_POSITION, Statement, StatementError};

impl Statement {
    /// Checks what can be refused without a proof: all of [`Statement::form_checks`].
    ///
    /// # Errors
    /// One variant of [`StatementError`] per rule.
    pub fn check_form(&self) -> Result<(), StatementError> {
        all(self.form_checks())
    }

    /// The rules of a statement's form.
    pub fn form_checks(&self) -> [Check<'_, StatementError>; 7] {
        let positions = [self.frontier_in.position, self.frontier_out.position];
        form_rules(self.domain, self.prompt_length, self.steps, positions)
    }
}

/// Domain, prompt length, number of steps, positions within [`MAX_POSITION`], and that `steps` lead from the first frontier's position to the
/// last one's.
fn form_rules(
    domain: Domain,
    prompt_length: u32,
    steps: u32,
    [from, to]: [u32; 2],
) -> [Check<'static, StatementError>; 7] {
    let Domain { chain, verifier } = domain;
    let (local, contract) = (domain.is_local(), verifier.0 != Felt::ZERO);
    let position = |name, side, found| {
        let error = move || StatementError::Position { side, found };
        Check::new(name, move || ensure(found <= MAX_POSITION, error))
    };
    let end = u64::from(from) + u64::from(steps);
    [
        Check::new("no contract where the domain is local", move || {
            let error = || StatementError::LocalVerifier { found: verifier };
            ensure(!local || !contract, error)
        }),
        Check::new("a contract where there is a chain", move || {
            ensure(local || contract, || StatementError::NoVerifier { chain })
        }),
        Check::new("prompt_length in range", move || {
            let error = || StatementError::PromptLength {
                found: prompt_length,
            };
            ensure((1..=MAX_POSITION).contains(&prompt_length), error)
        }),
        Check::new("a step", move || {
            ensure(steps != 0, || StatementError::NoSteps)
        }),
        position("frontier_in.position in range", "in", from),
        position("frontier_out.position in range", "out", to),
        Check::new("position + steps", move || {
            ensure(end == u64::from(to), || StatementError::Steps {
                from,
                steps,
                to,
            })
        }),
    ]
}
