//! What the benchmarks cost in VM steps and cells, exactly: a regression fails, and an improvement has to be
//! written down here.
//!
//! Slow: makes five proofs.

use std::process::Command;

/// Case, VM steps of each chunk, committed cells of each chunk.
const PINNED: [(&str, &[u64], &[u64]); 2] = [
    ("A", &[208_426, 323_917], &[78_477_824, 86_486_528]),
    (
        "C",
        &[3_037_469, 3_411_939, 3_888_611],
        &[397_669_888, 405_426_176, 436_913_152],
    ),
];

#[test]
fn steps_and_cells_are_as_before() {
    let output = Command::new(env!("CARGO_BIN_EXE_cairo-decode"))
        .args(["bench", "A", "C", "--json", "--demo"])
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/models/stories"))
        .output()
        .expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{stderr}");
    let answer: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
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
    let output = Command::new(env!("CARGO_BIN_EXE_cairo-decode"))
        .args(["bench", "Z"])
        .output()
        .expect("the binary runs");
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{stderr}");
    assert!(
        stderr.contains("\"Z\"") && stderr.contains("A, B, C"),
        "{stderr}"
    );
}
