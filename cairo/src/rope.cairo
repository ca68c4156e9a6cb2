//! Rotary position embedding on accumulators, with one rounding at the end.

use crate::bytes::unpack_int15;
use crate::requantize::{Rounding, Saturation, round, saturate};
use crate::shift::Shift;

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
pub fn angles(table: Span<felt252>, words: u32, position: u32, pairs: u32) -> Angles {
    let mut row = array![];
    unpack_int15(table.slice(position * words, words), ref row);
    let row = row.span();
    Angles { cos: row.slice(0, pairs), sin: row.slice(pairs, pairs) }
}

/// How the rotated accumulators are rounded: with or without saturation.
pub trait Finish<T> {
    fn finish<impl S: Shift>(x: felt252, to: T) -> felt252;
}

pub impl FinishRounding of Finish<Rounding> {
    fn finish<impl S: Shift>(x: felt252, to: Rounding) -> felt252 {
        round::<S>(x, to)
    }
}

pub impl FinishSaturation of Finish<Saturation> {
    fn finish<impl S: Shift>(x: felt252, to: Saturation) -> felt252 {
        saturate::<S>(x, to)
    }
}

/// Rotates every head of `x`; the first and the second half of a head are the pairs.
pub fn rope<T, impl S: Shift, +Finish<T>, +Copy<T>, +Drop<T>>(
    mut x: Span<felt252>, angles: Angles, to: T,
) -> Span<felt252> {
    let half = angles.cos.len();
    let mut out = array![];
    while !x.is_empty() {
        let a = x.slice(0, half);
        let b = x.slice(half, half);
        x = x.slice(2 * half, x.len() - 2 * half);
        let (mut i, mut j) = (a, b);
        let (mut cos, mut sin) = (angles.cos, angles.sin);
        while let Some(c) = cos.pop_front() {
            let s = *sin.pop_front().unwrap();
            let product = *i.pop_front().unwrap() * *c - *j.pop_front().unwrap() * s;
            out.append(Finish::<T>::finish::<S>(product, to));
        }
        let (mut i, mut j) = (a, b);
        let (mut cos, mut sin) = (angles.cos, angles.sin);
        while let Some(c) = cos.pop_front() {
            let s = *sin.pop_front().unwrap();
            let product = *j.pop_front().unwrap() * *c + *i.pop_front().unwrap() * s;
            out.append(Finish::<T>::finish::<S>(product, to));
        }
    }
    out.span()
}
