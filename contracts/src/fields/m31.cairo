//! The field of 2^31 − 1 elements.
//!
//! An element is a bounded integer below P, so its form is canonical by type. Sums and products of wider
//! types are reduced once, by one division with remainder.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{
    self, AddHelper, BoundedInt, DivRemHelper, MulHelper, SubHelper, UnitInt, downcast, upcast,
};

/// The prime, 2^31 − 1.
pub const P: u32 = 0x7fffffff;

/// An element, 0 to P − 1.
pub type M31 = BoundedInt<0, 0x7ffffffe>;

/// P as a divisor.
pub type Modulus = UnitInt<0x7fffffff>;

const MODULUS: NonZero<Modulus> = 0x7fffffff;

type Sum = BoundedInt<0, 0xfffffffc>;
type Difference = BoundedInt<1, 0xfffffffd>;
type Product = BoundedInt<0, 0x3ffffffe00000004>;
/// What [`reduce`] takes: below 2^80.
type Wide = BoundedInt<0, 0xffffffffffffffffffff>;

impl AddM31 of AddHelper<M31, M31> {
    type Result = Sum;
}
impl AddModulus of AddHelper<M31, Modulus> {
    type Result = BoundedInt<0x7fffffff, 0xfffffffd>;
}
impl SubM31 of SubHelper<BoundedInt<0x7fffffff, 0xfffffffd>, M31> {
    type Result = Difference;
}
pub impl MulM31 of MulHelper<M31, M31> {
    type Result = Product;
}
impl DivSum of DivRemHelper<Sum, Modulus> {
    type DivT = BoundedInt<0, 1>;
    type RemT = M31;
}
impl DivDifference of DivRemHelper<Difference, Modulus> {
    type DivT = BoundedInt<0, 1>;
    type RemT = M31;
}
impl DivProduct of DivRemHelper<Product, Modulus> {
    type DivT = BoundedInt<0, 0x7ffffffd>;
    type RemT = M31;
}
impl AddProducts of AddHelper<Product, Product> {
    type Result = BoundedInt<0, 0x7ffffffc00000008>;
}
impl DivProducts of DivRemHelper<BoundedInt<0, 0x7ffffffc00000008>, Modulus> {
    type DivT = BoundedInt<0, 0xfffffffa>;
    type RemT = M31;
}
impl SubProducts of SubHelper<Product, Product> {
    type Result = BoundedInt<-0x3ffffffe00000004, 0x3ffffffe00000004>;
}
/// P².
type Square = UnitInt<0x3fffffff00000001>;
impl ShiftProducts of AddHelper<BoundedInt<-0x3ffffffe00000004, 0x3ffffffe00000004>, Square> {
    type Result = BoundedInt<0xfffffffd, 0x7ffffffd00000005>;
}
impl DivShifted of DivRemHelper<BoundedInt<0xfffffffd, 0x7ffffffd00000005>, Modulus> {
    type DivT = BoundedInt<1, 0xfffffffc>;
    type RemT = M31;
}
impl AddShifted of AddHelper<BoundedInt<0xfffffffd, 0x7ffffffd00000005>, M31> {
    type Result = BoundedInt<0xfffffffd, 0x7ffffffd80000003>;
}
impl DivShiftedSum of DivRemHelper<BoundedInt<0xfffffffd, 0x7ffffffd80000003>, Modulus> {
    type DivT = BoundedInt<1, 0xfffffffd>;
    type RemT = M31;
}
impl MulSum of MulHelper<Sum, M31> {
    type Result = BoundedInt<0, 0x7ffffffc00000008>;
}
impl MulDifference of MulHelper<BoundedInt<1, 0xfffffffd>, M31> {
    type Result = BoundedInt<0, 0x7ffffffc80000006>;
}
impl DivDifferenceProduct of DivRemHelper<BoundedInt<0, 0x7ffffffc80000006>, Modulus> {
    type DivT = BoundedInt<0, 0xfffffffb>;
    type RemT = M31;
}
impl DivU32 of DivRemHelper<u32, Modulus> {
    type DivT = BoundedInt<0, 2>;
    type RemT = M31;
}
impl DivWide of DivRemHelper<Wide, Modulus> {
    type DivT = BoundedInt<0, 0x2000000040000>;
    type RemT = M31;
}

#[inline]
pub fn add(x: M31, y: M31) -> M31 {
    let (_, r) = bounded_int::div_rem(bounded_int::add(x, y), MODULUS);
    r
}

#[inline]
pub fn sub(x: M31, y: M31) -> M31 {
    let shifted: BoundedInt<0x7fffffff, 0xfffffffd> = bounded_int::add::<_, Modulus>(x, 0x7fffffff);
    let (_, r) = bounded_int::div_rem(bounded_int::sub(shifted, y), MODULUS);
    r
}

#[inline]
pub fn neg(x: M31) -> M31 {
    sub(0, x)
}

#[inline]
pub fn mul(x: M31, y: M31) -> M31 {
    let (_, r) = bounded_int::div_rem(bounded_int::mul(x, y), MODULUS);
    r
}

/// w x + y z, reduced once.
#[inline]
pub fn sum_of_products(w: M31, x: M31, y: M31, z: M31) -> M31 {
    let sum = bounded_int::add(bounded_int::mul(w, x), bounded_int::mul(y, z));
    let (_, r) = bounded_int::div_rem(sum, MODULUS);
    r
}

/// w x − y z, reduced once.
#[inline]
pub fn difference_of_products(w: M31, x: M31, y: M31, z: M31) -> M31 {
    let difference = bounded_int::sub(bounded_int::mul(w, x), bounded_int::mul(y, z));
    let shifted = bounded_int::add::<_, Square>(difference, 0x3fffffff00000001);
    let (_, r) = bounded_int::div_rem(shifted, MODULUS);
    r
}

/// v + w x − y z, reduced once.
#[inline]
pub fn add_difference_of_products(v: M31, w: M31, x: M31, y: M31, z: M31) -> M31 {
    let difference = bounded_int::sub(bounded_int::mul(w, x), bounded_int::mul(y, z));
    let shifted = bounded_int::add::<_, Square>(difference, 0x3fffffff00000001);
    let (_, r) = bounded_int::div_rem(bounded_int::add(shifted, v), MODULUS);
    r
}

/// (x + y) z, reduced once.
#[inline]
pub fn mul_sum(x: M31, y: M31, z: M31) -> M31 {
    let (_, r) = bounded_int::div_rem(bounded_int::mul(bounded_int::add(x, y), z), MODULUS);
    r
}

/// (x − y) z, reduced once.
#[inline]
pub fn mul_difference(x: M31, y: M31, z: M31) -> M31 {
    let shifted: BoundedInt<0x7fffffff, 0xfffffffd> = bounded_int::add::<_, Modulus>(x, 0x7fffffff);
    let (_, r) = bounded_int::div_rem(
        bounded_int::mul(bounded_int::sub(shifted, y), z), MODULUS,
    );
    r
}

/// A 32-bit word modulo P.
#[inline]
pub fn from_word(x: u32) -> M31 {
    let (_, r) = bounded_int::div_rem(x, MODULUS);
    r
}

/// P as a value that the compiler does not know to be constant. A constant divisor is stored anew for every
/// division, so many divisions in a row are cheaper with this one.
#[inline(never)]
pub fn modulus() -> NonZero<Modulus> {
    MODULUS
}

/// [`from_word`] with [`modulus`].
#[inline(always)]
pub fn from_word_by(x: u32, p: NonZero<Modulus>) -> M31 {
    let (_, r) = bounded_int::div_rem(x, p);
    r
}

/// A number below 2^80 modulo P. Panics for a larger one.
#[inline]
pub fn reduce(x: felt252) -> M31 {
    let wide: Wide = downcast(x).expect('number too wide');
    let (_, r) = bounded_int::div_rem(wide, MODULUS);
    r
}

/// An element from a number that must be below P.
pub fn canonical(x: u32) -> M31 {
    downcast(x).expect('not a field element')
}

#[inline]
pub fn word(x: M31) -> u32 {
    upcast(x)
}

fn square_n(x: M31, n: u32) -> M31 {
    let mut y = x;
    for _ in 0..n {
        y = mul(y, y);
    }
    y
}

/// The inverse, as the power P − 2 = 4 (2^29 − 1) + 1. Panics for zero.
pub fn inverse(x: M31) -> M31 {
    assert(word(x) != 0, 'inverse of zero');
    // x to the power 2^k − 1, for k = 2, 4, 8, 16, 24, 28, 29.
    let x2 = mul(mul(x, x), x);
    let x4 = mul(square_n(x2, 2), x2);
    let x8 = mul(square_n(x4, 4), x4);
    let x16 = mul(square_n(x8, 8), x8);
    let x24 = mul(square_n(x16, 8), x8);
    let x28 = mul(square_n(x24, 4), x4);
    let x29 = mul(mul(x28, x28), x);
    mul(square_n(x29, 2), x)
}

/// The inverses of all elements, none of which may be zero, by one inversion.
pub fn batch_inverse(xs: Span<M31>) -> Array<M31> {
    let mut prefixes = array![];
    let mut product: M31 = 1;
    for x in xs {
        prefixes.append(product);
        product = mul(product, *x);
    }
    let mut inverse = inverse(product);
    let mut reversed = array![];
    let mut prefixes = prefixes.span();
    let mut rest = xs;
    while let Some(x) = rest.pop_back() {
        reversed.append(mul(inverse, *prefixes.pop_back().unwrap()));
        inverse = mul(inverse, *x);
    }
    let mut inverses = array![];
    let mut reversed = reversed.span();
    while let Some(x) = reversed.pop_back() {
        inverses.append(*x);
    }
    inverses
}
