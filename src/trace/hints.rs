//! The honest hint processor: Cairo's own, and the hints of kernels.

use std::any::Any;
use std::collections::HashMap;
use std::sync::Arc;

use cairo_lang_casm::hints::{Hint, StarknetHint};
use cairo_lang_casm::operand::{CellRef, ResOperand};
use cairo_lang_runner::casm_run::{CairoHintProcessor, cell_ref_to_relocatable};
use cairo_lang_runner::{Arg, build_hints_dict};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::hint_processor_definition::{HintProcessorLogic, HintReference};
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::runners::cairo_runner::{ResourceTracker, RunResources};
use cairo_vm::vm::vm_core::VirtualMachine;

use crate::casm::{CLAIM_PARAMS, LOOKUP, MAXIMUM, SUMS};
use crate::compile::Program;

/// Runs every hint of a program honestly.
pub struct Hints {
    cairo: CairoHintProcessor<'static>,
}

/// The ordinary hint processor for a program and its input.
pub fn hint_processor(program: &Program, input: &[Felt252]) -> Hints {
    let (_, string_to_hint) = build_hints_dict(&program.executable().program.hints);
    let input = input.iter().map(|&felt| Arg::Value(felt)).collect();
    let cairo = CairoHintProcessor {
        runner: None,
        user_args: vec![vec![Arg::Array(input)]],
        string_to_hint,
        starknet_state: Default::default(),
        run_resources: Default::default(),
        syscalls_used_resources: Default::default(),
        no_temporary_segments: false,
        markers: Vec::new(),
        panic_traceback: Vec::new(),
    };
    Hints { cairo }
}

impl Hints {
    /// Stops a run after `steps` steps.
    pub fn limit(&mut self, steps: usize) {
        self.cairo.run_resources = RunResources::new(steps);
    }
}

/// Writes the sums of a claimed product; see [`SUMS`].
fn write_sums(vm: &mut VirtualMachine) -> Result<(), HintError> {
    let frame = (vm.get_fp() - (2 + CLAIM_PARAMS))?;
    let pointer = |i: usize| vm.get_relocatable((frame + i)?);
    let (w, w_end, x, x_end) = (pointer(0)?, pointer(1)?, pointer(2)?, pointer(3)?);
    let bias = *vm.get_integer((frame + 4)?)?;
    let out = pointer(6)?;
    let felts = |start, len: usize| -> Result<Vec<Felt252>, HintError> {
        let cells = vm.get_integer_range(start, len)?;
        Ok(cells.into_iter().map(|felt| *felt).collect())
    };
    let x = felts(x, (x_end - x)?)?;
    let w = felts(w, (w_end - w)?)?;
    let blocks = w.len().checked_div(x.len());
    let blocks = blocks.ok_or(HintError::WrongHintData)?;
    for block in 0..blocks {
        let words = w.iter().skip(block).step_by(blocks);
        let sum = words.zip(&x).fold(bias, |sum, (w, x)| sum + w * x);
        vm.insert_value((out + block)?, sum)?;
    }
    Ok(())
}

/// Writes the index of the first largest element, as a signed number; see [`MAXIMUM`].
fn write_maximum(vm: &mut VirtualMachine, index: &CellRef) -> Result<(), HintError> {
    let pointer = |below: usize| vm.get_relocatable((vm.get_fp() - below)?);
    let (xs, end) = (pointer(6)?, pointer(5)?);
    let xs = vm.get_integer_range(xs, (end - xs)?)?;
    let half = Felt252::TWO.pow(128u32);
    let signed = |i: &usize| (*xs[*i] + half).to_biguint();
    let largest = (0..xs.len()).rev().max_by_key(signed);
    let largest = largest.ok_or(HintError::WrongHintData)?;
    vm.insert_value(cell_ref_to_relocatable(index, vm), Felt252::from(largest))?;
    Ok(())
}

/// Writes the entry of a table that a lookup asks for; see [`LOOKUP`].
fn write_entry(
    vm: &mut VirtualMachine,
    [table, index]: [&ResOperand; 2],
    value: &CellRef,
) -> Result<(), HintError> {
    let (ResOperand::Deref(table), ResOperand::Deref(index)) = (table, index) else {
        return Err(HintError::WrongHintData);
    };
    let start = vm.get_relocatable(cell_ref_to_relocatable(table, vm))?;
    let index = *vm.get_integer(cell_ref_to_relocatable(index, vm))?;
    let entry = *vm.get_integer((start + &index)?)?;
    vm.insert_value(cell_ref_to_relocatable(value, vm), entry)?;
    Ok(())
}

impl HintProcessorLogic for Hints {
    fn execute_hint(
        &mut self,
        vm: &mut VirtualMachine,
        scopes: &mut ExecutionScopes,
        data: &Box<dyn Any>,
    ) -> Result<(), HintError> {
        if let Some(Hint::Starknet(StarknetHint::Cheatcode {
            selector,
            input_start,
            input_end,
            output_start,
            ..
        })) = data.downcast_ref::<Hint>()
        {
            match selector.value.to_bytes_be().1.as_slice() {
                name if name == SUMS.as_bytes() => return write_sums(vm),
                name if name == MAXIMUM.as_bytes() => return write_maximum(vm, output_start),
                name if name == LOOKUP.as_bytes() => {
                    return write_entry(vm, [input_start, input_end], output_start);
                }
                // Cairo's own, which its processor knows or refuses.
                _ => {}
            }
        }
        self.cairo.execute_hint(vm, scopes, data)
    }

    fn compile_hint(
        &self,
        code: &str,
        ap_tracking: &ApTracking,
        reference_ids: &HashMap<String, usize>,
        references: &[HintReference],
        scopes: &[String],
        constants: Arc<HashMap<String, Felt252>>,
    ) -> Result<Box<dyn Any>, VirtualMachineError> {
        self.cairo.compile_hint(
            code,
            ap_tracking,
            reference_ids,
            references,
            scopes,
            constants,
        )
    }
}

impl ResourceTracker for Hints {
    fn consumed(&self) -> bool {
        self.cairo.consumed()
    }

    fn consume_step(&mut self) {
        self.cairo.consume_step();
    }

    fn get_n_steps(&self) -> Option<usize> {
        self.cairo.get_n_steps()
    }

    fn run_resources(&self) -> &RunResources {
        self.cairo.run_resources()
    }
}
