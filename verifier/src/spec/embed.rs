//! Embedding: a row of the int8 table, at the residual stream's scale.

/// `row[i] · 2^shift` for the token's row of the embedding table.
pub fn embed(row: &[i8], shift: u32) -> Vec<i64> {
    row.iter().map(|&w| (w as i64) << shift).collect()
}
