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

use cairo_decode::casm;
use cairo_decode::compile::Program;
use cairo_decode::trace;
use cairo_lang_casm::hints::{CoreHint, CoreHintBase, ExternalHint, Hint, StarknetHint};
use cairo_lang_casm::operand::{CellRef, ResOperand};
use cairo_lang_runner::casm_run::{cell_ref_to_relocatable, get_val};
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
    /// Where the functions that are running were called, innermost first; of an honest run only.
    pub calls: Vec<usize>,
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
    honest: trace::Hints,
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
        let mut honest = trace::hint_processor(program, input);
        honest.limit(max_steps);
        Liar {
            honest,
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
        let cells: Vec<Relocatable> = match values.kind {
            SUMS => sums(vm)?,
            _ => values
                .cells
                .iter()
                .map(|cell| cell_ref_to_relocatable(cell, vm))
                .collect(),
        };
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
            calls: match self.lie {
                None => calls(vm),
                Some(_) => vec![],
            },
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

/// Kind of the hint that says how often a kernel's loop runs.
pub const COUNT: &str = "Count";
/// Kind of the hint that writes claimed sums.
pub const SUMS: &str = "Sums";
/// Kind of the hint that names the first largest element.
pub const MAXIMUM: &str = "Maximum";
/// Kind of the hint that answers a lookup, in programs that claim what they look up.
pub const LOOKUP: &str = "Lookup";
/// How the names of lies begin after which a loop would have to run 2^40 times and more.
pub const ENDLESS: &str = "endless: ";
/// Name of the lie about a count that is another way to visit the same elements.
const OTHER_WAY: &str = "one batch fewer";

/// The call instructions of the functions that are running. A frame holds the caller's `fp` and where it
/// goes on, two words after the call.
fn calls(vm: &VirtualMachine) -> Vec<usize> {
    let mut found = vec![];
    let mut fp = vm.get_fp();
    while let (Ok(back), Ok(outer)) = (fp - 1usize, fp - 2usize) {
        let (Ok(back), Ok(outer)) = (vm.get_relocatable(back), vm.get_relocatable(outer)) else {
            break;
        };
        let Some(call) = back
            .offset
            .checked_sub(2)
            .filter(|_| back.segment_index == 0)
        else {
            break;
        };
        found.push(call);
        fp = outer;
    }
    found
}

/// The cells of the sums that are claimed next; see the kernel `append_claims`.
fn sums(vm: &VirtualMachine) -> Result<Vec<Relocatable>, HintError> {
    let parameter = |i: usize| vm.get_relocatable((vm.get_fp() - i)?);
    let (w, w_end, x, x_end) = (parameter(9)?, parameter(8)?, parameter(7)?, parameter(6)?);
    let out = parameter(3)?;
    let blocks = (w_end - w)? / (x_end - x)?;
    (0..blocks).map(|i| Ok((out + i)?)).collect()
}

/// Other sums: off by one in the first or last lane, by a unit of the second lane, one for another, none.
fn other_sums(_: &[Felt252], honest: &[Felt252]) -> Lies {
    let with = |i: usize, change: &dyn Fn(Felt252) -> Felt252| {
        let mut lie = honest.to_vec();
        lie[i] = change(lie[i]);
        lie
    };
    let last = honest.len() - 1;
    let lane = Felt252::TWO.pow(20u32);
    let mut turned = honest.to_vec();
    turned.rotate_left(1);
    vec![
        ("first + 1", with(0, &|sum| sum + Felt252::ONE)),
        ("last - 1", with(last, &|sum| sum - Felt252::ONE)),
        // Far enough to survive a rounding.
        (
            "second lane + 2^10",
            with(0, &|sum| sum + lane * Felt252::TWO.pow(10u32)),
        ),
        // Far enough to change a choice.
        (
            "second lane + 2^15",
            with(0, &|sum| sum + lane * Felt252::TWO.pow(15u32)),
        ),
        ("second lane + 1", with(0, &|sum| sum + lane)),
        (
            "highest lane + 1",
            with(last, &|sum| sum + Felt252::TWO.pow(228u32)),
        ),
        ("first = 0", with(0, &|_| Felt252::ZERO)),
        ("in turn", turned),
    ]
}

/// Lies about `count = batches·size + rest`.
fn count(operands: &[Felt252], honest: &[Felt252]) -> Lies {
    let ([value, size], [batches, rest]) = (operands, honest) else {
        unreachable!("two operands, two cells")
    };
    let one = Felt252::ONE;
    let wrapped = value.to_biguint() + Felt252::prime();
    let (high, low) = (&wrapped / size.to_biguint(), &wrapped % size.to_biguint());
    let inverse = size.inverse().expect("a size is not 0");
    let lies = vec![
        (OTHER_WAY, vec![*batches - one, *rest + size]),
        (
            "endless: one batch more",
            vec![*batches + one, *rest - size],
        ),
        ("batches + 1", vec![*batches + one, *rest]),
        ("rest + 1", vec![*batches, *rest + one]),
        (
            "endless: count + prime",
            vec![Felt252::from(high), Felt252::from(low)],
        ),
        (
            "endless: in the field",
            vec![(*value - rest - one) * inverse, *rest + one],
        ),
    ];
    let endless = BigUint::from(1u32) << 40;
    // After another lie the count itself may be any number.
    let sensible = value.to_biguint() < endless;
    for (name, lie) in lies.iter().filter(|_| sensible) {
        let long = lie.iter().any(|count| count.to_biguint() >= endless);
        let short_of_batches = *name == OTHER_WAY && *batches == Felt252::ZERO;
        assert_eq!(
            long,
            name.starts_with(ENDLESS) || short_of_batches,
            "{name}"
        );
    }
    let possible = lies
        .into_iter()
        .filter(|(name, _)| *name != OTHER_WAY || *batches != Felt252::ZERO);
    possible.collect()
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
            Hint::Starknet(StarknetHint::Cheatcode {
                selector,
                output_start,
                ..
            }) => {
                let name = selector.value.to_bytes_be().1;
                let (kind, cells, lies): (_, _, fn(&[_], &[_]) -> Lies) = match name.as_slice() {
                    name if name == casm::SUMS.as_bytes() => (SUMS, vec![], other_sums),
                    name if name == casm::MAXIMUM.as_bytes() => {
                        (MAXIMUM, vec![output_start], other_index)
                    }
                    name if name == casm::LOOKUP.as_bytes() => {
                        (LOOKUP, vec![output_start], other_entry)
                    }
                    name => panic!("a hint that the liar does not know: {name:?}"),
                };
                return Some(Values {
                    kind,
                    operands: vec![],
                    cells,
                    lies,
                });
            }
            other => panic!("a hint that the liar does not know: {other:?}"),
        };
        Some(match core {
            // How many batches of a kernel's loop fit in a number of elements.
            CoreHint::DivMod {
                lhs,
                rhs: rhs @ ResOperand::Immediate(size),
                quotient,
                remainder,
            } if size.value <= 16.into() => Values {
                kind: COUNT,
                operands: vec![lhs, rhs],
                cells: vec![quotient, remainder],
                lies: count,
            },
            CoreHint::AllocSegment { .. } | CoreHint::AllocConstantSize { .. } => return None,
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
            CoreHint::DivMod {
                lhs,
                rhs,
                quotient,
                remainder,
            } => Values {
                kind: "DivMod",
                operands: vec![lhs, rhs],
                cells: vec![quotient, remainder],
                lies: split,
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
            CoreHint::WideMul128 {
                lhs,
                rhs,
                high,
                low,
            } => Values {
                kind: "WideMul128",
                operands: vec![lhs, rhs],
                cells: vec![high, low],
                lies: |operands, honest| {
                    let half = Felt252::TWO.pow(128u32);
                    split(&[operands[0] * operands[1], half], honest)
                },
            },
            CoreHint::SquareRoot { value, dst } => Values {
                kind: "SquareRoot",
                operands: vec![value],
                cells: vec![dst],
                lies: |_, honest| {
                    let root = honest[0];
                    vec![
                        ("root + 1", vec![root + Felt252::ONE]),
                        ("root - 1", vec![root - Felt252::ONE]),
                        ("-root", vec![-root]),
                    ]
                },
            },
            other => panic!("a hint that the liar does not know: {other:?}"),
        })
    }
}

/// Lies about the index of the first largest element: its neighbours, the first, and none.
fn other_index(_: &[Felt252], honest: &[Felt252]) -> Lies {
    let (one, index) = (Felt252::ONE, honest[0]);
    vec![
        ("index + 1", vec![index + one]),
        ("index - 1", vec![index - one]),
        ("index = 0", vec![Felt252::ZERO]),
        ("index = 1", vec![one]),
        ("index = -1", vec![-one]),
        ("index + 2^128", vec![index + Felt252::TWO.pow(128u32)]),
    ]
}

/// Lies about an entry of a table: close to it, none, and far from it.
fn other_entry(_: &[Felt252], honest: &[Felt252]) -> Lies {
    let (one, entry) = (Felt252::ONE, honest[0]);
    vec![
        ("entry + 1", vec![entry + one]),
        ("entry - 1", vec![entry - one]),
        ("entry = 0", vec![Felt252::ZERO]),
        ("entry + 2^15", vec![entry + Felt252::TWO.pow(15u32)]),
    ]
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
