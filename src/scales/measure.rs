//! What calibration learns about a network: how large and how strong each operation's values are.

use super::network::Network;
use super::real::{RealState, step};
use crate::quantize::Documents;

/// What an operation wrote over a text.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The largest magnitude.
    pub largest: f64,
    /// Mean square of each channel.
    pub energy: Vec<f64>,
}

impl Measured {
    /// Mean of the sum of squares.
    pub fn total(&self) -> f64 {
        self.energy.iter().sum()
    }
}

/// Runs the network over the documents, each from its beginning. The logits are left out.
pub fn measure(network: &Network, documents: &Documents) -> Vec<Measured> {
    let mut measured = vec![Measured::default(); network.operations.len()];
    let mut tokens = 0;
    for document in documents.iter() {
        let mut state = RealState::new(network);
        for &token in document.iter().take(network.context) {
            let values = step(network, &mut state, token);
            for (measured, value) in measured.iter_mut().zip(&values) {
                measured.energy.resize(value.len(), 0.0);
                let pairs = measured.energy.iter_mut().zip(value);
                pairs.for_each(|(energy, x)| *energy += x * x);
                let largest = value.iter().fold(measured.largest, |a, x| a.max(x.abs()));
                measured.largest = largest;
            }
            tokens += 1;
        }
    }
    let means = measured.iter_mut().flat_map(|m| &mut m.energy);
    means.for_each(|energy| *energy /= f64::from(tokens.max(1)));
    measured
}
