//! The positions of the lanes: one row of the memory, `P, P + 1, …, P + L − 1`.
//!
//! Row: the only one of its operation. Constants: its [`place`](super::place) (two operands: the chunk's first position `P`, and the
//! address `b` of the row of the memory). There is no column for the positions.
//!
//! `+T(b, P, P + 1, …, P + L − 1)`. An operand is below `2^27`, so no position passes `p`, and all lanes are bound at once, whichever the
//! program reads.
//!
//! Cells of a row: 2 and 8.

use stwo::core::fields::m31::M31;

use super::place::place;
use super::tensor;
use crate::air::row::Row;

/// Where the row of positions stands in the view that has the tokens.
pub const IN_VIEW: usize = 3;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, row: &mut R) {
    let place = place(2, row);
    let [first, address] = [0, 1].map(|i| place.operands[i].clone());
    let positions = (0..lanes).map(|lane| first.clone() + R::F::from(M31::from(lane as u32)));
    let positions: Vec<R::F> = positions.collect();
    tensor::uses(place.on, address, &positions, row);
}
