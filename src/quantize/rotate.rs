//! A rotation of the stream: the same model with other channels, none of which is much larger than the others.
//!
//! Published models have a few channels of the stream that are thousands of times as large as most (at the first position, above all). The stream has one
//! scale, so these channels make it coarse for all. A norm without a mean gives the same lengths whatever orthogonal matrix `Q` turns its input, so
//! `x' = Q x` is a stream as good as `x`, where what writes the stream has `Q W` in the place of `W`, and what reads a norm of it `W Qᵀ`. Nothing is added to what is
//! proven.
//!
//! `Q` is Hadamard's matrix of the largest power of two in the number of channels, times a cosine transform of the rest: all its entries have about the
//! same size.

use super::network::{Network, Product, Real};

/// `Q` for so many channels.
pub struct Rotation {
    power: usize,
    /// Rows of the cosine transform.
    cosines: Vec<Vec<f64>>,
}

impl Rotation {
    /// The rotation of a network's stream; none if a norm takes the mean away, or normalises parts of the stream.
    pub fn of(network: &Network) -> Option<Rotation> {
        let streams = stream(network);
        let is_plain = |(of, _): (&Real, usize)| match of {
            Real::Norm {
                input,
                centred,
                groups,
                ..
            } if streams[*input] => !centred && *groups == 1,
            // What reads the stream itself would have to turn it back.
            Real::Residual { input, .. } => !streams[*input],
            Real::Norm { .. } | Real::Embed | Real::Attention { .. } => true,
            Real::Linear { input, .. }
            | Real::Function { input, .. }
            | Real::Rotary { input, .. }
            | Real::Gated { input, .. }
            | Real::Head { input } => !streams[*input],
        };
        let numbered = network.operations.iter().zip(0..);
        let channels = network.tokens.first().map_or(0, Vec::len);
        let fits = numbered.into_iter().all(is_plain) && channels > 1;
        fits.then(|| Rotation::new(channels))
    }

    fn new(channels: usize) -> Rotation {
        let power = 1 << channels.trailing_zeros();
        let rest = channels / power;
        let entry = |row: usize, column: usize| match row {
            0 => (1.0 / rest as f64).sqrt(),
            _ => {
                let angle = row as f64 * (column as f64 + 0.5) / rest as f64;
                (2.0 / rest as f64).sqrt() * (std::f64::consts::PI * angle).cos()
            }
        };
        let row = |row| (0..rest).map(|column| entry(row, column)).collect();
        Rotation {
            power,
            cosines: (0..rest).map(row).collect(),
        }
    }

    /// `Q x`.
    pub fn turn(&self, x: &mut [f64]) {
        let scale = (self.power as f64).sqrt().recip();
        for part in x.chunks_exact_mut(self.power) {
            let mut half = 1;
            while half < self.power {
                for pairs in part.chunks_exact_mut(2 * half) {
                    let (first, second) = pairs.split_at_mut(half);
                    for (a, b) in first.iter_mut().zip(second) {
                        (*a, *b) = (*a + *b, *a - *b);
                    }
                }
                half *= 2;
            }
            part.iter_mut().for_each(|x| *x *= scale);
        }
        if self.cosines.len() == 1 {
            return;
        }
        let before = x.to_vec();
        for (row, turned) in self.cosines.iter().zip(x.chunks_exact_mut(self.power)) {
            turned.fill(0.0);
            for (cosine, part) in row.iter().zip(before.chunks_exact(self.power)) {
                let pairs = turned.iter_mut().zip(part);
                pairs.for_each(|(turned, x)| *turned += cosine * x);
            }
        }
    }

    /// The same network with a turned stream.
    pub fn apply(&self, network: &mut Network) {
        let streams = stream(network);
        let reads: Vec<bool> = network
            .operations
            .iter()
            .map(|of| matches!(of, Real::Norm { input, .. } if streams[*input]))
            .collect();
        network.tokens.iter_mut().for_each(|row| self.turn(row));
        let positions = network.positions.iter_mut().flatten();
        positions.for_each(|row| self.turn(row));
        let mut head = None;
        for operation in &mut network.operations {
            match operation {
                Real::Residual { of, .. } => self.turn_outputs(of),
                Real::Linear { input, of }
                | Real::Function { input, of, .. }
                | Real::Rotary { input, of }
                    if reads[*input] =>
                {
                    self.turn_inputs(&mut of.weights);
                }
                Real::Gated {
                    input, gate, up, ..
                } if reads[*input] => {
                    self.turn_inputs(&mut gate.weights);
                    self.turn_inputs(&mut up.weights);
                }
                Real::Head { input } => head = Some(*input),
                _ => {}
            }
        }
        match (&mut network.output, head) {
            (Some(output), Some(input)) if reads[input] => self.turn_inputs(output),
            // The embedding is the output matrix, so what it reads is turned: behind the last norm's gain.
            (None, Some(input)) => {
                if let Real::Linear { of, .. } = &mut network.operations[input] {
                    self.turn_outputs(of);
                }
            }
            _ => {}
        }
    }

    /// `W Qᵀ`.
    fn turn_inputs(&self, weights: &mut [Vec<f64>]) {
        weights.iter_mut().for_each(|row| self.turn(row));
    }

    /// `Q W` and `Q b`.
    fn turn_outputs(&self, of: &mut Product) {
        let inputs = of.weights.first().map_or(0, Vec::len);
        let mut column = vec![0.0; of.weights.len()];
        for input in 0..inputs {
            let pairs = column.iter_mut().zip(&of.weights);
            pairs.for_each(|(x, row)| *x = row[input]);
            self.turn(&mut column);
            let pairs = column.iter().zip(&mut of.weights);
            pairs.for_each(|(x, row)| row[input] = *x);
        }
        self.turn(&mut of.bias);
    }
}

/// Whether each operation writes the stream.
fn stream(network: &Network) -> Vec<bool> {
    let writes = |of: &Real| matches!(of, Real::Embed | Real::Residual { .. });
    network.operations.iter().map(writes).collect()
}
