//! The integer model beside the float model: the logits of both, in real numbers.

use std::borrow::Cow;

use super::block;
use super::choose::Quantised;
use super::integer_block::Blocks;
use super::network::Network;
use super::real::RealState;
use crate::fidelity::{Follower, NoProof};
use crate::integers::Carried;
use crate::model::Model;

/// The integer step of the specification, position by position.
pub struct Reference<'a> {
    of: &'a Quantised,
    blocks: Blocks<'a>,
    carried: Carried,
}

impl<'a> Reference<'a> {
    pub fn new(of: &'a Quantised) -> Reference<'a> {
        Reference {
            of,
            blocks: Blocks::of(&of.description),
            carried: Carried::new(&of.description),
        }
    }
}

impl Follower for Reference<'_> {
    fn restart(&mut self) {
        self.carried = Carried::new(&self.of.description);
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        match self.block(&[token]) {
            (_, Some(stop)) => Err(stop),
            (logits, None) => Ok(logits.into_iter().last().unwrap_or_default()),
        }
    }

    fn block(&mut self, tokens: &[u32]) -> (Vec<Vec<f64>>, Option<NoProof>) {
        let (logits, refusal) = self.blocks.steps(&mut self.carried, tokens);
        let scale = self.of.scales.last().copied().unwrap_or(1.0);
        let real = |logits: &Vec<i64>| logits.iter().map(|&x| x as f64 / scale).collect();
        let refusal = refusal.map(|refusal| NoProof(refusal.to_string()));
        (logits.iter().map(real).collect(), refusal)
    }
}

/// The decode step in real numbers, position by position.
pub struct Floats<'a> {
    of: Cow<'a, Network>,
    state: RealState,
}

impl<'a> Floats<'a> {
    pub fn new(of: &'a Network) -> Floats<'a> {
        let state = RealState::new(of);
        let of = Cow::Borrowed(of);
        Floats { of, state }
    }

    /// The floats of a model's files: without what the quantiser makes of a network before it chooses scales, which would hide its mistakes.
    pub fn of(model: &Model) -> Floats<'static> {
        let of = Network::of(model);
        let state = RealState::new(&of);
        let of = Cow::Owned(of);
        Floats { of, state }
    }
}

impl Follower for Floats<'_> {
    fn restart(&mut self) {
        self.state = RealState::new(&self.of);
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        let (logits, _) = self.block(&[token]);
        Ok(logits.into_iter().last().unwrap_or_default())
    }

    fn block(&mut self, tokens: &[u32]) -> (Vec<Vec<f64>>, Option<NoProof>) {
        let mut values = block::steps(&self.of, &mut self.state, tokens, |_| true);
        (values.pop().unwrap_or_default(), None)
    }
}
