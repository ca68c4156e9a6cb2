//! The scale of streams, and how what joins one is rounded.
//!
//! A stream's range is proven: it is at most the embedding and what has joined it, each with a number of bits that a step is checked for. All streams have one scale,
//! the finest with which the last one is short enough for a norm.

use super::bounds::Bound;
use super::measure::Measured;
use super::network::{Network, Real};
use super::products::{Needs, grid};
use crate::integers::ranges::{
    FORM_BITS, LEAST_STREAM_BITS, MAX_BITS, NORM_FLOOR, NORM_LENGTH, STREAM, norm_length,
};

/// Scales that are looked at in each factor of two.
const STEPS: i32 = 16;

/// Factors of two that are looked at.
const OCTAVES: i32 = 60;

/// How what joins a stream is rounded.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Added {
    /// Bits of what joins it: a step is checked for them.
    pub bits: u32,
    /// Bits that are dropped.
    pub shift: u32,
}

/// The streams of a network.
#[derive(Clone, Debug)]
pub struct Streams {
    pub scale: f64,
    /// By operation.
    pub added: Vec<Added>,
    /// The largest magnitudes of streams, by operation.
    pub reaches: Vec<i64>,
}

/// What a stream is made of, in real numbers.
struct Parts {
    /// By operation; of what joins the stream the largest scale of its accumulators, the largest magnitude for every input, and the one that is checked.
    added: Vec<Option<[f64; 3]>>,
    embedding: f64,
    channels: usize,
}

impl Streams {
    /// The finest streams; `margin` times what was measured is checked.
    pub fn of(
        network: &Network,
        measured: &[Measured],
        bounds: &[Bound],
        [margin, slack]: [f64; 2],
    ) -> Streams {
        let added = network.operations.iter().zip(measured);
        let added = added.map(|(operation, measured)| match operation {
            Real::Residual { input, of, .. } => {
                let needs = Needs::of(of, bounds[*input]);
                let checked = margin * measured.added.plain;
                Some([
                    needs.checked_accumulators(slack),
                    needs.reach / slack,
                    checked,
                ])
            }
            _ => None,
        });
        let largest =
            |rows: &[Vec<f64>]| rows.iter().flatten().fold(0.0, |a: f64, x| a.max(x.abs()));
        let positions = network.positions.as_deref().map_or(0.0, largest);
        let parts = Parts {
            added: added.collect(),
            embedding: (largest(&network.tokens) + positions).max(f64::MIN_POSITIVE.sqrt()),
            channels: network.tokens.first().map_or(0, Vec::len),
        };
        let finest = (STREAM as f64 / parts.embedding).log2();
        let scales =
            (0..OCTAVES * STEPS).map(|i| (finest - f64::from(i) / f64::from(STEPS)).exp2());
        let fitting = scales.filter_map(|scale| parts.at(network, grid(scale)));
        // Of scales that are as good for the stream the one with which what joins it loses least.
        let fitting = fitting.take(STEPS as usize);
        let best = fitting.max_by(|a, b| a.accumulators().total_cmp(&b.accumulators()));
        let coarsest = Streams {
            scale: 1.0,
            added: vec![
                Added {
                    bits: FORM_BITS,
                    shift: 0
                };
                network.operations.len()
            ],
            reaches: vec![STREAM; network.operations.len()],
        };
        best.unwrap_or(coarsest)
    }

    /// Mean bits of the scales of accumulators.
    fn accumulators(&self) -> f64 {
        let joins = self.added.iter().filter(|added| added.bits > 0);
        let shifts = joins
            .clone()
            .map(|added| f64::from(added.shift))
            .sum::<f64>();
        self.scale.log2() + shifts / joins.count().max(1) as f64
    }
}

impl Parts {
    /// The streams of a scale, if they have ranges.
    fn at(&self, network: &Network, scale: f64) -> Option<Streams> {
        let mut streams = Streams {
            scale,
            added: vec![],
            reaches: vec![],
        };
        for (operation, part) in network.operations.iter().zip(&self.added) {
            let (added, reach) = match (operation, part) {
                (Real::Residual { stream, .. }, Some(part)) => {
                    let (added, reach) = joined(*part, scale)?;
                    (added, streams.reaches[*stream] + reach)
                }
                (Real::Embed, _) => (Added::default(), (self.embedding * scale) as i64 + 2),
                _ => (Added::default(), 0),
            };
            streams.added.push(added);
            streams.reaches.push(reach);
        }
        let most = streams.reaches.iter().copied().max().unwrap_or(0);
        let fits =
            most < STREAM && norm_length(self.channels as i64, most, NORM_FLOOR) < NORM_LENGTH;
        fits.then_some(streams)
    }
}

/// How what joins a stream of this scale is rounded, and the most that it adds.
fn joined([accumulators, reach, checked]: [f64; 3], scale: f64) -> Option<(Added, i64)> {
    let proven = (reach * scale).ceil() as i64 + 1;
    let largest = (checked * scale).min(proven as f64);
    let bits = (largest.max(1.0).log2().floor() as u32 + 2).max(LEAST_STREAM_BITS);
    let room = (accumulators / scale).log2().floor();
    if room < 0.0 || bits > FORM_BITS {
        return None;
    }
    let shift = (room as u32).min(MAX_BITS).min(FORM_BITS - bits);
    Some((Added { bits, shift }, proven.min(1 << (bits - 1))))
}
