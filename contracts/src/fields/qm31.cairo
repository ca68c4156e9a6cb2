//! The secure field: QM31 = CM31[u] with u² = 2 + i, CM31 = M31[i] with i² = −1.
//!
//! An element (a + b i) + (c + d i) u is four elements of M31. A product computes its sixteen base products
//! in wide bounded types, shifts sums that can be negative by a multiple of P, and reduces four times.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{
    self, AddHelper, BoundedInt, DivRemHelper, MulHelper, SubHelper, UnitInt,
};
use super::m31::{self, M31, Modulus, MulM31};

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct QM31 {
    pub a: M31,
    pub b: M31,
    pub c: M31,
    pub d: M31,
}

pub const ZERO: QM31 = QM31 { a: 0, b: 0, c: 0, d: 0 };
pub const ONE: QM31 = QM31 { a: 1, b: 0, c: 0, d: 0 };

const MODULUS: NonZero<Modulus> = 0x7fffffff;

type Product = BoundedInt<0x0, 0x3ffffffe00000004>;
type Diff = BoundedInt<-0x3ffffffe00000004, 0x3ffffffe00000004>;
type Sum = BoundedInt<0x0, 0x7ffffffc00000008>;
type TwoDiff = BoundedInt<-0x7ffffffc00000008, 0x7ffffffc00000008>;
type FourProducts = BoundedInt<0x0, 0xfffffff800000010>;
type ThreeDiff = BoundedInt<-0xbffffffa0000000c, 0xbffffffa0000000c>;
type Re0 = BoundedInt<-0x13ffffff600000014, 0xbffffffa0000000c>;
type Six = BoundedInt<0x0, 0x17ffffff400000018>;
type Im0 = BoundedInt<-0x3ffffffe00000004, 0x1bffffff20000001c>;
type Re0Shift = UnitInt<0x13ffffffb00000005>;
type Re0Shifted = BoundedInt<0x4fffffff1, 0x1fffffff500000011>;
type Im0Shift = UnitInt<0x3fffffff00000001>;
type Im0Shifted = BoundedInt<0xfffffffd, 0x1fffffff10000001d>;
type TwoDiffShift = UnitInt<0x7ffffffe00000002>;
type TwoDiffShifted = BoundedInt<0x1fffffffa, 0xfffffffa0000000a>;

impl SubProducts of SubHelper<Product, Product> {
    type Result = Diff;
}
impl AddProducts of AddHelper<Product, Product> {
    type Result = Sum;
}
impl DoubleDiff of MulHelper<Diff, UnitInt<2>> {
    type Result = TwoDiff;
}
impl DoubleSum of MulHelper<Sum, UnitInt<2>> {
    type Result = FourProducts;
}
impl AddDiffTwoDiff of AddHelper<Diff, TwoDiff> {
    type Result = ThreeDiff;
}
impl SubThreeDiffSum of SubHelper<ThreeDiff, Sum> {
    type Result = Re0;
}
impl AddSumFour of AddHelper<Sum, FourProducts> {
    type Result = Six;
}
impl AddSixDiff of AddHelper<Six, Diff> {
    type Result = Im0;
}
impl AddDiffs of AddHelper<Diff, Diff> {
    type Result = TwoDiff;
}
impl AddSums of AddHelper<Sum, Sum> {
    type Result = FourProducts;
}
impl ShiftRe0 of AddHelper<Re0, Re0Shift> {
    type Result = Re0Shifted;
}
impl DivRe0 of DivRemHelper<Re0Shifted, Modulus> {
    type DivT = BoundedInt<0x9, 0x3fffffff2>;
    type RemT = M31;
}
impl ShiftIm0 of AddHelper<Im0, Im0Shift> {
    type Result = Im0Shifted;
}
impl DivIm0 of DivRemHelper<Im0Shifted, Modulus> {
    type DivT = BoundedInt<0x1, 0x3ffffffea>;
    type RemT = M31;
}
impl ShiftTwoDiff of AddHelper<TwoDiff, TwoDiffShift> {
    type Result = TwoDiffShifted;
}
impl DivTwoDiff of DivRemHelper<TwoDiffShifted, Modulus> {
    type DivT = BoundedInt<0x3, 0x1fffffff8>;
    type RemT = M31;
}
impl DivFour of DivRemHelper<FourProducts, Modulus> {
    type DivT = BoundedInt<0, 0x1fffffff4>;
    type RemT = M31;
}

#[inline(never)]
pub fn mul(x: QM31, y: QM31) -> QM31 {
    // With v = c g − d h and w = c h + d g (for y = (e + f i) + (g + h i) u), the product of the second
    // halves is v + w i, and u² = 2 + i adds (2 v − w) + (2 w + v) i to the product of the first halves.
    let v = bounded_int::sub(bounded_int::mul(x.c, y.c), bounded_int::mul(x.d, y.d));
    let w = bounded_int::add(bounded_int::mul(x.c, y.d), bounded_int::mul(x.d, y.c));
    let re = bounded_int::sub(bounded_int::mul(x.a, y.a), bounded_int::mul(x.b, y.b));
    let re = bounded_int::add(re, bounded_int::mul::<_, UnitInt<2>>(v, 2));
    let re = bounded_int::add::<_, Re0Shift>(bounded_int::sub(re, w), 0x13ffffffb00000005);
    let im = bounded_int::add(bounded_int::mul(x.a, y.b), bounded_int::mul(x.b, y.a));
    let im = bounded_int::add(im, bounded_int::mul::<_, UnitInt<2>>(w, 2));
    let im = bounded_int::add::<_, Im0Shift>(bounded_int::add(im, v), 0x3fffffff00000001);
    let ure = bounded_int::add(
        bounded_int::sub(bounded_int::mul(x.a, y.c), bounded_int::mul(x.b, y.d)),
        bounded_int::sub(bounded_int::mul(x.c, y.a), bounded_int::mul(x.d, y.b)),
    );
    let ure = bounded_int::add::<_, TwoDiffShift>(ure, 0x7ffffffe00000002);
    let uim = bounded_int::add(
        bounded_int::add(bounded_int::mul(x.a, y.d), bounded_int::mul(x.b, y.c)),
        bounded_int::add(bounded_int::mul(x.c, y.b), bounded_int::mul(x.d, y.a)),
    );
    let (_, a) = bounded_int::div_rem(re, MODULUS);
    let (_, b) = bounded_int::div_rem(im, MODULUS);
    let (_, c) = bounded_int::div_rem(ure, MODULUS);
    let (_, d) = bounded_int::div_rem(uim, MODULUS);
    QM31 { a, b, c, d }
}

/// A factor of many products: a + b i + (c + d i) u with m = 2 c − d and n = 2 d + c, which occur in them.
#[derive(Copy, Drop)]
pub struct Multiplier {
    pub a: M31,
    pub b: M31,
    pub c: M31,
    pub d: M31,
    pub m: M31,
    pub n: M31,
}

pub fn multiplier(x: QM31) -> Multiplier {
    let QM31 { a, b, c, d } = x;
    Multiplier { a, b, c, d, m: m31::sub(m31::add(c, c), d), n: m31::add(m31::add(d, d), c) }
}

/// x₀ y₀ − x₁ y₁ + x₂ y₂ − x₃ y₃.
#[inline(always)]
fn alternating(
    x0: M31, y0: M31, x1: M31, y1: M31, x2: M31, y2: M31, x3: M31, y3: M31,
) -> M31 {
    let sum: TwoDiff = bounded_int::add(
        bounded_int::sub(bounded_int::mul(x0, y0), bounded_int::mul(x1, y1)),
        bounded_int::sub(bounded_int::mul(x2, y2), bounded_int::mul(x3, y3)),
    );
    let shifted = bounded_int::add::<_, TwoDiffShift>(sum, 0x7ffffffe00000002);
    let (_, r) = bounded_int::div_rem(shifted, MODULUS);
    r
}

/// x₀ y₀ + x₁ y₁ + x₂ y₂ + x₃ y₃.
#[inline(always)]
fn positive(
    x0: M31, y0: M31, x1: M31, y1: M31, x2: M31, y2: M31, x3: M31, y3: M31,
) -> M31 {
    let sum: FourProducts = bounded_int::add(
        bounded_int::add(bounded_int::mul(x0, y0), bounded_int::mul(x1, y1)),
        bounded_int::add(bounded_int::mul(x2, y2), bounded_int::mul(x3, y3)),
    );
    let (_, r) = bounded_int::div_rem(sum, MODULUS);
    r
}

/// [`mul`], for a factor that is used often.
#[inline(always)]
pub fn mul_by(x: QM31, y: Multiplier) -> QM31 {
    // (a + b i)(e + f i) + (2 + i)(c + d i)(g + h i) has the parts a e − b f + c (2 g − h) − d (2 h + g) and
    // a f + b e + c (2 h + g) + d (2 g − h).
    QM31 {
        a: alternating(x.a, y.a, x.b, y.b, x.c, y.m, x.d, y.n),
        b: positive(x.a, y.b, x.b, y.a, x.c, y.n, x.d, y.m),
        c: alternating(x.a, y.c, x.b, y.d, x.c, y.a, x.d, y.b),
        d: positive(x.a, y.d, x.b, y.c, x.c, y.b, x.d, y.a),
    }
}

#[inline(never)]
pub fn add(x: QM31, y: QM31) -> QM31 {
    QM31 {
        a: m31::add(x.a, y.a), b: m31::add(x.b, y.b), c: m31::add(x.c, y.c), d: m31::add(x.d, y.d),
    }
}

#[inline(never)]
pub fn sub(x: QM31, y: QM31) -> QM31 {
    QM31 {
        a: m31::sub(x.a, y.a), b: m31::sub(x.b, y.b), c: m31::sub(x.c, y.c), d: m31::sub(x.d, y.d),
    }
}

pub fn neg(x: QM31) -> QM31 {
    sub(ZERO, x)
}

#[inline(never)]
pub fn mul_m31(x: QM31, y: M31) -> QM31 {
    QM31 {
        a: m31::mul(x.a, y), b: m31::mul(x.b, y), c: m31::mul(x.c, y), d: m31::mul(x.d, y),
    }
}

/// x (re + im i).
pub fn mul_cm31(x: QM31, re: M31, im: M31) -> QM31 {
    mul(x, QM31 { a: re, b: im, c: 0, d: 0 })
}

/// (a + b i) − (c + d i) u.
pub fn conjugate(x: QM31) -> QM31 {
    QM31 { a: x.a, b: x.b, c: m31::neg(x.c), d: m31::neg(x.d) }
}

/// The inverse. Panics for zero.
pub fn inverse(x: QM31) -> QM31 {
    // x times its conjugate is the norm n + m i, whose inverse is (n − m i) / (n² + m²).
    let conjugate = conjugate(x);
    let norm = mul(x, conjugate);
    let scale = m31::inverse(m31::add(m31::mul(norm.a, norm.a), m31::mul(norm.b, norm.b)));
    mul_cm31(conjugate, m31::mul(norm.a, scale), m31::mul(m31::neg(norm.b), scale))
}

/// Σ xᵢ of the coordinates' basis 1, i, u, iu: the value of a secure polynomial from those of its four
/// coordinate polynomials.
pub fn from_partial_evals(x0: QM31, x1: QM31, x2: QM31, x3: QM31) -> QM31 {
    let x = add(x0, mul(x1, QM31 { a: 0, b: 1, c: 0, d: 0 }));
    let x = add(x, mul(x2, QM31 { a: 0, b: 0, c: 1, d: 0 }));
    add(x, mul(x3, QM31 { a: 0, b: 0, c: 0, d: 1 }))
}

pub fn from_words(x: [u32; 4]) -> QM31 {
    let [a, b, c, d] = x;
    QM31 { a: m31::canonical(a), b: m31::canonical(b), c: m31::canonical(c), d: m31::canonical(d) }
}

/// 1, x, x², … : `n` powers.
pub fn powers(x: QM31, n: u32) -> Array<QM31> {
    let mut powers = array![];
    let mut power = ONE;
    for _ in 0..n {
        powers.append(power);
        power = mul(power, x);
    }
    powers
}
