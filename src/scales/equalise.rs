//! Channels of one size: what a matrix reads is divided by its bound, channel by channel, and the matrix multiplied by it.
//!
//! The range of an accumulator is proven from the largest magnitude of all its inputs. Where one channel can be large and the others cannot, all pay for it. The channels of
//! values and of gated products can be scaled one by one, as the rows that make them and the columns that read them are one matrix each.
//! (Queries against keys could be scaled so too, pair by pair. It was tried, and gained nothing.)

use super::bounds::{Bound, bounds, largest, outputs};
use super::network::{Network, Product, Real};
use super::products::grid;

/// The same network with channels of one size where a matrix alone reads them.
pub fn equalise(mut network: Network) -> Network {
    let bounds = bounds(&network);
    for number in 0..network.operations.len() {
        let Real::Residual { input, .. } = network.operations[number] else {
            continue;
        };
        if readers(&network, input) != 1 {
            continue;
        }
        let Some((written, sizes)) = sizes(&network, &bounds, input) else {
            continue;
        };
        // Query heads of a group read the same values.
        let read = match network.operations[input] {
            Real::Attention {
                heads,
                kv_heads,
                head_dim,
                ..
            } => {
                let of_head = |head: usize| {
                    let first = head / (heads / kv_heads) * head_dim;
                    sizes[first..first + head_dim].to_vec()
                };
                (0..heads).flat_map(of_head).collect()
            }
            _ => sizes.clone(),
        };
        if let Some(product) = written_by(&mut network.operations[written]) {
            divide(product, &sizes);
        }
        if let Real::Residual { of, .. } = &mut network.operations[number] {
            for row in &mut of.weights {
                row.iter_mut().zip(&read).for_each(|(w, size)| *w *= size);
            }
        }
    }
    network
}

/// The operation whose channels can be scaled, so that those of `input` are, and the sizes of its channels.
fn sizes(network: &Network, bounds: &[Bound], input: usize) -> Option<(usize, Vec<f64>)> {
    let (number, channels): (usize, Vec<f64>) = match &network.operations[input] {
        Real::Attention { values, .. } if readers(network, *values) == 1 => {
            let Real::Linear { input, of } = &network.operations[*values] else {
                return None;
            };
            (*values, outputs(of, bounds[*input]))
        }
        Real::Gated {
            input: from,
            gate,
            up,
            function,
        } => {
            let gates = outputs(gate, bounds[*from]);
            let pairs = gates.iter().zip(outputs(up, bounds[*from]));
            let products = pairs.map(|(&z, u)| largest(*function, z) * u);
            (input, products.collect())
        }
        _ => return None,
    };
    let size = |&channel: &f64| if channel > 0.0 { grid(channel) } else { 1.0 };
    Some((number, channels.iter().map(size).collect()))
}

/// How many operations read what an operation writes.
fn readers(network: &Network, number: usize) -> usize {
    let operations = network.operations.iter();
    operations.filter(|of| of.reads().contains(&number)).count()
}

/// The product that an operation's channels are proportional to.
fn written_by(operation: &mut Real) -> Option<&mut Product> {
    match operation {
        Real::Linear { of, .. } => Some(of),
        Real::Gated { up, .. } => Some(up),
        _ => None,
    }
}

fn divide(of: &mut Product, sizes: &[f64]) {
    let rows = of.weights.iter_mut().zip(&mut of.bias).zip(sizes);
    for ((row, bias), size) in rows {
        row.iter_mut().for_each(|w| *w /= size);
        *bias /= size;
    }
}
