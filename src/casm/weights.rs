//! Separation of weight pairs; see `docs/spec.md`, weight pairs.

use num_bigint::BigInt;

use super::asm::{Asm, Next};
use super::linear::params;

/// Pairs per turn.
const PAIRS: [i16; 2] = [4, 1];
/// Cells of an instance of the bitwise builtin: both operands, and, xor, or.
const INSTANCE: i16 = 5;

/// `append_words(pairs: Span, mask, zero, ref out: Array)`: appends both words of each pair, `first − zero`
/// and `(pair − first)·2^-8 − zero` with `first = pair and mask`.
pub(super) fn separated(asm: &mut Asm) {
    separate(asm, false);
}

/// `append_committed_words(pairs: Span, mask, zero, ref out: Array)`: the same, after a check that the pair has no
/// other bits than those of `mask` and of `2^8·mask`, with which it is the integer that its bits are.
pub(super) fn committed(asm: &mut Asm) {
    separate(asm, true);
}

fn separate(asm: &mut Asm, check: bool) {
    let [bitwise, pairs, end, mask, zero, out_start, out] = params();
    let count = asm.sub(end, pairs);
    let eight_bits_down = asm.number(inverse_of_256());
    let both = check.then(|| asm.mul(mask, (1 << 8) + 1));
    let instances = INSTANCE * (1 + i16::from(check));
    let counts = asm.split_count(count, PAIRS);
    let state = [bitwise, pairs, out];
    let [bitwise, _, out] = asm.batches(&counts, state, |asm, [bitwise, pairs, out], size| {
        for i in 0..size {
            let pair = asm.load(pairs, i);
            let first = asm.and(pair, mask, bitwise, instances * i);
            if let Some(both) = both {
                asm.assert_within(pair, both, bitwise, instances * i + INSTANCE);
            }
            let word = asm.sub(first, zero);
            asm.store(word, out, 2 * i);
            let rest = asm.sub(pair, first);
            let second = asm.mul(rest, eight_bits_down);
            let word = asm.sub(second, zero);
            asm.store(word, out, 2 * i + 1);
        }
        [
            Next::Plus(bitwise, instances * size),
            Next::Plus(pairs, size),
            Next::Plus(out, 2 * size),
        ]
    });
    asm.ret(&[bitwise, out_start, out]);
}

/// `2^-8` modulo `p = 2^251 + 17·2^192 + 1`: `256·x = 1 + k·p` for `k = 255`, as `p` is 1 modulo 256.
fn inverse_of_256() -> BigInt {
    let p = (BigInt::from(1) << 251) + (BigInt::from(17) << 192) + 1;
    (p * 255 + 1) / 256
}
