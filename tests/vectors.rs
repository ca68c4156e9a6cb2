//! The worked vectors of the operations: `tests/vectors/NAME.json`, where NAME is the operation's section in
//! `docs/spec.md`, its function in `verifier/src/spec` and its kernel in `cairo/src`.
//!
//! The expected outputs are computed by `tests/vectors/derive.py`, which is written from the document alone. The
//! document, the reference, the engine and the program in the VM are all held against them: reference and engine share
//! functions, so that they agree says little about these.

#[path = "vectors/attention.rs"]
mod attention;
#[path = "vectors/document.rs"]
mod document;
#[path = "vectors/file.rs"]
mod file;
#[path = "vectors/graphs.rs"]
mod graphs;
mod support;
#[path = "support/values.rs"]
mod values;
#[path = "vectors/workbench.rs"]
mod workbench;

use std::collections::BTreeMap;
use std::process::Command;

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::Program;
use cairo_decode::engine::Engine;
use cairo_decode::ir::{KvCache, Op, StepValues, ValueId, VerifiedGraph, run_step};
use cairo_decode::spec::kv::pack_kv;
use cairo_decode::spec::roots;
use cairo_decode::trace;
use cairo_decode::verify::statement::KvRoot;
use file::{Case, OPERATIONS, file, folder};
use graphs::{Check, Graph, graphs};
use serde::Deserialize;
use starknet_types_core::felt::Felt;
use support::{pins, program};
use values::{Values, values};
use workbench::{Workbench, shape};

/// The files are what the equations of `docs/spec.md` give.
#[test]
fn the_vectors_follow_from_the_document() {
    let script = folder().join("derive.py");
    let derived = match Command::new("python3").arg("-B").arg(&script).output() {
        Ok(derived) => derived,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            eprintln!("python3 is not there: nothing recomputed what tests/vectors/*.json say");
            return;
        }
        Err(error) => panic!("python3: {error}"),
    };
    let said = String::from_utf8_lossy(&derived.stderr);
    assert!(derived.status.success(), "{}: {said}", script.display());
}

/// What a prompt's steps make, in all three implementations.
struct Run {
    reference: Vec<StepValues>,
    engine: Vec<Vec<i64>>,
    program: Values,
}

/// Runs a prompt to its end, in one chunk: the last step chooses.
fn run(graph: &VerifiedGraph, program: &Program, prompt: &[u32]) -> Run {
    let mut cache = KvCache::new(graph.shape.layers);
    let reference = prompt.iter().map(|&t| run_step(graph, &mut cache, t));
    let reference = reference.collect();
    let mut engine = Engine::new(graph);
    for &token in prompt {
        engine.step(token);
    }
    let ids = (0..graph.nodes.len() as u32).map(ValueId);
    let mut decoder = Decoder::new(graph, pins(program, prompt)).expect("a session");
    let chunk = decoder.chunk(prompt.len()).expect("a chunk");
    let trace = trace::run(program, &chunk.input).expect("an honest witness");
    assert_eq!(trace.output(), chunk.statement.to_output());
    Run {
        reference,
        engine: ids.map(|id| engine.value(id).to_vec()).collect(),
        program: values(program, graph, trace),
    }
}

/// Compares all cases of an operation.
fn compare(operation: &str) {
    let file = file(operation);
    let mut cases = 0;
    for Graph { graph, checks } in graphs(&file) {
        let program = program(&graph);
        let mut runs: BTreeMap<Vec<u32>, Run> = BTreeMap::new();
        for Check {
            case,
            prompt,
            label,
            expected,
        } in checks
        {
            let found = runs.entry(prompt.clone());
            let found = found.or_insert_with(|| run(&graph, &program, &prompt));
            let at = graph.nodes.iter().position(|node| node.label == label);
            let id = ValueId(at.expect("a node") as u32);
            assert_eq!(graph.node(id).op.name(), operation);
            let step = prompt.len() - 1;
            let program = found.program.get(&graph, id, step, prompt.len());
            let reference = found.reference[step].get(id);
            let engine = &found.engine[id.0 as usize];
            assert_eq!(reference, expected, "{operation}, reference: {case}");
            assert_eq!(*engine, expected, "{operation}, engine: {case}");
            assert_eq!(
                program,
                Some(expected.as_slice()),
                "{operation}, program: {case}"
            );
            cases += 1;
        }
    }
    assert_eq!(
        cases,
        file.cases.len(),
        "{operation}: every case is compared"
    );
}

macro_rules! operations {
    ($($name:ident),* $(,)?) => {
        $(#[test] fn $name() { compare(stringify!($name)); })*

        /// Every operation has its test; `kv_append`'s is apart.
        const COMPARED: &[&str] = &[$(stringify!($name)),*];
    };
}

operations!(
    embed, rmsnorm, linear, requantize, rope, scores, softmax, mix, silu, mul, add, argmax,
);

/// The list is that of the closed enum: the match asks for the name of a new operation.
#[test]
fn every_operation_has_vectors() {
    let compared: Vec<&str> = OPERATIONS
        .into_iter()
        .filter(|o| *o != "kv_append")
        .collect();
    assert_eq!(compared, COMPARED);
    let text = include_str!("../src/ir/mod.rs");
    let names = text.lines().filter_map(|line| {
        let name = line
            .trim()
            .strip_prefix("Op::")?
            .split_once("{ .. } => \"")?
            .1;
        name.strip_suffix("\",")
    });
    assert_eq!(names.collect::<Vec<_>>(), OPERATIONS);
}

/// Rows go into the packed words of a position, and these into the KV root that the program states.
#[test]
fn kv_append() {
    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Input {
        layers: usize,
        /// By position, by layer.
        keys: Vec<Vec<Vec<i64>>>,
        values: Vec<Vec<Vec<i64>>>,
    }
    for case in &file("kv_append").cases {
        let input: Input = case.read();
        let (positions, width) = (input.keys.len(), input.keys[0][0].len());
        let shape = shape(positions, input.layers, [1, 1, width]);
        let mut bench = Workbench::new("kv_rows", shape);
        for layer in 0..input.layers {
            let rows = |all: &[Vec<Vec<i64>>]| all.iter().map(|row| row[layer].clone()).collect();
            let rows: [Vec<Vec<i64>>; 2] = [rows(&input.keys), rows(&input.values)];
            bench.append(layer, &rows[0], &rows[1]);
        }
        let graph = bench.finish();
        let appends = graph
            .nodes
            .iter()
            .filter(|n| matches!(n.op, Op::KvAppend { .. }));
        assert_eq!(appends.count(), input.layers);
        appended(&graph, case, positions);
    }
}

fn appended(graph: &VerifiedGraph, case: &Case, positions: usize) {
    let prompt: Vec<u32> = (0..positions as u32).collect();
    let root = case.output.as_str().expect("a root");
    let root = Felt::from_hex(root).expect("a felt");
    let mut reference = KvCache::new(graph.shape.layers);
    let mut engine = Engine::new(graph);
    for &token in &prompt {
        run_step(graph, &mut reference, token);
        engine.step(token);
    }
    for (who, cache) in [("reference", &reference), ("engine", engine.cache())] {
        let words = (0..positions).map(|t| pack_kv(&cache.position(t)));
        let words: Vec<Vec<Felt>> = words.collect();
        let hex = |word: &Felt| format!("{word:#x}");
        let text: Vec<Vec<String>> = words.iter().map(|w| w.iter().map(hex).collect()).collect();
        let expected = &case.between["words"];
        assert_eq!(serde_json::json!(text), *expected, "{who}: {}", case.name);
        let fold = |root, words: &Vec<Felt>| roots::kv_append(root, words);
        let folded = words.iter().fold(roots::EMPTY_ROOT, fold);
        assert_eq!(folded, root, "{who}: {}", case.name);
    }
    let program = program(graph);
    let mut decoder = Decoder::new(graph, pins(&program, &prompt)).expect("a session");
    let chunk = decoder.chunk(positions).expect("a chunk");
    let trace = trace::run(&program, &chunk.input).expect("an honest witness");
    assert_eq!(trace.output(), chunk.statement.to_output());
    assert_eq!(chunk.statement.frontier_out.kv_root, KvRoot(root));
}
