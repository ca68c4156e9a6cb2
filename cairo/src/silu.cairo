//! SiLU through a sigmoid table; the product is kept exact and rounded by the next `mul`.

use crate::casm::range_check;
use crate::requantize::{Saturation, size};

/// `y[i] = x[i] · table[index(x[i])]`.
///
/// `to` saturates the index to −128..127 at the table's scale, and its offset is 128 too small,
/// so that the result counts from 0 to 255.
#[inline(never)]
pub fn silu(xs: Span<felt252>, table: Span<felt252>, to: Saturation) -> Span<felt252> {
    let mut out = array![];
    let Saturation { rounding, lo, hi } = to;
    assert(table.len() == 256, 'sigmoid table');
    append_silu(
        xs,
        table,
        rounding.bias,
        rounding.offset,
        size(rounding.divisor),
        lo.into(),
        hi.into(),
        ref out,
    );
    out.span()
}

/// Appends `x · table[clamp(floor((x + bias) / divisor), lo, hi) − offset]` of every element.
///
/// Its code is in `src/casm/silu.rs`. The table has an entry for every index up to `hi − offset`.
#[inline(never)]
fn append_silu(
    xs: Span<felt252>,
    table: Span<felt252>,
    bias: felt252,
    offset: felt252,
    divisor: felt252,
    lo: felt252,
    hi: felt252,
    ref out: Array<felt252>,
) {
    if range_check(bias) {
        append_silu(xs, table, bias, offset, divisor, lo, hi, ref out);
    }
}
