//! What joins the stream.

use crate::linear::linear;
use crate::product::Product;

/// `stream[i] + product(x)[i]`; each product has at most `bits` bits: more end the run.
pub fn residual(mut stream: Span<i64>, x: Span<i64>, constants: Product, bits: u32) -> Span<i64> {
    let mut sums = array![];
    for added in linear(x, constants, bits) {
        sums.append(*stream.pop_front().unwrap() + *added);
    }
    sums.span()
}
