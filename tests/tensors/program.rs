//! A Cairo program that calls a plan's operations and reads each lane's tokens, in machine words.

use cairo_decode::air::components::{call, cells};
use cairo_decode::compile::PUBLIC_SEGMENTS;
use cairo_decode::tensor::values::Values;
use cairo_decode::tensor::{Operation, Plan};
use cairo_vm::Felt252;
use cairo_vm::cairo_run::{CairoRunConfig, cairo_run_program};
use cairo_vm::hint_processor::builtin_hint_processor::builtin_hint_processor_definition::BuiltinHintProcessor;
use cairo_vm::types::layout_name::LayoutName;
use cairo_vm::types::program::Program;
use cairo_vm::types::relocatable::MaybeRelocatable;
use stwo_cairo_adapter::ProverInput;
use stwo_cairo_adapter::adapter::adapt;

/// A call of a function: the instruction that its body has, and the cells that it reads, from `fp − 3` downwards.
type Call = (u128, Vec<u32>);

/// The views that the program reads, by address and lane: each lane's tokens, the digests before the chunk and behind its last lane.
pub fn reads(plan: &Plan) -> Vec<(u32, usize)> {
    let last = plan.lanes - 1;
    let mut reads: Vec<(u32, usize)> = (0..plan.lanes)
        .map(|lane| (plan.tokens.given, lane))
        .collect();
    for operation in &plan.operations {
        match operation {
            Operation::Records(records) => reads.extend([
                (records.incoming.address, 0),
                (records.behind.address, last),
            ]),
            Operation::Chains(chains) => {
                reads.extend(chains.before().map(|address| (address, 0)));
                reads.extend(chains.behind().map(|address| (address, last)));
            }
            _ => {}
        }
    }
    reads
}

/// The calls of a plan, then its reads.
fn calls(plan: &Plan, values: &Values) -> Vec<Call> {
    let operations = plan.calls_of(&values.chunk).into_iter();
    let mut calls: Vec<Call> = operations
        .map(|cells| (call::stand_in(cells.len()), cells))
        .collect();
    for (address, lane) in reads(plan) {
        let view = (0..8).map(|k| values.rows[(address + k) as usize][lane] as u32);
        let cells = [address, lane as u32].into_iter().chain(view);
        calls.push((cells::stand_in(), cells.collect()));
    }
    calls
}

/// `[ap] = value; ap++`.
fn push(words: &mut Vec<Felt252>, value: Felt252) {
    words.extend([Felt252::from(0x4806_8001_7fff_8000_u64), value]);
}

/// The words: the start that every program has; the calls; an output of one felt; the functions.
fn words(calls: &[Call]) -> Vec<Felt252> {
    let word = |word: u64| Felt252::from(word);
    let mut words = vec![
        word(0x0407_8001_7fff_7fff),
        Felt252::from(PUBLIC_SEGMENTS.len()),
        word(0x1104_8001_8001_8000),
        word(4),
        word(0x0107_8001_7fff_7fff),
        word(0),
    ];
    // Memory needs a large value, and the widest instruction a stack below its cells.
    push(&mut words, Felt252::from(-1));
    push(&mut words, Felt252::from(0));
    let mut sites = vec![];
    for (instruction, cells) in calls {
        for &cell in cells.iter().rev() {
            push(&mut words, Felt252::from(cell));
        }
        sites.push((words.len(), *instruction));
        words.extend([word(0x1104_8001_8001_8000), word(0)]);
    }
    push(&mut words, Felt252::from(777));
    // [[fp − 13]] = [ap − 1]; [ap] = [fp − 13] + 1, ap++: the output and its pointer; then the other builtins'.
    words.push(word(0x4002_8000_7ff3_7fff));
    words.extend([word(0x4826_8001_7ff3_8000), word(1)]);
    for below in (3..=12).rev() {
        words.push(word(0x480a_0000_7fff_8000 | ((0x8000 - below) << 32)));
    }
    let ret = word(0x208b_7fff_7fff_7ffe);
    words.push(ret);
    for (site, instruction) in sites {
        let at = words.iter().position(|w| *w == Felt252::from(instruction));
        let at = at.unwrap_or_else(|| {
            words.extend([Felt252::from(instruction), ret]);
            words.len() - 2
        });
        words[site + 1] = Felt252::from(at - site);
    }
    words
}

/// Runs the program of a plan, with the stand-ins of its calls.
pub fn run(plan: &Plan, values: &Values) -> ProverInput {
    let words = words(&calls(plan, values));
    let data = words.into_iter().map(MaybeRelocatable::from).collect();
    let program = Program::new_for_proof(
        PUBLIC_SEGMENTS.to_vec(),
        data,
        0,
        4,
        Default::default(),
        Default::default(),
        Default::default(),
        vec![],
        None,
    );
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
    let mut hints = BuiltinHintProcessor::new_empty();
    let runner = cairo_run_program(&program.expect("a program"), &config, &mut hints);
    adapt(&runner.expect("runs")).expect("a trace")
}
