//! Views of carried blocks: single lanes of eight rows of the memory, as in [`lanes`].
//!
//! The number of carried blocks is not constant, so neither is the number of rows that are on. Row `i`: constant address `a = base + 8 i`, as
//! all rows behind `base` have views; an enabler `e`; the values and multiplicities of
//! [`lanes`], whose uses and yields are `e` and `e · m_t` times. `e (1 − e) = 0`: without it two rows with `e` and `−e` would cancel each
//! other's uses, and yield a view that no memory has.
//!
//! A row needs no chain: it yields what the memory says, and a view too many is as true.
//!
//! Cells of a row: `9 L + 1` and `4 ⌈(L + 8) / 2⌉`.

use stwo::core::fields::m31::M31;

use super::lanes::{self, CHANNELS};
use crate::air::row::Row;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, row: &mut R) {
    let address = row.constant("address");
    let on = row.value();
    row.zero(on.clone() * (R::F::from(M31::from(1)) - on.clone()));
    lanes::views(lanes, on, address, row);
}

/// The constants of a row.
pub(super) fn constants(base: u32, row: u32) -> Vec<M31> {
    vec![M31::from(base) + M31::from(CHANNELS as u32) * M31::from(row)]
}
