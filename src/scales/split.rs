//! What joins the stream in parts, where it could be much larger than what other operations add.
//!
//! The stream has one scale, and no sum of a product that joins it may leave its range, so the product with the largest proven bound decides how fine the
//! stream is. In published models one layer makes the few large channels, and has a bound many times that of the others. Such a product is added in parts, of
//! some inputs each: their bounds are smaller, and the stream is the same behind the last of them.

use super::bounds::{Bound, bounds, outputs};
use super::network::{Network, Product, Real};

/// A product is split if its bound is so many times the median of all that join the stream.
const TOO_LARGE: f64 = 8.0;

/// Most parts: each is a matrix of its own for a proof.
const PARTS: usize = 4;

/// The same network, in which no product that joins the stream stands out as much.
pub fn split(network: Network) -> Network {
    let bounds = bounds(&network);
    let parts = parts(&network, &bounds);
    if parts.iter().all(|&parts| parts == 1) {
        return network;
    }
    let Network {
        operations, sites, ..
    } = network;
    let (mut split, mut named) = (vec![], vec![]);
    // By operation before: the last of those that stand for it now.
    let mut numbers: Vec<usize> = vec![];
    for ((operation, site), parts) in operations.into_iter().zip(sites).zip(parts) {
        match operation.renumbered(|input| numbers[input]) {
            Real::Residual { stream, input, of } if parts > 1 => {
                let mut stream = stream;
                for part in 0..parts {
                    let of = of_part(&of, part, parts);
                    split.push(Real::Residual { stream, input, of });
                    named.push(site);
                    stream = split.len() - 1;
                }
            }
            operation => {
                split.push(operation);
                named.push(site);
            }
        }
        numbers.push(split.len() - 1);
    }
    Network {
        operations: split,
        sites: named,
        ..network
    }
}

/// How many parts each operation has.
fn parts(network: &Network, bounds: &[Bound]) -> Vec<usize> {
    let reach = |operation: &Real| match operation {
        Real::Residual { input, of, .. } => {
            let outputs = outputs(of, bounds[*input]).into_iter();
            Some(outputs.fold(0.0, f64::max))
        }
        _ => None,
    };
    let reaches: Vec<Option<f64>> = network.operations.iter().map(reach).collect();
    let mut sorted: Vec<f64> = reaches.iter().copied().flatten().collect();
    sorted.sort_by(f64::total_cmp);
    let median = sorted.get(sorted.len() / 2).copied().unwrap_or(0.0);
    let parts = |reach: Option<f64>| match reach {
        Some(reach) if median > 0.0 && reach > TOO_LARGE * median => PARTS,
        _ => 1,
    };
    reaches.into_iter().map(parts).collect()
}

/// The part of a product that reads the inputs `part`, `part + parts` and so on; the biases are in the first.
fn of_part(of: &Product, part: usize, parts: usize) -> Product {
    let row = |row: &Vec<f64>| {
        let inputs = row.iter().enumerate();
        inputs
            .map(|(input, &w)| if input % parts == part { w } else { 0.0 })
            .collect()
    };
    Product {
        weights: of.weights.iter().map(row).collect(),
        bias: match part {
            0 => of.bias.clone(),
            _ => vec![0.0; of.bias.len()],
        },
    }
}
