//! The vector that a token begins the stream with.

use core::num::traits::Pow;
use crate::matrix::{Matrix, MatrixTrait};
use crate::rounding::signed;

/// `2^shift E[token]`. Panics if there is no such token.
pub fn embed(token: u32, tokens: Matrix, shift: u32) -> Span<i64> {
    let scale: felt252 = 2_u64.pow(shift).into();
    let mut x = array![];
    for number in tokens.row(token) {
        let number: felt252 = (*number).into();
        x.append(signed(number * scale));
    }
    x.span()
}

/// `2^shift E[token] + P[position]`. Panics if there is no such token or position.
pub fn embed_positions(
    token: u32, tokens: Matrix, shift: u32, position: u32, positions: Matrix,
) -> Span<i64> {
    let mut x = embed(token, tokens, shift);
    let mut sums = array![];
    for number in positions.row(position) {
        sums.append(*x.pop_front().unwrap() + (*number).into());
    }
    sums.span()
}
