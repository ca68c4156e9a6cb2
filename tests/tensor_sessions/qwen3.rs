//! A model whose heads have norms of their own, from its directory to a session that verifies.

use std::fs;

use serde_json::{Value, json};

use crate::command::{accept, path, reject};
use crate::families::{decoder, with, write};
use crate::session::{LANES, PROMPT};

#[test]
fn norms_of_heads_are_proven() {
    let temp = tempfile::tempdir().expect("a folder");
    let [model, build, session] = ["model", "build", "session"].map(|name| temp.path().join(name));
    fs::create_dir(&model).expect("a folder");
    let head_dim = json!({ "head_dim": 8 });
    write(
        &model,
        &with(decoder("qwen3", "Qwen3ForCausalLM"), head_dim),
        3,
    );
    let lanes = LANES.to_string();
    let compile = ["compile", path(&model), "-o", path(&build)];
    let options = ["--context", "16", "--lanes", &lanes, "--eos", "none"];
    accept(&[&compile[..], &options].concat());
    let prove = [
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "4",
        "--chunk",
        "3",
    ];
    let said = accept(&[&prove[..], &["-o", path(&session), "--json"]].concat());
    let said: Value = serde_json::from_str(&said).expect("JSON");
    // The second chunk carries keys of the first one.
    assert!(
        said["chunks"]
            .as_array()
            .is_some_and(|chunks| chunks.len() > 1)
    );
    let manifest = build.join("model.json");
    accept(&["verify", path(&session), "--model", path(&manifest)]);
    let generate = ["generate", path(&build), "-p", PROMPT, "-n", "4", "--json"];
    let generated: Value = serde_json::from_str(&accept(&generate)).expect("JSON");
    assert_eq!(said["generated_tokens"], generated["generated_tokens"]);
}

/// Published contexts are longer than what attention of a proof sees: the refusal says what to pass.
#[test]
fn a_long_context_is_refused_with_what_fits() {
    let temp = tempfile::tempdir().expect("a folder");
    let [model, build] = ["model", "build"].map(|name| temp.path().join(name));
    fs::create_dir(&model).expect("a folder");
    let long = json!({ "head_dim": 8, "max_position_embeddings": 262144 });
    write(&model, &with(decoder("qwen3", "Qwen3ForCausalLM"), long), 3);
    let compile = ["compile", path(&model), "-o", path(&build)];
    reject(&compile, 2, "pass --context 32704");
    assert!(!build.exists());
    accept(&[&compile[..], &["--context", "32", "--lanes", "8"]].concat());
}
