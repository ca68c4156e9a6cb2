//! Graphs of any structure that the graph verifier allows lower, compile and run: reference, engine and program agree,
//! operation by operation.

#[path = "support/shapes.rs"]
mod shapes;
mod support;
#[path = "support/values.rs"]
mod values;

use std::collections::BTreeMap;

use cairo_decode::chunk::Decoder;
use cairo_decode::compile::compile;
use cairo_decode::engine::Engine;
use cairo_decode::ir::{Builder, KvCache, Op, Shape, StepValues, ValueId, VerifiedGraph, run_step};
use cairo_decode::lower::{LowerError, LowerOptions, Products, WeightLayout, lower};
use cairo_decode::spec::requantize::Requant;
use cairo_decode::trace;
use shapes::any_graph;
use starknet_types_core::felt::Felt;
use support::{MODEL_ROOT, Random, pins_as, push, tables};
use values::values;

const PAIRS: LowerOptions = LowerOptions {
    products: Products::Claimed,
    weights: WeightLayout::Pairs,
};

/// Runs a session of `chunks`; the values of every operation at every step are the same in all three. Returns how many
/// values of the program were compared.
fn agree(graph: &VerifiedGraph, options: LowerOptions, prompt: &[u32], chunks: &[usize]) -> usize {
    let text = graph.to_string();
    let package = lower(graph, Felt::from(MODEL_ROOT), options).expect("lowers");
    let program = compile(&package.name, &package.files, &package.calls)
        .unwrap_or_else(|e| panic!("{e}\n{}\n{text}", package.files["src/lib.cairo"]));
    let mut decoder =
        Decoder::new(graph, pins_as(graph, options, &program, prompt)).expect("a session");
    let mut cache = KvCache::new(graph.shape.layers);
    let mut engine = Engine::new(graph);
    let (mut token, mut compared) = (prompt[0], 0);
    for &steps in chunks {
        let first = cache.positions();
        let chunk = decoder.chunk(steps).expect("a chunk");
        let mut reference: Vec<StepValues> = vec![];
        for position in first..first + steps {
            let values = run_step(graph, &mut cache, token);
            let chosen = engine.step(token);
            for (id, node) in (0..).map(ValueId).zip(&graph.nodes) {
                let value = values.get(id);
                assert_eq!(engine.value(id), value, "engine: {}\n{text}", node.label);
                let inside = value.iter().all(|&x| node.range.contains(x));
                assert!(inside, "{} leaves its range\n{text}", node.label);
            }
            assert_eq!(chosen, values.token());
            token = *prompt.get(position + 1).unwrap_or(&chosen);
            reference.push(values);
        }
        let trace = trace::run(&program, &chunk.input)
            .unwrap_or_else(|e| panic!("an honest witness: {e}\n{text}"));
        assert_eq!(trace.output(), chunk.statement.to_output());
        let decided = (first + steps + 1).saturating_sub(prompt.len()).min(steps);
        compared += values(&program, graph, trace).equal(graph, &reference, decided);
    }
    compared
}

/// Eleven structures, with weights in every layout, and products computed or claimed.
#[test]
fn graphs_of_any_shape() {
    let mut used: BTreeMap<&str, usize> = BTreeMap::new();
    let mut compared = 0;
    // The fewest of the first thirty in a row that fulfil what is asserted below.
    let seeds = 6..17;
    for seed in seeds.clone() {
        let graph = any_graph(seed);
        let mut random = Random::new(seed + 100);
        let mut options = LowerOptions {
            products: [Products::Computed, Products::Claimed][random.below(2)],
            weights: [
                WeightLayout::Pairs,
                WeightLayout::Ready,
                WeightLayout::Committed,
            ][random.below(3)],
        };
        // Ranges that hold for the graph's weights need not hold for any: that is refused by name.
        let lowered = lower(&graph, Felt::ONE, options);
        if let Err(LowerError::AnyWeights(_)) = lowered {
            options = PAIRS;
        }
        let token = |random: &mut Random| random.below(graph.shape.vocab) as u32;
        let prompt: Vec<u32> = (0..1 + random.below(3))
            .map(|_| token(&mut random))
            .collect();
        let chunks: &[usize] = [&[3][..], &[2, 2], &[1, 1, 2]][random.below(3)];
        eprintln!("seed {seed}: {options:?}, {} operations", graph.nodes.len());
        compared += agree(&graph, options, &prompt, chunks);
        let mut names: Vec<&str> = graph.nodes.iter().map(|node| node.op.name()).collect();
        names.sort();
        names.dedup();
        for name in names {
            *used.entry(name).or_default() += 1;
        }
    }
    eprintln!("{compared} values; graphs with each operation: {used:?}");
    assert_eq!(used.len(), 13, "every operation is somewhere");
    // Each operation is missing somewhere, but for those that every graph needs, and for matrices and roundings, which
    // `the_smallest_graphs` do without.
    let always = ["embed", "kv_append", "argmax", "linear", "requantize"];
    for (name, count) in used {
        let everywhere = count == seeds.clone().count();
        assert!(
            everywhere == always.contains(&name),
            "{name} in {count} graphs"
        );
    }
}

/// Graphs without any operation that can be left out, and without a matrix. Where a program is for any weights, the
/// row of the embedding has to become int8 by a rounding.
#[test]
fn the_smallest_graphs() {
    let shape = Shape {
        hidden: 2,
        layers: 1,
        heads: 1,
        kv_heads: 1,
        head_dim: 2,
        vocab: 2,
        context: 3,
    };
    let smallest = |rounded: bool| {
        let tables = tables(&mut Random::new(4), &shape);
        let mut builder = Builder::new("smallest", shape, tables);
        let x = push(&mut builder, "embed", Op::Embed { shift: 0 });
        let to = Requant {
            shift: 1,
            lo: -128,
            hi: 127,
        };
        let row = match rounded {
            true => push(&mut builder, "half", Op::Requantize { x, to }),
            false => x,
        };
        let append = Op::KvAppend {
            k: row,
            v: row,
            layer: 0,
        };
        push(&mut builder, "append", append);
        push(&mut builder, "token", Op::Argmax { x });
        builder.finish().expect("a valid graph")
    };
    let products = Products::Cheapest;
    for weights in [
        WeightLayout::Pairs,
        WeightLayout::Ready,
        WeightLayout::Committed,
    ] {
        let options = LowerOptions { products, weights };
        agree(&smallest(true), options, &[1], &[1, 2]);
        if weights != WeightLayout::Committed {
            agree(&smallest(false), options, &[1], &[1, 2]);
        }
    }
}

/// Embedding, one matrix, choice; and a value that nothing reads.
#[test]
fn one_matrix() {
    let graph = support::random_graph("base", 3, support::tiny());
    let shape = graph.shape;
    let mut builder = Builder::new("one_matrix", shape, graph.tables.clone());
    let head = graph.matrices.last().expect("the last matrix").clone();
    let head = builder.matrix(head);
    let x = push(&mut builder, "embed", Op::Embed { shift: 4 });
    let to = Requant {
        shift: 4,
        lo: -127,
        hi: 127,
    };
    push(&mut builder, "unread", Op::Requantize { x, to });
    let logits = push(&mut builder, "lm_head", Op::Linear { x, matrix: head });
    let row = push(&mut builder, "rotated", Op::Rope { x: logits, to });
    let k = match shape.kv_dim() == shape.vocab {
        true => row,
        false => {
            let matrix = graph.matrices[1].clone();
            let matrix = builder.matrix(matrix);
            let k = push(&mut builder, "k_proj", Op::Linear { x: row, matrix });
            push(&mut builder, "k", Op::Requantize { x: k, to })
        }
    };
    push(&mut builder, "append", Op::KvAppend { k, v: k, layer: 0 });
    push(&mut builder, "token", Op::Argmax { x: logits });
    let graph = builder.finish().expect("a valid graph");
    agree(&graph, LowerOptions::default(), &[1, 2], &[3]);
}
