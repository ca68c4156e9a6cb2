//! Value mix: the softmax-weighted mean of the carried values, divided once per channel.

/// `o[h][d] = floor(2^shift · Σ_t e[h][t]·v[t][g(h)][d] / Σ_t e[h][t] + 1/2)`, head-major.
///
/// - `weights`: heads × positions, as `softmax` returns them; `values`: one row of kv_heads ×
///   head_dim per position. The sum of the weights of a head is at least `2^30`, never zero.
pub fn mix(
    weights: &[i64],
    values: &[Vec<i8>],
    heads: usize,
    head_dim: usize,
    shift: u32,
) -> Vec<i64> {
    let group = heads * head_dim / values[0].len();
    let mut out = Vec::with_capacity(heads * head_dim);
    for (h, e) in weights.chunks_exact(values.len()).enumerate() {
        let start = h / group * head_dim;
        let total: i128 = e.iter().map(|&e| e as i128).sum();
        for d in start..start + head_dim {
            let sum: i128 = e
                .iter()
                .zip(values)
                .map(|(&e, v)| e as i128 * v[d] as i128)
                .sum();
            out.push((((sum << (shift + 1)) + total).div_euclid(2 * total)) as i64);
        }
    }
    out
}
