//! Requirement 6: the map from every operation to the Cairo function that checks it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use cairo_decode::compile::{Program, kernel_sources};
use cairo_decode::ir::{Graph, Op};
use cairo_decode::model::Model;
use cairo_decode::quantize::{QuantOptions, quantize};

use crate::model;
use crate::support::program;

/// Operation, file in `cairo/src`, functions that compute and check it.
const CHECKED_BY: [(&str, &str, &[&str]); 13] = [
    ("embed", "embed.cairo", &["embed"]),
    ("rmsnorm", "rmsnorm.cairo", &["rmsnorm"]),
    ("linear", "linear.cairo", &["linear"]),
    (
        "requantize",
        "requantize.cairo",
        &["requantize", "requantize_saturated"],
    ),
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
        assert!(
            map.contains(name(&node.op)),
            "{}: {} has no checking function",
            node.label,
            node.op.name()
        );
        *counts.entry(node.op.name()).or_default() += 1;
    }
    eprintln!(
        "{}: {} operations, all covered: {counts:?}",
        graph.name,
        graph.nodes.len()
    );
}

/// The map names functions that exist, and a program calls every one of its operations.
#[test]
fn requirement_06_every_operation_has_a_checking_function() {
    let sources: BTreeMap<&str, &str> = kernel_sources().collect();
    for (op, file, functions) in CHECKED_BY {
        let source = sources
            .get(file)
            .unwrap_or_else(|| panic!("{op}: cairo/src/{file} is missing"));
        for function in functions {
            let found = ["(", "<"]
                .iter()
                .any(|end| source.contains(&format!("pub fn {function}{end}")));
            assert!(found, "{op}: cairo/src/{file} has no `pub fn {function}`");
        }
    }
    assert_covered(&model().graph);
    let used: BTreeSet<&str> = model().graph.nodes.iter().map(|n| n.op.name()).collect();
    assert_eq!(
        used.len(),
        CHECKED_BY.len(),
        "the attacked model uses every operation"
    );
}

/// The demo model's graph is covered, operation by operation.
#[test]
fn requirement_06_the_demo_model_is_covered() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("models/stories");
    let model = Model::load(&dir).expect("the demo model");
    let text = std::fs::read_to_string(dir.join("calibration.txt")).expect("its calibration text");
    // A short text: the scales differ, the operations do not.
    let documents: Vec<&str> = text.split("\n\n").take(4).collect();
    let quantized = quantize(&model, &documents.join("\n\n"), &QuantOptions::default());
    let quantized = quantized.expect("quantises");
    assert_covered(&quantized.graph);
    let kinds = |program: &Program| {
        hints(program)
            .into_iter()
            .map(|(_, kind)| kind)
            .collect::<BTreeSet<_>>()
    };
    let (demo, attacked) = (
        kinds(&program(&quantized.graph)),
        kinds(&crate::model().program),
    );
    eprintln!("hints of the demo program: {demo:?}");
    assert_eq!(
        demo, attacked,
        "the attacked program has the same kinds of hints"
    );
}

/// Offset and kind of every hint of a program, from its JSON form: `hints` is a list of (offset, hints), a
/// hint an object with its kind as the only key.
pub fn hints(program: &Program) -> Vec<(usize, String)> {
    let json: serde_json::Value =
        serde_json::from_slice(&program.to_json().expect("JSON")).expect("JSON");
    let places = json
        .pointer("/executable/program/hints")
        .and_then(|h| h.as_array())
        .expect("hints");
    let mut found = vec![];
    for place in places {
        let offset = place[0].as_u64().expect("an offset") as usize;
        for hint in place[1].as_array().expect("a list of hints") {
            let kind = hint
                .as_object()
                .and_then(|hint| hint.keys().next())
                .expect("a kind");
            found.push((offset, kind.clone()));
        }
    }
    found
}
