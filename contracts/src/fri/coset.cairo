//! Cosets of 16 points: where they lie, and the twiddles with which their values fold.
//!
//! A twiddle is the inverse of a coordinate. Because x y = sin 2θ / 2 at an angle θ, the inverses of both
//! coordinates of a point follow from the inverse of the doubled point's y; so one inversion per coset
//! suffices, and [`crate::fields::m31::batch_inverse`] shares it among cosets. Points a quarter or an eighth
//! of the circle apart have the same coordinates up to sign and order, or up to the factor √½ = 2^15.

use crate::circle::{Point, add, double};
use crate::fields::m31::{self, M31};

/// √½ modulo P: (HALF_ROOT, −HALF_ROOT) is the generator of order 8.
const HALF_ROOT: M31 = 0x8000;

/// The generator of order 16.
const SIXTEENTH: Point = Point { x: 590768354, y: 978592373 };

/// Where a coset is.
#[derive(Copy, Drop)]
pub struct Coset {
    /// The first point: on a line, one above the first x coordinate.
    first: Point,
    /// On the circle, the first point; on a line, twice it. From here on both are folded by x, alike.
    p: Point,
    p2: Point,
    p4: Point,
}

/// Twiddles of two steps on 16 values to four, for each four values, then of two steps on these.
#[derive(Copy, Drop)]
pub struct Twiddles {
    pub quarters: [(M31, M31, M31); 4],
    pub last: (M31, M31, M31),
}

/// The coset of the first layer whose first point is `p`: of it and seven more points, with their conjugates.
/// And 8 p: the point at the coset's index in the next layer's domain.
pub fn circle(p: Point) -> (Coset, Point) {
    let p2 = double(p);
    let p4 = double(p2);
    (Coset { first: p, p, p2, p4 }, double(p4))
}

/// The coset of another layer whose first x coordinate is that of `p`, and 16 p.
pub fn line(p: Point) -> (Coset, Point) {
    let (coset, next) = circle(double(p));
    (Coset { first: p, ..coset }, next)
}

/// The point an eighth of the circle before p.
#[inline(always)]
fn eighth(p: Point) -> Point {
    Point { x: m31::mul_sum(p.x, p.y, HALF_ROOT), y: m31::mul_difference(p.y, p.x, HALF_ROOT) }
}

/// The inverses of both coordinates of p, from `y`, the inverse of 2 p's y.
#[inline(always)]
fn inverses(p: Point, y: M31) -> Point {
    Point { x: m31::mul_sum(y, y, p.y), y: m31::mul_sum(y, y, p.x) }
}

/// Inverses of the coordinates of p, of the point an eighth before p, of 2 p, and of the x of 4 p, from the
/// inverse of 8 p's y.
fn tower(coset: Coset, inverse: M31) -> (Point, Point, Point, M31) {
    let i4 = inverses(coset.p4, inverse);
    let i2 = inverses(coset.p2, i4.y);
    let i0 = inverses(coset.p, i2.y);
    // 2 (p − an eighth) = 2 p − a quarter has the coordinates y, −x of 2 p.
    let i1 = inverses(eighth(coset.p), m31::neg(i2.x));
    (i0, i1, i2, i4.x)
}

/// Twiddles of a coset of the first layer, which is folded first by y, then by x. `inverse` is that of the
/// next point's y.
pub fn circle_twiddles(coset: Coset, inverse: M31) -> Twiddles {
    let (i0, i1, i2, i4) = tower(coset, inverse);
    Twiddles {
        quarters: [
            (i0.y, m31::neg(i0.y), i0.x), (m31::neg(i0.x), i0.x, i0.y),
            (i1.y, m31::neg(i1.y), i1.x), (m31::neg(i1.x), i1.x, i1.y),
        ],
        last: (i2.x, i2.y, i4),
    }
}

/// Twiddles of a coset of another layer. `inverse` is that of the next point's y.
pub fn line_twiddles(coset: Coset, inverse: M31) -> Twiddles {
    let (i0, i1, i2, i4) = tower(coset, inverse);
    let p = coset.first;
    let q = add(p, SIXTEENTH);
    // The inverses at p, and at an eighth before p, follow from those at 2 p and a quarter before it; likewise
    // for q.
    let p0 = inverses(p, i0.y);
    let p2 = inverses(eighth(p), m31::neg(i0.x));
    let p1 = inverses(q, i1.y);
    let p3 = inverses(eighth(q), m31::neg(i1.x));
    Twiddles {
        quarters: [(p0.x, p0.y, i0.x), (p2.x, p2.y, i0.y), (p1.x, p1.y, i1.x), (p3.x, p3.y, i1.y)],
        last: (i2.x, i2.y, i4),
    }
}
