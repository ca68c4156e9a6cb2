//! Linear layer: int8 weights times integer activations, exact accumulators.

/// `y[i] = Σ_j w[i·cols + j] · x[j]`; `w` is row-major `rows × cols`, `cols = x.len()`.
pub fn linear(w: &[i8], x: &[i64]) -> Vec<i64> {
    w.chunks_exact(x.len())
        .map(|row| row.iter().zip(x).map(|(&w, &x)| w as i64 * x).sum())
        .collect()
}
