//! Value mix: the softmax-weighted mean of the carried values, divided once per channel.

use crate::kv::LayerCache;
use crate::linear::dot;

/// `o[d] = floor(scale · Σ_t e[t]·v[t][d] / Σ_t e[t] + 1/2)` for each head's weights `e`, with
/// `scale = 2^shift`; `offset = 128 · scale` keeps the dividend non-negative.
///
/// The divisor is at least 2^31: the largest weight of a head is exactly 2^30.
pub fn mix(
    mut weights: Array<Span<felt252>>,
    cache: @LayerCache,
    group: u32,
    scale: felt252,
    offset: felt252,
) -> Span<felt252> {
    let mut out = array![];
    for head in cache.span() {
        for _ in 0..group {
            let weights = weights.pop_front().unwrap();
            let mut total = 0;
            for weight in weights {
                total += *weight;
            }
            let divisor: u128 = (2 * total).try_into().unwrap();
            let divisor: NonZero<u128> = divisor.try_into().unwrap();
            let bias = total * (1 + 2 * offset);
            for channel in head.values.span() {
                let mut channel = channel.span();
                let sum = dot(ref channel, weights);
                let dividend: u128 = (2 * scale * sum + bias).try_into().unwrap();
                let (quotient, _) = DivRem::div_rem(dividend, divisor);
                out.append(quotient.into() - offset);
            }
        }
    }
    out.span()
}
