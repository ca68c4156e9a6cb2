//! Which keys of a block the lanes see: tensor rows of constants.
//!
//! Row: a key. Constants: the row's [`place`](super::place) (one operand, the address `b` of the first mask), and for each lane 0 or 1.
//! `+T(b + i, c)` for the row's number `i` in the operation.
//!
//! The operation has `3 L` rows: `L` causal ones (key `u` is seen by the lanes from `u` on), `L` of ones, `L` of zeros. A block whose first `K`
//! keys are there has the masks from the
//! row `L − K` of ones on.
//!
//! Cells of a row: 1 and 8.

use super::place::place;
use super::tensor;
use crate::air::row::Row;

/// The constraints of a row.
pub fn evaluate<R: Row>(lanes: usize, row: &mut R) {
    let place = place(1, row);
    let mask = row.constants("mask", lanes);
    let address = place.operands[0].clone() + place.index;
    tensor::uses(place.on, address, &mask, row);
}
