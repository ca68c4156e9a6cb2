//! Division of a `u128` by a power of two, the one primitive under every rounding and unpacking.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{self, BoundedInt, DivRemHelper, UnitInt, upcast};

/// Splits at bit `BITS`: `x = high · 2^BITS + low` with `0 ≤ low < 2^BITS`.
///
/// Implementations exist per shift, because the divisor is part of the type; the generated package
/// adds the ones that its model needs.
pub trait Shift {
    /// Returns `(high, low)`. The pair is unique: both parts are range-checked by the division.
    fn split(x: u128) -> (u128, u128);
}

/// The high part of `x`, a felt that the caller has biased to be non-negative: `floor(x / 2^BITS)`.
///
/// Panics if `x` does not lie in `[0, 2^128)`.
pub fn floor_shift<impl S: Shift>(x: felt252) -> u128 {
    let (high, _) = S::split(x.try_into().unwrap());
    high
}

/// No shift at all.
pub impl Shift0 of Shift {
    fn split(x: u128) -> (u128, u128) {
        (x, 0)
    }
}

impl DivRem7 of DivRemHelper<u128, UnitInt<0x80>> {
    type DivT = BoundedInt<0, 0x1ffffffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0x7f>;
}

/// Split at bit 7.
pub impl Shift7 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x80>>(x, 0x80);
        (upcast(high), upcast(low))
    }
}

impl DivRem8 of DivRemHelper<u128, UnitInt<0x100>> {
    type DivT = BoundedInt<0, 0xffffffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0xff>;
}

/// Split at bit 8.
pub impl Shift8 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x100>>(x, 0x100);
        (upcast(high), upcast(low))
    }
}

impl DivRem15 of DivRemHelper<u128, UnitInt<0x8000>> {
    type DivT = BoundedInt<0, 0x1ffffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0x7fff>;
}

/// Split at bit 15.
pub impl Shift15 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x8000>>(x, 0x8000);
        (upcast(high), upcast(low))
    }
}

impl DivRem20 of DivRemHelper<u128, UnitInt<0x100000>> {
    type DivT = BoundedInt<0, 0xfffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0xfffff>;
}

/// Split at bit 20.
pub impl Shift20 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x100000>>(x, 0x100000);
        (upcast(high), upcast(low))
    }
}

impl DivRem24 of DivRemHelper<u128, UnitInt<0x1000000>> {
    type DivT = BoundedInt<0, 0xffffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0xffffff>;
}

/// Split at bit 24.
pub impl Shift24 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x1000000>>(x, 0x1000000);
        (upcast(high), upcast(low))
    }
}

impl DivRem30 of DivRemHelper<u128, UnitInt<0x40000000>> {
    type DivT = BoundedInt<0, 0x3ffffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0x3fffffff>;
}

/// Split at bit 30.
pub impl Shift30 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x40000000>>(x, 0x40000000);
        (upcast(high), upcast(low))
    }
}

impl DivRem40 of DivRemHelper<u128, UnitInt<0x10000000000>> {
    type DivT = BoundedInt<0, 0xffffffffffffffffffffff>;
    type RemT = BoundedInt<0, 0xffffffffff>;
}

/// Split at bit 40.
pub impl Shift40 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x10000000000>>(x, 0x10000000000);
        (upcast(high), upcast(low))
    }
}

impl DivRem60 of DivRemHelper<u128, UnitInt<0x1000000000000000>> {
    type DivT = BoundedInt<0, 0xfffffffffffffffff>;
    type RemT = BoundedInt<0, 0xfffffffffffffff>;
}

/// Split at bit 60.
pub impl Shift60 of Shift {
    fn split(x: u128) -> (u128, u128) {
        let (high, low) = bounded_int::div_rem::<_, UnitInt<0x1000000000000000>>(x, 0x1000000000000000);
        (upcast(high), upcast(low))
    }
}
