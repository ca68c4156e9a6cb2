//! Attention of a layer: mixtures of the values of all positions so far.

use core::num::traits::Pow;
use crate::matrix::{Table, TableTrait};
use crate::rounding::{ShiftTrait, check_bits, shift, signed};

/// Fractional bits of a probability.
const PROBABILITY_BITS: u32 = 13;

/// Constants of a layer's attention.
#[derive(Copy, Drop)]
pub struct Attention {
    pub heads: u32,
    /// Query head `h` reads the keys and values of head `floor(h / (heads / kv_heads))`.
    pub kv_heads: u32,
    pub head_dim: u32,
    /// Bits of a score that a distance drops.
    pub score_shift: u32,
    /// Weights of distances from 0 on; the weight beyond them is 0.
    pub weights: Table,
    /// Bits that the mixture of values drops.
    pub mix_shift: u32,
    /// Bits of a mixture: more end the run.
    pub mix_bits: u32,
}

/// The mixtures of all query heads. `keys` and `values` have a vector for each position, the step's own last.
pub fn attention(
    queries: Span<i64>, keys: Span<Span<i64>>, values: Span<Span<i64>>, constants: Attention,
) -> Span<i64> {
    let group = constants.heads / constants.kv_heads;
    let mut mixed = array![];
    for head in 0..constants.heads {
        let query = queries.slice(head * constants.head_dim, constants.head_dim);
        let first = head / group * constants.head_dim;
        let scores = scores(query, parts(keys, first, constants.head_dim));
        let probabilities = probabilities(weights(scores, constants));
        let values = parts(values, first, constants.head_dim);
        mix(probabilities, values, constants.mix_shift, ref mixed);
    }
    check_bits(mixed.span(), constants.mix_bits);
    mixed.span()
}

/// The key or the value of this step behind those of the positions before: each is a part of a carried record.
pub fn with_own(carried: Span<Span<i64>>, first: u32, own: Span<i64>) -> Span<Span<i64>> {
    let mut all = array![];
    for record in carried {
        all.append((*record).slice(first, own.len()));
    }
    all.append(own);
    all.span()
}

/// The same channels of each vector.
fn parts(vectors: Span<Span<i64>>, first: u32, channels: u32) -> Span<Span<i64>> {
    let mut parts = array![];
    for vector in vectors {
        parts.append((*vector).slice(first, channels));
    }
    parts.span()
}

/// `S[t] = Σ_d q[d] k[t][d]`.
fn scores(query: Span<i64>, keys: Span<Span<i64>>) -> Span<i64> {
    let mut scores = array![];
    for key in keys {
        let mut key = *key;
        let mut sum: felt252 = 0;
        for q in query {
            sum += (*q).into() * (*key.pop_front().unwrap()).into();
        }
        scores.append(signed(sum));
    }
    scores.span()
}

/// `w[floor((max S − S[t]) / 2^score_shift)]`, 0 beyond the table.
fn weights(scores: Span<i64>, constants: Attention) -> Span<u64> {
    let mut largest = *scores.at(0);
    for score in scores {
        if *score > largest {
            largest = *score;
        }
    }
    let by = shift(constants.score_shift);
    let mut weights = array![];
    for score in scores {
        let distance = by.floor(largest.into() - (*score).into());
        let weight: u64 = match constants.weights.get(distance) {
            Some(weight) => weight.try_into().unwrap(),
            None => 0,
        };
        weights.append(weight);
    }
    weights.span()
}

/// `round(w[t] · m / 2^n)` with `2^(n−1) < D ≤ 2^n` and `m = floor(2^(n+13) / D)`, for `D = Σ w`.
fn probabilities(weights: Span<u64>) -> Span<i64> {
    let mut total: u64 = 0;
    for weight in weights {
        total += *weight;
    }
    let mut n = 0;
    let mut power = 1;
    while power < total {
        n += 1;
        power *= 2;
    }
    let m: felt252 = (power * 2_u64.pow(PROBABILITY_BITS) / total).into();
    let by = shift(n);
    let mut probabilities = array![];
    for weight in weights {
        probabilities.append(by.round((*weight).into() * m));
    }
    probabilities.span()
}

/// `round(Σ_t p[t] v[t][d] / 2^mix_shift)`.
fn mix(
    mut probabilities: Span<i64>, values: Span<Span<i64>>, mix_shift: u32, ref mixed: Array<i64>,
) {
    let mut sums: Span<felt252> = array![].span();
    for value in values {
        let p: felt252 = (*probabilities.pop_front().unwrap()).into();
        let mut next = array![];
        for v in *value {
            // Nothing is added to the first one's.
            let sum = match sums.pop_front() {
                Some(sum) => *sum,
                None => 0,
            };
            next.append(sum + p * (*v).into());
        }
        sums = next.span();
    }
    let by = shift(mix_shift);
    for sum in sums {
        mixed.append(by.round(*sum));
    }
}
