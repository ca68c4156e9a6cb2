//! Weighted mean of the carried values, one division per channel.

use crate::kv::{Cache, LayerCache};
use crate::linear::{Lanes60, products};
use crate::requantize::append_scaled;

/// `o[d] = floor(scale · Σ_t e[t]·v[t][d] / Σ_t e[t] + 1/2)` for each head's weights `e`, with
/// `scale = 2^shift`; `offset = 128 · scale` keeps the dividend non-negative.
///
/// The divisor is at least 2^31: the largest weight of a head is exactly 2^30. The generator proves
/// that the sums fit the 60-bit lanes of the values.
#[inline(never)]
pub fn mix(
    mut weights: Array<Span<felt252>>,
    cache: @LayerCache,
    group: felt252,
    scale: felt252,
    offset: felt252,
) -> Span<felt252> {
    let Cache { heads, head_dim, .. } = cache.as_snapshot().unbox();
    let mut out = array![];
    for head in heads.span() {
        let mut left = group;
        while left != 0 {
            left -= 1;
            let mut weights = weights.pop_front().unwrap();
            let mut packed = array![];
            for channels in head.values.span() {
                products(channels.span(), weights, Lanes60::BIAS, ref packed);
            }
            let mut sums = array![];
            Lanes60::split(packed.span(), ref sums);
            let mut total = 0;
            while let Some(weight) = weights.pop_front() {
                total += *weight;
            }
            append_scaled(
                sums.span().slice(0, *head_dim),
                2 * scale,
                total * (1 + 2 * offset),
                offset,
                2 * total,
                ref out,
            );
        }
    }
    out.span()
}
