//! Attention scores: each query head against every carried key of its group.

use crate::kv::LayerCache;
use crate::linear::dot;

/// One span of scores per query head, position after position.
///
/// Query heads are taken in order, `group` of them per key/value head.
pub fn scores(mut q: Span<felt252>, cache: @LayerCache, group: u32) -> Array<Span<felt252>> {
    let mut out = array![];
    for head in cache.span() {
        let head_dim = head.values.len();
        for _ in 0..group {
            let query = q.slice(0, head_dim);
            q = q.slice(head_dim, q.len() - head_dim);
            let mut keys = head.keys.span();
            let mut row = array![];
            while !keys.is_empty() {
                row.append(dot(ref keys, query));
            }
            out.append(row.span());
        }
    }
    out
}
