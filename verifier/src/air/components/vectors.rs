//! A table of vectors, one for each position, in parts: rotary angles, or learned positions. Of embeddings, where the head has another
//! matrix, it has one for each token: what stands here about positions is true of tokens then.
//!
//! Row: constants `on`, part, position, and the part's numbers `v_0 … v_(w−1)`; multiplicity `m`. `−on · m · (relation, part, position, v_0
//! … v_(w−1))`. Without `on` a row of padding would yield a vector of zeros for part 0 and position 0.
//!
//! Each part and position is there once. A position that the table does not have has no tuple, so no use of it can be balanced: a chunk
//! with such a lane has no proof. So a table of positions has those of the lanes that nobody asked for too, `L − 1` beyond the context.
//!
//! Cells of a row: 1 and 4.

use stwo::core::fields::m31::M31;

use crate::air::row::Row;

/// The constraints of a row, which yields a tuple of a relation.
pub fn evaluate<R: Row>(relation: M31, width: usize, row: &mut R) {
    let on = row.constant("on");
    let part = row.constant("part");
    let position = row.constant("position");
    let vector = row.constants("vector", width);
    let multiplicity = row.value();
    let tuple = tuple::<R>(relation, part, position, &vector);
    row.yields(on * multiplicity, &tuple);
}

/// Uses a part of a position's vector.
#[track_caller]
pub fn uses<R: Row>(
    relation: M31,
    on: R::F,
    [part, position]: [R::F; 2],
    vector: &[R::F],
    row: &mut R,
) {
    row.uses(on, &tuple::<R>(relation, part, position, vector));
}

fn tuple<R: Row>(relation: M31, part: R::F, position: R::F, vector: &[R::F]) -> Vec<R::F> {
    let mut tuple = vec![R::F::from(relation), part, position];
    tuple.extend_from_slice(vector);
    tuple
}
