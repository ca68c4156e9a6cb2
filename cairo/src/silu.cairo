//! SiLU through a sigmoid table; the product is kept exact and rounded by the next `mul`.

use crate::requantize::{Saturation, saturate};
use crate::shift::Shift;

/// `y[i] = x[i] · table[index(x[i])]`.
///
/// `to` saturates the index to −128..127 at the table's scale, and its offset is 128 too small, so
/// that the result counts from 0 to 255.
pub fn silu<impl S: Shift>(
    xs: Span<felt252>, table: Span<felt252>, to: Saturation,
) -> Span<felt252> {
    let mut out = array![];
    for x in xs {
        let index: u32 = saturate::<S>(*x, to).try_into().unwrap();
        out.append(*x * *table.at(index));
    }
    out.span()
}
