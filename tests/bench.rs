//! What the benchmarks cost in VM steps and cells, exactly: a regression fails, and an improvement has to be
//! written down here.
//!
//! Slow: makes five proofs.

#[path = "support/command.rs"]
mod command;

use command::{accept, reject};
use expect_test::expect;

#[test]
fn steps_and_cells_are_as_before() {
    let demo = concat!(env!("CARGO_MANIFEST_DIR"), "/models/stories");
    let said = accept(&["bench", "A", "C", "--json", "--demo", demo]);
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let mut found = String::new();
    for case in answer["cases"].as_array().expect("cases") {
        for chunk in case["chunks"].as_array().expect("chunks") {
            // What `profile` counts from a trace is what the proof's claim has.
            let components = chunk["components"].as_array().expect("components");
            let cells = |c: &serde_json::Value| c["cells"].as_u64().expect("a number");
            let sum: u64 = components.iter().map(cells).sum();
            assert_eq!(chunk["cells"], sum);
            let (name, steps, cells) = (&case["case"], &chunk["vm_steps"], &chunk["cells"]);
            found += &format!("{name}: {steps} VM steps, {cells} cells\n");
        }
    }
    // `scripts/bless` writes them anew.
    expect![[r#"
        "A": 165118 VM steps, 62349824 cells
        "A": 169422 VM steps, 62693888 cells
        "C": 2332352 VM steps, 312251392 cells
        "C": 2645922 VM steps, 391353344 cells
        "C": 2963261 VM steps, 393843712 cells
    "#]]
    .assert_eq(&found);
}

#[test]
fn a_case_that_there_is_not() {
    reject(&["bench", "Z"], 2, "\"Z\"");
    reject(&["bench", "Z"], 2, "A, B, C, D");
}
