//! FRI with folds by 16: every layer opens whole cosets of 16 points, and folds each to one value.

use crate::blake::{Digest, hash_block};
use crate::calldata;
use crate::circle::{Point, add as add_points, double_x, generator, point_at};
use crate::fields::m31::{self, M31};
use crate::fields::qm31::{QM31, add, mul, mul_m31, sub};
use crate::merkle::{self, Node};

pub mod errors {
    pub const COMMITMENT: felt252 = 'fri: wrong root';
    pub const LAST: felt252 = 'fri: wrong last layer';
}

/// Points of a coset, as a power of two.
const LOG_COSET: u32 = 4;

/// One layer's part of a proof.
#[derive(Copy, Drop)]
pub struct Layer {
    pub commitment: Digest,
    pub alpha: QM31,
    /// Points of its domain, as a power of two.
    pub log_size: u32,
    /// Values that are not known from the layer before, packed, and their number.
    pub values: Span<felt252>,
    pub n_values: u32,
    pub witness: Span<felt252>,
}

/// Checks that `evals` at `positions` (ascending, distinct, in bit-reversed order of the first layer's
/// circle domain) fold to the constant `last`.
pub fn verify(layers: Span<Layer>, positions: Array<u32>, evals: Array<QM31>, last: QM31) {
    let mut positions = positions;
    let mut evals = evals;
    let mut on_circle = true;
    for layer in layers {
        let (above, folded) = fold_layer(layer, on_circle, positions.span(), evals.span());
        positions = above;
        evals = folded;
        on_circle = false;
    }
    for eval in evals {
        assert(eval == last, errors::LAST);
    }
}

fn fold_layer(
    layer: @Layer, on_circle: bool, positions: Span<u32>, evals: Span<QM31>,
) -> (Array<u32>, Array<QM31>) {
    let mut felts = *layer.values;
    let values = calldata::secure_elements(ref felts, *layer.n_values);
    let mut values = values.span();
    let mut positions = positions;
    let mut evals = evals;
    let alpha = *layer.alpha;
    let alpha2 = mul(alpha, alpha);
    let alpha4 = mul(alpha2, alpha2);
    let alphas = array![alpha, alpha2, alpha4, mul(alpha4, alpha4)].span();
    let mut leaves: Array<Node> = array![];
    let mut above = array![];
    let mut folded = array![];
    while let Some(first) = positions.get(0) {
        let (parent, _) = DivRem::div_rem(*first.unbox(), 16);
        let start = parent * 16;
        // The coset's values, from the layer before where known.
        let mut coset = array![];
        for position in start..start + 16 {
            let known = match positions.get(0) {
                Option::Some(next) => *next.unbox() == position,
                Option::None => false,
            };
            if known {
                let _ = positions.pop_front();
                coset.append(*evals.pop_front().unwrap());
            } else {
                coset.append(*values.pop_front().expect(calldata::errors::SHORT));
            }
        }
        // Four values to a leaf.
        let mut quarters = coset.span();
        let mut leaf = parent * 4;
        while let Some(four) = quarters.multi_pop_front::<4>() {
            let [p, q, r, s] = (*four).unbox();
            let digest = hash_block(
                [
                    m31::word(p.a), m31::word(p.b), m31::word(p.c), m31::word(p.d), m31::word(q.a),
                    m31::word(q.b), m31::word(q.c), m31::word(q.d), m31::word(r.a), m31::word(r.b),
                    m31::word(r.c), m31::word(r.d), m31::word(s.a), m31::word(s.b), m31::word(s.c),
                    m31::word(s.d),
                ],
                64,
            );
            leaves.append((leaf, digest));
            leaf += 1;
        }
        let twiddles = if on_circle {
            circle_twiddles(point_at(*layer.log_size - 1, parent * 8))
        } else {
            line_twiddles(point_at(*layer.log_size, start))
        };
        above.append(parent);
        folded.append(fold(coset, alphas, twiddles.span()));
    }
    assert(values.is_empty(), calldata::errors::UNUSED);
    let mut witness = *layer.witness;
    let root = merkle::root(leaves, *layer.log_size - 2, ref witness);
    assert(witness.is_empty(), calldata::errors::UNUSED);
    assert(root == *layer.commitment, errors::COMMITMENT);
    (above, folded)
}

/// Folds 16 values to one: pairs f(p), f(−p) to (f(p) + f(−p)) + α (f(p) − f(−p)) t, four times.
fn fold(coset: Array<QM31>, alphas: Span<QM31>, twiddles: Span<M31>) -> QM31 {
    let mut values = coset;
    let mut twiddles = twiddles;
    for alpha in alphas {
        let mut pairs = values.span();
        let mut half = array![];
        while let Some(pair) = pairs.multi_pop_front::<2>() {
            let [p, q] = (*pair).unbox();
            let odd = mul_m31(sub(p, q), *twiddles.pop_front().unwrap());
            half.append(add(add(p, q), mul(odd, *alpha)));
        }
        values = half;
    }
    let folded = *values[0];
    folded
}

/// The points p, p + g, p + 2 g, … of a coset.
fn points(p: Point, g: Point, n: u32) -> Array<Point> {
    let mut points = array![p];
    let mut next = p;
    for _ in 1..n {
        next = add_points(next, g);
        points.append(next);
    }
    points
}

/// Inverses of the y coordinates of a coset's half, then of the x coordinates level by level.
fn circle_twiddles(p: Point) -> Array<M31> {
    let q = points(p, generator(28), 8);
    let (x0, x1) = (*q[0].x, *q[1].x);
    let (d0, d1) = (double_x(x0), double_x(x1));
    m31::batch_inverse(
        array![
            *q[0].y, *q[4].y, *q[2].y, *q[6].y, *q[1].y, *q[5].y, *q[3].y, *q[7].y, x0, *q[2].x, x1,
            *q[3].x, d0, d1, double_x(d0),
        ]
            .span(),
    )
}

/// Inverses of the x coordinates of a coset's half, level by level.
fn line_twiddles(p: Point) -> Array<M31> {
    let q = points(p, generator(27), 8);
    let (x0, x1, x2, x3) = (*q[0].x, *q[1].x, *q[2].x, *q[3].x);
    let (d0, d1) = (double_x(x0), double_x(x1));
    let (e0, e1) = (double_x(d0), double_x(d1));
    m31::batch_inverse(
        array![
            x0, *q[4].x, x2, *q[6].x, x1, *q[5].x, x3, *q[7].x, d0, double_x(x2), d1, double_x(x3),
            e0, e1, double_x(e0),
        ]
            .span(),
    )
}
