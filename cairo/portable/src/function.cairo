//! A function of rounded products, by a table.

use crate::matrix::{Table, TableTrait};
use crate::product::{Product, product};

/// `table[product(x)[i]]`.
pub fn function(x: Span<i64>, constants: Product, table: Table) -> Span<i64> {
    let mut values = array![];
    for argument in product(x, constants) {
        values.append(value(table, *argument).into());
    }
    values.span()
}

/// The table's value. Panics if it has none for the argument.
pub fn value(table: Table, argument: i64) -> i32 {
    table.get(argument).expect('a table has no such argument')
}
