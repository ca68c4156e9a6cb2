//! `prove` in a folder that an earlier run left: what it goes on with, proves again, mends or refuses.

use std::fs;
use std::path::Path;

use crate::command::{accept, code, path, proving, reject, run, text};
use crate::session::{PROMPT, World, assert_rejected, copy, prove, verify, world};

#[test]
fn requirement_05_an_interrupted_session_goes_on_in_a_new_process() {
    let world = world();
    let session = copy(world, "resumed");
    fs::remove_file(session.join("chunk-0001.receipt.json")).expect("removed");
    let file = session.join("session.json");
    let mut document: serde_json::Value =
        serde_json::from_slice(&fs::read(&file).expect("a session")).expect("JSON");
    document["status"] = "running".into();
    document["chunks"] = serde_json::Value::Null;
    document["generated_tokens"] = serde_json::Value::Null;
    fs::write(&file, document.to_string()).expect("written");
    // Not complete: not accepted.
    assert_rejected(world, &session, "status");
    let kept = fs::read(session.join("chunk-0000.proof")).expect("a proof");
    let report = prove(world, PROMPT, "resumed");
    let report: serde_json::Value = serde_json::from_str(&report).expect("JSON");
    assert_eq!(
        report["chunks"].as_array().expect("chunks").len(),
        1,
        "only the missing chunk is proven"
    );
    assert_eq!(
        fs::read(session.join("chunk-0000.proof")).expect("a proof"),
        kept
    );
    assert_eq!(code(&verify(world, &session)), 0);
}

/// Proves `PROMPT` into a copy of the session, with other options behind the usual ones. Returns what it said: the JSON,
/// and stderr.
fn resume(world: &World, out: &Path, more: &[&str]) -> (serde_json::Value, String) {
    let build = world.root.join("build");
    let usual = proving(&build, PROMPT, out);
    let output = run(&[&usual, more, &["--json"]].concat());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let said = serde_json::from_slice(&output.stdout).expect("JSON");
    (said, text(&output.stderr))
}

/// Chunks that a resumed run proved, and those of which it said why.
fn proven_and_named(said: &serde_json::Value) -> (Vec<u64>, Vec<u64>) {
    let chunks = |list: &serde_json::Value| -> Vec<u64> {
        let list = list.as_array().expect("a list").iter();
        list.filter_map(|entry| entry["chunk"].as_u64()).collect()
    };
    (chunks(&said["chunks"]), chunks(&said["again"]))
}

/// A session that was complete and is proven again in part is running until it is complete again.
#[test]
fn other_options_at_resumption() {
    let world = world();
    let (build, session) = (world.root.join("build"), copy(world, "other-options"));
    let usual = proving(&build, PROMPT, &session);
    for (more, names) in [
        (&["--domain", "SN_SEPOLIA/0x1234"][..], "--domain"),
        (&["--session-id", "0x9"], "--session-id"),
    ] {
        reject(&[&usual[..], more].concat(), 2, names);
    }
    let other = |prompt, n| {
        [
            "prove",
            path(&build),
            "-p",
            prompt,
            "-n",
            n,
            "-o",
            path(&session),
        ]
        .map(String::from)
    };
    for (args, names) in [
        (other("abd", "3"), "the prompt"),
        (other(PROMPT, "4"), "-n"),
    ] {
        reject(&args.each_ref().map(String::as_str), 2, names);
    }
    assert_eq!(
        code(&verify(world, &session)),
        0,
        "a refusal changes nothing"
    );

    // Another --chunk has nothing to count for once all is proven; before, it counts for what is to come.
    let (_, stderr) = resume(world, &session, &["--chunk", "1"]);
    assert!(stderr.contains("--chunk changes nothing"), "{stderr}");
    let said = accept(&usual);
    assert!(said.contains("all chunks were proven before"), "{said}");
    assert!(!said.contains("VM steps"), "{said}");
    fs::remove_file(session.join("chunk-0001.receipt.json")).expect("removed");
    let (said, stderr) = resume(world, &session, &["--chunk", "1"]);
    assert!(stderr.contains("at most 1 steps, and not 3"), "{stderr}");
    let steps = said["generated_tokens"].as_array().expect("tokens").len() as u64;
    assert_eq!(proven_and_named(&said).0, Vec::from_iter(1..=steps));
    let document: serde_json::Value =
        serde_json::from_slice(&fs::read(session.join("session.json")).expect("it")).expect("JSON");
    assert_eq!(document["chunk_size"], 1);
    assert_eq!(code(&verify(world, &session)), 0);
}
