//! Attention scores: each query head against every carried key of its group.

use crate::kv::{LayerCache, take};
use crate::linear::{Lanes, append_linear};

/// One span of scores per query head, position after position. The keys are in lanes `L`, whose
/// accumulators the scores are: the generator proves `|score| < 2^(lane − 1)`.
///
/// Query heads are taken in order, `group` of them per key/value head.
#[inline(never)]
pub fn scores<impl L: Lanes>(
    mut q: Span<felt252>, cache: @LayerCache, group: u32,
) -> Array<Span<felt252>> {
    let mut out = array![];
    for head in cache.heads.span() {
        for _ in 0..group {
            let query = take(ref q, *cache.head_dim);
            let mut row = array![];
            append_linear::<L>(head.keys.span(), query, ref row);
            append_linear::<L>(*head.open, query, ref row);
            out.append(row.span().slice(0, *cache.positions));
        }
    }
    out
}
