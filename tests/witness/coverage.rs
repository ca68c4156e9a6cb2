//! Requirement 6: the map from every operation to the Cairo function that checks it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cairo_decode::compile::kernel_sources;
use cairo_decode::ir::{Graph, Op};
use cairo_decode::model::Model;
use cairo_decode::quantize::{QuantOptions, quantize};

use crate::model;

/// Operation, file in `cairo/src`, functions that compute and check it.
const CHECKED_BY: [(&str, &str, &[&str]); 13] = [
    ("embed", "embed.cairo", &["embed"]),
    ("rmsnorm", "rmsnorm.cairo", &["rmsnorm"]),
    ("linear", "linear.cairo", &["linear"]),
    ("requantize", "requantize.cairo", &["requantize", "requantize_saturated"]),
    ("rope", "rope.cairo", &["rope", "angles"]),
    ("kv_append", "kv.cairo", &["kv_append"]),
    ("scores", "scores.cairo", &["scores"]),
    ("softmax", "softmax.cairo", &["softmax"]),
    ("mix", "mix.cairo", &["mix"]),
    ("silu", "silu.cairo", &["silu"]),
    ("mul", "elementwise.cairo", &["mul"]),
    ("add", "elementwise.cairo", &["add"]),
    ("argmax", "argmax.cairo", &["argmax"]),
];

/// Every operation's name; the match makes a new operation ask for its line here.
fn name(op: &Op) -> &'static str {
    match op {
        Op::Embed { .. }
        | Op::RmsNorm { .. }
        | Op::Linear { .. }
        | Op::Requantize { .. }
        | Op::Rope { .. }
        | Op::KvAppend { .. }
        | Op::Scores { .. }
        | Op::Softmax { .. }
        | Op::Mix { .. }
        | Op::Silu { .. }
        | Op::Mul { .. }
        | Op::Add { .. }
        | Op::Argmax { .. } => op.name(),
    }
}

fn assert_covered(graph: &Graph) {
    let map: BTreeSet<&str> = CHECKED_BY.iter().map(|(op, ..)| *op).collect();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for node in &graph.nodes {
        assert!(map.contains(name(&node.op)), "{}: {} has no checking function", node.label, node.op.name());
        *counts.entry(node.op.name()).or_default() += 1;
    }
    eprintln!("{}: {} operations, all covered: {counts:?}", graph.name, graph.nodes.len());
}

/// The map names functions that exist, and a program calls every one of its operations.
#[test]
fn every_operation_has_a_checking_function() {
    let sources: BTreeMap<&str, &str> = kernel_sources().collect();
    for (op, file, functions) in CHECKED_BY {
        let source = sources.get(file).unwrap_or_else(|| panic!("{op}: cairo/src/{file} is missing"));
        for function in functions {
            let found = ["(", "<"].iter().any(|end| source.contains(&format!("pub fn {function}{end}")));
            assert!(found, "{op}: cairo/src/{file} has no `pub fn {function}`");
        }
    }
    assert_covered(&model().graph);
    let used: BTreeSet<&str> = model().graph.nodes.iter().map(|n| n.op.name()).collect();
    assert_eq!(used.len(), CHECKED_BY.len(), "the attacked model uses every operation");
}

/// The demo model's graph is covered, operation by operation.
#[test]
fn the_demo_model_is_covered() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let model = Model::load(&dir).expect("the demo model");
    let text = std::fs::read_to_string(dir.join("calibration.txt")).expect("its calibration text");
    // A short text: the scales differ, the operations do not.
    let documents: Vec<&str> = text.split("\n\n").take(4).collect();
    let quantized = quantize(&model, &documents.join("\n\n"), &QuantOptions::default());
    assert_covered(&quantized.expect("quantises").graph);
}
