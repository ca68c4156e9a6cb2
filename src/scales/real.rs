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
pub fn compute(
    network: &Network,
    state: &mut RealState,
    token: u32,
    number: usize,
    values: &[Vec<f64>],
) -> Vec<f64> {
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
            let x = &values[*input];
            let parts = x.chunks_exact(x.len() / groups);
            parts.flat_map(|x| normalise(x, *centred, *eps)).collect()
        }
        Real::Linear { input, of } => product(of, &values[*input]),
        Real::Function {
            input,
            of,
            function,
        } => {
            let z = product(of, &values[*input]);
            z.into_iter().map(|z| function.at(z)).collect()
        }
        Real::Rotary { input, of } => {
            let x = product(of, &values[*input]);
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
            state.keys[number].push(values[*keys].clone());
            state.values[number].push(values[*of_values].clone());
            let carried = (&state.keys[number][..], &state.values[number][..]);
            attend(
                &values[*queries],
                carried,
                *heads,
                heads / kv_heads,
                *head_dim,
            )
        }
        Real::Residual { stream, input, of } => {
            let mut x = values[*stream].clone();
            add(&mut x, &product(of, &values[*input]));
            x
        }
        Real::Gated {
            input,
            gate,
            up,
            function,
        } => {
            let x = &values[*input];
            let pairs = product(gate, x).into_iter().zip(product(up, x));
            pairs.map(|(g, u)| function.at(g) * u).collect()
        }
        Real::Head { input } => {
            let x = &values[*input];
            network.output().iter().map(|row| dot(row, x)).collect()
        }
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
    row.iter().zip(x).map(|(w, x)| w * x).sum()
}

fn product(of: &Product, x: &[f64]) -> Vec<f64> {
    let rows = of.weights.iter().zip(&of.bias);
    rows.map(|(row, bias)| dot(row, x) + bias).collect()
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
