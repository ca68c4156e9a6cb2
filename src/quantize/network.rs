//! A model's decode step in real numbers, as the operations that its integer model has.
//!
//! The list of operations is the family's ([`model::forward`](crate::model::forward)); here each name of a tensor becomes a matrix, and what folds is
//! folded: gains and biases of norms, and factors, into the matrices behind them. Nothing in this module knows a family.

use crate::model::forward::{Affine, Dense, Operation, Source, Weight};
use crate::model::{Model, Weights};

pub use crate::model::forward::{Function, Site};

/// An operation in real numbers.
pub type Real = Operation<Product>;

/// A decode step in real numbers. Operation `i` stands for operation `i` of the integer model.
#[derive(Clone, Debug)]
pub struct Network {
    pub context: usize,
    pub tokens: Vec<Vec<f64>>,
    /// By position, where positions are learned.
    pub positions: Option<Vec<Vec<f64>>>,
    /// The output matrix, if it is not the embedding.
    pub output: Option<Vec<Vec<f64>>>,
    /// Radians for each position, for each pair of a head.
    pub frequencies: Vec<f64>,
    pub operations: Vec<Real>,
    /// What each operation is called in reports.
    pub sites: Vec<Site>,
}

/// A matrix with biases, by output.
#[derive(Clone, Debug)]
pub struct Product {
    pub weights: Vec<Vec<f64>>,
    pub bias: Vec<f64>,
}

impl Network {
    /// The forward pass of a model.
    pub fn of(model: &Model) -> Network {
        let (forward, weights) = (&model.config.forward, &model.weights);
        let rotation = forward.rotation.as_ref();
        let operations = forward.operations.iter();
        Network {
            context: model.config.max_position_embeddings,
            tokens: rows(&forward.tokens, weights),
            positions: forward.positions.as_ref().map(|of| rows(of, weights)),
            // Logits have no biases: a description has none in its output matrix.
            output: forward
                .output
                .as_ref()
                .map(|of| product(of, weights).weights),
            frequencies: rotation.map_or(vec![], |rotation| rotation.frequencies()),
            operations: operations
                .map(|of| of.map(|dense| product(dense, weights)))
                .collect(),
            sites: forward.sites.clone(),
        }
    }

    /// The matrix of the logits.
    pub fn output(&self) -> &[Vec<f64>] {
        self.output.as_ref().unwrap_or(&self.tokens)
    }

    /// Whether an operation writes values of attention.
    pub fn is_value(&self, number: usize) -> bool {
        self.operations
            .iter()
            .any(|of| matches!(of, Real::Attention { values, .. } if *values == number))
    }
}

/// The numbers of a matrix, by output.
fn rows(source: &Source, weights: &Weights) -> Vec<Vec<f64>> {
    let data = weights.data(&source.name);
    let (stored, inner) = (source.shape[0], *source.shape.last().unwrap_or(&1));
    let row = |output: usize| match source.transposed {
        true => (0..stored)
            .map(|input| f64::from(data[input * inner + output]))
            .collect(),
        false => {
            let row = &data[output * inner..(output + 1) * inner];
            row.iter().map(|&w| f64::from(w)).collect()
        }
    };
    source.outputs.clone().map(row).collect()
}

fn vector(source: &Source, weights: &Weights) -> Vec<f64> {
    let data = &weights.data(&source.name)[source.outputs.clone()];
    data.iter().map(|&x| f64::from(x)).collect()
}

fn product(of: &Dense, weights: &Weights) -> Product {
    let mut rows = match &of.weight {
        Weight::Stored(source) => rows(source, weights),
        Weight::Identity(channels) => identity(*channels),
    };
    let mut bias = match &of.bias {
        Some(source) => vector(source, weights),
        None => vec![0.0; rows.len()],
    };
    if let Some(Affine { gain, bias: shift }) = &of.norm {
        let gain = vector(gain, weights);
        let shift = shift.as_ref().map(|shift| vector(shift, weights));
        for (row, bias) in rows.iter_mut().zip(&mut bias) {
            if let Some(shift) = &shift {
                let pairs = row.iter().zip(shift.iter().cycle());
                *bias += pairs.map(|(w, b)| w * b).sum::<f64>();
            }
            let pairs = row.iter_mut().zip(gain.iter().cycle());
            pairs.for_each(|(w, g)| *w *= g);
        }
    }
    rows.iter_mut().flatten().for_each(|w| *w *= of.factor);
    bias.iter_mut().for_each(|b| *b *= of.factor);
    Product {
        weights: rows,
        bias,
    }
}

fn identity(channels: usize) -> Vec<Vec<f64>> {
    let row = |i| {
        let mut row = vec![0.0; channels];
        row[i] = 1.0;
        row
    };
    (0..channels).map(row).collect()
}
