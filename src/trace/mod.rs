//! Runs a program in the VM: output, trace, and the resources that the prover will pay for.
//!
//! Owns the VM's configuration and the hint processor's set-up. Knows nothing of models or
//! statements: felts in, felts out.
//!
//! Invariants
//! - A run that returns `Ok` satisfied every check of the program: checks are instructions, and the
//!   VM stops at the first one that fails.
//! - The witness that the program's own divisions and comparisons need comes from hints; a caller
//!   may put its own hint processor in front ([`run_with`]), which is how the attack tests lie.

use cairo_lang_runner::casm_run::CairoHintProcessor;
use cairo_lang_runner::{Arg, build_hints_dict};
use cairo_vm::Felt252;
use cairo_vm::cairo_run::{CairoRunConfig, cairo_run_program};
use cairo_vm::hint_processor::hint_processor_definition::HintProcessor;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program as VmProgram;
use cairo_vm::types::relocatable::{MaybeRelocatable, Relocatable};
use cairo_vm::vm::runners::builtin_runner::BuiltinRunner;
use cairo_vm::vm::runners::cairo_runner::{CairoRunner, RunResources};
use stwo_cairo_adapter::adapter::adapt;
use stwo_cairo_adapter::{ExecutionResources, ProverInput};
use thiserror::Error;

use crate::compile::Program;
use crate::guard::guarded;

/// Why a run has no trace.
#[derive(Debug, Error)]
pub enum TraceError {
    #[error("the program cannot be loaded: {0}")]
    Load(String),
    #[error("the program refuses its input: {0}")]
    Refused(String),
    #[error("the VM's output cannot be read: {0}")]
    Output(String),
    #[error("the trace cannot be handed to the prover: {0}")]
    Adapt(String),
}

/// The VM's registers at a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Registers {
    /// Offset in the program.
    pub pc: usize,
    /// Offset in the execution segment.
    pub ap: usize,
    /// Offset in the execution segment.
    pub fp: usize,
}

/// A finished run.
pub struct Trace {
    runner: CairoRunner,
    output: Vec<Felt252>,
}

impl Trace {
    /// The program's public output.
    pub fn output(&self) -> &[Felt252] {
        &self.output
    }

    /// Number of VM steps.
    #[allow(clippy::expect_used, reason = "every run keeps its trace")]
    pub fn steps(&self) -> usize {
        let trace = self.runner.get_relocatable_trace();
        trace.expect("every run keeps its trace").len()
    }

    /// The registers before each VM step; steps outside the program are left out.
    #[allow(clippy::expect_used, reason = "every run keeps its trace")]
    pub fn registers(&self) -> impl Iterator<Item = Registers> {
        let trace = self.runner.get_relocatable_trace();
        let trace = trace.expect("every run keeps its trace");
        trace
            .iter()
            .filter(|entry| entry.pc.segment_index == 0)
            .map(|entry| Registers {
                pc: entry.pc.offset,
                ap: entry.ap,
                fp: entry.fp,
            })
    }

    /// The prover's input.
    ///
    /// # Errors
    /// A trace that the prover's adapter cannot relocate.
    pub fn into_prover_input(self) -> Result<ProverInput, TraceError> {
        let adapted = guarded(|| adapt(&self.runner)).map_err(TraceError::Adapt)?;
        adapted.map_err(|e| TraceError::Adapt(e.to_string()))
    }
}

/// Rows per opcode, builtin and memory table that a prover input costs.
pub fn resources(input: &ProverInput) -> ExecutionResources {
    ExecutionResources::from_prover_input(input)
}

/// The ordinary hint processor for a program and its input, for a run of at most `limit` steps.
pub fn hint_processor(
    program: &Program,
    input: &[Felt252],
    limit: Option<usize>,
) -> CairoHintProcessor<'static> {
    let (_, string_to_hint) = build_hints_dict(&program.executable().program.hints);
    let input = input.iter().map(|&felt| Arg::Value(felt)).collect();
    CairoHintProcessor {
        runner: None,
        user_args: vec![vec![Arg::Array(input)]],
        string_to_hint,
        starknet_state: Default::default(),
        run_resources: limit.map_or_else(RunResources::default, RunResources::new),
        syscalls_used_resources: Default::default(),
        no_temporary_segments: false,
        markers: Vec::new(),
        panic_traceback: Vec::new(),
    }
}

/// Runs the program on `input`, for at most `limit` steps.
///
/// # Errors
/// [`TraceError::Refused`] if any check of the program fails, or the run is longer.
pub fn run(
    program: &Program,
    input: &[Felt252],
    limit: Option<usize>,
) -> Result<Trace, TraceError> {
    run_with(program, &mut hint_processor(program, input, limit))
}

/// Runs the program with a given hint processor.
///
/// # Errors
/// As [`run`].
pub fn run_with(program: &Program, hints: &mut dyn HintProcessor) -> Result<Trace, TraceError> {
    let vm_program = load(program)?;
    let config = CairoRunConfig {
        trace_enabled: true,
        relocate_mem: false,
        relocate_trace: false,
        layout: LayoutName::all_cairo_stwo,
        proof_mode: true,
        fill_holes: true,
        disable_trace_padding: true,
        allow_missing_builtins: Some(true),
        ..CairoRunConfig::default()
    };
    let runner = cairo_run_program(&vm_program, &config, hints)
        .map_err(|e| TraceError::Refused(e.to_string()))?;
    let output = read_output(&runner)?;
    Ok(Trace { runner, output })
}

fn load(program: &Program) -> Result<VmProgram, TraceError> {
    let entry = program.entry_point();
    let (hints, _) = build_hints_dict(&program.executable().program.hints);
    let words = program
        .words()
        .into_iter()
        .map(MaybeRelocatable::from)
        .collect();
    VmProgram::new_for_proof(
        entry.builtins.clone(),
        words,
        entry.offset,
        entry.offset + 4,
        hints,
        Default::default(),
        Default::default(),
        vec![],
        None,
    )
    .map_err(|e| TraceError::Load(e.to_string()))
}

fn read_output(runner: &CairoRunner) -> Result<Vec<Felt252>, TraceError> {
    let error = |e: &dyn std::fmt::Display| TraceError::Output(e.to_string());
    let base = runner
        .vm
        .get_builtin_runners()
        .iter()
        .find_map(|b| match b {
            BuiltinRunner::Output(output) => Some(output.base() as isize),
            _ => None,
        })
        .ok_or_else(|| error(&"no output segment"))?;
    let size = runner
        .vm
        .segments
        .get_segment_used_size(base as usize)
        .ok_or_else(|| error(&"the output segment has no size"))?;
    (0..size)
        .map(|offset| {
            let cell = Relocatable {
                segment_index: base,
                offset,
            };
            runner
                .vm
                .get_integer(cell)
                .map(|felt| *felt)
                .map_err(|e| error(&e))
        })
        .collect()
}
