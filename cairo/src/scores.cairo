//! Attention scores: each query head against every carried key of its group.

use crate::kv::{Cache, LayerCache, take};
use crate::linear::{Lanes, products};

/// One span of scores per query head, position after position. The keys are in lanes `L`, whose
/// accumulators the scores are: the generator proves `|score| < 2^(lane − 1)`.
///
/// Query heads are taken in order, `group` of them per key/value head.
#[inline(never)]
pub fn scores<impl L: Lanes>(
    mut q: Span<felt252>, cache: @LayerCache, group: felt252,
) -> Array<Span<felt252>> {
    let Cache { heads, head_dim, positions, .. } = cache.as_snapshot().unbox();
    let mut out = array![];
    for head in heads.span() {
        let mut left = group;
        while left != 0 {
            left -= 1;
            let query = take(ref q, *head_dim);
            let mut packed = array![];
            if !head.keys.is_empty() {
                products(head.keys.span(), query, L::BIAS, ref packed);
            }
            if !head.open.is_empty() {
                products(*head.open, query, L::BIAS, ref packed);
            }
            let mut row = array![];
            L::split(packed.span(), ref row);
            out.append(row.span().slice(0, *positions));
        }
    }
    out
}
