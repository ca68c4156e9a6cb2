//! Linear layers on packed weights: one felt multiplication serves several rows.
//!
//! A weight word holds column `j` of a block of rows, one row per lane; `Σ_j word[j]·x[j]` is
//! then the block's accumulators, one per lane. The generator proves `|accumulator| < 2^(lane −
//! 1)`, so after adding `2^(lane − 1)` to every lane no lane borrows from another and the split
//! is exact.

use crate::kv::take;
use crate::shift::{Divisor, halves, split};

/// `Σ_j w[j]·x[j]` over the length of `x`; takes as many words from the front of `w`.
#[inline(never)]
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
    if x.is_empty() {
        return sum;
    }
    while let Some(x) = x.pop_front() {
        sum += *w.pop_front().unwrap() * *x;
    }
    sum
}

/// The accumulators of `rows` rows, whose weights are the next `words` of `w`: one word per column for
/// each block of rows.
///
/// Panics if a lane's accumulator leaves its proven range far enough to leave the felt.
#[inline(never)]
pub fn linear<impl L: Lanes>(
    ref w: Span<felt252>, x: Span<felt252>, words: u32, rows: u32,
) -> Span<felt252> {
    let mut out = array![];
    append_linear::<L>(take(ref w, words), x, ref out);
    out.span().slice(0, rows)
}

/// Appends the accumulators of all blocks, the lanes without a row included.
#[inline(never)]
pub fn append_linear<impl L: Lanes>(
    mut w: Span<felt252>, x: Span<felt252>, ref out: Array<felt252>,
) {
    while !w.is_empty() {
        let (low, high) = halves(dot(ref w, x) + L::BIAS);
        L::unpack(low, ref out);
        L::unpack(high, ref out);
    }
}

/// How each 120-bit half of a felt is divided into lanes.
pub trait Lanes {
    /// Lanes per half.
    const PER_HALF: felt252;
    /// The weight of a half's second lane.
    const STEP: felt252;
    /// `2^(lane − 1)` in every lane.
    const BIAS: felt252;
    /// `2^8 − 1` in every lane of a half: where a pair holds its first word.
    const FIRST: u128;
    /// 128 in every lane: what a word of a pair is when all its weights are 0.
    const ZERO: felt252;
    /// Appends the signed lanes of a half, lowest first.
    fn unpack(half: u128, ref out: Array<felt252>);
}

#[inline(always)]
fn one_lane(x: u128, bias: felt252, ref out: Array<felt252>) {
    out.append(x.into() - bias);
}

#[inline(always)]
fn two_lanes(x: u128, by: Divisor, bias: felt252, ref out: Array<felt252>) {
    let (high, low) = split(x, by);
    one_lane(low, bias, ref out);
    one_lane(high, bias, ref out);
}

#[inline(always)]
fn three_lanes(x: u128, by: Divisor, bias: felt252, ref out: Array<felt252>) {
    let (high, low) = split(x, by);
    one_lane(low, bias, ref out);
    two_lanes(high, by, bias, ref out);
}

/// 12 lanes of 20 bits, 6 in each half.
pub impl Lanes20 of Lanes {
    const PER_HALF: felt252 = 6;
    const STEP: felt252 = 0x100000;
    const BIAS: felt252 = 0x80000800008000080000800008000000800008000080000800008000080000;
    const FIRST: u128 = 0xff000ff000ff000ff000ff000ff;
    const ZERO: felt252 = 0x80000800008000080000800008000000800008000080000800008000080;
    #[inline(never)]
    fn unpack(half: u128, ref out: Array<felt252>) {
        let (high, low) = split(half, 0x1000000000000000);
        three_lanes(low, 0x100000, 0x80000, ref out);
        three_lanes(high, 0x100000, 0x80000, ref out);
    }
}

/// 10 lanes of 24 bits, 5 in each half.
pub impl Lanes24 of Lanes {
    const PER_HALF: felt252 = 5;
    const STEP: felt252 = 0x1000000;
    const BIAS: felt252 = 0x80000080000080000080000080000000800000800000800000800000800000;
    const FIRST: u128 = 0xff0000ff0000ff0000ff0000ff;
    const ZERO: felt252 = 0x8000008000008000008000008000000080000080000080000080000080;
    #[inline(never)]
    fn unpack(half: u128, ref out: Array<felt252>) {
        let (high, low) = split(half, 0x1000000000000);
        two_lanes(low, 0x1000000, 0x800000, ref out);
        three_lanes(high, 0x1000000, 0x800000, ref out);
    }
}

/// 8 lanes of 30 bits, 4 in each half.
pub impl Lanes30 of Lanes {
    const PER_HALF: felt252 = 4;
    const STEP: felt252 = 0x40000000;
    const BIAS: felt252 = 0x80000002000000080000002000000000800000020000000800000020000000;
    const FIRST: u128 = 0x3fc00000ff000003fc00000ff;
    const ZERO: felt252 = 0x200000008000000200000008000000002000000080000002000000080;
    #[inline(never)]
    fn unpack(half: u128, ref out: Array<felt252>) {
        let (high, low) = split(half, 0x1000000000000000);
        two_lanes(low, 0x40000000, 0x20000000, ref out);
        two_lanes(high, 0x40000000, 0x20000000, ref out);
    }
}

/// 6 lanes of 40 bits, 3 in each half.
pub impl Lanes40 of Lanes {
    const PER_HALF: felt252 = 3;
    const STEP: felt252 = 0x10000000000;
    const BIAS: felt252 = 0x80000000008000000000800000000000800000000080000000008000000000;
    const FIRST: u128 = 0xff00000000ff00000000ff;
    const ZERO: felt252 = 0x800000000080000000008000000000008000000000800000000080;
    #[inline(never)]
    fn unpack(half: u128, ref out: Array<felt252>) {
        three_lanes(half, 0x10000000000, 0x8000000000, ref out);
    }
}

/// 4 lanes of 60 bits, 2 in each half.
pub impl Lanes60 of Lanes {
    const PER_HALF: felt252 = 2;
    const STEP: felt252 = 0x1000000000000000;
    const BIAS: felt252 = 0x80000000000000080000000000000000800000000000000800000000000000;
    const FIRST: u128 = 0xff0000000000000ff;
    const ZERO: felt252 = 0x8000000000000008000000000000000080000000000000080;
    #[inline(never)]
    fn unpack(half: u128, ref out: Array<felt252>) {
        two_lanes(half, 0x1000000000000000, 0x800000000000000, ref out);
    }
}
