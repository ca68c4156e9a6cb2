//! Where sessions end, and how they are cut: whatever the chunks, the tokens are the same and the session verifies.

use std::fs;

use serde_json::{Value, json};

use crate::command::{accept, path};
use crate::session::{CONTEXT, LANES, edit, proof, read, receipt, world};

/// Fewer tokens than a chunk has steps, and fewer than it takes to the token that would end the session.
#[test]
fn a_session_shorter_than_a_chunk() {
    let world = world();
    let out = world.root.join("short");
    let build = path(&world.build);
    let said = accept(&[
        "prove",
        build,
        "-p",
        "ab",
        "-n",
        "1",
        "-o",
        path(&out),
        "--json",
    ]);
    let said: Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(said["chunks"][0]["steps"], 3);
    assert_eq!(said["generated_tokens"].as_array().map(Vec::len), Some(1));
    world.accepts(&out);
}

/// A prompt that leaves room for nothing but one choice: all chunks but that step are forced.
#[test]
fn a_prompt_that_fills_the_context() {
    let world = world();
    let out = world.root.join("full");
    let prompt: String = "abcdefghijklmnopqrstuvwxyz"
        .chars()
        .take(CONTEXT - 1)
        .collect();
    let (build, folder) = (path(&world.build), path(&out));
    let prove = |n| {
        [
            "prove", build, "-p", &prompt, "-n", n, "-o", folder, "--json",
        ]
    };
    crate::command::reject(&prove("2"), 2, "at most 1 do");
    let said: Value = serde_json::from_str(&accept(&prove("1"))).expect("JSON");
    let steps: Vec<&Value> = said["chunks"]
        .as_array()
        .expect("chunks")
        .iter()
        .map(|c| &c["steps"])
        .collect();
    assert_eq!(steps, [&json!(LANES), &json!(LANES)]);
    world.accepts(&out);
    let last = read(&receipt(&out, 1));
    assert_eq!(
        last["forced_tokens"].as_array().map(Vec::len),
        Some(LANES - 1)
    );
    assert_eq!(last["statement"]["frontier_out"]["position"], CONTEXT);
}

/// A session that is gone on with in other chunks verifies, has the same tokens, and ends at the same frontier.
#[test]
fn a_session_cut_into_other_chunks() {
    let world = world();
    let out = world.copy("other-chunks");
    let whole = read(&receipt(&out, 1));
    fs::remove_file(receipt(&out, 1)).expect("removed");
    fs::remove_file(proof(&out, 1)).expect("removed");
    let mut args = world.proving(&out);
    args.extend(["--chunk", "3"]);
    let output = crate::command::run(&args);
    let stderr = crate::command::text(&output.stderr);
    assert_eq!(crate::command::code(&output), 0, "{stderr}");
    assert!(stderr.contains("at most 3 steps, and not 8"), "{stderr}");
    let said: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(said["generated_tokens"], world.proven["generated_tokens"]);
    // Of 4 to 7 steps.
    let mut expected = vec![];
    let mut left = world.second();
    while left > 0 {
        expected.push((expected.len() + 1, left.min(3)));
        left = left.saturating_sub(3);
    }
    assert_eq!(cut(&said), expected);
    let last = expected.len();
    world.accepts(&out);
    let end = read(&receipt(&out, last));
    assert_eq!(
        end["statement"]["frontier_out"],
        whole["statement"]["frontier_out"]
    );
    assert_eq!(read(&out.join("session.json"))["chunk_size"], 3);

    // A boundary that is lost is found again: what a later receipt begins with says where the chunks before end.
    fs::remove_file(receipt(&out, 0)).expect("removed");
    edit(&receipt(&out, 1), "/statement/steps", |_| 2.into());
    let kept = fs::read(proof(&out, last)).expect("a proof");
    let said: Value = serde_json::from_str(&accept(&world.proving(&out))).expect("JSON");
    assert_eq!(cut(&said), [(0, 8), (1, 3)]);
    assert_eq!(fs::read(proof(&out, last)).expect("a proof"), kept);
    world.accepts(&out);
}

/// The chunks that a run proved, with their steps.
fn cut(said: &Value) -> Vec<(usize, usize)> {
    let number = |chunk: &Value, field: &str| chunk[field].as_u64().expect("a number") as usize;
    let chunks = said["chunks"].as_array().expect("chunks").iter();
    chunks
        .map(|chunk| (number(chunk, "chunk"), number(chunk, "steps")))
        .collect()
}
