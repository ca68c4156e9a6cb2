//! The rounding rule, and ranges that are checked.

use core::num::traits::Pow;

/// `2^OFFSET_BITS` is added to a number so that it is not negative: a multiple of each divisor. No number of a model is as large.
const OFFSET_BITS: u32 = 62;
const OFFSET: i64 = 0x4000000000000000;

/// A sum as a number again. Panics if it is not from `−2^62` to below `2^62`.
pub fn signed(x: felt252) -> i64 {
    let above: u64 = (x + OFFSET.into()).try_into().unwrap();
    let above: i64 = above.try_into().unwrap();
    above - OFFSET
}

/// A division by `2^bits`.
#[derive(Copy, Drop)]
pub struct Shift {
    divisor: NonZero<u64>,
    half: felt252,
    /// `2^OFFSET_BITS`, divided.
    offset: i64,
}

/// The division by `2^bits`, for `bits` up to 62.
pub fn shift(bits: u32) -> Shift {
    let divisor: u64 = 2_u64.pow(bits);
    let half = if bits == 0 {
        0
    } else {
        2_u64.pow(bits - 1).into()
    };
    let offset: i64 = 2_u64.pow(OFFSET_BITS - bits).try_into().unwrap();
    Shift { divisor: divisor.try_into().unwrap(), half, offset }
}

#[generate_trait]
pub impl ShiftImpl of ShiftTrait {
    /// `floor(x / 2^bits)`.
    fn floor(self: Shift, x: felt252) -> i64 {
        let above: u64 = (x + OFFSET.into()).try_into().unwrap();
        let (quotient, _) = DivRem::div_rem(above, self.divisor);
        let quotient: i64 = quotient.try_into().unwrap();
        quotient - self.offset
    }

    /// `floor(x / 2^bits + 1/2)`: rounds to the nearest, halves upwards.
    fn round(self: Shift, x: felt252) -> i64 {
        self.floor(x + self.half)
    }
}

/// Requires that all numbers have at most so many bits, their sign included.
pub fn check_bits(mut numbers: Span<i64>, bits: u32) {
    let half: i64 = 2_u64.pow(bits - 1).try_into().unwrap();
    while let Some(number) = numbers.pop_front() {
        assert(-half <= *number && *number < half, 'a number has too many bits');
    }
}
