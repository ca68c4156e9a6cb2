//! Cosets of 16 points: where they lie, and the twiddles with which their values fold.
//!
//! A twiddle is the inverse of a coordinate. Because x y = sin 2θ / 2 at an angle θ, the inverses of both
//! coordinates of a point follow from the inverse of the doubled point's y; so one inversion per coset
//! suffices, and [`crate::fields::m31::batch_inverse`] shares it among cosets. Points a quarter or an eighth
//! of the circle apart have the same coordinates up to sign and order, or up to the factor √½ = 2^15.

use crate::circle::Point;
use crate::fields::m31::{self, M31};

/// √½ modulo P: (HALF_ROOT, −HALF_ROOT) is the generator of order 8.
const HALF_ROOT: M31 = 0x8000;

/// The generator of order 16.
const SIXTEENTH_X: M31 = 590768354;
const SIXTEENTH_Y: M31 = 978592373;

/// Twiddles of two steps on 16 values to four, for each four values, then of two steps on these.
#[derive(Copy, Drop)]
pub struct Twiddles {
    pub quarters: [(M31, M31, M31); 4],
    pub last: (M31, M31, M31),
}

#[inline(always)]
fn twice(x: M31) -> M31 {
    m31::add(x, x)
}

fn double(p: Point) -> Point {
    let xx = m31::mul(p.x, p.x);
    let xy = m31::mul(p.x, p.y);
    Point { x: m31::sub(twice(xx), 1), y: twice(xy) }
}

/// The point an eighth of the circle before p.
fn eighth(p: Point) -> Point {
    Point {
        x: m31::mul(HALF_ROOT, m31::add(p.x, p.y)), y: m31::mul(HALF_ROOT, m31::sub(p.y, p.x)),
    }
}

/// The point a sixteenth of the circle after p.
fn sixteenth(p: Point) -> Point {
    Point {
        x: m31::sub(m31::mul(SIXTEENTH_X, p.x), m31::mul(SIXTEENTH_Y, p.y)),
        y: m31::add(m31::mul(SIXTEENTH_X, p.y), m31::mul(SIXTEENTH_Y, p.x)),
    }
}

/// The inverses of both coordinates of p, from the inverse of half the doubled point's y.
#[inline(always)]
fn inverses(p: Point, inverse: M31) -> Point {
    Point { x: m31::mul(inverse, p.y), y: m31::mul(inverse, p.x) }
}

/// The y coordinate whose inverse [`circle_twiddles`] wants: that of 8 p.
pub fn circle_norm(p: Point) -> M31 {
    double(double(double(p))).y
}

/// The y coordinate whose inverse [`line_twiddles`] wants: that of 16 p.
pub fn line_norm(p: Point) -> M31 {
    circle_norm(double(p))
}

/// Inverses of the coordinates of p, of the point an eighth before p, of 2 p, and of the x of 4 p.
fn tower(p: Point, inverse: M31) -> (Point, Point, Point, M31) {
    let p2 = double(p);
    let p4 = double(p2);
    let i4 = inverses(p4, twice(inverse));
    let i2 = inverses(p2, twice(i4.y));
    let i0 = inverses(p, twice(i2.y));
    // 2 (p − an eighth) = 2 p − a quarter has the coordinates y, −x of 2 p.
    let i1 = inverses(eighth(p), m31::neg(twice(i2.x)));
    (i0, i1, i2, i4.x)
}

/// Twiddles of the first layer's coset: `p` is the first of the eight points whose values, with those of
/// their conjugates, are folded, first by y, then by x. `inverse` is that of [`circle_norm`].
pub fn circle_twiddles(p: Point, inverse: M31) -> Twiddles {
    let (i0, i1, i2, i4) = tower(p, inverse);
    Twiddles {
        quarters: [
            (i0.y, m31::neg(i0.y), i0.x), (m31::neg(i0.x), i0.x, i0.y),
            (i1.y, m31::neg(i1.y), i1.x), (m31::neg(i1.x), i1.x, i1.y),
        ],
        last: (i2.x, i2.y, i4),
    }
}

/// Twiddles of another layer's coset: `p` is a point above its first x coordinate. `inverse` is that of
/// [`line_norm`].
pub fn line_twiddles(p: Point, inverse: M31) -> Twiddles {
    let (i0, i1, i2, i4) = tower(double(p), inverse);
    let q = sixteenth(p);
    // The inverses at p, and at an eighth before p, follow from those at 2 p and a quarter before it; likewise
    // for q.
    let p0 = inverses(p, twice(i0.y));
    let p2 = inverses(eighth(p), m31::neg(twice(i0.x)));
    let p1 = inverses(q, twice(i1.y));
    let p3 = inverses(eighth(q), m31::neg(twice(i1.x)));
    Twiddles {
        quarters: [(p0.x, p0.y, i0.x), (p2.x, p2.y, i0.y), (p1.x, p1.y, i1.x), (p3.x, p3.y, i1.y)],
        last: (i2.x, i2.y, i4),
    }
}
