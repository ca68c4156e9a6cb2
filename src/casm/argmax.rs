//! The first largest of some values, named by the prover and checked.

use super::asm::{Asm, Cell, Next};
use super::linear::params;

/// Elements per turn.
const ELEMENTS: [i16; 2] = [4, 1];

/// `append_maximum(xs: Span, ref out: Array)`: appends the index of the first largest element, then the
/// element. The index comes from the hint [`MAXIMUM`](super::MAXIMUM); every element before it has to be smaller, and
/// none after it larger.
pub(super) fn maximum(asm: &mut Asm) {
    let [rc, xs, end, out_start, out] = params();
    let count = asm.sub(end, xs);
    let index = asm.reserve();
    asm.hint_named(super::MAXIMUM, index);
    // 0 ≤ index and 0 ≤ count − 1 − index
    let from = asm.sub(count, index);
    asm.check(index, rc, 0);
    let after = asm.add(from, -1);
    asm.check(after, rc, 1);
    let place = asm.add(xs, index);
    let largest = asm.load(place, 0);
    let below = asm.add(largest, -1);
    let rc = asm.add(rc, 2);
    asm.store(index, out, 0);
    asm.store(largest, out, 1);
    let out_end = asm.add(out, 2);
    let before = asm.split_count(index, ELEMENTS);
    let from = asm.split_count(from, ELEMENTS);
    let [rc, _] = at_most(asm, &before, below, [rc, xs]);
    let [rc, _] = at_most(asm, &from, largest, [rc, place]);
    asm.ret(&[rc, out_start, out_end]);
}

/// Checks that elements are at most `limit`, each with a range check.
fn at_most(asm: &mut Asm, counts: &[(i16, Cell)], limit: Cell, state: [Cell; 2]) -> [Cell; 2] {
    asm.batches(counts, state, |asm, [rc, xs], size| {
        for i in 0..size {
            let x = asm.load(xs, i);
            let room = asm.sub(limit, x);
            asm.check(room, rc, i);
        }
        [Next::Plus(rc, size), Next::Plus(xs, size)]
    })
}
