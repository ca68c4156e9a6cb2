//! FRI with folds by 16: every layer opens whole cosets of 16 points, and folds each to one value.
//!
//! Four values make a leaf. A layer's tree has, from the cosets' subtrees on, the nodes of the trees of
//! columns at the same height, so the same siblings are known ([`crate::merkle::paths`]).

#[feature("bounded-int-utils")]
use core::internal::bounded_int::upcast;
use crate::blake::{self, Digest, State};
use crate::calldata;
use crate::circle::{Point, without_lowest};
use crate::fields::m31::{self, M31, Modulus};
use crate::fields::qm31::QM31;
use crate::merkle::{self, Sibling};

mod coset;
mod fold;
use coset::Coset;

pub mod errors {
    pub const COMMITMENT: felt252 = 'fri: wrong root';
    pub const LAST: felt252 = 'fri: wrong last layer';
}

/// Points of a coset, as a power of two.
const LOG_COSET: u32 = 4;
const COSET: NonZero<u32> = 16;

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
/// circle domain) fold to the constant `last`. `points` are the domain's points at the positions, without
/// the sign of y, and `paths` the siblings of the positions.
pub fn verify(
    layers: Span<Layer>,
    paths: Span<Span<Sibling>>,
    positions: Span<u32>,
    points: Span<Point>,
    evals: Array<QM31>,
    last: QM31,
) {
    let mut paths = paths;
    let mut positions = positions;
    let mut points = points;
    let mut evals = evals;
    let mut on_circle = true;
    for layer in layers {
        paths = paths.slice(LOG_COSET, paths.len() - LOG_COSET);
        let opened = open(layer, positions, evals.span());
        let values = opened.values.span();
        check_root(layer, values, paths);
        let cosets = cosets(positions, points, on_circle);
        evals = fold_cosets(values, @cosets, *layer.alpha, on_circle);
        positions = opened.indices.span();
        points = cosets.next.span();
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
    indices: Array<u32>,
    /// Their values' words.
    values: Array<u32>,
}

/// Values in packed form, two to a felt.
#[derive(Drop)]
struct Packed {
    felts: Span<felt252>,
    /// The upper half of the felt that was read last, if it was not taken.
    half: Option<[u32; 4]>,
}

/// Takes `n` values and appends their words.
fn take(ref packed: Packed, n: u32, ref values: Array<u32>) {
    if n == 0 {
        return;
    }
    let mut n = n;
    if let Some(half) = packed.half {
        let [a, b, c, d] = half;
        values.append(a);
        values.append(b);
        values.append(c);
        values.append(d);
        n -= 1;
    }
    let (pairs, odd) = DivRem::div_rem(n, 2);
    let mut felts = packed.felts;
    let mut pairs: felt252 = pairs.into();
    while pairs != 0 {
        calldata::append_limbs(ref felts, ref values);
        pairs -= 1;
    }
    packed = if odd == 1 {
        let [a, b, c, d, e, f, g, h] = calldata::digest(ref felts);
        values.append(a);
        values.append(b);
        values.append(c);
        values.append(d);
        Packed { felts, half: Some([e, f, g, h]) }
    } else {
        Packed { felts, half: None }
    };
}

/// Completes the values at `positions` by the layer's to those of whole cosets.
fn open(layer: @Layer, positions: Span<u32>, evals: Span<QM31>) -> Opened {
    let n_positions = positions.len();
    let mut packed = Packed { felts: *layer.values, half: None };
    let mut evals = evals;
    let mut positions = positions;
    let mut values = array![];
    let mut indices = array![];
    let mut position = positions.pop_front();
    while let Some(first) = position {
        let (index, place) = DivRem::div_rem(*first, COSET);
        indices.append(index);
        let mut place = place;
        let mut done = 0;
        position = loop {
            take(ref packed, place - done, ref values);
            let value = *evals.pop_front().unwrap();
            values.append(upcast(value.a));
            values.append(upcast(value.b));
            values.append(upcast(value.c));
            values.append(upcast(value.d));
            done = place + 1;
            match positions.pop_front() {
                Some(next) => {
                    let (its_index, its_place) = DivRem::div_rem(*next, COSET);
                    if its_index != index {
                        break Some(next);
                    }
                    place = its_place;
                },
                None => { break None; },
            }
        };
        take(ref packed, 16 - done, ref values);
    }
    assert(*layer.n_values == 16 * indices.len() - n_positions, calldata::errors::UNUSED);
    if let Some(half) = packed.half {
        assert(half == [0; 4], calldata::errors::PADDING);
    }
    Opened { indices, values }
}

/// Checks that the values of the cosets are in the tree. `paths` are those of the cosets' subtrees.
fn check_root(layer: @Layer, values: Span<u32>, paths: Span<Span<Sibling>>) {
    let mut values = values;
    let mut paths = paths;
    let mut witness = *layer.witness;
    let mut messages = array![];
    let p = m31::modulus();
    for sibling in *paths.pop_front().unwrap() {
        let subtree = subtree(ref values, p);
        merkle::place(subtree, *sibling, p, ref witness, ref messages);
    }
    let root = merkle::root(messages.span(), paths, ref witness);
    assert(witness.is_empty(), calldata::errors::UNUSED);
    assert(root == *layer.commitment, errors::COMMITMENT);
}

/// The hash of a coset's four leaves.
fn subtree(ref values: Span<u32>, p: NonZero<Modulus>) -> State {
    let mut leaves = array![];
    blake::append_digest(blake::hash_full_block(next(ref values)), p, ref leaves);
    blake::append_digest(blake::hash_full_block(next(ref values)), p, ref leaves);
    blake::append_digest(blake::hash_full_block(next(ref values)), p, ref leaves);
    blake::append_digest(blake::hash_full_block(next(ref values)), p, ref leaves);
    let mut leaves = leaves.span();
    let mut pairs = array![];
    blake::append_digest(blake::hash_full_block(next(ref leaves)), p, ref pairs);
    blake::append_digest(blake::hash_full_block(next(ref leaves)), p, ref pairs);
    let mut pairs = pairs.span();
    blake::hash_full_block(next(ref pairs))
}

/// Where the cosets are.
#[derive(Drop)]
struct Cosets {
    cosets: Array<Coset>,
    /// The points at their indices in the next layer's domain, and the y coordinates of these.
    next: Array<Point>,
    ys: Array<M31>,
}

fn cosets(positions: Span<u32>, points: Span<Point>, on_circle: bool) -> Cosets {
    let mut positions = positions;
    let mut cosets = array![];
    let mut next = array![];
    let mut ys = array![];
    let mut last = Option::None;
    for point in points {
        let position = *positions.pop_front().unwrap();
        let (index, place) = DivRem::div_rem(position, COSET);
        if last != Option::Some(index) {
            last = Option::Some(index);
            let (coset, above) = if on_circle {
                coset::circle(without_lowest(*point, place / 2))
            } else {
                coset::line(without_lowest(*point, place))
            };
            cosets.append(coset);
            next.append(above);
            ys.append(above.y);
        }
    }
    Cosets { cosets, next, ys }
}

/// Folds every coset's values to one.
fn fold_cosets(values: Span<u32>, cosets: @Cosets, alpha: QM31, on_circle: bool) -> Array<QM31> {
    let mut inverses = m31::batch_inverse(cosets.ys.span()).span();
    let first = fold::factors(alpha);
    let last = fold::factors(fold::fourth_power(alpha));
    let mut values = values;
    let mut folded = array![];
    for coset in cosets.cosets.span() {
        let inverse = *inverses.pop_front().unwrap();
        let twiddles = if on_circle {
            coset::circle_twiddles(*coset, inverse)
        } else {
            coset::line_twiddles(*coset, inverse)
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

#[cfg(test)]
mod fri_test;
