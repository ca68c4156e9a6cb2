//! What a registry has of a session: its views, and the comparison with receipts.
//!
//! Invariant: a session counts as accepted, or as one that may go on, only by frontiers that are the
//! receipts'. A position alone says nothing: another session's frontier may stand there.

use starknet_types_core::felt::Felt;

use super::claim::{self, SessionName, SessionState};
use super::{Chain, ChainError};
use crate::verify::statement::Frontier;

/// The views of a deployed registry.
#[derive(Clone, Copy)]
pub struct Registry<'a> {
    chain: &'a Chain,
    address: Felt,
}

impl<'a> Registry<'a> {
    pub fn new(chain: &'a Chain, address: Felt) -> Registry<'a> {
        Registry { chain, address }
    }

    /// A view's answer, read by `read`.
    fn view<T>(
        &self,
        function: &'static str,
        arguments: Vec<Felt>,
        read: impl FnOnce(&[Felt]) -> Option<T>,
    ) -> Result<T, ChainError> {
        let felts = self.chain.call(self.address, function, arguments)?;
        read(&felts).ok_or_else(|| ChainError::Answer {
            url: self.chain.url().to_string(),
            function,
            felts: felts.len(),
        })
    }

    /// Class hash of the verifier.
    ///
    /// # Errors
    /// A node or a contract that does not answer in the view's form; so for all of these.
    pub fn verifier_class(&self) -> Result<Felt, ChainError> {
        self.view("verifier_class", vec![], one)
    }

    /// Whether a model is registered.
    ///
    /// # Errors
    /// As [`Registry::verifier_class`].
    pub fn is_registered(&self, model_id: Felt) -> Result<bool, ChainError> {
        self.view("is_registered", vec![model_id], claim::flag)
    }

    /// What a session has reached.
    ///
    /// # Errors
    /// As [`Registry::verifier_class`].
    pub fn session(&self, name: &SessionName) -> Result<SessionState, ChainError> {
        self.view("session", name.felts(), SessionState::from_felts)
    }

    /// Whether an accepted claim of a session ends at a frontier.
    ///
    /// # Errors
    /// As [`Registry::verifier_class`].
    pub fn is_accepted(&self, name: &SessionName, end: &Frontier) -> Result<bool, ChainError> {
        let mut arguments = name.felts();
        arguments.extend(claim::frontier(end));
        self.view("is_accepted", arguments, claim::flag)
    }

    /// Hash of the frontier at a position of a session behind its prompt; 0 for none.
    ///
    /// # Errors
    /// As [`Registry::verifier_class`].
    pub fn frontier_at(&self, name: &SessionName, position: u32) -> Result<Felt, ChainError> {
        let mut arguments = name.felts();
        arguments.push(position.into());
        self.view("frontier_at", arguments, one)
    }

    /// At which of these frontiers an accepted claim of the session ends, in order.
    ///
    /// # Errors
    /// [`ChainError::Elsewhere`] if the registry has another frontier at the position of one of them, and what the
    /// views give.
    pub fn accepted(&self, name: &SessionName, ends: &[Frontier]) -> Result<Vec<bool>, ChainError> {
        let mut accepted = vec![];
        for end in ends {
            let known = self.is_accepted(name, end)?;
            if !known {
                self.same_frontier(name, end)?;
            }
            accepted.push(known);
        }
        Ok(accepted)
    }

    /// Requires that the registry has this frontier at its position, or none.
    fn same_frontier(&self, name: &SessionName, ours: &Frontier) -> Result<(), ChainError> {
        if !name.reaches(ours.position) {
            return Ok(());
        }
        let theirs = self.frontier_at(name, ours.position)?;
        let hash = claim::frontier_hash(ours);
        if theirs == Felt::ZERO || theirs == hash {
            return Ok(());
        }
        // The registry keeps the whole frontier of the furthest position only.
        let furthest = self.session(name)?.frontier;
        Err(ChainError::Elsewhere {
            position: ours.position,
            theirs: match furthest.position == ours.position {
                true => described(&furthest, theirs),
                false => format!("{theirs:#x}"),
            },
            ours: described(ours, hash),
        })
    }
}

fn one(felts: &[Felt]) -> Option<Felt> {
    match felts {
        [felt] => Some(*felt),
        _ => None,
    }
}

fn described(frontier: &Frontier, hash: Felt) -> String {
    format!(
        "{hash:#x} (last token {}, KV root {}, tokens root {}, chosen root {})",
        frontier.last_token, frontier.kv_root, frontier.tokens_root, frontier.chosen_root
    )
}
