//! Embedding: a row of the int8 table, at the residual stream's scale.

use crate::bytes::unpack_int8;
use crate::elementwise::scale;

/// `row[i] · factor` of the token's row. The table is in `parts` of `rows` rows, `words` packed words each.
///
/// Panics if the token is outside the vocabulary (the table ends there).
#[inline(never)]
pub fn embed(
    parts: Array<Span<felt252>>,
    rows: NonZero<u32>,
    words: u32,
    token: felt252,
    hidden: u32,
    factor: felt252,
) -> Span<felt252> {
    let token: u32 = token.try_into().unwrap();
    let (part, token) = DivRem::div_rem(token, rows);
    let mut row = array![];
    unpack_int8(parts.at(part).slice(token * words, words), ref row);
    scale(row.span().slice(0, hidden), factor)
}
