//! The circle group over M31 and over the secure field.

use crate::fields::m31::{self, M31};
use crate::fields::qm31::{self, ONE, QM31};

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct Point {
    pub x: M31,
    pub y: M31,
}

#[derive(Copy, Drop, PartialEq, Debug)]
pub struct SecurePoint {
    pub x: QM31,
    pub y: QM31,
}

/// 2^k times the generator of the group of order 2^31, for k = 0 to 31.
const GENERATORS: [(M31, M31); 32] = [
    (2, 1268011823),
    (7, 777079998),
    (97, 141701737),
    (18817, 1720333214),
    (708158977, 683185920),
    (334835419, 1444967316),
    (2042371533, 1362265296),
    (212706801, 1223819887),
    (421007138, 256177860),
    (6346213, 905523693),
    (1022251061, 788094511),
    (1633461177, 574296567),
    (595037635, 2111542451),
    (1799120754, 343598868),
    (438833264, 1327019128),
    (1389168750, 838891026),
    (1543902459, 1632329423),
    (1330239767, 1446369578),
    (1420207432, 2023238517),
    (2015554631, 1088093947),
    (996212859, 1140996376),
    (1434706457, 1835793811),
    (13610297, 1064696601),
    (785043271, 1260750973),
    (838195206, 1774253895),
    (579625837, 1690787918),
    (1179735656, 1241207368),
    (590768354, 978592373),
    (32768, 2147450879),
    (0, 2147483646),
    (2147483646, 0),
    (1, 0),
];

/// 2^k times the generator.
pub fn generator(k: u32) -> Point {
    let (x, y) = *GENERATORS.span()[k];
    Point { x, y }
}

pub fn add(p: Point, q: Point) -> Point {
    Point {
        x: m31::sub(m31::mul(p.x, q.x), m31::mul(p.y, q.y)),
        y: m31::add(m31::mul(p.x, q.y), m31::mul(p.y, q.x)),
    }
}

pub fn conjugate(p: Point) -> Point {
    Point { x: p.x, y: m31::neg(p.y) }
}

/// The x coordinate of 2 p, from that of p.
pub fn double_x(x: M31) -> M31 {
    let square = m31::mul(x, x);
    m31::sub(m31::add(square, square), 1)
}

/// The point at index `i` of the half-odds coset of 2^log_size points, `i` being `index` with its log_size
/// bits reversed.
pub fn point_at(log_size: u32, index: u32) -> Point {
    let mut point = generator(29 - log_size);
    let mut rest = index;
    let mut k = 30;
    while rest != 0 {
        let (half, bit) = DivRem::div_rem(rest, 2);
        if bit == 1 {
            point = add(point, generator(k));
        }
        rest = half;
        k -= 1;
    }
    point
}

pub fn secure_double_x(x: QM31) -> QM31 {
    let square = qm31::mul(x, x);
    qm31::sub(qm31::add(square, square), ONE)
}

/// p + q for q over the base field.
pub fn secure_add(p: SecurePoint, q: Point) -> SecurePoint {
    SecurePoint {
        x: qm31::sub(qm31::mul_m31(p.x, q.x), qm31::mul_m31(p.y, q.y)),
        y: qm31::add(qm31::mul_m31(p.x, q.y), qm31::mul_m31(p.y, q.x)),
    }
}

/// The point with parameter `t`: ((1 − t²) / (1 + t²), 2 t / (1 + t²)).
pub fn from_parameter(t: QM31) -> SecurePoint {
    let square = qm31::mul(t, t);
    let scale = qm31::inverse(qm31::add(square, ONE));
    SecurePoint {
        x: qm31::mul(qm31::sub(ONE, square), scale), y: qm31::mul(qm31::add(t, t), scale),
    }
}

/// The x coordinate of 2^n p, from that of p.
pub fn repeated_double_x(x: QM31, n: u32) -> QM31 {
    let mut x = x;
    for _ in 0..n {
        x = secure_double_x(x);
    }
    x
}
