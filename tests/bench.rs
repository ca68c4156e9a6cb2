//! What the benchmarks cost in VM steps and cells, exactly: a regression fails, and an improvement has to be
//! written down here.
//!
//! Slow: makes five proofs.

#[path = "support/command.rs"]
mod command;

use command::{accept, reject};

/// Case, VM steps of each chunk, committed cells of each chunk.
const PINNED: [(&str, &[u64], &[u64]); 2] = [
    ("A", &[165_118, 169_422], &[62_349_824, 62_693_888]),
    (
        "C",
        &[2_332_352, 2_645_922, 2_963_261],
        &[312_251_392, 391_353_344, 393_843_712],
    ),
];

#[test]
fn steps_and_cells_are_as_before() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/models/stories");
    let said = accept(&["bench", "A", "C", "--json", "--demo", demo]);
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    // What `profile` counts from a trace is what the proof's claim has.
    for case in answer["cases"].as_array().expect("cases") {
        for chunk in case["chunks"].as_array().expect("chunks") {
            let components = chunk["components"].as_array().expect("components");
            let cells = |c: &serde_json::Value| c["cells"].as_u64().expect("a number");
            let sum: u64 = components.iter().map(cells).sum();
            assert_eq!(chunk["cells"], sum);
        }
    }
    let found: Vec<(String, Vec<u64>, Vec<u64>)> = answer["cases"]
        .as_array()
        .expect("cases")
        .iter()
        .map(|case| {
            let chunks = case["chunks"].as_array().expect("chunks");
            let each = |field: &str| -> Vec<u64> {
                let number = |chunk: &serde_json::Value| chunk[field].as_u64().expect("a number");
                chunks.iter().map(number).collect()
            };
            let name = case["case"].as_str().expect("a name").to_string();
            (name, each("vm_steps"), each("cells"))
        })
        .collect();
    let pinned =
        PINNED.map(|(name, steps, cells)| (name.to_string(), steps.to_vec(), cells.to_vec()));
    assert_eq!(found, pinned);
}

#[test]
fn a_case_that_there_is_not() {
    reject(&["bench", "Z"], 2, "\"Z\"");
    reject(&["bench", "Z"], 2, "A, B, C, D");
}
