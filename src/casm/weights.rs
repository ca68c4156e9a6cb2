//! Separation of weight words; see `docs/spec.md`, weight pairs and committed words.

use num_bigint::BigInt;

use super::asm::{Asm, Cell, Next};
use super::linear::params;

/// Felts per turn.
const FELTS: [i16; 2] = [4, 1];
/// Cells of an instance of the bitwise builtin: both operands, and, xor, or.
const INSTANCE: i16 = 5;

/// `append_words(pairs: Span, mask, zero, ref out: Array)`: appends both words of each pair, `first − zero`
/// and `(pair − first)·2^-8 − zero` with `first = pair and mask`.
pub(super) fn separated(asm: &mut Asm) {
    let [bitwise, pairs, end, mask, zero, out_start, out] = params();
    separate(
        asm,
        [bitwise, pairs, end, zero, out_start, out],
        &[mask],
        None,
    );
}

/// `append_two(felts: Span, all, mask, zero, ref out: Array)`: as `append_words`, after a check that a felt has no other
/// bits than `all`, those of its words' bytes. With them it is the integer that its bits are.
pub(super) fn two_committed(asm: &mut Asm) {
    let [bitwise, felts, end, all, mask, zero, out_start, out] = params();
    let cells = [bitwise, felts, end, zero, out_start, out];
    separate(asm, cells, &[mask], Some(all));
}

/// `append_three(felts: Span, all, first, second, zero, ref out: Array)`: the same with three words in a felt, and the
/// masks of two.
pub(super) fn three_committed(asm: &mut Asm) {
    let [
        bitwise,
        felts,
        end,
        all,
        first,
        second,
        zero,
        out_start,
        out,
    ] = params();
    let cells = [bitwise, felts, end, zero, out_start, out];
    separate(asm, cells, &[first, second], Some(all));
}

/// Takes a word out of each felt by each mask, and a last one that is left.
///
/// Operands of the builtin are the felt itself and constants of the program: the bits of a sum or a product would be the
/// prover's choice between the two numbers below 2^252 that stand for it.
fn separate(asm: &mut Asm, cells: [Cell; 6], masks: &[Cell], all: Option<Cell>) {
    let [bitwise, felts, end, zero, out_start, out] = cells;
    let (last, words) = (masks.len(), masks.len() + 1);
    let count = asm.sub(end, felts);
    let down: Vec<Cell> = (1..words).map(|i| asm.number(down_by(i))).collect();
    let instances = (last + usize::from(all.is_some())) as i16;
    let counts = asm.split_count(count, FELTS);
    let state = [bitwise, felts, out];
    let [bitwise, _, out] = asm.batches(&counts, state, |asm, [bitwise, felts, out], size| {
        for i in 0..size {
            let felt = asm.load(felts, i);
            let instance = |j: usize| INSTANCE * (instances * i + j as i16);
            if let Some(all) = all {
                asm.assert_within(felt, all, bitwise, instance(last));
            }
            let mut rest = felt;
            for j in 0..words {
                let byte = match masks.get(j) {
                    Some(&mask) => asm.and(felt, mask, bitwise, instance(j)),
                    None => rest,
                };
                let word = match j {
                    0 => byte,
                    _ => asm.mul(byte, down[j - 1]),
                };
                let word = asm.sub(word, zero);
                asm.store(word, out, words as i16 * i + j as i16);
                if j < last {
                    rest = asm.sub(rest, byte);
                }
            }
        }
        [
            Next::Plus(bitwise, INSTANCE * instances * size),
            Next::Plus(felts, size),
            Next::Plus(out, words as i16 * size),
        ]
    });
    asm.ret(&[bitwise, out_start, out]);
}

/// `2^(-8·bytes)` modulo `p = 2^251 + 17·2^192 + 1`, for fewer than 24 bytes: with `m = 2^(8·bytes)`, `p` is 1 modulo `m`,
/// so `m·x = 1 + (m − 1)·p` for a whole `x`.
fn down_by(bytes: usize) -> BigInt {
    let p = (BigInt::from(1) << 251) + (BigInt::from(17) << 192) + 1;
    let m = BigInt::from(1) << (8 * bytes);
    (p * (&m - 1) + 1) / m
}
