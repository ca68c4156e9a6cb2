//! A matrix times a vector, biased and rounded.

use crate::matrix::Matrix;
use crate::rounding::{ShiftTrait, shift};

/// A matrix with biases, and how many bits a result drops.
#[derive(Copy, Drop)]
pub struct Product {
    pub weights: Matrix,
    pub bias: Span<i32>,
    pub shift: u32,
}

/// `round((Σ_j W[i][j] x[j] + bias[i]) / 2^shift)` for each row `i`, of each of the parts of `x` that have the matrix's inputs.
pub fn product(mut x: Span<i64>, constants: Product) -> Span<i64> {
    let by = shift(constants.shift);
    let mut results = array![];
    while !x.is_empty() {
        let part = x.slice(0, constants.weights.inputs);
        x = x.slice(constants.weights.inputs, x.len() - constants.weights.inputs);
        let mut bias = constants.bias;
        for array in constants.weights.arrays {
            let mut rows = *array;
            while !rows.is_empty() {
                let sum = dot(ref rows, part);
                results.append(by.round(sum + (*bias.pop_front().unwrap()).into()));
            }
        }
    }
    results.span()
}

/// `Σ_j row[j] x[j]` of the next row. Eight at a time, then the rest: a turn of a loop costs more than a product.
pub fn dot(ref rows: Span<i32>, mut x: Span<i64>) -> felt252 {
    let mut sum: felt252 = 0;
    while let Some(numbers) = x.multi_pop_front::<8>() {
        let [a, b, c, d, e, f, g, h] = (*numbers).unbox();
        let [p, q, r, s, t, u, v, w] = (*rows.multi_pop_front::<8>().unwrap()).unbox();
        sum += p.into() * a.into()
            + q.into() * b.into()
            + r.into() * c.into()
            + s.into() * d.into()
            + t.into() * e.into()
            + u.into() * f.into()
            + v.into() * g.into()
            + w.into() * h.into();
    }
    while let Some(number) = x.pop_front() {
        let weight: felt252 = (*rows.pop_front().unwrap()).into();
        sum += weight * (*number).into();
    }
    sum
}
