//! SiLU: a saturated index, a table, a product.

use cairo_lang_casm::instructions::Instruction;

use super::asm::{Asm, Next};
use super::linear::params;
use super::requantize::Saturation;

/// Elements per turn.
const ELEMENTS: [i16; 2] = [2, 1];

/// `append_silu(xs: Span, table: Span, bias, offset, divisor, lo, hi, ref out: Array)`: appends
/// `x · table[clamp(floor((x + bias) / divisor), lo, hi) − offset]` of every element. The table has an
/// entry for every index from `lo − offset = 0` to `hi − offset`.
pub(super) fn silu() -> Vec<Instruction> {
    let mut asm = Asm::new();
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
    let count = asm.sub(end, xs);
    let to = Saturation::new(&mut asm, [rc, bias, offset, divisor, lo, hi]);
    let counts = asm.split_count(count, ELEMENTS);
    let [rc, _, out] = asm.batches(&counts, [rc, xs, out], |asm, [rc, xs, out], size| {
        for i in 0..size {
            let x = asm.load(xs, i);
            let index = to.apply(asm, x, rc, Saturation::CHECKS * i);
            let entry = asm.add(index, table);
            let sigmoid = asm.load(entry, 0);
            let y = asm.mul(x, sigmoid);
            asm.store(y, out, i);
        }
        [
            Next::Plus(rc, Saturation::CHECKS * size),
            Next::Plus(xs, size),
            Next::Plus(out, size),
        ]
    });
    asm.ret(&[rc, out_start, out]);
    asm.finish()
}
