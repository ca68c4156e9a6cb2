//! A vector over its length.

use core::num::traits::{Pow, Sqrt};
use crate::rounding::{ShiftTrait, shift};

/// What length and reciprocal are together: `2^29 − 2^19`.
const RECIPROCAL: u64 = 0x1ff80000;
/// The sum of squares, in its unit, is below this.
const SQUARES: u128 = 0x40000000;
/// The largest exponent of a unit.
const MAX_EXPONENT: u32 = 14;

/// Constants of a norm.
#[derive(Copy, Drop)]
pub struct Norm {
    /// Whether the mean is taken away first.
    pub centred: bool,
    /// Numbers are multiplied by `2^grain` first.
    pub grain: u32,
    /// One number more in the sum of squares, which keeps it from 0.
    pub floor: i64,
    /// Bits that the product of number and reciprocal drops.
    pub shift: u32,
}

/// `round(o[i] · h / 2^shift)` with the numbers `o[i] = 2 floor(x'[i] / 2^e) + 1` and `h = floor(K / N + 1/2)`.
///
/// `x'` are the numbers in their grain, without their mean where it is taken away, and the floor behind them; `e` is the least
/// unit in which the sum of squares is small enough, `N = floor(√(Σ o²))`.
pub fn norm(x: Span<i64>, constants: Norm) -> Span<i64> {
    let numbers = numbers(x, constants);
    let e = exponent(numbers);
    let mut odd = odd(numbers, e);
    let length: u64 = square_sum(odd).sqrt().into();
    let reciprocal: felt252 = ((2 * RECIPROCAL + length) / (2 * length)).into();
    let by = shift(constants.shift);
    let mut results = array![];
    for number in odd.slice(0, x.len()) {
        results.append(by.round((*number).into() * reciprocal));
    }
    results.span()
}

/// The norm of each of `heads` equal parts.
pub fn head_norm(mut x: Span<i64>, constants: Norm, heads: u32) -> Span<i64> {
    let channels = x.len() / heads;
    let mut results = array![];
    while !x.is_empty() {
        results.append_span(norm(x.slice(0, channels), constants));
        x = x.slice(channels, x.len() - channels);
    }
    results.span()
}

/// `2^grain x[i] − M`, with `M` the mean rounded up, or 0; and the floor.
fn numbers(x: Span<i64>, constants: Norm) -> Span<i64> {
    let grain: i64 = 2_u64.pow(constants.grain).try_into().unwrap();
    let mut mean = 0;
    if constants.centred {
        let mut sum = 0;
        for number in x {
            sum += *number * grain;
        }
        mean = ceil_div(sum, x.len());
    }
    let mut numbers = array![];
    for number in x {
        numbers.append(*number * grain - mean);
    }
    numbers.append(constants.floor);
    numbers.span()
}

/// `⌈a / b⌉`.
fn ceil_div(a: i64, b: u32) -> i64 {
    let b: u64 = b.into();
    // Not negative, and a multiple of b away from a.
    let offset: u64 = 0x100000000 * b;
    let above: felt252 = a.into() + offset.into();
    let above: u64 = above.try_into().unwrap();
    ((above + b - 1) / b).try_into().unwrap() - 0x100000000
}

/// The least exponent `e` with `Σ (u² + u) < 2^30`, where `u = floor(x / 2^(e + 1))`: the sum falls with the exponent.
fn exponent(numbers: Span<i64>) -> u32 {
    let mut least = 0;
    let mut most = MAX_EXPONENT + 1;
    while least != most {
        let e = (least + most) / 2;
        if is_small(numbers, e) {
            most = e;
        } else {
            least = e + 1;
        }
    }
    assert(least <= MAX_EXPONENT, 'a vector is too long');
    least
}

/// Whether `Σ (u² + u) < 2^30`.
fn is_small(numbers: Span<i64>, e: u32) -> bool {
    let by = shift(e + 1);
    let mut sum: felt252 = 0;
    for number in numbers {
        let u: felt252 = by.floor((*number).into()).into();
        sum += u * u + u;
    }
    let sum: u128 = sum.try_into().unwrap();
    sum < SQUARES
}

/// `2 floor(x / 2^e) + 1`.
fn odd(numbers: Span<i64>, e: u32) -> Span<i64> {
    let by = shift(e);
    let mut odd = array![];
    for number in numbers {
        odd.append(2 * by.floor((*number).into()) + 1);
    }
    odd.span()
}

fn square_sum(numbers: Span<i64>) -> u64 {
    let mut sum: felt252 = 0;
    for number in numbers {
        let number: felt252 = (*number).into();
        sum += number * number;
    }
    sum.try_into().unwrap()
}
