//! Requirement 7 and 13: a model that differs in one number has another program, hence another hash.

use cairo_decode::ir::{Graph, Op, ValueId};
use cairo_decode::spec::requantize::Requant;
use starknet_types_core::felt::Felt;

use crate::model;
use crate::support::{program, random_graph, rebuild, tiny};

fn differs(attack: &str, graph: &Graph, change: impl FnOnce(&mut Graph)) {
    let mut changed = graph.clone();
    change(&mut changed);
    assert_ne!(&changed, graph, "{attack} changes the graph");
    assert_ne!(program(&rebuild(&changed)).hash(), hash(graph), "{attack}: the same program");
}

fn hash(graph: &Graph) -> Felt {
    let model = model();
    if *graph == *model.graph { model.program.hash() } else { program(&rebuild(graph)).hash() }
}

fn bump(weight: &mut i8) {
    *weight += if *weight < 100 { 1 } else { -1 };
}

/// Attack: one weight of one matrix changed, or two of its rows swapped. Stopped by: weights are
/// constants of the program.
#[test]
fn weights() {
    let graph = &*model().graph;
    for (i, matrix) in graph.matrices.iter().enumerate() {
        differs(&matrix.name, graph, |g| bump(&mut g.matrices[i].data[1]));
    }
    differs("two rows swapped", graph, |g| {
        let cols = g.matrices[0].cols;
        let (a, b) = g.matrices[0].data.split_at_mut(cols);
        a.swap_with_slice(&mut b[..cols]);
    });
    differs("two columns swapped", graph, |g| g.matrices[0].data.swap(0, 1));
}

/// Attack: one entry of one table changed, or two entries swapped. Stopped by: tables are constants of
/// the program.
#[test]
fn tables() {
    let graph = &*model().graph;
    differs("embedding", graph, |g| bump(&mut g.tables.embedding.data[9]));
    differs("two embeddings swapped", graph, |g| {
        let (a, b) = g.tables.embedding.data.split_at_mut(8);
        a.swap_with_slice(&mut b[..8]);
    });
    differs("rope cos", graph, |g| g.tables.rope_cos[3] -= 1);
    differs("rope sin", graph, |g| g.tables.rope_sin[3] -= 1);
    differs("two angles swapped", graph, |g| g.tables.rope_cos.swap(4, 5));
    differs("exp2", graph, |g| g.tables.exp2[64] -= 1);
    differs("two exponentials swapped", graph, |g| g.tables.exp2.swap(64, 65));
    differs("sigmoid", graph, |g| g.tables.sigmoid[130] += 1);
    differs("two sigmoids swapped", graph, |g| g.tables.sigmoid.swap(130, 131));
}

/// Attack: one constant of one kind of operation changed. Stopped by: shifts, biases and bounds are
/// instructions of the program.
#[test]
fn constants() {
    let graph = &*model().graph;
    let shift = |to: &mut Requant| to.shift += 1;
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Op) -> bool);
    let changes: [Change<'_>; 15] = [
        ("embed shift", &|op| matches!(op, Op::Embed { shift } if { *shift -= 1; true })),
        ("norm eps", &|op| matches!(op, Op::RmsNorm { norm, .. } if { norm.eps += 1; true })),
        ("norm root", &|op| matches!(op, Op::RmsNorm { norm, .. } if { norm.root_shift -= 1; true })),
        ("norm numerator", &|op| matches!(op, Op::RmsNorm { norm, .. } if { norm.numerator -= 1; true })),
        ("norm shift", &|op| matches!(op, Op::RmsNorm { norm, .. } if { norm.inv_shift += 1; true })),
        ("requantize shift", &|op| matches!(op, Op::Requantize { to, .. } if { shift(to); true })),
        ("requantize low", &|op| matches!(op, Op::Requantize { to, .. } if { to.lo += 1; true })),
        ("requantize high", &|op| matches!(op, Op::Requantize { to, .. } if { to.hi -= 1; true })),
        ("rope shift", &|op| matches!(op, Op::Rope { to, .. } if { shift(to); true })),
        ("rope high", &|op| matches!(op, Op::Rope { to, .. } if to.hi == 127 && { to.hi -= 1; true })),
        ("softmax shift", &|op| matches!(op, Op::Softmax { shift, .. } if { *shift += 1; true })),
        ("mix shift", &|op| matches!(op, Op::Mix { shift, .. } if { *shift += 1; true })),
        ("silu index", &|op| matches!(op, Op::Silu { index_shift, .. } if { *index_shift -= 1; true })),
        ("mul shift", &|op| matches!(op, Op::Mul { to, .. } if { shift(to); true })),
        ("mul high", &|op| matches!(op, Op::Mul { to, .. } if { to.hi -= 1; true })),
    ];
    for (attack, change) in changes {
        differs(attack, graph, |g| {
            let changed = g.nodes.iter_mut().any(|node| change(&mut node.op));
            assert!(changed, "{attack}: no such operation");
        });
    }
}

/// Attack: an operation reads another value of the same kind. Stopped by: the calls are the program.
#[test]
fn wiring() {
    let mut sizes = tiny();
    sizes.shape.layers = 2;
    let graph = &*random_graph("two", 6, sizes);
    let find = |graph: &Graph, label: &str| {
        let index = graph.nodes.iter().position(|n| n.label == label);
        ValueId(index.unwrap_or_else(|| panic!("no node {label}")) as u32)
    };
    let set = |g: &mut Graph, label: &str, change: &dyn Fn(&Graph, &mut Op)| {
        let (at, copy) = (find(g, label).0 as usize, g.clone());
        change(&copy, &mut g.nodes[at].op);
    };
    differs("keys and values swapped", graph, |g| {
        set(g, "layer0.kv_append", &|_, op| {
            let Op::KvAppend { k, v, .. } = op else { panic!("not an append") };
            std::mem::swap(k, v);
        });
    });
    differs("scores against another layer's keys", graph, |g| {
        set(g, "layer1.scores", &|_, op| matches!(op, Op::Scores { layer, .. } if { *layer = 0; true }).then_some(()).expect("scores"));
    });
    differs("values of another layer", graph, |g| {
        set(g, "layer1.mix", &|_, op| matches!(op, Op::Mix { layer, .. } if { *layer = 0; true }).then_some(()).expect("mix"));
    });
    differs("a residual skipped", graph, |g| {
        set(g, "layer1.attention_residual", &|g, op| {
            let Op::Add { a, .. } = op else { panic!("not a sum") };
            *a = find(g, "layer0.attention_residual");
        });
    });
    differs("logits of another norm", graph, |g| {
        set(g, "final.lm_head", &|g, op| {
            let Op::Linear { x, .. } = op else { panic!("not a matrix") };
            *x = find(g, "layer1.mlp_norm");
        });
    });
}

/// Attack: the same program under another model root. Stopped by: the root is a constant of the program.
#[test]
fn model_root() {
    let graph = &model().graph;
    let package = cairo_decode::lower::lower(graph, Felt::from(4321)).expect("lowers");
    let other = cairo_decode::compile::compile(&package.name, &package.files).expect("compiles");
    assert_ne!(other.hash(), model().program.hash());
}
