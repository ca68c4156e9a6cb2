//! The roots of the carried positions and of the chunk's own: the constant row that the blocks of [`record`](super::record) hang below.
//!
//! Row: the only one of its operation. Constants: its [`place`](super::place) (two operands: the number `P` of positions that are carried, and the
//! address `b` of the view whose lane 0 has their root). Values: the root `d`. With `n` blocks of a record:
//!
//! ```text
//! +on (X, b, 0, d)     +on R(16, P)
//! −on (Q, 0, root of no positions)   +on (Q, n P, d)       the carried positions' rows between them
//! −on (Q, OWN, d)                                           the own rows begin
//! ```
//!
//! The plan requires `n < 2^15`, so `n P` is below `p`: the row with the number `n P` is the one behind the last block of the position
//! `P − 1`. Where there are no carried positions the two tuples meet, so the root is that of no positions.
//!
//! Cells of a row: 10, and 16.

use stwo::core::fields::m31::{M31, P};

use super::place::place;
use super::record::{self, OWN};
use super::{lanes, range};
use crate::air::row::Row;
use crate::spec::poseidon2::DIGEST;
use crate::spec::record::EMPTY;

/// Operands of the operation's call, without its number.
pub const OPERANDS: usize = 2;

/// Bits of the number of carried positions.
pub const POSITION_BITS: u32 = 16;

/// Most blocks of a record: their number times that of positions is below the modulus.
pub const MOST_BLOCKS: usize = (P >> POSITION_BITS) as usize;

/// The constraints of a row, for records of so many blocks.
pub fn evaluate<R: Row>(blocks: usize, row: &mut R) {
    let place = place(OPERANDS, row);
    let [positions, address] = [0, 1].map(|i| place.operands[i].clone());
    let root = row.values(DIGEST);
    let number = |number: u32| R::F::from(M31::from(number));
    lanes::uses(place.on.clone(), address, number(0), &root, row);
    record::yields(place.on.clone(), number(0), &EMPTY.map(number), row);
    range::within_fixed(place.on.clone(), POSITION_BITS, positions.clone(), row);
    let behind = positions * M31::from(blocks as u32);
    record::uses(place.on.clone(), behind, &root, row);
    record::yields(place.on, number(OWN), &root, row);
}
