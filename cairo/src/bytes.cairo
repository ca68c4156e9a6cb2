//! Dense packing: 30 bytes or 16 fifteen-bit entries per felt, half of them in each 128-bit half.

use crate::shift::{halves, split};

/// 2^120, the weight that a sixteenth byte of a half would have.
const END_OF_HALF: felt252 = 0x1000000000000000000000000000000;
/// Fifteen-bit entries per half.
const ENTRIES_PER_HALF: felt252 = 8;
/// 2^128, the weight of a word's high half.
const HIGH: felt252 = 0x100000000000000000000000000000000;

/// Appends the 30 bytes of each word, minus 128, to `out`: int8 values.
#[inline(never)]
pub fn unpack_int8(mut words: Span<felt252>, ref out: Array<felt252>) {
    while let Some(word) = words.pop_front() {
        let (low, high) = halves(*word);
        fifteen_bytes(low, ref out);
        fifteen_bytes(high, ref out);
    }
}

/// The bytes of a half, in four groups, so that most divisions are of small numbers.
#[inline(never)]
fn fifteen_bytes(half: u128, ref out: Array<felt252>) {
    let (high, low) = split(half, 0x10000000000000000);
    let (b, a) = split(low, 0x100000000);
    four_bytes(a, ref out);
    four_bytes(b, ref out);
    let (d, c) = split(high, 0x100000000);
    four_bytes(c, ref out);
    let (rest, byte0) = split(d, 0x100);
    let (byte2, byte1) = split(rest, 0x100);
    out.append(byte0.into() - 128);
    out.append(byte1.into() - 128);
    out.append(byte2.into() - 128);
}

/// The bytes of a number below 2^32.
#[inline(never)]
fn four_bytes(x: u128, ref out: Array<felt252>) {
    let (rest, byte0) = split(x, 0x100);
    let (rest, byte1) = split(rest, 0x100);
    let (byte3, byte2) = split(rest, 0x100);
    out.append(byte0.into() - 128);
    out.append(byte1.into() - 128);
    out.append(byte2.into() - 128);
    out.append(byte3.into() - 128);
}

/// Appends the 16 fifteen-bit entries of each word, minus 2^14, to `out`.
#[inline(never)]
pub fn unpack_int15(mut words: Span<felt252>, ref out: Array<felt252>) {
    while let Some(word) = words.pop_front() {
        let (low, high) = halves(*word);
        eight_entries(low, ref out);
        eight_entries(high, ref out);
    }
}

#[inline(never)]
fn eight_entries(half: u128, ref out: Array<felt252>) {
    let mut rest = half;
    let mut left = ENTRIES_PER_HALF;
    while left != 0 {
        let (high, low) = split(rest, 0x8000);
        out.append(low.into() - 0x4000);
        rest = high;
        left -= 1;
    }
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
