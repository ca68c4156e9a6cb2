//! An instruction that reads one lane of eight rows of the tensor memory into the program.
//!
//! Row: a step as of [`call`](super::call), with ten cells: at `fp − 3` an address `a`, at `fp − 4` a lane `t` (three limbs
//! each), at `fp − 5 … fp − 12` the values `v_0 … v_7` (four limbs each, the last below `2^4`). `+(X, a, t, v_0 … v_7)`.
//!
//! Four limbs say a number below `2^31`, and `p = 2^31 − 1` would be a second way to say 0: the sum of the limbs of `p` is
//! `3 · 511 + 15`, that of any other number is smaller, and an inverse shows that it is another.

use stwo::core::fields::m31::M31;

use super::call::{self, OPERAND_LIMBS, cell, number, step};
use super::lanes::{self, CHANNELS};
use super::range;
use crate::air::row::Row;

/// Limbs of a value.
const VALUE_LIMBS: usize = 4;

/// Bits of a value's last limb.
const LAST_BITS: u32 = 4;

/// Sum of the limbs of the field's modulus.
pub const MODULUS_LIMBS: u32 = 3 * 511 + 15;

/// Cells that the instruction reads.
pub const CELLS: usize = 2 + CHANNELS;

/// The instruction's word: of a call with more operands than any call has.
pub fn word() -> u128 {
    call::word(CELLS + 1)
}

/// What runs in the VM in its place.
pub fn stand_in() -> u128 {
    call::stand_in(CELLS + 1)
}

/// The constraints of a row.
pub fn evaluate<R: Row>(row: &mut R) {
    let step = step(word(), row);
    let address = number::<R>(&cell(&step, 0, OPERAND_LIMBS, row));
    let lane = number::<R>(&cell(&step, 1, OPERAND_LIMBS, row));
    let values: Vec<R::F> = (0..CHANNELS).map(|k| value(&step, 2 + k, row)).collect();
    lanes::uses(step.on, address, lane, &values, row);
}

/// The value of a cell, which has one reading: columns as of a cell, and the inverse.
fn value<R: Row>(step: &call::Step<R::F>, place: usize, row: &mut R) -> R::F {
    let limbs = cell(step, place, VALUE_LIMBS, row);
    let inverse = row.value();
    let last = limbs[VALUE_LIMBS - 1].clone();
    range::within_fixed(step.on.clone(), LAST_BITS, last, row);
    let sum = limbs
        .iter()
        .cloned()
        .reduce(|a, b| a + b)
        .unwrap_or(R::F::from(M31::from(0)));
    let gap = sum - R::F::from(M31::from(MODULUS_LIMBS));
    row.zero(step.on.clone() * (gap * inverse - R::F::from(M31::from(1))));
    number::<R>(&limbs)
}
