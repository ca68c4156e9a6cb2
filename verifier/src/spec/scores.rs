//! Attention scores: each query head against every carried key of its group.

/// `s[h][t] = Σ_d q[h][d] · k[t][g(h)][d]`, flattened head-major.
///
/// - `q`: heads × head_dim; `keys`: one row of kv_heads × head_dim per position, the newest last.
/// - Query head `h` reads key head `h / (heads / kv_heads)` (grouped-query attention).
pub fn scores(q: &[i64], keys: &[Vec<i8>], heads: usize, head_dim: usize) -> Vec<i64> {
    let group = heads * head_dim / keys[0].len();
    let mut out = Vec::with_capacity(heads * keys.len());
    for (h, q) in q.chunks_exact(head_dim).enumerate() {
        let start = h / group * head_dim;
        for key in keys {
            let key = &key[start..start + head_dim];
            out.push(q.iter().zip(key).map(|(&q, &k)| q * k as i64).sum());
        }
    }
    out
}
