//! A hint processor that lies once, or at two hints in a row.
//!
//! The values that hints write are the only nondeterminism of a compiled program besides its input:
//! what a dishonest prover may choose. [`Liar`] runs the honest hints, except that at one occurrence
//! it replaces what the hint wrote. What the program's own instructions do with the lie is the test.

use std::any::Any;
use std::cell::Cell;
use std::collections::HashMap;
use std::panic::{self, AssertUnwindSafe};
use std::sync::{Arc, Once};

use cairo_decode::compile::Program;
use cairo_decode::trace;
use cairo_lang_casm::hints::{CoreHint, CoreHintBase, ExternalHint, Hint};
use cairo_lang_casm::operand::{CellRef, ResOperand};
use cairo_lang_runner::casm_run::{CairoHintProcessor, cell_ref_to_relocatable, get_val};
use cairo_vm::Felt252;
use cairo_vm::hint_processor::hint_processor_definition::{HintProcessorLogic, HintReference};
use cairo_vm::serde::deserialize_program::ApTracking;
use cairo_vm::types::exec_scope::ExecutionScopes;
use cairo_vm::types::relocatable::Relocatable;
use cairo_vm::vm::errors::hint_errors::HintError;
use cairo_vm::vm::errors::vm_errors::VirtualMachineError;
use cairo_vm::vm::runners::cairo_runner::{ResourceTracker, RunResources};
use cairo_vm::vm::vm_core::VirtualMachine;
use num_bigint::BigUint;

/// One execution of a hint that writes values, and the lies that can be told there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Site {
    pub kind: &'static str,
    pub pc: usize,
    pub lies: Vec<&'static str>,
}

/// A lie: which execution of a value hint (counted from 0), and which of its lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lie {
    pub site: usize,
    pub lie: usize,
    /// A lie of the value hint that runs next, which may be one that no honest run reaches.
    pub then: Option<usize>,
}

/// A hint processor that is honest except for one lie.
pub struct Liar {
    honest: CairoHintProcessor<'static>,
    lie: Option<Lie>,
    /// Value hints that ran since the lie, itself included.
    since: usize,
    /// Shifts of the two pointers that say where the input starts and ends.
    pub input_span: [i32; 2],
    /// The value hints executed so far, up to the one after the lie.
    pub sites: Vec<Site>,
}

impl Liar {
    /// Runs at most `max_steps` steps: a lie may also make the program run forever.
    pub fn new(program: &Program, input: &[Felt252], lie: Option<Lie>, max_steps: usize) -> Liar {
        Liar {
            honest: trace::hint_processor(program, input, Some(max_steps)),
            lie,
            since: 0,
            input_span: [0, 0],
            sites: vec![],
        }
    }

    /// After the lie, an honest hint may no longer make sense (a division by zero, say). The prover
    /// is free to write anything there; zeros keep the instructions as the only judge.
    fn follow_up(
        &mut self,
        vm: &mut VirtualMachine,
        scopes: &mut ExecutionScopes,
        data: &Box<dyn Any>,
        cells: &[Relocatable],
    ) -> Result<(), HintError> {
        let honest = &mut self.honest;
        let result = quietly(|| honest.execute_hint(vm, scopes, data));
        if !matches!(result, Some(Ok(()))) {
            for &cell in cells {
                if vm.get_maybe(&cell).is_none() {
                    vm.insert_value(cell, Felt252::ZERO)?;
                }
            }
        }
        Ok(())
    }

    /// The lie to tell at this value hint, if any.
    fn lie_here(&self) -> Option<usize> {
        let lie = self.lie?;
        match self.since {
            0 => (lie.site == self.sites.len()).then_some(lie.lie),
            1 => lie.then,
            _ => None,
        }
    }
}

impl HintProcessorLogic for Liar {
    fn execute_hint(
        &mut self,
        vm: &mut VirtualMachine,
        scopes: &mut ExecutionScopes,
        data: &Box<dyn Any>,
    ) -> Result<(), HintError> {
        let hint = data
            .downcast_ref::<Hint>()
            .ok_or(HintError::WrongHintData)?;
        if let Hint::External(ExternalHint::WriteRunParam { dst, .. }) = hint {
            self.honest.execute_hint(vm, scopes, data)?;
            let start = cell_ref_to_relocatable(dst, vm);
            for (cell, shift) in [start, (start + 1)?].into_iter().zip(self.input_span) {
                let pointer = (vm.get_relocatable(cell)? + shift)?;
                vm.delete_unaccessed(cell)?;
                vm.insert_value(cell, pointer)?;
            }
            return Ok(());
        }
        let Some(values) = Values::of(hint) else {
            return self.honest.execute_hint(vm, scopes, data);
        };
        let cells = values.cells.iter();
        let cells: Vec<Relocatable> = cells
            .map(|cell| cell_ref_to_relocatable(cell, vm))
            .collect();
        if self.since > 1 {
            return self.follow_up(vm, scopes, data, &cells);
        }
        // A cell that the program has already written leaves the prover no choice.
        let fixed: Vec<bool> = cells
            .iter()
            .map(|cell| vm.get_maybe(cell).is_some())
            .collect();
        if self.since == 0 {
            self.honest.execute_hint(vm, scopes, data)?;
        } else {
            self.follow_up(vm, scopes, data, &cells)?;
        }
        let written = |cell: &Relocatable| vm.get_integer(*cell).map(|felt| *felt);
        let honest: Vec<Felt252> = cells.iter().map(written).collect::<Result<_, _>>()?;
        let operands: Result<Vec<Felt252>, _> =
            values.operands.iter().map(|x| get_val(vm, x)).collect();
        let mut lies =
            operands.map_or_else(|_| vec![], |operands| (values.lies)(&operands, &honest));
        lies.retain(|(_, lie)| {
            let changed: Vec<bool> = lie.iter().zip(&honest).map(|(a, b)| a != b).collect();
            changed.contains(&true) && !changed.iter().zip(&fixed).any(|(a, b)| *a && *b)
        });
        if let Some(lie) = self.lie_here() {
            for ((&cell, &value), &fixed) in cells.iter().zip(&lies[lie].1).zip(&fixed) {
                if !fixed {
                    vm.delete_unaccessed(cell)?;
                    vm.insert_value(cell, value)?;
                }
            }
        }
        if self.since > 0 || self.lie.is_some_and(|lie| lie.site == self.sites.len()) {
            self.since += 1;
        }
        let lies = lies.into_iter().map(|(name, _)| name).collect();
        self.sites.push(Site {
            kind: values.kind,
            pc: vm.get_pc().offset,
            lies,
        });
        Ok(())
    }

    fn compile_hint(
        &self,
        code: &str,
        ap_tracking: &ApTracking,
        ids: &HashMap<String, usize>,
        references: &[HintReference],
        scopes: &[String],
        constants: Arc<HashMap<String, Felt252>>,
    ) -> Result<Box<dyn Any>, VirtualMachineError> {
        self.honest
            .compile_hint(code, ap_tracking, ids, references, scopes, constants)
    }
}

impl ResourceTracker for Liar {
    fn consumed(&self) -> bool {
        self.honest.consumed()
    }

    fn consume_step(&mut self) {
        self.honest.consume_step();
    }

    fn get_n_steps(&self) -> Option<usize> {
        self.honest.get_n_steps()
    }

    fn run_resources(&self) -> &RunResources {
        ResourceTracker::run_resources(&self.honest)
    }
}

/// Lies by name: one value per cell.
type Lies = Vec<(&'static str, Vec<Felt252>)>;

/// What a value hint reads and writes, and what else it could have written.
struct Values<'h> {
    kind: &'static str,
    operands: Vec<&'h ResOperand>,
    cells: Vec<&'h CellRef>,
    lies: fn(operands: &[Felt252], honest: &[Felt252]) -> Lies,
}

impl Values<'_> {
    /// `None` for hints that only make memory segments.
    ///
    /// Panics on a hint that is not known here: a new hint is a new freedom of the prover.
    fn of(hint: &Hint) -> Option<Values<'_>> {
        let core = match hint {
            Hint::Core(CoreHintBase::Core(core)) => core,
            // A relocation rule is for memory segments.
            Hint::External(ExternalHint::AddRelocationRule { .. }) => return None,
            other => panic!("a hint that the liar does not know: {other:?}"),
        };
        Some(match core {
            CoreHint::AllocSegment { .. } => return None,
            CoreHint::TestLessThan { lhs, rhs, dst } => Values {
                kind: "TestLessThan",
                operands: vec![lhs, rhs],
                cells: vec![dst],
                lies: flag,
            },
            // The operands may be addresses.
            CoreHint::TestLessThanOrEqual { dst, .. } => Values {
                kind: "TestLessThanOrEqual",
                operands: vec![],
                cells: vec![dst],
                lies: flag,
            },
            CoreHint::TestLessThanOrEqualAddress { dst, .. } => Values {
                kind: "TestLessThanOrEqualAddress",
                operands: vec![],
                cells: vec![dst],
                lies: flag,
            },
            CoreHint::LinearSplit {
                value,
                scalar,
                max_x: _,
                x,
                y,
            } => Values {
                kind: "LinearSplit",
                operands: vec![value, scalar],
                cells: vec![x, y],
                lies: split,
            },
            other => panic!("a hint that the liar does not know: {other:?}"),
        })
    }
}

/// Lies about a comparison: the other answer, and a number that is neither.
fn flag(_: &[Felt252], honest: &[Felt252]) -> Lies {
    vec![
        ("flipped", vec![Felt252::ONE - honest[0]]),
        ("two", vec![Felt252::TWO]),
    ]
}

/// Lies about `value = q·d + r`: those that keep the equation and leave the ranges, those that break
/// it, and the two that use that the equation only holds modulo the field's prime.
fn split(operands: &[Felt252], honest: &[Felt252]) -> Lies {
    let ([value, d], [q, r]) = (operands, honest) else {
        unreachable!("two operands, two cells")
    };
    let (one, d) = (Felt252::ONE, *d);
    let mut lies = vec![
        ("q + 1, r - d", vec![*q + one, *r - d]),
        ("q - 1, r + d", vec![*q - one, *r + d]),
        ("q + 1", vec![*q + one, *r]),
        ("r + 1", vec![*q, *r + one]),
        ("q and r swapped", vec![*r, *q]),
    ];
    let prime = Felt252::prime();
    let (wrapped, divisor) = (value.to_biguint() + &prime, d.to_biguint());
    if divisor > BigUint::from(1u32) {
        let quotient = Felt252::from(&wrapped / &divisor);
        lies.push((
            "value + prime",
            vec![quotient, Felt252::from(&wrapped % &divisor)],
        ));
        if let Some(inverse) = d.inverse() {
            lies.push((
                "r + 1, q in the field",
                vec![(*value - *r - one) * inverse, *r + one],
            ));
        }
    }
    lies
}

thread_local! {
    static QUIET: Cell<bool> = const { Cell::new(false) };
}

/// The result of `run`, or `None` if it panics, in which case nothing is printed.
pub fn quietly<T>(run: impl FnOnce() -> T) -> Option<T> {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let default = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !QUIET.get() {
                default(info);
            }
        }));
    });
    QUIET.set(true);
    let result = panic::catch_unwind(AssertUnwindSafe(run));
    QUIET.set(false);
    result.ok()
}
