//! FRI with folds by 16: every layer opens whole cosets of 16 points, and folds each to one value.
//!
//! Four values make a leaf. A layer's tree has, from the cosets' subtrees on, the nodes of the trees of
//! columns at the same height, so the same siblings are known ([`crate::merkle::paths`]).

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::blake::Digest;
use crate::calldata;
use crate::circle::{Point, point_at};
use crate::fields::m31;
use crate::fields::qm31::QM31;
use crate::merkle::{self, Sibling};

mod coset;
mod fold;

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
    /// Values that are not known from the layer before, packed, and their number.
    pub values: Span<felt252>,
    pub n_values: u32,
    pub witness: Span<felt252>,
}

/// Checks that `evals` at `positions` (ascending, distinct, in bit-reversed order of the first layer's
/// circle domain of 2^log_size points) fold to the constant `last`. `paths` are those of the positions.
pub fn verify(
    layers: Span<Layer>,
    log_size: u32,
    paths: Span<Span<Sibling>>,
    positions: Span<u32>,
    evals: Array<QM31>,
    last: QM31,
) {
    let mut log_size = log_size;
    let mut paths = paths;
    let mut positions = positions;
    let mut evals = evals;
    let mut on_circle = true;
    for layer in layers {
        paths = paths.slice(LOG_COSET, paths.len() - LOG_COSET);
        let opened = open(layer, positions, evals.span());
        check_root(layer, opened.values.span(), opened.cosets.len(), paths);
        evals = fold_cosets(opened.values.span(), opened.cosets.span(), *layer.alpha, log_size, on_circle);
        positions = opened.cosets.span();
        log_size -= LOG_COSET;
        on_circle = false;
    }
    for eval in evals {
        assert(eval == last, errors::LAST);
    }
}

/// The cosets that the positions are in.
#[derive(Drop)]
struct Opened {
    /// Their indices.
    cosets: Array<u32>,
    /// Their values' words.
    values: Array<u32>,
}

/// Completes the values at `positions` by the layer's to those of whole cosets.
fn open(layer: @Layer, positions: Span<u32>, evals: Span<QM31>) -> Opened {
    let mut felts = *layer.values;
    let mut unknown = array![];
    calldata::padded_words(ref felts, *layer.n_values * 4, ref unknown);
    let mut unknown = unknown.span().slice(0, *layer.n_values * 4);
    let mut evals = evals;
    let mut positions = positions;
    let mut values = array![];
    let mut cosets = array![];
    // One more than the highest index: no position.
    let mut next = *positions.pop_front().unwrap();
    let mut more = true;
    while more {
        let (coset, place) = DivRem::div_rem(next, 16);
        cosets.append(coset);
        let mut place = place;
        let mut i = 0;
        while i != 16 {
            if i == place {
                let value = *evals.pop_front().unwrap();
                values.append(upcast(value.a));
                values.append(upcast(value.b));
                values.append(upcast(value.c));
                values.append(upcast(value.d));
                match positions.pop_front() {
                    Some(position) => {
                        next = *position;
                        let (its_coset, its_place) = DivRem::div_rem(next, 16);
                        place = if its_coset == coset {
                            its_place
                        } else {
                            16
                        };
                    },
                    None => {
                        more = false;
                        place = 16;
                    },
                }
            } else {
                let four = unknown.multi_pop_front::<4>().expect(calldata::errors::SHORT);
                let [a, b, c, d] = (*four).unbox();
                values.append(a);
                values.append(b);
                values.append(c);
                values.append(d);
            }
            i += 1;
        }
    }
    assert(unknown.is_empty(), calldata::errors::UNUSED);
    Opened { cosets, values }
}

/// Checks that the values of the cosets are in the tree. `paths` are those of the cosets' subtrees.
fn check_root(layer: @Layer, values: Span<u32>, n_cosets: u32, paths: Span<Span<Sibling>>) {
    let mut known = array![];
    for _ in 0..4 * n_cosets {
        known.append(Sibling::Known);
    }
    let known = known.span();
    let mut whole = array![known, known.slice(0, 2 * n_cosets)];
    whole.append_span(paths);
    let mut witness = *layer.witness;
    let root = merkle::root(values, whole.span(), ref witness);
    assert(witness.is_empty(), calldata::errors::UNUSED);
    assert(root == *layer.commitment, errors::COMMITMENT);
}

/// Folds every coset's values to one.
fn fold_cosets(
    values: Span<u32>, cosets: Span<u32>, alpha: QM31, log_size: u32, on_circle: bool,
) -> Array<QM31> {
    let mut points: Array<Point> = array![];
    let mut norms = array![];
    for coset in cosets {
        if on_circle {
            let point = point_at(log_size - 1, *coset * 8);
            norms.append(coset::circle_norm(point));
            points.append(point);
        } else {
            let point = point_at(log_size, *coset * 16);
            norms.append(coset::line_norm(point));
            points.append(point);
        }
    }
    let mut inverses = m31::batch_inverse(norms.span()).span();
    let first = fold::factors(alpha);
    let last = fold::factors(fold::fourth_power(alpha));
    let mut values = values;
    let mut folded = array![];
    for point in points {
        let inverse = *inverses.pop_front().unwrap();
        let twiddles = if on_circle {
            coset::circle_twiddles(point, inverse)
        } else {
            coset::line_twiddles(point, inverse)
        };
        let [(t0, t1, t2), (t3, t4, t5), (t6, t7, t8), (t9, t10, t11)] = twiddles.quarters;
        let p = fold::fold_four(next(ref values), t0, t1, t2, first);
        let q = fold::fold_four(next(ref values), t3, t4, t5, first);
        let r = fold::fold_four(next(ref values), t6, t7, t8, first);
        let s = fold::fold_four(next(ref values), t9, t10, t11, first);
        let (t0, t1, t2) = twiddles.last;
        folded.append(fold::fold_four(fold::words_of(p, q, r, s), t0, t1, t2, last));
    }
    folded
}

#[inline(always)]
fn next(ref values: Span<u32>) -> Box<[u32; 16]> {
    *values.multi_pop_front::<16>().unwrap()
}
