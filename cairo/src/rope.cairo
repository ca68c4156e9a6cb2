//! Rotary position embedding on accumulators, exact: one rounding follows.

use crate::bytes::{Entries, unpack_entries};
use crate::kv::take;

/// Cosines and sines of one position, one pair per two channels of a head.
#[derive(Drop, Copy)]
pub struct Angles {
    pub cos: Span<felt252>,
    pub sin: Span<felt252>,
}

/// The angles of a position; `table` holds `words` packed words per position: `pairs` cosines, then
/// `pairs` sines.
///
/// Panics if the position is outside the context (the table ends there).
#[inline(never)]
pub fn angles(table: Span<felt252>, words: u32, position: u32, pairs: u32) -> Angles {
    let mut row = array![];
    let entries = Entries { per_half: 8, size: 0x8000, zero: 0x4000 };
    unpack_entries(table.slice(position * words, words), entries, ref row);
    let mut row = row.span();
    let cos = take(ref row, pairs);
    Angles { cos, sin: take(ref row, pairs) }
}

/// Rotates every head of `x`; the first and the second half of a head are the pairs.
#[inline(never)]
pub fn rope(mut x: Span<felt252>, angles: Angles) -> Span<felt252> {
    let Angles { cos, sin } = angles;
    let half = cos.len();
    let mut out = array![];
    while !x.is_empty() {
        let a = take(ref x, half);
        let b = take(ref x, half);
        append_turned(a, cos, b, sin, -1, ref out);
        append_turned(b, cos, a, sin, 1, ref out);
    }
    out.span()
}

/// Appends `x[i]·cos[i] + sign·y[i]·sin[i]`.
#[inline(never)]
fn append_turned(
    mut x: Span<felt252>,
    mut cos: Span<felt252>,
    mut y: Span<felt252>,
    mut sin: Span<felt252>,
    sign: felt252,
    ref out: Array<felt252>,
) {
    while let Some(c) = cos.pop_front() {
        let s = sign * *sin.pop_front().unwrap();
        out.append(*x.pop_front().unwrap() * *c + *y.pop_front().unwrap() * s);
    }
}
