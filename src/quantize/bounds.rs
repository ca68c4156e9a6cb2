//! Bounds of real values: what `integers::ranges` will prove for every input, before there are integers, and where that is far more than occurs, what a step is
//! checked for.
//!
//! Values and mixtures of attention and gated products have a checked bound: so many times what calibration saw. What is proven is used where it is less.

use super::measure::Measured;
use super::network::{Function, Network, Product, Real};
use super::products::grid_above;

/// What rounding adds to a bound at most, as a factor.
const ROUNDING: f64 = 1.004;

/// A checked bound is at least this share of the proven one: beyond, accumulators have no room for it. It matters where calibration saw next to nothing.
const LEAST_SHARE: f64 = 1.0 / 4096.0;

/// Bounds of a value: of each channel, and of the root of the sum of squares. Of a norm of several parts they are those of one part, as a matrix is multiplied with each.
#[derive(Clone, Copy, Debug)]
pub struct Bound {
    pub each: f64,
    pub length: f64,
}

impl Bound {
    fn of(channels: &[f64]) -> Bound {
        Bound {
            each: channels.iter().copied().fold(0.0, f64::max),
            length: channels.iter().map(|x| x * x).sum::<f64>().sqrt(),
        }
    }

    /// The same of so many channels that are checked to be at most so large: a number of few bits, which their scale follows.
    fn within(self, each: f64, channels: usize) -> Bound {
        let each = grid_above(self.each.min(each.max(self.each * LEAST_SHARE)));
        Bound {
            each,
            length: self.length.min(each * (channels as f64).sqrt()),
        }
    }
}

/// The bounds of what each operation writes; checked ones are `margin` times what was measured, none if that is infinite. A stream has none.
pub fn bounds(network: &Network, measured: &[Measured], margin: f64) -> Vec<Bound> {
    let checked = |number: usize| margin * measured[number].largest().max(f64::MIN_POSITIVE.sqrt());
    let mut bounds: Vec<Bound> = vec![];
    let mut widths: Vec<usize> = vec![];
    for (number, operation) in network.operations.iter().enumerate() {
        let (bound, width) = match operation {
            Real::Embed => (unbounded(), network.tokens[0].len()),
            Real::Residual { of, .. } => (unbounded(), of.weights.len()),
            Real::Norm { input, groups, .. } => {
                let width = widths[*input];
                let root = ((width / groups) as f64).sqrt() * ROUNDING;
                let bound = Bound {
                    each: root,
                    length: root,
                };
                (bound, width)
            }
            Real::Linear { input, of } => {
                let parts = network.operations[*input].parts();
                let outputs = outputs(of, bounds[*input]);
                let length = Bound::of(&outputs).length.min(length(of, bounds[*input]));
                let each = Bound::of(&outputs).each;
                let length = length * (parts as f64).sqrt();
                let (bound, width) = (Bound { each, length }, outputs.len() * parts);
                match network.is_value(number) {
                    true => (bound.within(checked(number), width), width),
                    false => (bound, width),
                }
            }
            Real::Function {
                input,
                of,
                function,
            } => {
                let arguments = outputs(of, bounds[*input]);
                let values: Vec<f64> = arguments.iter().map(|&z| largest(*function, z)).collect();
                (Bound::of(&values), values.len())
            }
            Real::Rotary { input, of } => {
                let outputs = outputs(of, bounds[*input]);
                // As much as a pair of outputs of this size can turn to one side.
                let each = ROUNDING * 2f64.sqrt() * Bound::of(&outputs).each;
                let width = outputs.len() * network.operations[*input].parts();
                let length = each * (width as f64).sqrt();
                (Bound { each, length }, width)
            }
            Real::Attention {
                values,
                heads,
                head_dim,
                ..
            } => {
                let value = bounds[*values].each;
                // A mixture's scale is a value's over a power of two, and so is its bound.
                let halvings = (value / checked(number).max(value * LEAST_SHARE))
                    .log2()
                    .floor();
                let each = match halvings >= 1.0 {
                    true => value / halvings.exp2(),
                    false => value * mixed(network.context),
                };
                (Bound::of(&vec![each; heads * head_dim]), heads * head_dim)
            }
            Real::Gated {
                input,
                gate,
                up,
                function,
            } => {
                let gates = outputs(gate, bounds[*input]);
                let ups = outputs(up, bounds[*input]);
                let pairs = gates.iter().zip(&ups);
                let products = pairs.map(|(&g, u)| largest(*function, g) * u);
                let products: Vec<f64> = products.collect();
                let bound = Bound::of(&products).within(checked(number), products.len());
                (bound, products.len())
            }
            Real::Head { input } => {
                let rows = network.output().iter();
                let logits = rows.map(|row| accumulator(row, bounds[*input]));
                let logits: Vec<f64> = logits.collect();
                (Bound::of(&logits), logits.len())
            }
        };
        bounds.push(bound);
        widths.push(width);
    }
    bounds
}

/// How far rounded probabilities of so many keys may be above 1 in all.
pub fn mixed(context: usize) -> f64 {
    1.0 + (context as f64 / 2.0 + 2.0)
        / f64::from(1 << crate::integers::reference::PROBABILITY_BITS)
}

/// The bounds of a product's outputs.
pub fn outputs(of: &Product, input: Bound) -> Vec<f64> {
    let rows = of.weights.iter().zip(&of.bias);
    rows.map(|(row, bias)| accumulator(row, input) + bias.abs())
        .collect()
}

/// The largest magnitude of a function for arguments of at most this magnitude.
pub fn largest(function: Function, argument: f64) -> f64 {
    // All functions are at most their argument in magnitude, and as large where it is positive.
    function
        .at(argument)
        .abs()
        .max(function.at(-argument).abs())
}

fn accumulator(row: &[f64], input: Bound) -> f64 {
    let sum: f64 = row.iter().map(|w| w.abs()).sum();
    let squares: f64 = row.iter().map(|w| w * w).sum();
    (sum * input.each).min(squares.sqrt() * input.length)
}

fn length(of: &Product, input: Bound) -> f64 {
    let rows = of
        .weights
        .iter()
        .map(|row| row.iter().map(|w| w.abs()).sum());
    let rows: f64 = rows.fold(0.0, f64::max);
    let columns = (0..of.weights[0].len()).map(|j| of.weights.iter().map(|row| row[j].abs()).sum());
    let columns: f64 = columns.fold(0.0, f64::max);
    (rows * columns).sqrt() * input.length
}

fn unbounded() -> Bound {
    Bound {
        each: f64::INFINITY,
        length: f64::INFINITY,
    }
}
