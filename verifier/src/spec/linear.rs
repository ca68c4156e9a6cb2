//! Linear layer: int8 weights times integer activations, exact accumulators.

/// Exclusive bound on a sum of products, of a matrix or of keys: the program keeps it in a lane of at most 60 bits.
pub const MAX_SUM: i64 = 1 << 59;

/// `y[i] = Σ_j w[i·cols + j] · x[j]`; `w` is row-major `rows × cols`, `cols = x.len()`.
pub fn linear(w: &[i8], x: &[i64]) -> Vec<i64> {
    w.chunks_exact(x.len())
        .map(|row| row.iter().zip(x).map(|(&w, &x)| w as i64 * x).sum())
        .collect()
}
