//! The embeddings of the lanes' tokens.
//!
//! Row: a lane `t`. Constants: its [`place`](super::place) (two operands: the address of the tokens, whose view by lanes has the token first, and the
//! address `b` of the embedding's first channel), its number in the operation is the lane. Values: the view's 8 numbers, of which the first is
//! the token; the token's embedding `e_0 … e_(d−1)`.
//!
//! `+X(tokens, t, …)`, `+(E, part, token, e of the part)`, and `+X(b + 8 c, t, e_8c … e_(8c+7))` for each eight channels.
//!
//! Cells of a row: `d + 10`, and `4 ⌈(3 + d / 8 + parts) / 2⌉`.

use stwo::core::fields::m31::M31;

use super::head::uses_embedding;
use super::lanes::{self, CHANNELS};
use super::place::place;
use crate::air::row::Row;

/// The constraints of a row. `width` is a multiple of 8.
pub fn evaluate<R: Row>(width: usize, row: &mut R) {
    let place = place(2, row);
    let view = row.values(CHANNELS);
    let embedding = row.values(width);
    let [tokens, channels] = [0, 1].map(|i| place.operands[i].clone());
    lanes::uses(place.on.clone(), tokens, place.index.clone(), &view, row);
    uses_embedding(place.on.clone(), view[0].clone(), &embedding, row);
    for (block, values) in embedding.chunks(CHANNELS).enumerate() {
        let address = channels.clone() + R::F::from(M31::from((CHANNELS * block) as u32));
        lanes::uses(place.on.clone(), address, place.index.clone(), values, row);
    }
}
