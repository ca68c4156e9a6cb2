//! Rounded products, turned by the position.

use crate::matrix::{Matrix, MatrixTrait};
use crate::product::{Product, product};
use crate::rounding::{Shift, ShiftTrait, shift};

/// Fractional bits of cosines and sines.
const ANGLE_BITS: u32 = 14;

/// The pairs `i` and `i + half` of each `2 half` outputs of the product, turned: with `c = cos[position][i]` and
/// `s = sin[position][i]`
///
/// `y[i] = round((x[i] c − x[i + half] s) / 2^14)`, `y[i + half] = round((x[i + half] c + x[i] s) / 2^14)`.
///
/// Panics if there is no such position.
pub fn rotary(
    x: Span<i64>, constants: Product, half: u32, position: u32, cos: Matrix, sin: Matrix,
) -> Span<i64> {
    let (cos, sin) = (cos.row(position), sin.row(position));
    let by = shift(ANGLE_BITS);
    let mut left = product(x, constants);
    let mut turned = array![];
    while !left.is_empty() {
        let (first, second) = (left.slice(0, half), left.slice(half, half));
        left = left.slice(2 * half, left.len() - 2 * half);
        turn(first, second, cos, sin, -1, by, ref turned);
        turn(second, first, cos, sin, 1, by, ref turned);
    }
    turned.span()
}

/// `round((a[i] cos[i] + sign · b[i] sin[i]) / 2^14)`.
fn turn(
    mut a: Span<i64>,
    mut b: Span<i64>,
    mut cos: Span<i32>,
    mut sin: Span<i32>,
    sign: felt252,
    by: Shift,
    ref turned: Array<i64>,
) {
    while let Some(a) = a.pop_front() {
        let b = b.pop_front().unwrap();
        let (c, s) = (cos.pop_front().unwrap(), sin.pop_front().unwrap());
        let sum: felt252 = (*a).into() * (*c).into() + sign * (*b).into() * (*s).into();
        turned.append(by.round(sum));
    }
}
