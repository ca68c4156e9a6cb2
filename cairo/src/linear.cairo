//! Linear layers on packed weights: one felt multiplication serves several rows.
//!
//! A weight word holds column `j` of a block of rows, one row per lane; `Σ_j word[j]·x[j]` is then
//! the block's accumulators, one per lane. The generator proves `|accumulator| < 2^(lane − 1)`, so
//! after adding `2^(lane − 1)` to every lane no lane borrows from another and the split is exact.

use crate::shift::{Shift, Shift20, Shift24, Shift30, Shift40, Shift60};

/// `Σ_j w[j]·x[j]` over the length of `x`; takes as many words from the front of `w`.
pub fn dot(ref w: Span<felt252>, mut x: Span<felt252>) -> felt252 {
    let mut sum = 0;
    while let Some(x) = x.multi_pop_front::<16>() {
        let [x0, x1, x2, x3, x4, x5, x6, x7, x8, x9, x10, x11, x12, x13, x14, x15] = (*x).unbox();
        let [w0, w1, w2, w3, w4, w5, w6, w7, w8, w9, w10, w11, w12, w13, w14, w15] = (*w
            .multi_pop_front::<16>()
            .unwrap())
            .unbox();
        sum += w0 * x0
            + w1 * x1
            + w2 * x2
            + w3 * x3
            + w4 * x4
            + w5 * x5
            + w6 * x6
            + w7 * x7
            + w8 * x8
            + w9 * x9
            + w10 * x10
            + w11 * x11
            + w12 * x12
            + w13 * x13
            + w14 * x14
            + w15 * x15;
    }
    while let Some(x) = x.multi_pop_front::<4>() {
        let [x0, x1, x2, x3] = (*x).unbox();
        let [w0, w1, w2, w3] = (*w.multi_pop_front::<4>().unwrap()).unbox();
        sum += w0 * x0 + w1 * x1 + w2 * x2 + w3 * x3;
    }
    while let Some(x) = x.pop_front() {
        sum += *w.pop_front().unwrap() * *x;
    }
    sum
}

/// How a felt is divided into lanes.
pub trait Lanes {
    /// `2^(lane − 1)` in every lane.
    const BIAS: felt252;
    /// Appends the signed lanes of a felt, lowest first.
    fn unpack(packed: felt252, ref out: Array<felt252>);
}

/// The accumulators of `rows` rows: `w` holds one word per column for each block of rows.
///
/// Panics if a lane's accumulator leaves its proven range far enough to leave the felt.
pub fn linear<impl L: Lanes>(mut w: Span<felt252>, x: Span<felt252>, rows: u32) -> Span<felt252> {
    let mut out = array![];
    while !w.is_empty() {
        L::unpack(dot(ref w, x) + L::BIAS, ref out);
    }
    out.span().slice(0, rows)
}

fn unpack_half<impl S: Shift>(half: u128, lanes: u32, bias: felt252, ref out: Array<felt252>) {
    let mut rest = half;
    for _ in 0..lanes {
        let (high, low) = S::split(rest);
        out.append(low.into() - bias);
        rest = high;
    }
    assert(rest == 0, 'lane out of range');
}

/// 12 lanes of 20 bits, 6 in each half.
pub impl Lanes20 of Lanes {
    const BIAS: felt252 = 0x80000800008000080000800008000000800008000080000800008000080000;
    fn unpack(packed: felt252, ref out: Array<felt252>) {
        let packed: u256 = packed.into();
        unpack_half::<Shift20>(packed.low, 6, 0x80000, ref out);
        unpack_half::<Shift20>(packed.high, 6, 0x80000, ref out);
    }
}

/// 10 lanes of 24 bits, 5 in each half.
pub impl Lanes24 of Lanes {
    const BIAS: felt252 = 0x80000080000080000080000080000000800000800000800000800000800000;
    fn unpack(packed: felt252, ref out: Array<felt252>) {
        let packed: u256 = packed.into();
        unpack_half::<Shift24>(packed.low, 5, 0x800000, ref out);
        unpack_half::<Shift24>(packed.high, 5, 0x800000, ref out);
    }
}

/// 8 lanes of 30 bits, 4 in each half.
pub impl Lanes30 of Lanes {
    const BIAS: felt252 = 0x80000002000000080000002000000000800000020000000800000020000000;
    fn unpack(packed: felt252, ref out: Array<felt252>) {
        let packed: u256 = packed.into();
        unpack_half::<Shift30>(packed.low, 4, 0x20000000, ref out);
        unpack_half::<Shift30>(packed.high, 4, 0x20000000, ref out);
    }
}

/// 6 lanes of 40 bits, 3 in each half.
pub impl Lanes40 of Lanes {
    const BIAS: felt252 = 0x80000000008000000000800000000000800000000080000000008000000000;
    fn unpack(packed: felt252, ref out: Array<felt252>) {
        let packed: u256 = packed.into();
        unpack_half::<Shift40>(packed.low, 3, 0x8000000000, ref out);
        unpack_half::<Shift40>(packed.high, 3, 0x8000000000, ref out);
    }
}

/// 4 lanes of 60 bits, 2 in each half.
pub impl Lanes60 of Lanes {
    const BIAS: felt252 = 0x80000000000000080000000000000000800000000000000800000000000000;
    fn unpack(packed: felt252, ref out: Array<felt252>) {
        let packed: u256 = packed.into();
        unpack_half::<Shift60>(packed.low, 2, 0x800000000000000, ref out);
        unpack_half::<Shift60>(packed.high, 2, 0x800000000000000, ref out);
    }
}
