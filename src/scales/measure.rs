//! What calibration learns about a network: how large and how strong each operation's values are.

use super::block::steps;
use super::network::{Network, Real};
use super::real::RealState;
use super::rotate::Rotation;
use crate::quantize::Documents;

/// What an operation wrote over a text.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The largest magnitude.
    pub largest: f64,
    /// The same of a turned stream; 0 where there is none.
    pub turned: f64,
    /// Mean square of each channel.
    pub energy: Vec<f64>,
}

impl Measured {
    fn see(&mut self, value: &[f64]) {
        self.energy.resize(value.len(), 0.0);
        let pairs = self.energy.iter_mut().zip(value);
        pairs.for_each(|(energy, x)| *energy += x * x);
        self.largest = value.iter().fold(self.largest, |a, x| a.max(x.abs()));
    }

    /// Mean of the sum of squares.
    pub fn total(&self) -> f64 {
        self.energy.iter().sum()
    }
}

/// Positions that are computed together.
const BLOCK: usize = 64;

/// Runs the network over the documents, each from its beginning. The logits are left out.
pub fn measure(network: &Network, documents: &Documents) -> Vec<Measured> {
    let mut measured = vec![Measured::default(); network.operations.len()];
    let rotation = Rotation::of(network);
    let mut tokens = 0;
    for document in documents.iter() {
        let mut state = RealState::new(network);
        let document = &document[..document.len().min(network.context)];
        for block in document.chunks(BLOCK) {
            let no_head = |of: &Real| !matches!(of, Real::Head { .. });
            let values = steps(network, &mut state, block, no_head);
            let of_operation = measured.iter_mut().zip(&values);
            of_operation.for_each(|(measured, values)| values.iter().for_each(|x| measured.see(x)));
            if let Some(rotation) = &rotation {
                see_turned(rotation, network, &mut measured, values);
            }
            tokens += block.len() as u32;
        }
    }
    let means = measured.iter_mut().flat_map(|m| &mut m.energy);
    means.for_each(|energy| *energy /= f64::from(tokens.max(1)));
    measured
}

/// What the stream's operations wrote, turned.
fn see_turned(
    rotation: &Rotation,
    network: &Network,
    measured: &mut [Measured],
    values: Vec<Vec<Vec<f64>>>,
) {
    let operations = network.operations.iter().zip(measured).zip(values);
    for ((operation, measured), values) in operations {
        if let Real::Embed | Real::Residual { .. } = operation {
            for mut value in values {
                rotation.turn(&mut value);
                let largest = value.iter().fold(measured.turned, |a, x| a.max(x.abs()));
                measured.turned = largest;
            }
        }
    }
}
