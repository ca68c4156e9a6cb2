//! The values of functions of one argument.
//!
//! Row: constants `f`, `v`, `w`; multiplicity `m`. `−m · (F, f, v, w)`. Padding repeats the first row, which is as true there.
//!
//! A table has each of its arguments once, and no other number: so a use is a range check of the argument too.
//!
//! Cells of a row: 1 and 4.

use super::relations::FUNCTION;
use crate::air::row::Row;

/// The constraints of a row.
pub fn evaluate<R: Row>(row: &mut R) {
    let table = row.constant("table");
    let argument = row.constant("argument");
    let value = row.constant("value");
    let multiplicity = row.value();
    row.yields(
        multiplicity,
        &[R::F::from(FUNCTION), table, argument, value],
    );
}

/// Requires `value` to be what the table says of the argument.
#[track_caller]
pub fn uses<R: Row>(on: R::F, table: R::F, argument: R::F, value: R::F, row: &mut R) {
    row.uses(on, &[R::F::from(FUNCTION), table, argument, value]);
}
