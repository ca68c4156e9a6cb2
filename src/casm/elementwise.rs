//! Sums and products of vectors, exact.

use super::asm::{Asm, Cell, Next};
use super::linear::params;

/// Elements per turn.
const ELEMENTS: [i16; 2] = [8, 1];

/// `append_sums(a: Span, b: Span, ref out: Array)`: appends `a[i] + b[i]`.
/// Both have the same length, which is checked.
pub(super) fn sums(asm: &mut Asm) {
    each_pair(asm, Asm::add)
}

/// `append_products(a: Span, b: Span, ref out: Array)`: appends `a[i] · b[i]`.
/// Both have the same length, which is checked.
pub(super) fn products(asm: &mut Asm) {
    each_pair(asm, Asm::mul)
}

fn each_pair(asm: &mut Asm, op: impl Fn(&mut Asm, Cell, Cell) -> Cell) {
    let [a, end, b, b_end, out_start, out] = params();
    let count = asm.sub(end, a);
    asm.assert_sum(b_end, b, count);
    let counts = asm.split_count(count, ELEMENTS);
    let [_, _, out] = asm.batches(&counts, [a, b, out], |asm, [a, b, out], size| {
        for i in 0..size {
            let (x, y) = (asm.load(a, i), asm.load(b, i));
            let value = op(asm, x, y);
            asm.store(value, out, i);
        }
        [a, b, out].map(|pointer| Next::Plus(pointer, size))
    });
    asm.ret(&[out_start, out]);
}

/// `append_multiples(xs: Span, factor, ref out: Array)`: appends `xs[i] · factor`.
pub(super) fn multiples(asm: &mut Asm) {
    let [xs, end, factor, out_start, out] = params();
    let count = asm.sub(end, xs);
    let counts = asm.split_count(count, ELEMENTS);
    let [_, out] = asm.batches(&counts, [xs, out], |asm, [xs, out], size| {
        for i in 0..size {
            let x = asm.load(xs, i);
            let value = asm.mul(x, factor);
            asm.store(value, out, i);
        }
        [xs, out].map(|pointer| Next::Plus(pointer, size))
    });
    asm.ret(&[out_start, out]);
}
