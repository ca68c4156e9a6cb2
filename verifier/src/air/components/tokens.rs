//! The chains of tokens ([`spec::token_chain`](crate::spec::token_chain)): of those that came in, and of the listed choices.
//!
//! Row: a lane `t`. Constants: its [`place`](super::place) (two operands: the address `a` of the tokens, whose view by lanes has the given token
//! first and the listed choice behind it; and the address `b` of four digests: both chains before the chunk in lane 0, then both chains
//! behind each lane), `from` and `lane`: 0 and 0 in the first row, 16 and `t − 1` in the others. Values: the view's 8 numbers; of each
//! chain `c` the digest `d_c` before the lane and `d'_c` behind it.
//!
//! ```text
//! +on (X, a, t, view)
//! +on (X, b + from + 8 c, lane, d_c)     +on (P, d_c, (view_c, MARK, 0 …), d'_c)     +on (X, b + 16 + 8 c, t, d'_c)
//! ```
//!
//! The digest before a lane is that of the lane before, as it is in the memory: there is no other chain of the rows.
//!
//! Cells of a row: 42, and 20.

use stwo::core::fields::m31::M31;

use super::compress;
use super::lanes::{self, CHANNELS};
use super::place::place;
use crate::air::row::Row;
use crate::spec::poseidon2::DIGEST;
use crate::spec::token_chain;

/// Chains.
pub const CHAINS: usize = 2;

/// The constraints of a row.
pub fn evaluate<R: Row>(row: &mut R) {
    let place = place(2, row);
    let [from, lane] = ["from", "lane"].map(|name| row.constant(name));
    let view = row.values(CHANNELS);
    let [tokens, digests] = [0, 1].map(|i| place.operands[i].clone());
    let number = |number: usize| R::F::from(M31::from(number as u32));
    lanes::uses(place.on.clone(), tokens, place.index.clone(), &view, row);
    for (chain, token) in view.into_iter().take(CHAINS).enumerate() {
        let [before, behind] = [0; 2].map(|_| row.values(DIGEST));
        let own = digests.clone() + number(DIGEST * chain);
        lanes::uses(
            place.on.clone(),
            own.clone() + from.clone(),
            lane.clone(),
            &before,
            row,
        );
        let mut block = token_chain::block(0).map(|element| R::F::from(M31::from(element)));
        block[0] = token;
        compress::uses(place.on.clone(), &before, &block, &behind, row);
        let to = own + number(DIGEST * CHAINS);
        lanes::uses(place.on.clone(), to, place.index.clone(), &behind, row);
    }
}
