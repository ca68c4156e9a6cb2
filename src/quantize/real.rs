//! The decode step in real numbers: what the integer model follows, operation by operation.

use super::network::{Network, Product, Real};

/// Keys and values of the positions before, by operation and position.
#[derive(Clone, Debug, Default)]
pub struct RealState {
    pub position: usize,
    pub keys: Vec<Vec<Vec<f64>>>,
    pub values: Vec<Vec<Vec<f64>>>,
}

impl RealState {
    pub fn new(network: &Network) -> RealState {
        let none = vec![vec![]; network.operations.len()];
        RealState {
            position: 0,
            keys: none.clone(),
            values: none,
        }
    }
}

/// What each operation writes for the token at the next position; the last value is the logits.
pub fn step(network: &Network, state: &mut RealState, token: u32) -> Vec<Vec<f64>> {
    let mut values = vec![];
    for number in 0..network.operations.len() {
        let value = compute(network, state, token, number, &values);
        values.push(value);
    }
    state.position += 1;
    values
}

/// What one operation writes; `values` are those of the operations before it.
fn compute(
    network: &Network,
    state: &mut RealState,
    token: u32,
    number: usize,
    values: &[Vec<f64>],
) -> Vec<f64> {
    let values = |input: usize| &values[input][..];
    let sums = &mut |rows: &[Vec<f64>], input| {
        let parts = values(input).chunks(rows.first().map_or(0, Vec::len).max(1));
        let dots = parts.flat_map(|x| rows.iter().map(move |row| dot(row, x)));
        dots.collect()
    };
    finish(network, state, token, number, &values, sums)
}

/// Gives the sums `Σ_j W_ij x_j` of a matrix, by row, and an operation's values.
pub(super) type Sums<'a> = dyn FnMut(&[Vec<f64>], usize) -> Vec<f64> + 'a;

/// What one operation writes, given the values before it and the sums `Σ_j W_ij x_j` of a matrix and an operation's values.
pub(super) fn finish<'a>(
    network: &Network,
    state: &mut RealState,
    token: u32,
    number: usize,
    values: &dyn Fn(usize) -> &'a [f64],
    sums: &mut Sums<'_>,
) -> Vec<f64> {
    let mut product = |of: &Product, input: &usize| {
        let sums = sums(&of.weights, *input).into_iter();
        let biased = sums.zip(of.bias.iter().cycle());
        biased.map(|(sum, bias)| sum + bias).collect::<Vec<f64>>()
    };
    match &network.operations[number] {
        Real::Embed => {
            let mut x = network.tokens[token as usize].clone();
            if let Some(positions) = &network.positions {
                add(&mut x, &positions[state.position]);
            }
            x
        }
        Real::Norm {
            input,
            centred,
            groups,
            eps,
        } => {
            let x = values(*input);
            let parts = x.chunks_exact(x.len() / groups);
            parts.flat_map(|x| normalise(x, *centred, *eps)).collect()
        }
        Real::Linear { input, of } => product(of, input),
        Real::Function {
            input,
            of,
            function,
        } => {
            let z = product(of, input);
            z.into_iter().map(|z| function.at(z)).collect()
        }
        Real::Rotary { input, of } => {
            let x = product(of, input);
            rotate(&network.frequencies, &x, state.position)
        }
        Real::Attention {
            queries,
            keys,
            values: of_values,
            heads,
            kv_heads,
            head_dim,
        } => {
            state.keys[number].push(values(*keys).to_vec());
            state.values[number].push(values(*of_values).to_vec());
            let carried = (&state.keys[number][..], &state.values[number][..]);
            attend(
                values(*queries),
                carried,
                *heads,
                heads / kv_heads,
                *head_dim,
            )
        }
        Real::Residual { stream, input, of } => {
            let mut x = values(*stream).to_vec();
            add(&mut x, &product(of, input));
            x
        }
        Real::Gated {
            input,
            gate,
            up,
            function,
        } => {
            let pairs = product(gate, input).into_iter().zip(product(up, input));
            pairs.map(|(g, u)| function.at(g) * u).collect()
        }
        Real::Head { input } => sums(network.output(), *input),
    }
}

fn normalise(x: &[f64], centred: bool, eps: f64) -> Vec<f64> {
    let channels = x.len() as f64;
    let mean = match centred {
        true => x.iter().sum::<f64>() / channels,
        false => 0.0,
    };
    let squares = x.iter().map(|x| (x - mean) * (x - mean));
    let inverse = 1.0 / (squares.sum::<f64>() / channels + eps).sqrt();
    x.iter().map(|x| (x - mean) * inverse).collect()
}

fn add(x: &mut [f64], y: &[f64]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

fn dot(row: &[f64], x: &[f64]) -> f64 {
    let pairs = row.iter().zip(x);
    pairs.fold(0.0, |sum, (w, x)| w.mul_add(*x, sum))
}

fn rotate(frequencies: &[f64], x: &[f64], position: usize) -> Vec<f64> {
    let half = frequencies.len();
    let mut rotated = x.to_vec();
    for head in rotated.chunks_exact_mut(2 * half) {
        for (i, frequency) in frequencies.iter().enumerate() {
            let (sin, cos) = (position as f64 * frequency).sin_cos();
            let (a, b) = (head[i], head[i + half]);
            head[i] = a * cos - b * sin;
            head[i + half] = b * cos + a * sin;
        }
    }
    rotated
}

fn attend(
    queries: &[f64],
    (keys, values): (&[Vec<f64>], &[Vec<f64>]),
    heads: usize,
    group: usize,
    head_dim: usize,
) -> Vec<f64> {
    let factor = 1.0 / (head_dim as f64).sqrt();
    let mut mixed = vec![0.0; heads * head_dim];
    for (head, out) in mixed.chunks_exact_mut(head_dim).enumerate() {
        let query = &queries[head * head_dim..(head + 1) * head_dim];
        let own = head / group * head_dim..(head / group + 1) * head_dim;
        let scores: Vec<f64> = keys
            .iter()
            .map(|key| factor * dot(query, &key[own.clone()]))
            .collect();
        let largest = scores.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let weights: Vec<f64> = scores.iter().map(|s| (s - largest).exp()).collect();
        let total: f64 = weights.iter().sum();
        for (weight, value) in weights.iter().zip(values) {
            let pairs = out.iter_mut().zip(&value[own.clone()]);
            pairs.for_each(|(out, v)| *out += weight / total * v);
        }
    }
    mixed
}
