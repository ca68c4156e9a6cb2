//! Embedding: a row of the int8 table, at the residual stream's scale.

use crate::bytes::unpack_int8;
use crate::elementwise::scale;

/// `row[i] · factor` of the token's row; `table` holds `words` packed words per token.
///
/// Panics if the token is outside the vocabulary (the table ends there).
#[inline(never)]
pub fn embed(
    table: Span<felt252>, words: u32, token: felt252, hidden: u32, factor: felt252,
) -> Span<felt252> {
    let token: u32 = token.try_into().unwrap();
    let mut row = array![];
    unpack_int8(table.slice(token * words, words), ref row);
    scale(row.span().slice(0, hidden), factor)
}
