//! Channels of one size: what a matrix reads is divided by its size, channel by channel, and the matrix multiplied by it.
//!
//! The range of an accumulator is proven from the largest magnitude of all its inputs. Where one channel can be large and the others cannot, all pay for it. The channels of
//! values and of gated products can be scaled one by one, as the rows that make them and the columns that read them are one matrix each.
//!
//! A channel's size is its proven bound, or the geometric mean of that and of the root of its mean square on the calibration text: whichever leaves the smaller bound of accumulators. The
//! largest magnitude that was seen of a single channel says little about the next text: SmolLM2's gated products exceed it up to 20 times, and the largest of all channels in these
//! sizes by 1.6.
//! (Queries against keys could be scaled so too, pair by pair. It was tried, and gained nothing.)

use super::bounds::{Bound, bounds, largest, outputs};
use super::measure::Measured;
use super::network::{Network, Product, Real};
use super::products::grid;

/// Scales the channels that a matrix alone reads to one size; what was measured is scaled with them.
pub fn equalise(network: &mut Network, measured: &mut [Measured], margin: f64) {
    let bounds = bounds(network, measured, f64::INFINITY);
    for number in 0..network.operations.len() {
        let Real::Residual { input, .. } = network.operations[number] else {
            continue;
        };
        let Some(written) = written_by(network, input) else {
            continue;
        };
        let proven = proven(network, &bounds, written);
        let Real::Residual { of, .. } = &network.operations[number] else {
            continue;
        };
        let seen = &measured[written];
        let candidates = [sizes(&proven), sizes(&means(&proven, &seen.energy))];
        let [first, second] = candidates.map(|sizes| {
            let read = read(&network.operations[input], &sizes);
            let ratios = proven.iter().zip(&seen.peaks).zip(&sizes);
            let ratios = ratios.map(|((proven, peak), size)| [proven / size, margin * peak / size]);
            let largest = ratios.fold([0.0f64; 2], |a, b| [a[0].max(b[0]), a[1].max(b[1])]);
            let row = |row: &Vec<f64>| {
                row.iter()
                    .zip(&read)
                    .map(|(w, size)| (w * size).abs())
                    .sum()
            };
            let rows = of.weights.iter().map(row).fold(0.0, f64::max);
            (rows * largest[0].min(largest[1]), sizes, read)
        });
        let (_, sizes, read) = if second.0 < first.0 { second } else { first };
        if let Real::Linear { of, .. } | Real::Gated { up: of, .. } =
            &mut network.operations[written]
        {
            divide(of, &sizes);
        }
        measured[written].divide(&sizes);
        if written != input {
            measured[input].divide(&read);
        }
        if let Real::Residual { of, .. } = &mut network.operations[number] {
            for row in &mut of.weights {
                row.iter_mut().zip(&read).for_each(|(w, size)| *w *= size);
            }
        }
    }
}

/// The operation whose channels are scaled, so that those of `input` are, if only one matrix reads them.
fn written_by(network: &Network, input: usize) -> Option<usize> {
    let alone = |number| readers(network, number) == 1;
    match network.operations[input] {
        Real::Attention { values, .. } if alone(input) && alone(values) => {
            let is_linear = matches!(network.operations[values], Real::Linear { .. });
            is_linear.then_some(values)
        }
        Real::Gated { .. } if alone(input) => Some(input),
        _ => None,
    }
}

/// The proven bound of each channel.
fn proven(network: &Network, bounds: &[Bound], number: usize) -> Vec<f64> {
    match &network.operations[number] {
        Real::Linear { input, of } => outputs(of, bounds[*input]),
        Real::Gated {
            input,
            gate,
            up,
            function,
        } => {
            let gates = outputs(gate, bounds[*input]);
            let pairs = gates.iter().zip(outputs(up, bounds[*input]));
            pairs.map(|(&z, u)| largest(*function, z) * u).collect()
        }
        _ => vec![],
    }
}

/// The sizes of the channels that a matrix reads, where they are written with these: query heads of a group read the same values.
fn read(operation: &Real, sizes: &[f64]) -> Vec<f64> {
    match operation {
        Real::Attention {
            heads,
            kv_heads,
            head_dim,
            ..
        } => {
            let of_head = |head: usize| {
                let first = head / (heads / kv_heads) * head_dim;
                &sizes[first..first + head_dim]
            };
            (0..*heads).flat_map(of_head).copied().collect()
        }
        _ => sizes.to_vec(),
    }
}

/// Geometric means of proven bounds and roots of mean squares.
fn means(proven: &[f64], energy: &[f64]) -> Vec<f64> {
    let means = proven.iter().zip(energy);
    means
        .map(|(proven, energy)| (proven * energy.sqrt()).sqrt())
        .collect()
}

/// The size of each channel: a number of few bits.
fn sizes(channels: &[f64]) -> Vec<f64> {
    let means = channels.iter().copied();
    means
        .map(|size| if size > 0.0 { grid(size) } else { 1.0 })
        .collect()
}

/// How many operations read what an operation writes.
fn readers(network: &Network, number: usize) -> usize {
    let operations = network.operations.iter();
    operations.filter(|of| of.reads().contains(&number)).count()
}

fn divide(of: &mut Product, sizes: &[f64]) {
    let rows = of.weights.iter_mut().zip(&mut of.bias).zip(sizes);
    for ((row, bias), size) in rows {
        row.iter_mut().for_each(|w| *w /= size);
        *bias /= size;
    }
}
