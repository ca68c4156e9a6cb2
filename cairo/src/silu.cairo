//! SiLU through a sigmoid table; the product is kept exact and rounded by the next `mul`.

use crate::requantize::{Saturation, requantize_saturated};

/// `y[i] = x[i] · table[index(x[i])]`.
///
/// `to` saturates the index to −128..127 at the table's scale, and its offset is 128 too small,
/// so that the result counts from 0 to 255.
#[inline(never)]
pub fn silu(mut xs: Span<felt252>, table: Span<felt252>, to: Saturation) -> Span<felt252> {
    let mut out = array![];
    let mut indices = requantize_saturated(xs, to);
    while let Some(index) = indices.pop_front() {
        let index: u32 = (*index).try_into().unwrap();
        out.append(*xs.pop_front().unwrap() * *table.at(index));
    }
    out.span()
}
