//! Dense packing: 30 bytes or 16 fifteen-bit entries per felt, half of them in each 128-bit half.

use crate::shift::{Shift, Shift15, Shift8};

/// Bytes per 128-bit half of a word.
const BYTES_PER_HALF: u32 = 15;
/// Fifteen-bit entries per half.
const ENTRIES_PER_HALF: u32 = 8;
/// 2^128, the weight of a word's high half.
const HIGH: felt252 = 0x100000000000000000000000000000000;

/// Appends the 30 bytes of each word, minus 128, to `out`: int8 values.
///
/// Panics if a half has bits above its 15 bytes, so that a word has one reading only.
pub fn unpack_int8(mut words: Span<felt252>, ref out: Array<felt252>) {
    while let Some(word) = words.pop_front() {
        let word: u256 = (*word).into();
        unpack_half::<Shift8>(word.low, BYTES_PER_HALF, 128, ref out);
        unpack_half::<Shift8>(word.high, BYTES_PER_HALF, 128, ref out);
    }
}

/// Appends the 16 fifteen-bit entries of each word, minus 2^14, to `out`.
pub fn unpack_int15(mut words: Span<felt252>, ref out: Array<felt252>) {
    while let Some(word) = words.pop_front() {
        let word: u256 = (*word).into();
        unpack_half::<Shift15>(word.low, ENTRIES_PER_HALF, 0x4000, ref out);
        unpack_half::<Shift15>(word.high, ENTRIES_PER_HALF, 0x4000, ref out);
    }
}

fn unpack_half<impl S: Shift>(half: u128, count: u32, bias: felt252, ref out: Array<felt252>) {
    let mut rest = half;
    for _ in 0..count {
        let (high, low) = S::split(rest);
        out.append(low.into() - bias);
        rest = high;
    }
    assert(rest == 0, 'packed half too wide');
}

/// Packs int8 values, 30 per word, in the layout that `unpack_int8` reads; the last word is filled
/// with zero bytes. The caller guarantees `-128 ≤ value ≤ 127`.
pub fn pack_int8(mut values: Span<felt252>) -> Array<felt252> {
    let mut words = array![];
    while !values.is_empty() {
        let low = pack_half(ref values);
        let high = pack_half(ref values);
        words.append(low + HIGH * high);
    }
    words
}

fn pack_half(ref values: Span<felt252>) -> felt252 {
    let mut half = 0;
    let mut weight = 1;
    for _ in 0..BYTES_PER_HALF {
        match values.pop_front() {
            Some(value) => { half += (*value + 128) * weight; },
            None => { break; },
        }
        weight *= 0x100;
    }
    half
}
