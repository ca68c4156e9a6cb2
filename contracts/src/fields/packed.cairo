//! Sums of products in the secure field, reduced once at the end.
//!
//! A power a + b i + (c + d i) u is held as two felts, a + 2^128 c and b + 2^128 d, so that one felt product
//! with a base field element multiplies two coordinates. A product's lane is below 2^63 (a power may be the
//! sum of two), so 2^16 of them leave a lane below 2^79 and never reach the other lane, nor the felt's prime.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{self, BoundedInt, DivRemHelper, upcast};
use super::m31::{self, M31, Modulus};
use super::qm31::{self, QM31};

const LANE: felt252 = 0x100000000000000000000000000000000;
const MODULUS: NonZero<Modulus> = 0x7fffffff;

impl DivLane of DivRemHelper<u128, Modulus> {
    type DivT = BoundedInt<0, 0x2000000040000000800000010>;
    type RemT = M31;
}

/// An element as two felts.
#[derive(Copy, Drop)]
pub struct Packed {
    pub ac: felt252,
    pub bd: felt252,
}

#[inline(always)]
pub fn pack(x: QM31) -> Packed {
    Packed {
        ac: upcast::<_, felt252>(x.a) + LANE * upcast::<_, felt252>(x.c),
        bd: upcast::<_, felt252>(x.b) + LANE * upcast::<_, felt252>(x.d),
    }
}

/// Both lanes of a felt modulo P.
fn lanes(x: felt252) -> (M31, M31) {
    let u256 { low, high } = x.into();
    let (_, low) = bounded_int::div_rem(low, MODULUS);
    let (_, high) = bounded_int::div_rem(high, MODULUS);
    (low, high)
}

/// P · 2^75.
const SIGNED_SHIFT: felt252 = 0x3fffffff8000000000000000000;

/// A number between −2^105 and 2^105 modulo P. Panics if it and P · 2^75 are not a number below 2^128.
#[inline(always)]
pub fn reduce_signed(x: felt252) -> M31 {
    let shifted: u128 = (x + SIGNED_SHIFT).try_into().expect('sum too wide');
    let (_, r) = bounded_int::div_rem(shifted, MODULUS);
    r
}

/// A sum of products of packed elements and base field elements, at most 2^16.
#[derive(Copy, Drop)]
pub struct Sum {
    ac: felt252,
    bd: felt252,
}

#[generate_trait]
pub impl SumImpl of SumTrait {
    fn new() -> Sum {
        Sum { ac: 0, bd: 0 }
    }

    /// Adds the product of an element, packed, and a word below P.
    #[inline(always)]
    fn include(ref self: Sum, ac: felt252, bd: felt252, word: u32) {
        let word: felt252 = upcast(word);
        self = Sum { ac: self.ac + ac * word, bd: self.bd + bd * word };
    }

    fn value(self: Sum) -> QM31 {
        let (a, c) = lanes(self.ac);
        let (b, d) = lanes(self.bd);
        QM31 { a, b, c, d }
    }
}

/// A sum of products of packed elements and elements re + im i, at most 2^16: of the two felts with re, and
/// with im.
#[derive(Copy, Drop)]
pub struct ComplexSum {
    ac_re: felt252,
    bd_re: felt252,
    ac_im: felt252,
    bd_im: felt252,
}

pub const COMPLEX_ZERO: ComplexSum = ComplexSum { ac_re: 0, bd_re: 0, ac_im: 0, bd_im: 0 };

#[inline(always)]
pub fn add_complex(sum: ComplexSum, power: Packed, re: M31, im: M31) -> ComplexSum {
    let re: felt252 = upcast(re);
    let im: felt252 = upcast(im);
    ComplexSum {
        ac_re: sum.ac_re + power.ac * re,
        bd_re: sum.bd_re + power.bd * re,
        ac_im: sum.ac_im + power.ac * im,
        bd_im: sum.bd_im + power.bd * im,
    }
}

pub fn complex_value(sum: ComplexSum) -> QM31 {
    let (a_re, c_re) = lanes(sum.ac_re);
    let (b_re, d_re) = lanes(sum.bd_re);
    let (a_im, c_im) = lanes(sum.ac_im);
    let (b_im, d_im) = lanes(sum.bd_im);
    QM31 {
        a: m31::sub(a_re, b_im),
        b: m31::add(a_im, b_re),
        c: m31::sub(c_re, d_im),
        d: m31::add(c_im, d_re),
    }
}

/// 1, x, x² … : `n` powers.
pub fn powers(x: QM31, n: u32) -> Array<Packed> {
    let x = qm31::multiplier(x);
    let mut left: felt252 = n.into();
    let mut power = qm31::ONE;
    let mut powers = array![];
    while left != 0 {
        powers.append(pack(power));
        power = qm31::mul_by(power, x);
        left -= 1;
    }
    powers
}

/// Adds the products of powers and values to two sums: of the values' parts without u, and of those with u.
pub fn add_products(
    re: ComplexSum, im: ComplexSum, powers: Span<Packed>, values: Span<QM31>,
) -> (ComplexSum, ComplexSum) {
    let mut re = re;
    let mut im = im;
    let mut powers = powers;
    let mut values = values;
    while let Some(power) = powers.pop_front() {
        let power = *power;
        let value = *values.pop_front().unwrap();
        re = add_complex(re, power, value.a, value.b);
        im = add_complex(im, power, value.c, value.d);
    }
    (re, im)
}
