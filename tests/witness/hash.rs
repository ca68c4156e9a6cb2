//! Requirement 7 and 13: a model that differs in one number has another program, hence another hash.

use cairo_decode::ir::{Graph, Op, ValueId};
use cairo_decode::spec::requantize::Requant;
use starknet_types_core::felt::Felt;

use crate::model;
use crate::support::{program, random_graph, rebuild, tiny};

/// A change of the first operation of one kind: whether the operation is of that kind.
macro_rules! edit {
    ($kind:pat => $change:expr) => {
        &|op: &mut Op| {
            let $kind = op else { return false };
            $change;
            true
        }
    };
}

fn differs(attack: &str, graph: &Graph, change: impl FnOnce(&mut Graph)) {
    let mut changed = graph.clone();
    change(&mut changed);
    assert_ne!(&changed, graph, "{attack} changes the graph");
    assert_ne!(
        program(&rebuild(&changed)).hash(),
        hash(graph),
        "{attack}: the same program"
    );
}

fn hash(graph: &Graph) -> Felt {
    let model = model();
    if *graph == *model.graph {
        model.program.hash()
    } else {
        program(&rebuild(graph)).hash()
    }
}

fn bump(weight: &mut i8) {
    *weight += if *weight < 100 { 1 } else { -1 };
}

/// Attack: one weight of one matrix changed, or two of its rows swapped. Stopped by: weights are
/// constants of the program.
#[test]
fn requirement_07_weights() {
    let graph = &*model().graph;
    for (i, matrix) in graph.matrices.iter().enumerate() {
        differs(&matrix.name, graph, |g| bump(&mut g.matrices[i].data[1]));
    }
    differs("two rows swapped", graph, |g| {
        let cols = g.matrices[0].cols;
        let (a, b) = g.matrices[0].data.split_at_mut(cols);
        a.swap_with_slice(&mut b[..cols]);
    });
    differs("two columns swapped", graph, |g| {
        g.matrices[0].data.swap(0, 1)
    });
}

/// Attack: one entry of one table changed, or two entries swapped. Stopped by: tables are constants of
/// the program.
#[test]
fn requirement_13_tables() {
    let graph = &*model().graph;
    differs("embedding", graph, |g| {
        bump(&mut g.tables.embedding.data[9])
    });
    differs("two embeddings swapped", graph, |g| {
        let (a, b) = g.tables.embedding.data.split_at_mut(8);
        a.swap_with_slice(&mut b[..8]);
    });
    differs("rope cos", graph, |g| g.tables.rope_cos[3] -= 1);
    differs("rope sin", graph, |g| g.tables.rope_sin[3] -= 1);
    differs("two angles swapped", graph, |g| {
        g.tables.rope_cos.swap(4, 5)
    });
    differs("exp2", graph, |g| g.tables.exp2[64] -= 1);
    differs("two exponentials swapped", graph, |g| {
        g.tables.exp2.swap(64, 65)
    });
    differs("sigmoid", graph, |g| g.tables.sigmoid[130] += 1);
    differs("two sigmoids swapped", graph, |g| {
        g.tables.sigmoid.swap(130, 131)
    });
}

/// Attack: one constant of one kind of operation changed. Stopped by: shifts, biases and bounds are
/// instructions of the program.
#[test]
fn requirement_12_roundings_and_bounds() {
    let graph = &*model().graph;
    type Change<'a> = (&'a str, &'a dyn Fn(&mut Op) -> bool);
    let changes: [Change<'_>; 15] = [
        ("embed shift", edit!(Op::Embed { shift } => *shift -= 1)),
        ("norm eps", edit!(Op::RmsNorm { norm, .. } => norm.eps += 1)),
        (
            "norm root",
            edit!(Op::RmsNorm { norm, .. } => norm.root_shift -= 1),
        ),
        (
            "norm numerator",
            edit!(Op::RmsNorm { norm, .. } => norm.numerator -= 1),
        ),
        (
            "norm shift",
            edit!(Op::RmsNorm { norm, .. } => norm.inv_shift += 1),
        ),
        (
            "requantize shift",
            edit!(Op::Requantize { to, .. } => to.shift += 1),
        ),
        (
            "requantize low",
            edit!(Op::Requantize { to, .. } => to.lo += 1),
        ),
        (
            "requantize high",
            edit!(Op::Requantize { to, .. } => to.hi -= 1),
        ),
        ("rope shift", edit!(Op::Rope { to, .. } => to.shift += 1)),
        (
            "rope high",
            edit!(Op::Rope { to: to @ Requant { hi: 127, .. }, .. } => to.hi -= 1),
        ),
        (
            "softmax shift",
            edit!(Op::Softmax { shift, .. } => *shift += 1),
        ),
        ("mix shift", edit!(Op::Mix { shift, .. } => *shift += 1)),
        (
            "silu index",
            edit!(Op::Silu { index_shift, .. } => *index_shift -= 1),
        ),
        ("mul shift", edit!(Op::Mul { to, .. } => to.shift += 1)),
        ("mul high", edit!(Op::Mul { to, .. } => to.hi -= 1)),
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
fn requirement_11_wiring() {
    let mut sizes = tiny();
    sizes.shape.layers = 3;
    let graph = &*random_graph("three", 6, sizes);
    let find = |graph: &Graph, label: &str| {
        let index = graph.nodes.iter().position(|n| n.label == label);
        ValueId(index.unwrap_or_else(|| panic!("no node {label}")) as u32)
    };
    let set = |g: &mut Graph, label: &str, change: &dyn Fn(&mut Op) -> bool| {
        let at = find(g, label).0 as usize;
        assert!(change(&mut g.nodes[at].op), "{label} is of another kind");
    };
    differs("keys and values swapped", graph, |g| {
        set(
            g,
            "layer0.kv_append",
            edit!(Op::KvAppend { k, v, .. } => std::mem::swap(k, v)),
        );
    });
    // Attention over another layer's rows is no valid graph: rule 7 of the graph verifier refuses it.
    let before = find(graph, "layer0.attention_residual");
    differs("a residual skipped", graph, |g| {
        set(
            g,
            "layer1.attention_residual",
            edit!(Op::Add { a, .. } => *a = before),
        );
    });
    let norm = find(graph, "layer2.attention_norm");
    differs("the gate of another norm", graph, |g| {
        set(
            g,
            "layer2.gate_proj",
            edit!(Op::Linear { x, .. } => *x = norm),
        );
    });
}

/// Attack: the same program under another model root. Stopped by: the root is a constant of the program.
#[test]
fn requirement_23_model_root() {
    let graph = &model().graph;
    let package =
        cairo_decode::lower::lower(graph, Felt::from(4321), Default::default()).expect("lowers");
    let other = cairo_decode::compile::compile(&package.name, &package.files, &package.calls)
        .expect("compiles");
    assert_ne!(other.hash(), model().program.hash());
}
