//! The decode step in real numbers at consecutive positions, whose products are computed together: a weight is read once for all of them.
//!
//! Each sum runs in index order, so that the numbers are those of [`step`](super::real::step), bit for bit.

use std::vec;

use rayon::prelude::*;

use super::network::{Network, Real};
use super::real::{RealState, finish};

/// Positions whose sums are computed side by side, and rows.
const LANES: usize = 16;
const ROWS: usize = 4;

/// Takes in tokens at the next positions, and gives what each operation that is asked for writes: by operation, by position.
pub fn steps(
    network: &Network,
    state: &mut RealState,
    tokens: &[u32],
    asked: impl Fn(&Real) -> bool,
) -> Vec<Vec<Vec<f64>>> {
    let mut values: Vec<Vec<Vec<f64>>> = vec![];
    for (number, of) in network.operations.iter().enumerate() {
        let written = match asked(of) {
            true => operation(network, state, tokens, number, &values),
            false => vec![],
        };
        values.push(written);
    }
    state.position += tokens.len();
    values
}

/// What one operation writes for tokens at the next positions, by position; `values` are those of the operations before it. The state goes on to no other position.
pub(super) fn operation(
    network: &Network,
    state: &mut RealState,
    tokens: &[u32],
    number: usize,
    values: &[Vec<Vec<f64>>],
) -> Vec<Vec<f64>> {
    let first = state.position;
    let sums = matrices(network, &network.operations[number]).into_iter();
    let mut sums = InTurn::new(sums.map(|(rows, input)| dots(rows, &values[input])));
    let mut written = vec![];
    for (place, &token) in tokens.iter().enumerate() {
        state.position = first + place;
        let before = |input: usize| &values[input][place][..];
        let mut own = sums.next();
        let own = &mut |_: &[Vec<f64>], _: usize| own.next().unwrap_or_default();
        written.push(finish(network, state, token, number, &before, own));
    }
    state.position = first;
    written
}

/// The sums of an operation's matrices at consecutive positions, which are taken position by position.
pub(super) struct InTurn<T>(Vec<vec::IntoIter<Vec<T>>>);

impl<T> InTurn<T> {
    /// Of each matrix the sums by position.
    pub fn new(matrices: impl Iterator<Item = Vec<Vec<T>>>) -> InTurn<T> {
        InTurn(matrices.map(Vec::into_iter).collect())
    }

    /// Those of the next position, matrix by matrix.
    pub fn next(&mut self) -> vec::IntoIter<Vec<T>> {
        let sums = self.0.iter_mut().filter_map(Iterator::next);
        sums.collect::<Vec<_>>().into_iter()
    }
}

/// The matrices of an operation with the operations that they read, in the order in which [`finish`] asks for their sums.
fn matrices<'a>(network: &'a Network, operation: &'a Real) -> Vec<(&'a [Vec<f64>], usize)> {
    match operation {
        Real::Embed | Real::Norm { .. } | Real::Attention { .. } => vec![],
        Real::Linear { input, of }
        | Real::Function { input, of, .. }
        | Real::Rotary { input, of }
        | Real::Residual { input, of, .. } => vec![(&of.weights, *input)],
        Real::Gated {
            input, gate, up, ..
        } => vec![(&gate.weights, *input), (&up.weights, *input)],
        Real::Head { input } => vec![(network.output(), *input)],
    }
}

/// `Σ_j W_ij x_j` of each position's `x`, by position; of each of its parts, where it has several that the matrix is multiplied with.
pub(super) fn dots<T: Copy + Into<f64> + Sync>(
    weights: &[Vec<T>],
    inputs: &[Vec<f64>],
) -> Vec<Vec<f64>> {
    let width = weights.first().map_or(0, Vec::len).max(1);
    let parts = inputs.first().map_or(0, |x| x.len() / width);
    if parts > 1 {
        let split = inputs.iter().flat_map(|x| x.chunks(width));
        let split: Vec<Vec<f64>> = split.map(<[f64]>::to_vec).collect();
        let sums = dots(weights, &split);
        return sums.chunks(parts).map(<[_]>::concat).collect();
    }
    let groups: Vec<Vec<[f64; LANES]>> = inputs.chunks(LANES).map(side_by_side).collect();
    // A few rows at a time, for all positions: the rows of a large matrix come from memory once.
    let rows = weights.par_chunks(ROWS).map(|rows| {
        let several = |lanes: &Vec<[f64; LANES]>| match rows {
            [a, b, c, d] => several([a, b, c, d], lanes).to_vec(),
            rest => rest.iter().flat_map(|row| several([row], lanes)).collect(),
        };
        groups.iter().map(several).collect()
    });
    let rows: Vec<Vec<Vec<[f64; LANES]>>> = rows.collect();
    let of_position = |position: usize| {
        let (group, lane) = (position / LANES, position % LANES);
        let sums = rows.iter().flat_map(|rows| &rows[group]);
        sums.map(|sums| sums[lane]).collect()
    };
    (0..inputs.len()).map(of_position).collect()
}

/// By channel the inputs of several positions.
fn side_by_side(positions: &[Vec<f64>]) -> Vec<[f64; LANES]> {
    let channels = positions.first().map_or(0, Vec::len);
    let mut lanes = vec![[0.0; LANES]; channels];
    for (lane, x) in positions.iter().enumerate() {
        let channels = lanes.iter_mut().zip(x);
        channels.for_each(|(lanes, &x)| lanes[lane] = x);
    }
    lanes
}

/// The sums of a few rows for all lanes: as many as a processor adds to at a time.
fn several<T: Copy + Into<f64>, const N: usize>(
    rows: [&Vec<T>; N],
    lanes: &[[f64; LANES]],
) -> [[f64; LANES]; N] {
    let mut sums = [[0.0; LANES]; N];
    for (channel, lanes) in lanes.iter().enumerate() {
        for (sums, row) in sums.iter_mut().zip(rows) {
            let weight: f64 = row[channel].into();
            let pairs = sums.iter_mut().zip(lanes);
            pairs.for_each(|(sum, x)| *sum = weight.mul_add(*x, *sum));
        }
    }
    sums
}
