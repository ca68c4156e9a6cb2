//! Weights as the program holds them, two words per constant, and their separation.
//!
//! A weight has 8 bits and a lane at least 20, so the lanes of one constant have room for two weight
//! words. They are taken apart once per chunk, before its first step; what `linear` reads is then as
//! wide as its accumulators need.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{self, BoundedInt, DivRemHelper, UnitInt, upcast};
use crate::linear::Lanes;

/// Two weight words `a`, `b` of the same lanes, as `(a + 128) + 2^8 · (b + 128)` in every lane.
///
/// The type is the bound of the constants, so that no check is needed where they are read.
pub type Pair = BoundedInt<0, 0xffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff>;

/// `2^128`, the weight of a word's high half.
const HIGH: felt252 = 0x100000000000000000000000000000000;
/// `2^-8` in the field.
const EIGHT_BITS_DOWN: felt252 = 0x7f8000000000010ef0000000000000000000000000000000000000000000001;

/// `2^128`.
type Half = NonZero<UnitInt<0x100000000000000000000000000000000>>;

impl SplitPair of DivRemHelper<Pair, UnitInt<0x100000000000000000000000000000000>> {
    type DivT = BoundedInt<0, 0xffffffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0xffffffffffffffffffffffffffffffff>;
}

/// The words of all pairs, in order. The number of pairs is a multiple of 4.
#[inline(never)]
pub fn separate<impl L: Lanes>(pairs: Span<Pair>) -> Span<felt252> {
    let mut out = array![];
    append_words(pairs, 0x100000000000000000000000000000000, L::FIRST, L::ZERO, ref out);
    out.span()
}

/// Appends the words of all pairs. What is the same for all is an argument, so that it is written once
/// per turn and not once per pair.
#[inline(never)]
fn append_words(
    mut pairs: Span<Pair>, half: Half, mask: u128, zero: felt252, ref out: Array<felt252>,
) {
    while let Some(four) = pairs.multi_pop_front::<4>() {
        let [p0, p1, p2, p3] = (*four).unbox();
        append_both(p0, half, mask, zero, ref out);
        append_both(p1, half, mask, zero, ref out);
        append_both(p2, half, mask, zero, ref out);
        append_both(p3, half, mask, zero, ref out);
    }
}

/// Appends both words of a pair. A mask keeps the low 8 bits of every lane, which are the first
/// word's; what is left is `2^8` times the second's.
#[inline(always)]
fn append_both(pair: Pair, half: Half, mask: u128, zero: felt252, ref out: Array<felt252>) {
    let (high, low) = bounded_int::div_rem(pair, half);
    let low: u128 = upcast(low);
    let high: u128 = upcast(high);
    let first = (low & mask).into() + (high & mask).into() * HIGH;
    out.append(first - zero);
    out.append((upcast(pair) - first) * EIGHT_BITS_DOWN - zero);
}
