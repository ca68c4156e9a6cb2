//! Scales of queries and keys, and the step of the table of weights.
//!
//! A score is `q k / √head_dim`. A distance of scores is `2^shift` units of the product of both scales, and the table's step says how far that is: so
//! `step · a_q a_k √head_dim = 2^shift`. All heads of a model share a table.

use super::bounds::Bound;
use super::measure::Measured;
use super::network::{Network, Real};
use super::products::grid;
use super::tables::least_step;
use crate::integers::ranges::{ACCUMULATOR, FORM_BITS, MAX_BITS, SHORT_BITS};

/// Fewest bits of keys that are looked at.
const LEAST_BITS: u32 = 8;

/// Steps of the table that are looked at, in each factor of two.
const STEPS: u32 = 16;

/// Scales of the scores of all attention operations.
#[derive(Clone, Debug)]
pub struct Scores {
    /// What a distance of 1 is worth.
    pub step: f64,
    layers: Vec<Layer>,
}

#[derive(Clone, Copy, Debug)]
struct Layer {
    /// Number of the operation.
    attention: usize,
    query: f64,
    key: f64,
    shift: u32,
    /// Mean square error of a score, but for a factor that all have.
    error: f64,
}

impl Scores {
    /// The scale of an operation that writes queries or keys.
    pub fn of(&self, network: &Network, number: usize) -> Option<f64> {
        for layer in &self.layers {
            if let Real::Attention { queries, keys, .. } = network.operations[layer.attention] {
                if queries == number {
                    return Some(layer.query);
                }
                if keys == number {
                    return Some(layer.key);
                }
            }
        }
        None
    }

    /// The shift of an attention operation's scores.
    pub fn shift(&self, attention: usize) -> u32 {
        let mut layers = self.layers.iter();
        let layer = layers.find(|layer| layer.attention == attention);
        layer.map_or(0, |layer| layer.shift)
    }
}

/// The scales with the least error of all scores.
pub fn scores(network: &Network, bounds: &[Bound], measured: &[Measured], slack: f64) -> Scores {
    let mut best: Option<(f64, Scores)> = None;
    // The first step leaves every distance beyond the table without a weight; a coarse score may need a longer one.
    for number in 0..8 * STEPS {
        let step = least_step() * (f64::from(number) / f64::from(STEPS)).exp2();
        let layers: Option<Vec<Layer>> = (0..network.operations.len())
            .filter(|&i| matches!(network.operations[i], Real::Attention { .. }))
            .map(|attention| layer(network, attention, bounds, measured, step, slack))
            .collect();
        let Some(layers) = layers else { continue };
        // A distance is rounded down: its error has a share of the step.
        let error: f64 = layers.iter().map(|layer| layer.error + step * step).sum();
        if best.as_ref().is_none_or(|(least, _)| error < *least) {
            best = Some((error, Scores { step, layers }));
        }
    }
    let none = Scores {
        step: least_step(),
        layers: vec![],
    };
    best.map_or(none, |(_, scores)| scores)
}

/// The best scales of a layer for a step of the table; none if its scores are coarser.
fn layer(
    network: &Network,
    attention: usize,
    bounds: &[Bound],
    measured: &[Measured],
    step: f64,
    slack: f64,
) -> Option<Layer> {
    let Real::Attention {
        queries,
        keys,
        heads,
        kv_heads,
        head_dim,
        ..
    } = network.operations[attention]
    else {
        return None;
    };
    let root = (head_dim as f64).sqrt();
    let of_query = measured[queries].total() / heads as f64;
    let of_key = measured[keys].total() / kv_heads as f64;
    let [query_reach, key_reach] = [queries, keys].map(|i| bounds[i].each);
    let mut best: Option<Layer> = None;
    for bits in LEAST_BITS..=SHORT_BITS {
        let keys = f64::from(1 << (bits - 1));
        let key = grid(slack * keys / key_reach);
        let short = f64::from(1 << (SHORT_BITS - 1));
        let queries = short.min(ACCUMULATOR as f64 / (head_dim as f64 * keys));
        let finest = slack * queries / query_reach;
        let shift = (finest * key * step * root).log2().floor();
        if shift < 0.0 {
            continue;
        }
        let shift = (shift as u32).min(FORM_BITS - MAX_BITS);
        let query = f64::from(1 << shift) / (key * step * root);
        let error = (of_key / (query * query) + of_query / (key * key)) / (12.0 * root * root);
        if best.is_none_or(|best| error < best.error) {
            best = Some(Layer {
                attention,
                query,
                key,
                shift,
                error,
            });
        }
    }
    best
}
