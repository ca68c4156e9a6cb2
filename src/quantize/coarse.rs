//! Why integers may not follow floats, where the weights show it.

use super::choose::Quantised;
use super::network::{self, Real};
use crate::fidelity::Cause;
use crate::integers::{self, Matrix, Operation};

/// A matrix by its name, in real numbers and in integers.
type Pair<'a> = (String, &'a [Vec<f64>], &'a Matrix);

/// The matrix of which most weights that are not zero round to zero, if there is one; the worst of several.
pub fn coarse(of: &Quantised) -> Option<Cause> {
    let pairs = matrices(of);
    let lost = |(_, real, rounded): &Pair<'_>| {
        let numbers = real.iter().flatten().zip(rounded.rows.iter().flatten());
        let (mut some, mut zeros) = (0usize, 0usize);
        for (_, integer) in numbers.filter(|(w, _)| **w != 0.0) {
            some += 1;
            zeros += usize::from(*integer == 0);
        }
        zeros as f64 / some.max(1) as f64
    };
    let shares = pairs.iter().map(|pair| (lost(pair), pair));
    let (_, (matrix, real, _)) = shares
        .filter(|(share, _)| *share > 0.5)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))?;
    let weights = real.iter().flatten().map(|w| w.abs());
    let mut weights: Vec<f64> = weights.filter(|w| *w > 0.0).collect();
    let middle = weights.len() / 2;
    let (_, typical, larger) = weights.select_nth_unstable_by(middle, f64::total_cmp);
    let typical = *typical;
    let largest = larger.iter().fold(typical, |a, &b| a.max(b));
    Some(Cause {
        matrix: matrix.clone(),
        largest: largest as f32,
        typical: typical as f32,
    })
}

fn matrices(of: &Quantised) -> Vec<Pair<'_>> {
    let (network, description) = (&of.network, &of.description);
    let embedding = ("embedding".to_string(), &network.tokens[..]);
    let mut pairs = vec![(embedding.0, embedding.1, &description.embedding.tokens)];
    if let (Some(real), Some(rounded)) = (&network.output, &description.output) {
        pairs.push(("lm_head".to_string(), real, rounded));
    }
    let operations = network.operations.iter().zip(&description.operations);
    for ((real, rounded), site) in operations.zip(&network.sites) {
        for (real, rounded) in products(real, rounded) {
            pairs.push((site.to_string(), &real.weights, &rounded.weights));
        }
    }
    pairs
}

/// The products of an operation, in real numbers and in integers.
fn products<'a>(
    real: &'a Real,
    rounded: &'a Operation,
) -> Vec<(&'a network::Product, &'a integers::Product)> {
    match (real, rounded) {
        (Real::Linear { of, .. }, Operation::Linear { of: to, .. })
        | (Real::Function { of, .. }, Operation::Function { of: to, .. })
        | (Real::Rotary { of, .. }, Operation::Rotary { of: to, .. })
        | (Real::Residual { of, .. }, Operation::Residual { of: to, .. }) => vec![(of, to)],
        (Real::Gated { gate, up, .. }, Operation::Gated { of, .. }) => {
            vec![(gate, &of.gate), (up, &of.up)]
        }
        _ => vec![],
    }
}
