//! Why integers may not follow floats, where the weights show it.

use super::Quantized;
use super::error::part;
use super::llama::{Llama, Matrix};
use crate::model::Model;
use std::fmt;

/// A weight this many times as large as most makes a step of int8 of which most are less than a half.
const OUTLIER: f32 = 2.0 * i8::MAX as f32;

/// What of a model's weights does not survive rounding.
#[derive(Debug, Clone, PartialEq)]
pub enum Cause {
    /// A matrix has a few weights that are so large that most others round to zero.
    Outliers {
        matrix: String,
        largest: f32,
        typical: f32,
    },
    /// Most of the embedding is less than half a step of the sums that it starts.
    SmallEmbedding { typical: f32, bits: i32 },
}

impl Cause {
    /// The worst cause that the weights of `model` show, if any.
    pub fn find(model: &Model, quantized: &Quantized) -> Option<Cause> {
        let model = &Llama::of(model).ok()?;
        let embed = typical(model.embed.data);
        // The embedding is the graph's first value.
        let bits = quantized.fractional_bits.first().copied().unwrap_or(0);
        if embed > 0.0 && embed < (-bits as f32 - 1.0).exp2() {
            let typical = embed;
            return Some(Cause::SmallEmbedding { typical, bits });
        }
        let ratio = |(_, largest, typical): &(String, f32, f32)| largest / typical;
        let found = spreads(model).filter(|found| ratio(found) > OUTLIER);
        let (matrix, largest, typical) = found.max_by(|a, b| ratio(a).total_cmp(&ratio(b)))?;
        Some(Cause::Outliers {
            matrix,
            largest,
            typical,
        })
    }
}

/// The largest and the typical magnitude of each matrix that is rounded, norms' gains multiplied in.
fn spreads(weights: &Llama<'_>) -> impl Iterator<Item = (String, f32, f32)> {
    let layers = weights.layers.iter().enumerate().flat_map(|(index, w)| {
        let (attention, mlp) = (w.input_norm, w.post_attention_norm);
        let parts: [(_, _, Option<&[f32]>); 7] = [
            ("q_proj", &w.q_proj, Some(attention)),
            ("k_proj", &w.k_proj, Some(attention)),
            ("v_proj", &w.v_proj, Some(attention)),
            ("o_proj", &w.o_proj, None),
            ("gate_proj", &w.gate_proj, Some(mlp)),
            ("up_proj", &w.up_proj, Some(mlp)),
            ("down_proj", &w.down_proj, None),
        ];
        parts.map(|(part, matrix, gain)| (format!("layer{index}.{part}"), matrix, gain))
    });
    let tables = [
        ("embedding".to_owned(), &weights.embed, None),
        (
            "lm_head".to_owned(),
            &weights.output,
            Some(weights.final_norm),
        ),
    ];
    tables
        .into_iter()
        .chain(layers)
        .filter_map(|(name, matrix, gain)| {
            let folded = folded(matrix, gain);
            let largest = folded.iter().fold(0.0, |max: f32, w| max.max(w.abs()));
            (largest > 0.0).then(|| (name, largest, typical(&folded)))
        })
}

fn folded(matrix: &Matrix<'_>, gain: Option<&[f32]>) -> Vec<f32> {
    let gain = |i: usize| gain.map_or(1.0, |gain| gain[i % matrix.cols]);
    let weights = matrix.data.iter().enumerate();
    weights.map(|(i, w)| w * gain(i)).collect()
}

/// The median magnitude of what is not zero; zero if nothing is.
fn typical(values: &[f32]) -> f32 {
    let mut magnitudes: Vec<f32> = values
        .iter()
        .map(|v| v.abs())
        .filter(|v| *v > 0.0)
        .collect();
    let middle = magnitudes.len() / 2;
    match magnitudes.is_empty() {
        true => 0.0,
        false => *magnitudes.select_nth_unstable_by(middle, f32::total_cmp).1,
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Cause::Outliers {
                matrix,
                largest,
                typical,
            } => write!(
                f,
                "{} has weights up to {largest:.1e} where half are below {typical:.1e}: a matrix has one scale for both, and \
                 the small ones round to zero",
                part(matrix)
            ),
            Cause::SmallEmbedding { typical, bits } => write!(
                f,
                "half of the embedding is below {typical:.1e}, and the sums that it starts have {bits} fractional bits, in \
                 which that rounds to zero"
            ),
        }
    }
}
