//! The integer model beside the float model: the logits of both, in real numbers.

use super::choose::Quantised;
use super::network::Network;
use super::real::{self, RealState};
use crate::integers::{Carried, step};
use crate::quantize::{Follower, NoProof};

/// The integer step of the specification, position by position.
pub struct Reference<'a> {
    of: &'a Quantised,
    carried: Carried,
}

impl<'a> Reference<'a> {
    pub fn new(of: &'a Quantised) -> Reference<'a> {
        Reference {
            of,
            carried: Carried::new(&of.description),
        }
    }
}

impl Follower for Reference<'_> {
    fn restart(&mut self) {
        self.carried = Carried::new(&self.of.description);
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        let refused = |refusal: crate::integers::Refusal| NoProof(refusal.to_string());
        let step = step(&self.of.description, &mut self.carried, token).map_err(refused)?;
        let scale = self.of.scales.last().copied().unwrap_or(1.0);
        let logits = step.values.last().map_or(&[][..], Vec::as_slice);
        Ok(logits.iter().map(|&x| x as f64 / scale).collect())
    }
}

/// The decode step in real numbers, position by position.
pub struct Floats<'a> {
    of: &'a Network,
    state: RealState,
}

impl<'a> Floats<'a> {
    pub fn new(of: &'a Network) -> Floats<'a> {
        let state = RealState::new(of);
        Floats { of, state }
    }
}

impl Follower for Floats<'_> {
    fn restart(&mut self) {
        self.state = RealState::new(self.of);
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        let values = real::step(self.of, &mut self.state, token);
        Ok(values.into_iter().last().unwrap_or_default())
    }
}
