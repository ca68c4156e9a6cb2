//! Matrices with scales: how much of an accumulator's range a product can use, and its integers.

use super::bounds::{Bound, outputs};
use super::measure::Measured;
use super::network::Product;
use crate::integers::ranges::{ACCUMULATOR, CHECKED_ACCUMULATOR, FORM_BITS, MAX_BITS};
use crate::integers::{self, Matrix};

/// A product's needs.
#[derive(Clone, Copy, Debug)]
pub struct Needs {
    /// The largest real output, for every input.
    pub reach: f64,
    /// Sum of the squares of all weights.
    squares: f64,
    outputs: f64,
}

impl Needs {
    pub fn of(product: &Product, input: Bound) -> Needs {
        let reach = outputs(product, input).into_iter().fold(0.0, f64::max);
        let weights = product.weights.iter().flatten();
        Needs {
            // A matrix of zeros has every scale.
            reach: reach.max(f64::MIN_POSITIVE.sqrt()),
            squares: weights.map(|w| w * w).sum(),
            outputs: product.weights.len() as f64,
        }
    }

    /// The largest scale of its accumulators.
    pub fn accumulators(&self, slack: f64) -> f64 {
        slack * ACCUMULATOR as f64 / self.reach
    }

    /// The same where the results are checked.
    pub fn checked_accumulators(&self, slack: f64) -> f64 {
        slack * CHECKED_ACCUMULATOR as f64 / self.reach
    }

    /// The scale of inputs with which rounding inputs and rounding weights do as much harm, when accumulators have this scale.
    ///
    /// A rounded input of scale `a` adds `Σ w² / 12 a²` to the square of all outputs, a rounded weight of scale `b` adds `outputs · Σ x² / 12 b²`, and `a b` is the
    /// accumulators' scale.
    pub fn balance(&self, accumulators: f64, input: &Measured) -> f64 {
        let inputs = (self.outputs * input.total()).max(f64::MIN_POSITIVE);
        (self.squares / inputs).sqrt().sqrt() * accumulators.sqrt()
    }
}

/// The largest number of five bits, times a power of two, that is at most `x`: a scale that does not follow the last bits of `x`.
pub fn grid(x: f64) -> f64 {
    let step = x.log2().floor().exp2() / 16.0;
    (x / step).floor() * step
}

/// The smallest such number that is at least `x`.
pub fn grid_above(x: f64) -> f64 {
    let step = x.log2().floor().exp2() / 16.0;
    (x / step).ceil() * step
}

/// The largest shift of a product whose results have this scale: as many bits as accumulators and forms have room for.
pub fn shift(needs: Needs, output: f64, bits: u32, slack: f64) -> u32 {
    let most = MAX_BITS.min(FORM_BITS - bits);
    let room = needs.accumulators(slack) / output;
    let shifts = (0..=most).rev();
    let mut fitting = shifts.filter(|&shift| f64::from(1 << shift) <= room);
    fitting.next().unwrap_or(0)
}

/// The integers of a product: inputs of one scale, results of another behind a shift.
pub fn rounded(of: &Product, input: f64, output: f64, shift: u32) -> integers::Product {
    let accumulators = output * f64::from(1 << shift);
    let scale = accumulators / input;
    let row = |row: &Vec<f64>| row.iter().map(|w| (w * scale).round() as i32).collect();
    integers::Product {
        weights: Matrix {
            inputs: of.weights.first().map_or(0, Vec::len),
            rows: of.weights.iter().map(row).collect(),
        },
        bias: of
            .bias
            .iter()
            .map(|b| (b * accumulators).round() as i32)
            .collect(),
        shift,
    }
}
