//! Rotation of all heads.

use super::asm::{Asm, Next};
use super::linear::{blocks, params};

/// Pairs of channels per turn.
const PAIRS: [i16; 2] = [4, 1];

/// `append_rotated(x: Span, cos: Span, sin: Span, ref out: Array)`: for each head of `2·cos.len()`
/// channels, appends `a·cos − b·sin`, then `b·cos + a·sin`, of its halves `a` and `b`.
pub(super) fn rotated(asm: &mut Asm) {
    let [x, end, cos, cos_end, sin, sin_end, out_start, out] = params();
    let half = asm.sub(cos_end, cos);
    asm.assert_sum(sin_end, sin, half);
    let pairs = asm.split_count(half, PAIRS);
    let channels = asm.sub(end, x);
    let head = asm.add(half, half);
    let heads = blocks(asm, channels, head);
    let [_, out] = asm.repeat(heads, [x, out], |asm, [x, out]| {
        let b = asm.add(x, half);
        let second = asm.add(out, half);
        let state = [x, b, cos, sin, out, second];
        let [_, x, _, _, _, out] = asm.batches(&pairs, state, |asm, state, size| {
            let [a, b, cos, sin, out, second] = state;
            for i in 0..size {
                let (a, b) = (asm.load(a, i), asm.load(b, i));
                let (cos, sin) = (asm.load(cos, i), asm.load(sin, i));
                let (a_cos, b_sin) = (asm.mul(a, cos), asm.mul(b, sin));
                let turned = asm.sub(a_cos, b_sin);
                asm.store(turned, out, i);
                let (b_cos, a_sin) = (asm.mul(b, cos), asm.mul(a, sin));
                let turned = asm.add(b_cos, a_sin);
                asm.store(turned, second, i);
            }
            state.map(|pointer| Next::Plus(pointer, size))
        });
        [Next::Same(x), Next::Same(out)]
    });
    asm.ret(&[out_start, out]);
}
