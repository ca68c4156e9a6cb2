//! Tables of functions, rotary angles, and weights of scores.
//!
//! Entries are rounded from `f64`. An entry on another machine differs only where a number is within an error of the last bit of a half.

use super::network::Function;
use crate::integers::reference::ANGLE_BITS;
use crate::integers::{Angles, Table};

/// The largest weight of a score.
const WEIGHT: f64 = 32767.0;

/// Distances that have a weight of their own.
pub const DISTANCES: usize = 1 << 16;

/// A function for all arguments of at most a magnitude: `z` stands for `z / argument`, and the value `w` for `w / value`.
pub fn function(function: Function, magnitude: i64, argument: f64, value: f64) -> Table {
    let at = |z: i64| (function.at(z as f64 / argument) * value).round() as i32;
    Table {
        first: -magnitude,
        values: (-magnitude..=magnitude).map(at).collect(),
    }
}

/// Weights of distances: `(2^15 − 1) exp(−distance · step)`.
pub fn weights(step: f64) -> Table {
    let at = |distance: usize| (WEIGHT * (-(distance as f64) * step).exp()).round() as i32;
    Table {
        first: 0,
        values: (0..DISTANCES).map(at).collect(),
    }
}

/// The smallest step with which every distance beyond the table has the weight 0.
pub fn least_step() -> f64 {
    (2.0 * WEIGHT + 1.0).ln() / DISTANCES as f64
}

/// Cosines and sines of each position and pair.
pub fn angles(frequencies: &[f64], context: usize) -> Angles {
    let rows = |of: fn(f64) -> f64| {
        let entry = |x: f64| (of(x) * f64::from(1 << ANGLE_BITS)).round() as i32;
        let row = |position: usize| {
            let angles = frequencies.iter().map(|f| position as f64 * f);
            angles.map(entry).collect()
        };
        (0..context).map(row).collect()
    };
    Angles {
        cos: rows(f64::cos),
        sin: rows(f64::sin),
    }
}
