//! A call of an operation: an instruction of the program.
//!
//! Row: `e`, the state `pc, ap, fp`, the number of the word at `pc` in Cairo's memory, and for each operand the number of
//! its cell and three limbs of 9 bits. `e(1 − e) = 0`; with the multiplicity `e`:
//!
//! ```text
//! +(OPCODES, pc, ap, fp)   −(OPCODES, pc + 1, ap, fp)
//! +(ADDRESS, pc, id)       +(VALUE, id, limbs of the word)
//! +(ADDRESS, fp − 3 − k, id_k)   +(VALUE, id_k, three limbs)      for each operand k
//! −(C, op, 0, b)           +(C, op, END, b)
//! ```
//!
//! The operand at `fp − 3` is the operation's number, the others are its operands. The word has an opcode extension
//! that no other component accepts (Cairo's decoders take 0 to 3), so nothing but this component can take the step; and
//! it takes no other, as the word is a constant. Cairo's range checks of a cell's limbs hold for the cells that
//! are looked up.
//!
//! What a call cannot do is count: [`place`](super::place) says why calls outside the run change nothing.

use stwo::core::fields::m31::M31;

use super::place::END;
use super::relations::{ADDRESS, CHAIN, OPCODES, VALUE};
use crate::air::row::Row;

/// Bits of a limb of Cairo's memory.
const LIMB_BITS: u32 = 9;

/// Limbs of an operand: numbers below 2^27.
pub const OPERAND_LIMBS: usize = 3;

/// The last operand lies at `fp − FIRST`: below the two cells that a call of a function leaves there.
pub const FIRST: u32 = 3;

/// The opcode extension of this project's instructions.
const EXTENSION: u128 = 4;

/// `assert [fp − 3] = [fp − 3]`: what runs in the VM in the place of a call with so many operands. The offset of its
/// destination differs, so that each kind of call has a word of its own.
pub fn stand_in(operands: usize) -> u128 {
    let below = |cells: u128| 0x8000 - cells;
    let offset = below(FIRST as u128 + operands as u128 - 1);
    // Offsets of destination, first and second operand; flags: all three from fp, op1 at fp; assert.
    offset | below(1) << 16 | offset << 32 | 0x400b << 48
}

/// The word of a call with so many operands.
pub fn word(operands: usize) -> u128 {
    stand_in(operands) | EXTENSION << 63
}

/// The limbs of a word, lowest first.
pub fn limbs(word: u128) -> [M31; 8] {
    std::array::from_fn(|i| {
        let limb = (word >> (LIMB_BITS as usize * i)) & ((1 << LIMB_BITS) - 1);
        M31::from(limb as u32)
    })
}

/// The state of a step that the component takes.
pub struct Step<F> {
    /// 1 if the row is a step, 0 if not.
    pub on: F,
    pub fp: F,
}

/// Takes a step whose word is `word` and that only moves on: columns `e`, `pc`, `ap`, `fp`, `id`.
pub fn step<R: Row>(word: u128, row: &mut R) -> Step<R::F> {
    let one = R::F::from(M31::from(1));
    let on = row.value();
    let [pc, ap, fp, id] = [0; 4].map(|_| row.value());
    row.zero(on.clone() * (one.clone() - on.clone()));
    let state = |pc: R::F| [R::F::from(OPCODES), pc, ap.clone(), fp.clone()];
    row.uses(on.clone(), &state(pc.clone()));
    row.yields(on.clone(), &state(pc.clone() + one));
    let mut value = vec![R::F::from(VALUE), id.clone()];
    value.extend(limbs(word).map(R::F::from));
    row.uses(on.clone(), &[R::F::from(ADDRESS), pc, id]);
    row.uses(on.clone(), &value);
    Step { on, fp }
}

/// Reads the cell at `fp − FIRST − place` as so many limbs: columns `id` and the limbs.
pub fn cell<R: Row>(step: &Step<R::F>, place: usize, limbs: usize, row: &mut R) -> Vec<R::F> {
    let id = row.value();
    let limbs = row.values(limbs);
    let address = step.fp.clone() - R::F::from(M31::from(FIRST + place as u32));
    row.uses(step.on.clone(), &[R::F::from(ADDRESS), address, id.clone()]);
    let mut value = vec![R::F::from(VALUE), id];
    value.extend_from_slice(&limbs);
    row.uses(step.on.clone(), &value);
    limbs
}

/// The number that limbs say.
pub fn number<R: Row>(limbs: &[R::F]) -> R::F {
    let mut sum = limbs[0].clone();
    for (i, limb) in limbs.iter().enumerate().skip(1) {
        sum = sum + limb.clone() * M31::from(1 << (LIMB_BITS * i as u32));
    }
    sum
}

/// The constraints of a row.
pub fn evaluate<R: Row>(operands: usize, row: &mut R) {
    let step = step(word(operands), row);
    let numbers: Vec<R::F> = (0..operands)
        .map(|k| number::<R>(&cell(&step, k, OPERAND_LIMBS, row)))
        .collect();
    let at = |index: M31| {
        let mut tuple = vec![R::F::from(CHAIN), numbers[0].clone(), R::F::from(index)];
        tuple.extend_from_slice(&numbers[1..]);
        tuple
    };
    row.yields(step.on.clone(), &at(M31::from(0)));
    row.uses(step.on, &at(END));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_different_and_only_move_on() {
        assert_eq!(stand_in(1), 0x400b_7ffd_7fff_7ffd);
        let words: Vec<u128> = (1..=9).map(word).collect();
        assert!(words.windows(2).all(|w| w[0] != w[1]));
        // The extension is in bits 63 to 65.
        assert!(words.iter().all(|w| w >> 63 == 4 && *w < 1 << 72));
    }
}
