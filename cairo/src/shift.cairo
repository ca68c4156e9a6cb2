//! Division of a `u128`, the one primitive under every rounding and unpacking.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{self, BoundedInt, DivRemHelper, upcast};

/// A power of two, 1 to 2^120, that a `u128` can be divided by.
///
/// The bound lets the quotient and the remainder be range-checked without a case distinction.
pub type Divisor = NonZero<Size>;

/// 1 to 2^120.
pub type Size = BoundedInt<1, 0x1000000000000000000000000000000>;

impl DivideU128 of DivRemHelper<u128, Size> {
    type DivT = BoundedInt<0, 0xffffffffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0xffffffffffffffffffffffffffffff>;
}

/// Returns `(high, low)` with `x = high · by + low` and `0 ≤ low < by`.
///
/// The pair is unique: the division range-checks both parts.
#[inline(always)]
pub fn split(x: u128, by: Divisor) -> (u128, u128) {
    let (high, low) = bounded_int::div_rem(x, by);
    (upcast(high), upcast(low))
}

/// The low and the high half of a packed word, 120 bits each.
///
/// Panics if a half has bits above its 120, so that a word has one reading only.
#[inline(never)]
pub fn halves(word: felt252) -> (u128, u128) {
    let word: u256 = word.into();
    assert(word.low < 0x1000000000000000000000000000000, 'packed half too wide');
    assert(word.high < 0x1000000000000000000000000000000, 'packed half too wide');
    (word.low, word.high)
}
