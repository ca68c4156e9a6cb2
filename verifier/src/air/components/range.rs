//! The table of all pairs `(s, v)` with `v < 2^s`, `s` from 0 to [`MAX_BITS`].
//!
//! Row: constants `s`, `v`; multiplicity `m`. `−m · (R, s, v)`. Padding repeats `(0, 0)`.
//!
//! Cells of a row: 1 and 4.

use stwo::core::fields::m31::M31;

use super::relations::RANGE;
use crate::air::row::Row;

/// Most bits of a range.
pub const MAX_BITS: u32 = 16;

/// Rows of the table, as a power of two: `2^(MAX_BITS + 1) − 1` pairs.
pub const LOG_ROWS: u32 = MAX_BITS + 1;

/// The constraints of a row.
pub fn evaluate<R: Row>(row: &mut R) {
    let bits = row.constant("bits");
    let value = row.constant("value");
    let multiplicity = row.value();
    row.yields(multiplicity, &[R::F::from(RANGE), bits, value]);
}

/// The row of a pair; of no pair, the last one, which is padding.
pub fn row_of(bits: u32, value: u32) -> usize {
    let there = bits <= MAX_BITS && u64::from(value) < 1 << bits;
    if there {
        (1 << bits) - 1 + value as usize
    } else {
        (1 << LOG_ROWS) - 1
    }
}

/// Requires `0 ≤ value < 2^bits`.
#[track_caller]
pub fn within<R: Row>(on: R::F, bits: R::F, value: R::F, row: &mut R) {
    row.uses(on, &[R::F::from(RANGE), bits, value]);
}

/// The same for a number of bits that is not a column.
#[track_caller]
pub fn within_fixed<R: Row>(on: R::F, bits: u32, value: R::F, row: &mut R) {
    within(on, R::F::from(M31::from(bits)), value, row);
}
