//! A product whose results have a number of bits.

use crate::product::{Product, product};
use crate::rounding::check_bits;

/// `product(x)`, of which each number has at most `bits` bits: more end the run.
pub fn linear(x: Span<i64>, constants: Product, bits: u32) -> Span<i64> {
    let results = product(x, constants);
    check_bits(results, bits);
    results
}
