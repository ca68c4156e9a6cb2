//! Linear layers on packed weights: one felt multiplication serves several rows.
//!
//! A weight word holds column `j` of a block of rows, one row per lane; `Σ_j word[j]·x[j]` is
//! then the block's accumulators, one per lane. The generator proves `|accumulator| < 2^(lane −
//! 1)`, so after adding `2^(lane − 1)` to every lane no lane borrows from another and the split
//! is exact.

use crate::casm::range_check;
use crate::kv::take;

/// Appends `bias + Σ_j w[j]·x[j]` for each block of as many words of `w` as `x` has elements.
///
/// Its code is `products` in `src/casm/linear.rs`. Panics unless `w` is a whole number of blocks.
#[inline(never)]
pub fn products(w: Span<felt252>, x: Span<felt252>, bias: felt252, ref out: Array<felt252>) {
    if !w.is_empty() {
        products(w, x, bias, ref out);
    }
}

/// The accumulators of `rows` rows, whose weights are the next `words` of `w`: one word per column for
/// each block of rows.
///
/// Panics if a lane's accumulator leaves its proven range far enough to leave the felt.
#[inline(never)]
pub fn linear<impl L: Lanes>(
    ref w: Span<felt252>, x: Span<felt252>, words: u32, rows: u32,
) -> Span<felt252> {
    let mut packed = array![];
    products(take(ref w, words), x, L::BIAS, ref packed);
    let mut out = array![];
    L::split(packed.span(), ref out);
    out.span().slice(0, rows)
}

/// The accumulators of `rows` rows of a matrix that comes in `parts`: the words of some whole blocks of rows each,
/// one word per column for each block.
///
/// Panics as `linear`.
#[inline(never)]
pub fn linear_in_parts<impl L: Lanes>(
    mut parts: Array<Span<felt252>>, x: Span<felt252>, rows: u32,
) -> Span<felt252> {
    let mut packed = array![];
    while let Some(part) = parts.pop_front() {
        products(part, x, L::BIAS, ref packed);
    }
    let mut out = array![];
    L::split(packed.span(), ref out);
    out.span().slice(0, rows)
}

/// How each 120-bit half of a felt is divided into lanes.
pub trait Lanes {
    /// Lanes per half.
    const PER_HALF: felt252;
    /// The weight of a half's second lane.
    const STEP: felt252;
    /// `2^(lane − 1)` in every lane.
    const BIAS: felt252;
    /// `2^8 − 1` in every lane: where a pair holds its first word.
    const FIRST: felt252;
    /// `2^8` times that: where a felt that the program reads holds its second word.
    const SECOND: felt252;
    /// Where such a felt holds any word: two bytes of every lane of 20 bits, three of wider ones.
    const COMMITTED: felt252;
    /// 128 in every lane: what a word of a pair is when all its weights are 0.
    const ZERO: felt252;
    /// Appends the signed lanes of each biased word, lowest first.
    fn split(words: Span<felt252>, ref out: Array<felt252>);
}

// The codes of these are `split` in `src/casm/linear.rs`. They panic unless each half of a word is below
// 2^120, so that a word has one reading only.

#[inline(never)]
fn split20(words: Span<felt252>, ref out: Array<felt252>) {
    if range_check(words.len().into()) {
        split20(words, ref out);
    }
}

#[inline(never)]
fn split24(words: Span<felt252>, ref out: Array<felt252>) {
    if range_check(words.len().into()) {
        split24(words, ref out);
    }
}

#[inline(never)]
fn split30(words: Span<felt252>, ref out: Array<felt252>) {
    if range_check(words.len().into()) {
        split30(words, ref out);
    }
}

#[inline(never)]
fn split40(words: Span<felt252>, ref out: Array<felt252>) {
    if range_check(words.len().into()) {
        split40(words, ref out);
    }
}

#[inline(never)]
fn split60(words: Span<felt252>, ref out: Array<felt252>) {
    if range_check(words.len().into()) {
        split60(words, ref out);
    }
}

/// 12 lanes of 20 bits, 6 in each half.
pub impl Lanes20 of Lanes {
    const PER_HALF: felt252 = 6;
    const STEP: felt252 = 0x100000;
    const BIAS: felt252 = 0x80000800008000080000800008000000800008000080000800008000080000;
    const FIRST: felt252 = 0xff000ff000ff000ff000ff000ff00000ff000ff000ff000ff000ff000ff;
    const SECOND: felt252 = 0xff000ff000ff000ff000ff000ff00000ff000ff000ff000ff000ff000ff00;
    const COMMITTED: felt252 = 0xffff0ffff0ffff0ffff0ffff0ffff000ffff0ffff0ffff0ffff0ffff0ffff;
    const ZERO: felt252 = 0x80000800008000080000800008000000800008000080000800008000080;
    #[inline(always)]
    fn split(words: Span<felt252>, ref out: Array<felt252>) {
        split20(words, ref out);
    }
}

/// 10 lanes of 24 bits, 5 in each half.
pub impl Lanes24 of Lanes {
    const PER_HALF: felt252 = 5;
    const STEP: felt252 = 0x1000000;
    const BIAS: felt252 = 0x80000080000080000080000080000000800000800000800000800000800000;
    const FIRST: felt252 = 0xff0000ff0000ff0000ff0000ff000000ff0000ff0000ff0000ff0000ff;
    const SECOND: felt252 = 0xff0000ff0000ff0000ff0000ff000000ff0000ff0000ff0000ff0000ff00;
    const COMMITTED: felt252 = 0xffffffffffffffffffffffffffffff00ffffffffffffffffffffffffffffff;
    const ZERO: felt252 = 0x8000008000008000008000008000000080000080000080000080000080;
    #[inline(always)]
    fn split(words: Span<felt252>, ref out: Array<felt252>) {
        split24(words, ref out);
    }
}

/// 8 lanes of 30 bits, 4 in each half.
pub impl Lanes30 of Lanes {
    const PER_HALF: felt252 = 4;
    const STEP: felt252 = 0x40000000;
    const BIAS: felt252 = 0x80000002000000080000002000000000800000020000000800000020000000;
    const FIRST: felt252 = 0x3fc00000ff000003fc00000ff00000003fc00000ff000003fc00000ff;
    const SECOND: felt252 = 0x3fc00000ff000003fc00000ff00000003fc00000ff000003fc00000ff00;
    const COMMITTED: felt252 = 0x3fffffc0ffffff03fffffc0ffffff0003fffffc0ffffff03fffffc0ffffff;
    const ZERO: felt252 = 0x200000008000000200000008000000002000000080000002000000080;
    #[inline(always)]
    fn split(words: Span<felt252>, ref out: Array<felt252>) {
        split30(words, ref out);
    }
}

/// 6 lanes of 40 bits, 3 in each half.
pub impl Lanes40 of Lanes {
    const PER_HALF: felt252 = 3;
    const STEP: felt252 = 0x10000000000;
    const BIAS: felt252 = 0x80000000008000000000800000000000800000000080000000008000000000;
    const FIRST: felt252 = 0xff00000000ff00000000ff0000000000ff00000000ff00000000ff;
    const SECOND: felt252 = 0xff00000000ff00000000ff0000000000ff00000000ff00000000ff00;
    const COMMITTED: felt252 = 0xffffff0000ffffff0000ffffff000000ffffff0000ffffff0000ffffff;
    const ZERO: felt252 = 0x800000000080000000008000000000008000000000800000000080;
    #[inline(always)]
    fn split(words: Span<felt252>, ref out: Array<felt252>) {
        split40(words, ref out);
    }
}

/// 4 lanes of 60 bits, 2 in each half.
pub impl Lanes60 of Lanes {
    const PER_HALF: felt252 = 2;
    const STEP: felt252 = 0x1000000000000000;
    const BIAS: felt252 = 0x80000000000000080000000000000000800000000000000800000000000000;
    const FIRST: felt252 = 0xff0000000000000ff000000000000000ff0000000000000ff;
    const SECOND: felt252 = 0xff0000000000000ff000000000000000ff0000000000000ff00;
    const COMMITTED: felt252 = 0xffffff000000000ffffff00000000000ffffff000000000ffffff;
    const ZERO: felt252 = 0x8000000000000008000000000000000080000000000000080;
    #[inline(always)]
    fn split(words: Span<felt252>, ref out: Array<felt252>) {
        split60(words, ref out);
    }
}
