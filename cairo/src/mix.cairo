//! Weighted mean of the carried values, one division per channel.

#[feature("bounded-int-utils")]
use core::internal::bounded_int::{BoundedInt, is_zero};
use core::zeroable::IsZeroResult;
use crate::kv::LayerCache;
use crate::linear::{Lanes60, append_linear};
use crate::shift::{Divisor, split};

/// `o[d] = floor(scale · Σ_t e[t]·v[t][d] / Σ_t e[t] + 1/2)` for each head's weights `e`, with
/// `scale = 2^shift`; `offset = 128 · scale` keeps the dividend non-negative.
///
/// The divisor is at least 2^31: the largest weight of a head is exactly 2^30. The generator proves
/// that the sums fit the 60-bit lanes of the values.
#[inline(never)]
pub fn mix(
    mut weights: Array<Span<felt252>>,
    cache: @LayerCache,
    group: u32,
    scale: felt252,
    offset: felt252,
) -> Span<felt252> {
    let mut out = array![];
    for head in cache.heads.span() {
        for _ in 0..group {
            let weights = weights.pop_front().unwrap();
            let mut sums = array![];
            for channels in head.values.span() {
                append_linear::<Lanes60>(channels.span(), weights, ref sums);
            }
            let mut total = 0;
            for weight in weights {
                total += *weight;
            }
            divide(
                sums.span().slice(0, *cache.head_dim),
                2 * scale,
                2 * total,
                total * (1 + 2 * offset),
                offset,
                ref out,
            );
        }
    }
    out.span()
}

/// Appends `floor((scale · sum + bias) / divisor) − offset` of every sum.
#[inline(never)]
fn divide(
    sums: Span<felt252>,
    scale: felt252,
    divisor: felt252,
    bias: felt252,
    offset: felt252,
    ref out: Array<felt252>,
) {
    let divisor: BoundedInt<1, 0x1000000000000000000000000000000> = divisor.try_into().unwrap();
    let divisor: Divisor = match is_zero(divisor) {
        IsZeroResult::Zero => panic!("no weights"),
        IsZeroResult::NonZero(divisor) => divisor,
    };
    for sum in sums {
        let (quotient, _) = split((scale * *sum + bias).try_into().unwrap(), divisor);
        out.append(quotient.into() - offset);
    }
}
