//! SiLU: a saturated index, a table, a product.

use super::Table;
use super::asm::Asm;
use super::linear::params;
use super::requantize::{Elements, Saturation};

/// Elements per turn.
const ELEMENTS: [i16; 2] = [2, 1];

/// `append_silu(xs: Span, table: Span, bias, offset, divisor, lo, hi, ref out: Array)`: appends
/// `x · table[clamp(floor((x + bias) / divisor), lo, hi) − offset]` of every element. The table has an
/// entry for every index from `lo − offset = 0` to `hi − offset`.
pub(super) fn silu(asm: &mut Asm) {
    let [
        rc,
        xs,
        end,
        table,
        _,
        bias,
        offset,
        divisor,
        lo,
        hi,
        out_start,
        out,
    ] = params();
    let of = Elements::new(asm, rc, [xs, end], [out_start, out]);
    let to = Saturation::new(asm, [bias, offset, divisor, lo, hi]);
    of.each(asm, ELEMENTS, Saturation::CHECKS, |asm, x, rc, at| {
        let index = to.apply(asm, x, rc, at);
        let sigmoid = asm.lookup(Table::Sigmoid, table, index);
        asm.mul(x, sigmoid)
    });
}
