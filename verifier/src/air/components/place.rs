//! A row's place in its operation: the chain that ties rows to the call.
//!
//! A call yields `(C, op, 0, b)` with its operands `b` and uses `(C, op, END, b)`. The row `i` of the operation uses
//! `(C, op, i, b)` and yields `(C, op, next, b)`; `next` is `i + 1`, and `END` in the last row. Operation, `i`, `next`
//! and whether the row is on are constants, so no row can be left out, added or permuted, and each row has the call's
//! operands.

use stwo::core::fields::m31::{M31, P};

use super::relations::CHAIN;
use crate::air::row::Row;

/// The number behind the last row of an operation. No row has it.
pub const END: M31 = M31::from_u32_unchecked(P - 1);

/// The constants of a row's place, and its operands.
pub struct Place<F> {
    /// 1 in a row of an operation, 0 in padding.
    pub on: F,
    /// The operation's number.
    pub op: F,
    /// The row's number in its operation.
    pub index: F,
    pub operands: Vec<F>,
}

/// The row's place: constants `on`, `op`, `index`, `next`; one trace column for each operand; `+C`, `−C`.
pub fn place<R: Row>(operands: usize, row: &mut R) -> Place<R::F> {
    let on = row.constant("on");
    let op = row.constant("op");
    let index = row.constant("index");
    let next = row.constant("next");
    let operands = row.values(operands);
    let at = |index: &R::F| {
        let mut tuple = vec![R::F::from(CHAIN), op.clone(), index.clone()];
        tuple.extend_from_slice(&operands);
        tuple
    };
    row.uses(on.clone(), &at(&index));
    row.yields(on.clone(), &at(&next));
    Place {
        on,
        op,
        index,
        operands,
    }
}
