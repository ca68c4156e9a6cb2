//! Dense packing: 30 bytes, or as many entries of another width as fit, half of them in each 128-bit
//! half.

use crate::casm::range_check;
use crate::shift::{Divisor, halves, split};

/// 2^120, the weight that a sixteenth byte of a half would have.
const END_OF_HALF: felt252 = 0x1000000000000000000000000000000;
/// 2^128, the weight of a word's high half.
const HIGH: felt252 = 0x100000000000000000000000000000000;

/// Appends the 30 bytes of each word, minus 128, to `out`: int8 values.
///
/// Its code is `split` in `src/casm/linear.rs`. Panics unless each half of a word is below 2^120, so that a word
/// has one reading only.
#[inline(never)]
pub fn unpack_int8(words: Span<felt252>, ref out: Array<felt252>) {
    if range_check(words.len().into()) {
        unpack_int8(words, ref out);
    }
}

/// How entries lie in a word: `per_half` of them in each half, each below `size`, a power of two, and
/// `zero` more than the value it stands for.
#[derive(Drop, Copy)]
pub struct Entries {
    pub per_half: felt252,
    pub size: Divisor,
    pub zero: felt252,
}

/// Appends the values of each word's entries to `out`.
#[inline(never)]
pub fn unpack_entries(mut words: Span<felt252>, entries: Entries, ref out: Array<felt252>) {
    while let Some(word) = words.pop_front() {
        let (low, high) = halves(*word);
        half_of_entries(low, entries, ref out);
        half_of_entries(high, entries, ref out);
    }
}

#[inline(never)]
fn half_of_entries(half: u128, entries: Entries, ref out: Array<felt252>) {
    let Entries { per_half, size, zero } = entries;
    let mut rest = half;
    let mut left = per_half;
    while left != 0 {
        let (high, low) = split(rest, size);
        out.append(low.into() - zero);
        rest = high;
        left -= 1;
    }
}

/// The first `len` values of a table of entries from 0 to 2^16 − 1, 14 per word.
#[inline(never)]
pub fn unpack_table(words: Span<felt252>, len: u32) -> Span<felt252> {
    let mut table = array![];
    unpack_entries(words, Entries { per_half: 7, size: 0x10000, zero: 0 }, ref table);
    table.span().slice(0, len)
}

/// Packs int8 values, 30 per word, in the layout that `unpack_int8` reads; the last word is filled
/// with zero bytes. The caller guarantees `-128 ≤ value ≤ 127`.
#[inline(never)]
pub fn pack_int8(mut values: Span<felt252>) -> Array<felt252> {
    let mut words = array![];
    while !values.is_empty() {
        let low = pack_half(ref values);
        let high = pack_half(ref values);
        words.append(low + HIGH * high);
    }
    words
}

#[inline(never)]
fn pack_half(ref values: Span<felt252>) -> felt252 {
    let mut half = 0;
    let mut weight = 1;
    while weight != END_OF_HALF {
        match values.pop_front() {
            Some(value) => { half += (*value + 128) * weight; },
            None => { break; },
        }
        weight *= 0x100;
    }
    half
}
