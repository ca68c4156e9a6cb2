//! Two products of the same inputs, one of which gates the other.

use crate::function::value;
use crate::matrix::Table;
use crate::product::{Product, product};
use crate::rounding::{ShiftTrait, check_bits, shift};

/// `round(table[gate(x)[i]] · up(x)[i] / 2^shift)`, of which each number has at most `bits` bits: more end the run.
pub fn gated(
    x: Span<i64>, gate: Product, up: Product, table: Table, shift_bits: u32, bits: u32,
) -> Span<i64> {
    let by = shift(shift_bits);
    let mut ups = product(x, up);
    let mut results = array![];
    for argument in product(x, gate) {
        let factor: felt252 = value(table, *argument).into();
        results.append(by.round(factor * (*ups.pop_front().unwrap()).into()));
    }
    check_bits(results.span(), bits);
    results.span()
}
