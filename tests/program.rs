//! Reference interpreter, engine and Cairo program agree bit for bit, on random models of the Llama family's structure, of
//! varied sizes; on graphs of other structures: `shapes`.

mod support;

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::{CompileError, compile};
use cairo_decode::ir::{Graph, KvCache, VerifiedGraph, run_step};
use cairo_decode::lower::{LowerOptions, Products, WeightLayout};
use cairo_decode::model::Model;
use cairo_decode::quantize::{QuantOptions, Quantized, quantize};
use cairo_decode::trace;
use std::collections::{BTreeMap, BTreeSet};
use support::{Random, Sizes, pins, pins_as, program, program_as, random_graph, rebuild, sizes};

fn agree(seed: u64, sizes: Sizes, chunks: &[usize]) {
    let graph = random_graph("random", seed, sizes);
    let mut random = Random::new(seed + 1);
    let prompt: Vec<u32> = (0..3)
        .map(|_| random.below(sizes.shape.vocab) as u32)
        .collect();
    agree_on(&graph, prompt, chunks);
}

fn agree_on(graph: &VerifiedGraph, prompt: Vec<u32>, chunks: &[usize]) {
    for (products, weights) in [
        (Products::Computed, WeightLayout::Ready),
        (Products::Claimed, WeightLayout::Pairs),
        (Products::Computed, WeightLayout::Committed),
        (Products::Claimed, WeightLayout::Committed),
    ] {
        agree_as(
            graph,
            prompt.clone(),
            chunks,
            LowerOptions { products, weights },
        );
    }
}

fn agree_as(graph: &VerifiedGraph, prompt: Vec<u32>, chunks: &[usize], options: LowerOptions) {
    let program = program_as(graph, options);

    // The reference, from the prompt in one go.
    let steps: usize = chunks.iter().sum();
    let mut cache = KvCache::new(graph.shape.layers);
    let mut tokens = prompt.clone();
    for position in 0..steps {
        let values = run_step(graph, &mut cache, tokens[position]);
        for (node, value) in graph.nodes.iter().zip(0..) {
            let value = values.get(cairo_decode::ir::ValueId(value));
            assert!(
                value.iter().all(|&x| node.range.contains(x)),
                "{} leaves its range",
                node.label
            );
        }
        if tokens.len() == position + 1 {
            tokens.push(values.token());
        }
    }

    // The engine, and the program in the VM, chunk by chunk.
    let pins = pins_as(graph, options, &program, &prompt);
    let mut decoder = Decoder::new(graph, pins).expect("a session");
    let mut decoded = vec![prompt[0]];
    for &steps in chunks {
        let chunk = decoder.chunk(steps).expect("a chunk");
        decoded.extend(chunk.forced.iter().chain(&chunk.emitted));
        let trace =
            trace::run(&program, &chunk.input).expect("the program accepts an honest witness");
        assert_eq!(trace.output(), chunk.statement.to_output());
        eprintln!(
            "{} words, {} steps for {steps} tokens",
            program.words().len(),
            trace.steps()
        );
    }
    assert_eq!(decoded, tokens);
}

fn demo() -> (Model, Quantized) {
    let dir = std::path::Path::new("models/stories");
    let model = Model::load(dir).expect("the demo model");
    let text = std::fs::read_to_string(dir.join("calibration.txt")).expect("its calibration text");
    let quantized = quantize(&model, &text, &QuantOptions::default()).expect("quantises");
    (model, quantized)
}

#[test]
fn demo_model() {
    let (model, quantized) = demo();
    let prompt = model
        .tokenizer
        .encode("One day, a little fox")
        .expect("encodes");
    agree_on(&quantized.graph, prompt, &[3, 7, 1]);
}

/// The public data of a proof of one decode step: its cells but for the program's words, and the felts of its
/// statement. Both are the same for a model of twice the hidden width.
///
/// The program's words are public too; they are the weights, and the same in every proof of the model.
#[test]
fn requirement_17_public_data_does_not_grow_with_the_hidden_width() {
    let public = |hidden: usize| {
        let graph = random_graph("wide", 8, sizes(hidden, 1, 2, 1, 4, 16, 16));
        let program = program(&graph);
        let mut decoder = Decoder::new(&graph, pins(&program, &[3, 1])).expect("a session");
        decoder.chunk(1).expect("the prompt");
        let chunk = decoder.chunk(1).expect("a step");
        let trace = trace::run(&program, &chunk.input).expect("an honest witness");
        let (felts, steps) = (trace.output().len(), trace.steps());
        let input = trace.into_prover_input().expect("a prover input");
        let (cells, words) = (input.public_memory_addresses.len(), program.words().len());
        eprintln!(
            "hidden {hidden}: {felts} felts of statement, {cells} public cells, {words} of them program, {steps} VM steps"
        );
        (felts, cells - words, steps)
    };
    let [(felts, cells, narrow), (wide_felts, wide_cells, wide)] = [16, 32].map(public);
    assert_eq!((felts, cells), (wide_felts, wide_cells));
    assert_eq!(felts, 21);
    assert!(wide > narrow, "the work grows");
}

/// A circuit that wraps a proof is built for one set of components, so every chunk has to use the same:
/// prefill only, prefill and decode, decode only, one step or several, with or without carried data.
#[test]
fn requirement_15_same_components_in_every_chunk() {
    let (model, quantized) = demo();
    let program = program(&quantized.graph);
    let prompt = model
        .tokenizer
        .encode("One day, a little fox")
        .expect("encodes");
    let mut decoder = Decoder::new(&quantized.graph, pins(&program, &prompt)).expect("a session");
    let components = |steps: usize, decoder: &mut Decoder<'_>| {
        let chunk = decoder.chunk(steps).expect("a chunk");
        let trace = trace::run(&program, &chunk.input).expect("an honest witness");
        let input = trace.into_prover_input().expect("a prover input");
        let resources = trace::resources(&input);
        let counts = resources
            .opcodes_instance_counter
            .into_iter()
            .chain(resources.builtin_instance_counter);
        counts
            .filter(|(_, rows)| *rows > 0)
            .map(|(name, _)| name)
            .collect::<BTreeSet<_>>()
    };
    let first = components(1, &mut decoder);
    assert!(first.contains("poseidon_builtin"), "{first:?}");
    for steps in [2, 6, 1, 3] {
        assert_eq!(components(steps, &mut decoder), first, "{steps} steps");
    }
}

/// Words and VM steps are exact, so a change for the worse fails here. The README has the number of words; lower the
/// numbers, there too, when a change makes the program better.
#[test]
fn demo_costs_no_more_than_before() {
    let (model, quantized) = demo();
    let program = program(&quantized.graph);
    let words = program.words().len();
    assert!(words <= 13_981, "the program grew to {words} words");
    let prompt = model.tokenizer.encode("Once upon a time").expect("encodes");
    let mut decoder = Decoder::new(&quantized.graph, pins(&program, &prompt)).expect("a session");
    for limit in [769_289, 996_679] {
        let chunk = decoder.chunk(6).expect("a chunk");
        let trace = trace::run(&program, &chunk.input).expect("an honest witness");
        assert!(
            trace.steps() <= limit,
            "a chunk of 6 steps grew to {} VM steps",
            trace.steps()
        );
    }
}

/// The largest and smallest weights and table entries that a graph may have, side by side.
#[test]
fn extreme_constants() {
    let mut graph: Graph = (*random_graph("extreme", 6, sizes(12, 2, 2, 1, 6, 14, 26))).clone();
    for (m, matrix) in graph.matrices.iter_mut().enumerate() {
        let cols = matrix.cols;
        for (i, weight) in matrix.data.iter_mut().enumerate() {
            let odd = (i / cols + i % cols + m) % 2 == 1;
            *weight = if odd { 127 } else { -128 };
        }
    }
    let alternate = |table: &mut [i64], low: i64| {
        for (i, entry) in table.iter_mut().enumerate() {
            *entry = if i % 2 == 0 { 1 << 15 } else { low };
        }
    };
    alternate(&mut graph.tables.exp2, 1 << 14);
    alternate(&mut graph.tables.sigmoid, 0);
    agree_on(&rebuild(&graph), vec![3, 25, 0], &[2, 3]);
}

/// Whatever a package is called, it is the same program: the compiler knows it by a name of its own.
#[test]
fn a_package_may_have_any_name() {
    let compiled = |name: &str| {
        let graph = random_graph(name, 5, support::tiny());
        let words = program(&graph).words();
        assert!(words.len() > 1_000, "{name}");
        words
    };
    let first = compiled("model");
    // The compiler's own crates, an item of its prelude, keywords, a kernel file and the kernel library.
    for name in [
        "core",
        "std",
        "felt252",
        "fn",
        "super",
        "crate",
        "kv",
        "decode_kernels",
    ] {
        assert!(compiled(name) == first, "{name}: another program");
    }
    let files = BTreeMap::new();
    for name in ["", "Model", "1a", "a-b", "a\"]\nb"] {
        let error = compile(name, &files, &BTreeMap::new()).expect_err("no identifier");
        assert!(matches!(error, CompileError::Name(_)), "{name}: {error}");
    }
}

/// An array that the compiler cannot express makes it panic: that is one line of an error, and nothing is printed.
#[test]
fn a_panic_of_the_compiler_is_an_error() {
    let words = "1, ".repeat(1 << 15);
    let source = format!(
        "const LONG: [felt252; {}] = [{words}];\n\n#[executable_raw]\nfn main(input: Span<felt252>, ref output: Array<felt252>) {{\n    \
         output.append(*LONG.span().at(input.len()));\n}}\n",
        1 << 15
    );
    let files = BTreeMap::from([("src/lib.cairo".to_string(), source)]);
    let error = compile("long", &files, &BTreeMap::new()).expect_err("too long an array");
    let text = error.to_string();
    assert!(matches!(error, CompileError::Panic(_)), "{text}");
    assert!(
        text.contains("bug of cairo-decode") && text.lines().count() == 1,
        "{text}"
    );
}

#[test]
fn grouped_heads() {
    agree(1, sizes(32, 2, 4, 2, 8, 48, 40), &[2, 1, 3]);
}

#[test]
fn odd_sizes() {
    agree(2, sizes(20, 1, 3, 3, 6, 27, 33), &[1, 4]);
}

#[test]
fn wide_heads() {
    agree(3, sizes(24, 3, 2, 1, 20, 36, 65), &[5]);
}
