//! Weights as the program holds or reads them, two or three words per felt, and their separation.
//!
//! A weight has 8 bits and a lane at least 20, so the lanes of one felt have room for two weight
//! words, or three. They are taken apart once per chunk, before its first step; what `linear` reads is then as
//! wide as its accumulators need.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::BoundedInt;
use crate::casm::bitwise;
use crate::linear::Lanes;

/// Two weight words `a`, `b` of the same lanes, as `(a + 128) + 2^8 · (b + 128)` in every lane.
///
/// The type is the bound of the constants, so that no check is needed where they are read.
pub type Pair = BoundedInt<0, 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff>;

/// The words of all pairs, in order.
#[inline(never)]
pub fn separate<impl L: Lanes>(mut parts: Array<Span<Pair>>) -> Span<felt252> {
    let mut out = array![];
    while let Some(pairs) = parts.pop_front() {
        append_words(pairs, L::FIRST, L::ZERO, ref out);
    }
    out.span()
}

/// Appends both words of each pair. The mask keeps the low 8 bits of every lane, which are the first
/// word's; what is left is `2^8` times the second's: `first − zero` and `(pair − first) · 2^-8 − zero`.
///
/// Its code is in `src/casm/weights.rs`.
#[inline(never)]
fn append_words(pairs: Span<Pair>, mask: felt252, zero: felt252, ref out: Array<felt252>) {
    if bitwise(pairs.len().into()) {
        append_words(pairs, mask, zero, ref out);
    }
}

/// The words of all felts from the input, two of them in each.
///
/// Panics unless a felt's bits lie where its words' bytes have theirs.
#[inline(never)]
pub fn separate_two<impl L: Lanes>(felts: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    append_two(felts, L::COMMITTED, L::FIRST, L::ZERO, ref out);
    out.span()
}

/// The same with three words in each felt, of lanes of at least 24 bits.
#[inline(never)]
pub fn separate_three<impl L: Lanes>(felts: Span<felt252>) -> Span<felt252> {
    let mut out = array![];
    append_three(felts, L::COMMITTED, L::FIRST, L::SECOND, L::ZERO, ref out);
    out.span()
}

// The codes of these are in `src/casm/weights.rs`. They panic unless `felt and all = felt`: the same cell, hence the same
// bits. Masks are literals, as a program's words have one reading too.

#[inline(never)]
fn append_two(
    felts: Span<felt252>, all: felt252, mask: felt252, zero: felt252, ref out: Array<felt252>,
) {
    if bitwise(felts.len().into()) {
        append_two(felts, all, mask, zero, ref out);
    }
}

#[inline(never)]
fn append_three(
    felts: Span<felt252>,
    all: felt252,
    first: felt252,
    second: felt252,
    zero: felt252,
    ref out: Array<felt252>,
) {
    if bitwise(felts.len().into()) {
        append_three(felts, all, first, second, zero, ref out);
    }
}
