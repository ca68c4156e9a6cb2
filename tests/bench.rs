//! What the benchmarks cost, exactly, without a proof: a regression fails, and an improvement has to be written down here. One small case is
//! proven as a whole.

#[path = "support/command.rs"]
mod command;

use std::path::Path;

use cairo_decode::bench::{CASES, outline};
use command::{accept, reject};
use expect_test::expect;

fn demo() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/models/stories"))
}

/// Words, steps, cells of components, columns by tree, of all cases.
#[test]
fn cases_cost_what_they_did() {
    let mut found = String::new();
    for case in &CASES {
        let work = tempfile::tempdir().expect("a folder");
        let cost = outline(case, demo(), work.path()).expect("a model of this shape");
        let columns = cost.columns;
        found += &format!(
            "{}: {} words, {} VM steps, {} cells, {} + {} + {} columns\n",
            case.name,
            cost.words,
            cost.vm_steps,
            cost.cells.components,
            columns.constants,
            columns.trace,
            columns.interaction,
        );
    }
    // `scripts/bless` writes them anew.
    expect![[r#""#]].assert_eq(&found);
}

/// A case as the command runs it: what was declared is what it took.
#[test]
fn a_case_is_proven_and_verified() {
    let said = accept(&["bench", "A", "--json"]);
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    let case = &answer["cases"][0];
    let declared = &case["declared"];
    assert_eq!(case["program_words"], declared["words"]);
    let chunks = case["chunks"].as_array().expect("chunks");
    assert_eq!(chunks.len(), 2);
    for chunk in chunks {
        assert_eq!(chunk["vm_steps"], declared["vm_steps"]);
        assert_eq!(chunk["component_cells"], declared["cells"]["components"]);
        assert_eq!(chunk["table_cells"], declared["cells"]["tables"]);
        assert_eq!(chunk["columns"], declared["columns"]);
        let number = |value: &serde_json::Value| value.as_u64().expect("a number");
        let [proof, said] = [&chunk["proof_bytes"], &declared["proof_bytes"]].map(number);
        assert!(100 * proof.abs_diff(said) < said, "{proof} {said}");
        let [cairo, most] = [&chunk["cairo_cells"], &declared["cells"]["cairo"]].map(number);
        assert!(cairo <= most && most < 3 * cairo, "{cairo} {most}");
    }
    let targets = case["targets"].as_array().expect("targets");
    assert!(targets.iter().all(|target| target["found"].is_f64()));
}

#[test]
fn a_case_that_there_is_not() {
    reject(&["bench", "Z"], 2, "\"Z\"");
    reject(&["bench", "Z"], 2, "A, B, C, D");
}
