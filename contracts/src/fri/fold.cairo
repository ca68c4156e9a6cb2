//! Folding of four values to one, that is two steps of FRI at once, with one reduction.
//!
//! A step replaces f(p), f(−p) by s + α d with s = f(p) + f(−p), d = (f(p) − f(−p)) t. Two steps on values
//! f₀ to f₃, with twiddles t₀ and t₁ for the first and t₂ for the second, whose factor is α²:
//! (s₀ + s₁) + α (d₀ + d₁) + α² (s₀ − s₁) t₂ + α³ (d₀ − d₁) t₂. Only M31 twiddles occur before the powers of
//! α, so sums and products stay in wide bounded types until the end.

use core::box::BoxTrait;
#[feature("bounded-int-utils")]
use core::internal::bounded_int::{
    self, AddHelper, BoundedInt, DivRemHelper, MulHelper, SubHelper, UnitInt, upcast,
};
use crate::fields::m31::{M31, Modulus};
use crate::fields::qm31::{self, Multiplier, QM31, multiplier};

const MODULUS: NonZero<Modulus> = 0x7fffffff;

/// Sum and difference of two words.
type S = BoundedInt<0x0, 0x1fffffffe>;
type D = BoundedInt<-0xffffffff, 0xffffffff>;
/// A difference times a twiddle.
type DT = BoundedInt<-0x7ffffffd80000002, 0x7ffffffd80000002>;
type SS = BoundedInt<0x0, 0x3fffffffc>;
type SD = BoundedInt<-0x1fffffffe, 0x1fffffffe>;
/// A difference of sums times a twiddle; a sum or difference of `DT`.
type SDT = BoundedInt<-0xfffffffb00000004, 0xfffffffb00000004>;
/// A coordinate that is multiplied by a power of α.
type G = BoundedInt<-0x7ffffffb8000000bfffffff8, 0x7ffffffb8000000bfffffff8>;
/// Sums of 1, 2, 4, 8 and 16 of its products.
type P1 = BoundedInt<-0x3ffffffcc000000effffffe400000010, 0x3ffffffcc000000effffffe400000010>;
type P2 = BoundedInt<-0x7ffffff98000001dffffffc800000020, 0x7ffffff98000001dffffffc800000020>;
type P4 = BoundedInt<-0xfffffff30000003bffffff9000000040, 0xfffffff30000003bffffff9000000040>;
type P8 = BoundedInt<-0x1ffffffe600000077ffffff2000000080, 0x1ffffffe600000077ffffff2000000080>;
type P16 = BoundedInt<-0x3ffffffcc000000effffffe4000000100, 0x3ffffffcc000000effffffe4000000100>;
/// A multiple of P that makes it positive.
type Shift = UnitInt<0x3ffffffcc000000effffffe4000000120>;
type Shifted = BoundedInt<0x20, 0x7ffffff98000001dffffffc8000000220>;

impl AddWords of AddHelper<u32, u32> {
    type Result = S;
}
impl SubWords of SubHelper<u32, u32> {
    type Result = D;
}
impl MulD of MulHelper<D, M31> {
    type Result = DT;
}
impl AddS of AddHelper<S, S> {
    type Result = SS;
}
impl SubS of SubHelper<S, S> {
    type Result = SD;
}
impl MulSD of MulHelper<SD, M31> {
    type Result = SDT;
}
impl AddDT of AddHelper<DT, DT> {
    type Result = SDT;
}
impl SubDT of SubHelper<DT, DT> {
    type Result = SDT;
}
impl MulSDT of MulHelper<SDT, M31> {
    type Result = G;
}
impl MulG of MulHelper<G, M31> {
    type Result = P1;
}
impl AddP1 of AddHelper<P1, P1> {
    type Result = P2;
}
impl SubP1 of SubHelper<P1, P1> {
    type Result = P2;
}
impl AddP2 of AddHelper<P2, P2> {
    type Result = P4;
}
impl SubP2 of SubHelper<P2, P2> {
    type Result = P4;
}
impl AddP4 of AddHelper<P4, P4> {
    type Result = P8;
}
impl AddP8 of AddHelper<P8, P8> {
    type Result = P16;
}
impl ShiftP16 of AddHelper<P16, Shift> {
    type Result = Shifted;
}
impl DivShifted of DivRemHelper<Shifted, Modulus> {
    type DivT = BoundedInt<0x0, 0xfffffff500000025ffffffdbf>;
    type RemT = M31;
}

/// α, α², α³.
#[derive(Copy, Drop)]
pub struct Factors {
    first: Multiplier,
    second: Multiplier,
    third: Multiplier,
}

pub fn factors(alpha: QM31) -> Box<Factors> {
    let square = qm31::mul(alpha, alpha);
    BoxTrait::new(
        Factors {
            first: multiplier(alpha),
            second: multiplier(square),
            third: multiplier(qm31::mul(square, alpha)),
        },
    )
}

pub fn fourth_power(x: QM31) -> QM31 {
    let square = qm31::mul(x, x);
    qm31::mul(square, square)
}

/// A coordinate of the four summands before the powers of α.
#[derive(Copy, Drop)]
struct Coordinate {
    g0: SS,
    g1: G,
    g2: G,
    g3: G,
}

#[inline(always)]
fn coordinate(f0: u32, f1: u32, f2: u32, f3: u32, t0: M31, t1: M31, t2: M31) -> Coordinate {
    let s0: S = bounded_int::add(f0, f1);
    let s1: S = bounded_int::add(f2, f3);
    let d0: DT = bounded_int::mul(bounded_int::sub(f0, f1), t0);
    let d1: DT = bounded_int::mul(bounded_int::sub(f2, f3), t1);
    Coordinate {
        g0: bounded_int::add(s0, s1),
        g1: upcast(bounded_int::add(d0, d1)),
        g2: upcast(bounded_int::mul(bounded_int::sub(s0, s1), t2)),
        g3: bounded_int::mul(bounded_int::sub(d0, d1), t2),
    }
}

/// x₀ y₀ − x₁ y₁ + x₂ y₂ − x₃ y₃.
#[inline(always)]
fn alternating(
    x0: G, y0: M31, x1: G, y1: M31, x2: G, y2: M31, x3: G, y3: M31,
) -> P4 {
    bounded_int::add(
        bounded_int::sub(bounded_int::mul(x0, y0), bounded_int::mul(x1, y1)),
        bounded_int::sub(bounded_int::mul(x2, y2), bounded_int::mul(x3, y3)),
    )
}

/// x₀ y₀ + x₁ y₁ + x₂ y₂ + x₃ y₃.
#[inline(always)]
fn positive(x0: G, y0: M31, x1: G, y1: M31, x2: G, y2: M31, x3: G, y3: M31) -> P4 {
    bounded_int::add(
        bounded_int::add(bounded_int::mul(x0, y0), bounded_int::mul(x1, y1)),
        bounded_int::add(bounded_int::mul(x2, y2), bounded_int::mul(x3, y3)),
    )
}

#[inline(always)]
fn reduced(g0: SS, p1: P4, p2: P4, p3: P4) -> M31 {
    let g0: P4 = upcast(g0);
    let sum: P16 = bounded_int::add(bounded_int::add(g0, p1), bounded_int::add(p2, p3));
    let shifted: Shifted = bounded_int::add::<
        _, Shift,
    >(sum, 0x3ffffffcc000000effffffe4000000120);
    let (_, r) = bounded_int::div_rem(shifted, MODULUS);
    r
}

/// Folds four values, each four words below P.
#[inline(never)]
pub fn fold_four(
    values: Box<[u32; 16]>, t0: M31, t1: M31, t2: M31, factors: Box<Factors>,
) -> QM31 {
    let [a0, b0, c0, d0, a1, b1, c1, d1, a2, b2, c2, d2, a3, b3, c3, d3] = values.unbox();
    let a = coordinate(a0, a1, a2, a3, t0, t1, t2);
    let b = coordinate(b0, b1, b2, b3, t0, t1, t2);
    let c = coordinate(c0, c1, c2, c3, t0, t1, t2);
    let d = coordinate(d0, d1, d2, d3, t0, t1, t2);
    let Factors { first: x, second: y, third: z } = factors.unbox();
    // As `qm31::mul_by`.
    QM31 {
        a: reduced(
            a.g0,
            alternating(a.g1, x.a, b.g1, x.b, c.g1, x.m, d.g1, x.n),
            alternating(a.g2, y.a, b.g2, y.b, c.g2, y.m, d.g2, y.n),
            alternating(a.g3, z.a, b.g3, z.b, c.g3, z.m, d.g3, z.n),
        ),
        b: reduced(
            b.g0,
            positive(a.g1, x.b, b.g1, x.a, c.g1, x.n, d.g1, x.m),
            positive(a.g2, y.b, b.g2, y.a, c.g2, y.n, d.g2, y.m),
            positive(a.g3, z.b, b.g3, z.a, c.g3, z.n, d.g3, z.m),
        ),
        c: reduced(
            c.g0,
            alternating(a.g1, x.c, b.g1, x.d, c.g1, x.a, d.g1, x.b),
            alternating(a.g2, y.c, b.g2, y.d, c.g2, y.a, d.g2, y.b),
            alternating(a.g3, z.c, b.g3, z.d, c.g3, z.a, d.g3, z.b),
        ),
        d: reduced(
            d.g0,
            positive(a.g1, x.d, b.g1, x.c, c.g1, x.b, d.g1, x.a),
            positive(a.g2, y.d, b.g2, y.c, c.g2, y.b, d.g2, y.a),
            positive(a.g3, z.d, b.g3, z.c, c.g3, z.b, d.g3, z.a),
        ),
    }
}

/// The words of four values.
#[inline(always)]
pub fn words_of(p: QM31, q: QM31, r: QM31, s: QM31) -> Box<[u32; 16]> {
    BoxTrait::new(
        [
            upcast(p.a), upcast(p.b), upcast(p.c), upcast(p.d), upcast(q.a), upcast(q.b),
            upcast(q.c), upcast(q.d), upcast(r.a), upcast(r.b), upcast(r.c), upcast(r.d),
            upcast(s.a), upcast(s.b), upcast(s.c), upcast(s.d),
        ],
    )
}
