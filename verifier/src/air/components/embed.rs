//! The embeddings of the lanes' tokens, with or without learned positions: `x = 2^s e + p`.
//!
//! Row: a lane `t` and a [part](super::head::part) of `w` channels. Constants: its [`place`](super::place) (two operands: the address of
//! the tokens, whose view by lanes has the token first and the positions too, and the address `b` of the first channel), `lane`, `part`.
//! Values: the view's 8 numbers; the part `e_0 … e_(w−1)` of the token's embedding; with learned positions the part `p_0 … p_(w−1)` of the
//! position's vector, otherwise `p = 0`. The shift `s`, and whether there are positions, are parameters of the component.
//!
//! `+X(tokens, t, …)`, `+(E, part, token, e)`, with positions `+(P, part, position, p)`, and `+X(b + w part + 8 c, t, x_8c … x_(8c+7))` for
//! each eight channels. `x` is no column.
//!
//! Cells of a row: `w + 10`, and `4 ⌈(4 + w / 8) / 2⌉`; with positions `2 w + 10`, and `4 ⌈(5 + w / 8) / 2⌉`.

use stwo::core::fields::m31::M31;

use super::head::uses_embedding;
use super::lanes::{self, CHANNELS};
use super::place::place;
use super::positions::IN_VIEW;
use super::relations::POSITIONS;
use super::vectors;
use crate::air::row::Row;

/// Largest shift.
pub const MAX_SHIFT: u32 = 24;

/// The constraints of a row. `width` is the number of a part's channels, a multiple of 8.
pub fn evaluate<R: Row>(width: usize, shift: u32, positions: bool, row: &mut R) {
    let place = place(2, row);
    let [lane, part] = ["lane", "part"].map(|name| row.constant(name));
    let view = row.values(CHANNELS);
    let embedding = row.values(width);
    let [tokens, channels] = [0, 1].map(|i| place.operands[i].clone());
    lanes::uses(place.on.clone(), tokens, lane.clone(), &view, row);
    let key = [part.clone(), view[0].clone()];
    uses_embedding(place.on.clone(), key, &embedding, row);

    let scale = M31::from(1 << shift);
    let mut sums: Vec<R::F> = embedding.into_iter().map(|e| e * scale).collect();
    if positions {
        let vector = row.values(width);
        let key = [part.clone(), view[IN_VIEW].clone()];
        vectors::uses(POSITIONS, place.on.clone(), key, &vector, row);
        let both = sums.into_iter().zip(vector);
        sums = both.map(|(sum, own)| sum + own).collect();
    }
    let first = channels + part * M31::from(width as u32);
    for (block, values) in sums.chunks(CHANNELS).enumerate() {
        let address = first.clone() + R::F::from(M31::from((CHANNELS * block) as u32));
        lanes::uses(place.on.clone(), address, lane.clone(), values, row);
    }
}
