//! Cosines and sines of the lanes' positions, from a constant [table](super::vectors).
//!
//! Row: eight frequencies and a lane `t`. Constants: its [`place`](super::place) (two operands: the address of the tokens, whose view by
//! lanes has the positions too, and the address `b` of the first result), the lane, the number `i` of the eight frequencies among all of
//! the table, and `output`, their first result. Values: the view's 8 numbers, of which one is the position; `cos_0 … cos_7`, `sin_0 …
//! sin_7`.
//!
//! `+X(tokens, t, …)`, `+(G, i, position, cos, sin)`, `+X(b + output, t, cos)`, `+X(b + output + 8, t, sin)`.
//!
//! Cells of a row: 26 and 12.

use stwo::core::fields::m31::M31;

use super::lanes::{self, CHANNELS};
use super::place::place;
use super::relations::ANGLES;
use super::{positions, vectors};
use crate::air::row::Row;

/// Numbers of a row of the table: cosines of eight frequencies, then their sines.
pub const WIDTH: usize = 2 * CHANNELS;

/// The constraints of a row.
pub fn evaluate<R: Row>(row: &mut R) {
    let place = place(2, row);
    let lane = row.constant("lane");
    let part = row.constant("part");
    let output = row.constant("output");
    let view = row.values(CHANNELS);
    let angles = row.values(WIDTH);

    let [tokens, results] = [0, 1].map(|i| place.operands[i].clone());
    lanes::uses(place.on.clone(), tokens, lane.clone(), &view, row);
    let key = [part, view[positions::IN_VIEW].clone()];
    vectors::uses(ANGLES, place.on.clone(), key, &angles, row);
    for (i, values) in angles.chunks(CHANNELS).enumerate() {
        let own = R::F::from(M31::from((CHANNELS * i) as u32));
        let address = results.clone() + output.clone() + own;
        lanes::uses(place.on.clone(), address, lane.clone(), values, row);
    }
}
