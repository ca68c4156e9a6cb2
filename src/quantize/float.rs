//! The float model: one decode step in `f32` with a key/value cache.
//!
//! Owns what the original network computes: Hugging Face's Llama conventions (`rotate_half` rotary
//! embedding, RMSNorm, grouped-query attention, SwiGLU). It is the yardstick for the fidelity report and
//! the source of calibration statistics; every [`Site`] value is shown to an [`Observer`] on the way.
//!
//! Sums run in index order, so two runs give the same bits. Speed is not a goal.

use super::QuantizeError;
use super::fidelity::{Follower, NoProof};
use super::llama::{LayerWeights, Llama, Matrix};
use crate::model::{Config, Model};
use std::f32::consts::LOG2_E;
use std::fmt;

/// A place in the step whose values are worth measuring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Input of q, k and v: `x / rms(x)`, gain left out. [hidden]
    AttentionInput(usize),
    /// Queries after rotation, scaled so that scores are exponents of two. [heads · head_dim]
    Query(usize),
    /// Keys after rotation. [kv_heads · head_dim]
    Key(usize),
    /// Values. [kv_heads · head_dim]
    Value(usize),
    /// Scores minus their maximum, in exponents of two. [heads · (position + 1)]
    Score(usize),
    /// Input of the output projection. [heads · head_dim]
    Mixed(usize),
    /// What attention adds to the residual stream. [hidden]
    AttentionOutput(usize),
    /// Input of gate and up, gain left out. [hidden]
    MlpInput(usize),
    /// Gate before its activation. [intermediate]
    Gate(usize),
    /// Up projection. [intermediate]
    Up(usize),
    /// `silu(gate) · up`, the input of the down projection. [intermediate]
    Gated(usize),
    /// What the MLP adds to the residual stream. [hidden]
    MlpOutput(usize),
    /// Residual stream after layer `n`; layer 0's input is the embedding. [hidden]
    Residual(usize),
    /// Input of the output table, gain left out. [hidden]
    FinalInput,
    /// Logits. [vocab_size]
    Logits,
}

/// The place in words that a person knows.
impl fmt::Display for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (what, layer) = match self {
            Site::AttentionInput(layer) => ("the attention input", layer),
            Site::Query(layer) => ("the query vector", layer),
            Site::Key(layer) => ("the key vector", layer),
            Site::Value(layer) => ("the value vector", layer),
            Site::Score(layer) => ("an attention score", layer),
            Site::Mixed(layer) => ("the weighted mean of the values", layer),
            Site::AttentionOutput(layer) => ("the attention output", layer),
            Site::MlpInput(layer) => ("the MLP input", layer),
            Site::Gate(layer) => ("the MLP gate", layer),
            Site::Up(layer) => ("the MLP up projection", layer),
            Site::Gated(layer) => ("the gated MLP vector", layer),
            Site::MlpOutput(layer) => ("the MLP output", layer),
            Site::Residual(0) => return f.write_str("the embedding"),
            Site::Residual(after) => {
                return write!(f, "the residual stream after layer {}", after - 1);
            }
            Site::FinalInput => return f.write_str("the input of the output matrix"),
            Site::Logits => return f.write_str("a logit"),
        };
        write!(f, "{what} of layer {layer}")
    }
}

/// Sees the value of every [`Site`] in the order of computation.
pub trait Observer {
    fn see(&mut self, site: Site, values: &[f32]);
}

/// Looks away.
impl Observer for () {
    fn see(&mut self, _: Site, _: &[f32]) {}
}

/// Keys and values of the positions seen so far, one row per position.
#[derive(Debug, Clone, Default)]
pub struct FloatState {
    layers: Vec<FloatCache>,
    position: usize,
}

#[derive(Debug, Clone, Default)]
struct FloatCache {
    keys: Vec<f32>,
    values: Vec<f32>,
}

impl FloatState {
    /// Number of tokens taken in so far.
    pub fn position(&self) -> usize {
        self.position
    }
}

/// The float forward pass of a model.
pub struct FloatModel<'a> {
    config: &'a Config,
    llama: Llama<'a>,
    /// Angle per position, for each pair of a head: `theta^(-2i / head_dim)`. [head_dim / 2]
    frequencies: Vec<f32>,
}

impl<'a> FloatModel<'a> {
    /// # Errors
    /// [`QuantizeError::NotLlama`].
    pub fn new(model: &'a Model) -> Result<Self, QuantizeError> {
        let (config, llama) = (&model.config, Llama::of(model)?);
        Ok(Self {
            config,
            frequencies: rope_frequencies(llama.rope_theta, config.head_dim),
            llama,
        })
    }

    /// The state before the first token.
    pub fn start(&self) -> FloatState {
        FloatState {
            layers: vec![FloatCache::default(); self.config.num_hidden_layers],
            position: 0,
        }
    }

    /// Takes in `token` at the next position and returns the logits [vocab_size] of what follows.
    ///
    /// `token` must be below `vocab_size`, which everything that leaves the tokenizer is.
    pub fn step(
        &self,
        state: &mut FloatState,
        token: u32,
        observer: &mut dyn Observer,
    ) -> Vec<f32> {
        let weights = &self.llama;
        let mut residual = weights.embed.row(token as usize).to_vec();
        observer.see(Site::Residual(0), &residual);
        for (index, layer) in weights.layers.iter().enumerate() {
            let attention = self.attention(index, layer, &residual, state, observer);
            observer.see(Site::AttentionOutput(index), &attention);
            add(&mut residual, &attention);

            let mlp = self.mlp(index, layer, &residual, observer);
            observer.see(Site::MlpOutput(index), &mlp);
            add(&mut residual, &mlp);
            observer.see(Site::Residual(index + 1), &residual);
        }
        state.position += 1;

        let normed = self.normalize(&residual);
        observer.see(Site::FinalInput, &normed);
        let logits = project(&weights.output, &scale(&normed, weights.final_norm));
        observer.see(Site::Logits, &logits);
        logits
    }

    fn attention(
        &self,
        index: usize,
        layer: &LayerWeights<'_>,
        residual: &[f32],
        state: &mut FloatState,
        observer: &mut dyn Observer,
    ) -> Vec<f32> {
        let config = self.config;
        let head_dim = config.head_dim;
        let normed = self.normalize(residual);
        observer.see(Site::AttentionInput(index), &normed);
        let input = scale(&normed, layer.input_norm);

        let mut query = project(&layer.q_proj, &input);
        let mut key = project(&layer.k_proj, &input);
        let value = project(&layer.v_proj, &input);
        self.rotate(&mut query, state.position);
        self.rotate(&mut key, state.position);
        // 2^(q·k) with this factor in q is e^(q·k / sqrt(head_dim)).
        let factor = LOG2_E / (head_dim as f32).sqrt();
        query.iter_mut().for_each(|q| *q *= factor);
        observer.see(Site::Query(index), &query);
        observer.see(Site::Key(index), &key);
        observer.see(Site::Value(index), &value);

        let cache = &mut state.layers[index];
        cache.keys.extend_from_slice(&key);
        cache.values.extend_from_slice(&value);

        let group = config.num_attention_heads / config.num_key_value_heads;
        let width = config.num_key_value_heads * head_dim;
        let mut mixed = vec![0.0; config.num_attention_heads * head_dim];
        let mut all_scores = Vec::new();
        for head in 0..config.num_attention_heads {
            let offset = head / group * head_dim;
            let at = |rows: &'_ [f32], row: usize, i: usize| rows[row * width + offset + i];
            let query = &query[head * head_dim..(head + 1) * head_dim];
            let positions = state.position + 1;
            let mut scores: Vec<f32> = (0..positions)
                .map(|row| {
                    query
                        .iter()
                        .enumerate()
                        .map(|(i, q)| q * at(&cache.keys, row, i))
                        .sum()
                })
                .collect();
            let max = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            scores.iter_mut().for_each(|score| *score -= max);
            let weights: Vec<f32> = scores.iter().map(|score| score.exp2()).collect();
            let sum: f32 = weights.iter().sum();
            for (i, out) in mixed[head * head_dim..(head + 1) * head_dim]
                .iter_mut()
                .enumerate()
            {
                *out = weights
                    .iter()
                    .enumerate()
                    .map(|(row, w)| w / sum * at(&cache.values, row, i))
                    .sum();
            }
            all_scores.extend(scores);
        }
        observer.see(Site::Score(index), &all_scores);
        observer.see(Site::Mixed(index), &mixed);
        project(&layer.o_proj, &mixed)
    }

    fn mlp(
        &self,
        index: usize,
        layer: &LayerWeights<'_>,
        residual: &[f32],
        observer: &mut dyn Observer,
    ) -> Vec<f32> {
        let normed = self.normalize(residual);
        observer.see(Site::MlpInput(index), &normed);
        let input = scale(&normed, layer.post_attention_norm);
        let gate = project(&layer.gate_proj, &input);
        let up = project(&layer.up_proj, &input);
        observer.see(Site::Gate(index), &gate);
        observer.see(Site::Up(index), &up);
        let gated: Vec<f32> = gate
            .iter()
            .zip(&up)
            .map(|(g, u)| g / (1.0 + (-g).exp()) * u)
            .collect();
        observer.see(Site::Gated(index), &gated);
        project(&layer.down_proj, &gated)
    }

    /// `x / sqrt(mean(x²) + eps)`.
    fn normalize(&self, x: &[f32]) -> Vec<f32> {
        let mean = x.iter().map(|v| v * v).sum::<f32>() / x.len() as f32;
        let inverse = 1.0 / (mean + self.llama.rms_norm_eps as f32).sqrt();
        x.iter().map(|v| v * inverse).collect()
    }

    /// Rotates every head of `heads`: element `i` pairs with `i + head_dim / 2`.
    fn rotate(&self, heads: &mut [f32], position: usize) {
        let half = self.frequencies.len();
        for head in heads.chunks_exact_mut(2 * half) {
            for (i, frequency) in self.frequencies.iter().enumerate() {
                let (sin, cos) = (position as f32 * frequency).sin_cos();
                let (a, b) = (head[i], head[i + half]);
                head[i] = a * cos - b * sin;
                head[i + half] = b * cos + a * sin;
            }
        }
    }
}

/// The float model with the positions that it has seen.
pub struct Floats<'a> {
    model: FloatModel<'a>,
    state: FloatState,
}

impl<'a> Floats<'a> {
    /// # Errors
    /// [`QuantizeError::NotLlama`].
    pub fn new(model: &'a Model) -> Result<Floats<'a>, QuantizeError> {
        let model = FloatModel::new(model)?;
        let state = model.start();
        Ok(Floats { model, state })
    }
}

impl Follower for Floats<'_> {
    fn restart(&mut self) {
        self.state = self.model.start();
    }

    fn logits(&mut self, token: u32) -> Result<Vec<f64>, NoProof> {
        let logits = self.model.step(&mut self.state, token, &mut ());
        Ok(logits.into_iter().map(f64::from).collect())
    }
}

/// `theta^(-2i / head_dim)` for each pair of a head. [head_dim / 2]
pub(super) fn rope_frequencies(theta: f64, head_dim: usize) -> Vec<f32> {
    (0..head_dim)
        .step_by(2)
        .map(|i| theta.powf(-(i as f64) / head_dim as f64) as f32)
        .collect()
}

fn project(matrix: &Matrix<'_>, input: &[f32]) -> Vec<f32> {
    (0..matrix.rows)
        .map(|row| matrix.row(row).iter().zip(input).map(|(w, x)| w * x).sum())
        .collect()
}

fn scale(x: &[f32], gain: &[f32]) -> Vec<f32> {
    x.iter().zip(gain).map(|(x, g)| x * g).collect()
}

fn add(to: &mut [f32], what: &[f32]) {
    to.iter_mut().zip(what).for_each(|(to, what)| *to += what);
}
