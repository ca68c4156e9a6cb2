//! What calibration learns about a network: how large and how strong each operation's values are.

use super::block::steps;
use super::network::{Network, Real};
use super::real::RealState;
use super::rotate::Rotation;
use crate::fidelity::Documents;

/// What an operation wrote over a text.
#[derive(Clone, Debug, Default)]
pub struct Measured {
    /// The largest magnitude of each channel.
    pub peaks: Vec<f64>,
    /// Mean square of each channel.
    pub energy: Vec<f64>,
    /// The largest magnitude of a stream.
    pub stream: Turnable,
    /// The largest magnitude of what joins a stream.
    pub added: Turnable,
}

/// A magnitude, and the same where the stream is turned.
#[derive(Clone, Copy, Debug, Default)]
pub struct Turnable {
    pub plain: f64,
    pub turned: f64,
}

impl Measured {
    fn see(&mut self, value: &[f64]) {
        self.energy.resize(value.len(), 0.0);
        let pairs = self.energy.iter_mut().zip(value);
        pairs.for_each(|(energy, x)| *energy += x * x);
        self.peaks.resize(value.len(), 0.0);
        let pairs = self.peaks.iter_mut().zip(value);
        pairs.for_each(|(peak, x)| *peak = peak.max(x.abs()));
    }

    /// The largest magnitude.
    pub fn largest(&self) -> f64 {
        self.peaks.iter().copied().fold(0.0, f64::max)
    }

    /// Takes each channel in another unit.
    pub fn divide(&mut self, sizes: &[f64]) {
        let channels = self.peaks.iter_mut().zip(&mut self.energy).zip(sizes);
        channels.for_each(|((peak, energy), size)| {
            *peak /= size;
            *energy /= size * size;
        });
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
            see_streams(rotation.as_ref(), network, &mut measured, &values);
            tokens += block.len() as u32;
        }
    }
    let means = measured.iter_mut().flat_map(|m| &mut m.energy);
    means.for_each(|energy| *energy /= f64::from(tokens.max(1)));
    measured
}

/// The streams and what joined them, plain and turned.
fn see_streams(
    rotation: Option<&Rotation>,
    network: &Network,
    measured: &mut [Measured],
    values: &[Vec<Vec<f64>>],
) {
    let see = |seen: &mut Turnable, mut value: Vec<f64>| {
        let largest = |value: &[f64]| value.iter().fold(0.0f64, |a, x| a.max(x.abs()));
        seen.plain = seen.plain.max(largest(&value));
        if let Some(rotation) = rotation {
            rotation.turn(&mut value);
        }
        seen.turned = seen.turned.max(largest(&value));
    };
    for ((operation, measured), written) in network.operations.iter().zip(measured).zip(values) {
        let (Real::Embed | Real::Residual { .. }) = operation else {
            continue;
        };
        for (place, value) in written.iter().enumerate() {
            see(&mut measured.stream, value.clone());
            if let Real::Residual { stream, .. } = operation {
                let before = values[*stream][place].iter();
                let added = value.iter().zip(before).map(|(x, before)| x - before);
                see(&mut measured.added, added.collect());
            }
        }
    }
}
