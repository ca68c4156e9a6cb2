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
pub fn rope(x: Span<felt252>, angles: Angles) -> Span<felt252> {
    let mut out = array![];
    append_rotated(x, angles.cos, angles.sin, ref out);
    out.span()
}

/// For each head of `x`, appends `a·cos − b·sin`, then `b·cos + a·sin`, of its halves `a` and `b`.
///
/// Its code is in `src/casm/rope.rs`. Panics unless `x` is a whole number of heads.
#[inline(never)]
fn append_rotated(
    x: Span<felt252>, cos: Span<felt252>, sin: Span<felt252>, ref out: Array<felt252>,
) {
    if !x.is_empty() {
        append_rotated(x, cos, sin, ref out);
    }
}
