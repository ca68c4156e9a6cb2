//! The calls of a run: its stand-ins become this project's instructions.
//!
//! cairo-vm knows no instruction of this project. A program is run with the stand-in of each, which moves on and does
//! nothing else; here the words in memory become the program's own, and the steps are taken from the component of
//! the stand-in.

use num_traits::Zero;
use stwo::core::fields::m31::M31;
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_adapter::memory::{EncodedMemoryValueId, MemoryValue, MemoryValueId};
use stwo_cairo_common::prover_types::cpu::CasmState;
use thiserror::Error;

use crate::air::components::call::{FIRST, OPERAND_LIMBS};
use crate::air::components::cells::{self, CELLS};
use crate::air::components::lanes::CHANNELS;

/// Why a run's calls are not what they must be.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
pub enum CallError {
    #[error("a call reads the cell at {address}, which holds no number below 2^{bits}")]
    Operand { address: u32, bits: usize },
}

/// Puts `word` in the place of its stand-in wherever the program has it, and takes its steps out of the run.
pub fn take(input: &mut ProverInput, word: u128) -> Vec<CasmState> {
    let stand_in = word & ((1 << 63) - 1);
    let states = &mut input
        .state_transitions
        .casm_states_by_opcode
        .assert_eq_opcode;
    let memory = &mut input.memory;
    let is_call = |state: &CasmState| memory.get(state.pc.0) == MemoryValue::Small(stand_in);
    let (taken, kept): (Vec<CasmState>, Vec<CasmState>) =
        states.iter().partition(|state| is_call(state));
    *states = kept;
    // Every place of the program that holds the stand-in is an instruction. The stack begins behind the program, and data
    // may be the same number.
    let stack = input.state_transitions.initial_state.ap.0 as usize;
    let Some(old) = memory
        .small_values
        .iter()
        .position(|value| *value == stand_in)
    else {
        return taken;
    };
    let old = EncodedMemoryValueId::encode(MemoryValueId::Small(old as u32));
    let new = memory.small_values.len() as u32;
    memory.small_values.push(word);
    let new = EncodedMemoryValueId::encode(MemoryValueId::Small(new));
    let program = memory.address_to_id.iter_mut().take(stack);
    for id in program.filter(|id| **id == old) {
        *id = new;
    }
    taken
}

/// Columns `e, pc, ap, fp, id` of a step.
fn step(input: &ProverInput, state: &CasmState) -> Vec<M31> {
    let id = M31::from(input.memory.get_raw_id(state.pc.0));
    vec![M31::from(1), state.pc, state.ap, state.fp, id]
}

/// The number and the limbs of the cell at `fp − FIRST − place`.
fn cell(
    input: &ProverInput,
    state: &CasmState,
    place: usize,
    limbs: usize,
) -> Result<(M31, Vec<M31>), CallError> {
    let address = state.fp.0 - FIRST - place as u32;
    let bits = 9 * limbs;
    match input.memory.get(address) {
        MemoryValue::Small(value) if value >> bits == 0 => {
            let limb = |i: usize| M31::from(((value >> (9 * i)) & 511) as u32);
            let id = M31::from(input.memory.get_raw_id(address));
            Ok((id, (0..limbs).map(limb).collect()))
        }
        _ => Err(CallError::Operand { address, bits }),
    }
}

/// Rows of a component whose cells have so many limbs each.
///
/// # Errors
/// A cell that holds no such number.
pub fn rows(
    input: &ProverInput,
    steps: &[CasmState],
    limbs: &[usize],
) -> Result<Vec<Vec<M31>>, CallError> {
    let row = |state: &CasmState| {
        let mut row = step(input, state);
        for (place, &limbs) in limbs.iter().enumerate() {
            let (id, limbs) = cell(input, state, place, limbs)?;
            row.push(id);
            row.extend(limbs);
        }
        Ok(row)
    };
    steps.iter().map(row).collect()
}

/// Rows of the component [`cells`], whose steps are taken out of the run.
///
/// # Errors
/// A cell that holds no number of the field.
pub fn cells(input: &mut ProverInput) -> Result<Vec<Vec<M31>>, CallError> {
    let steps = take(input, cells::word());
    let input = &*input;
    let row = |state: &CasmState| {
        let mut row = step(input, state);
        for place in 0..CELLS {
            let operand = place < CELLS - CHANNELS;
            let (id, limbs) = cell(input, state, place, if operand { OPERAND_LIMBS } else { 4 })?;
            row.push(id);
            row.extend_from_slice(&limbs);
            if !operand {
                let sum = limbs.iter().fold(M31::zero(), |sum, &limb| sum + limb);
                row.push((sum - M31::from(cells::MODULUS_LIMBS)).inverse());
            }
        }
        Ok(row)
    };
    steps.iter().map(row).collect()
}
