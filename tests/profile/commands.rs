//! The commands that show what a build computes, and what it costs.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use cairo_decode::bundle::TensorModel;
use cairo_decode::decode::Session;
use cairo_decode::verify::statement::{Domain, SessionId};
use starknet_types_core::felt::Felt;
use tempfile::TempDir;

use crate::command::{accept, compiling, path, reject};
use crate::model_dir::{Shape, text, write_model_dir};
use crate::small::SHAPE;

/// A model of one layer and 40 positions, compiled once.
fn build() -> &'static str {
    static BUILD: OnceLock<(TempDir, String)> = OnceLock::new();
    let (_, build) = BUILD.get_or_init(|| {
        let folder = tempfile::tempdir().expect("a folder");
        let [model, build] = ["model", "build"].map(|name| folder.path().join(name));
        fs::create_dir(&model).expect("a folder");
        let shape = Shape { layers: 1, ..SHAPE };
        write_model_dir(&model, &shape, 3);
        for (name, seed) in [("calibration.txt", 1), ("heldout.txt", 2)] {
            fs::write(model.join(name), text(6, seed)).expect("written");
        }
        accept(&[&compiling(&model, &build)[..], &["--context", "40"]].concat());
        let build = path(&build).to_string();
        (folder, build)
    });
    build
}

/// What `generate`, `inspect` and `profile` say is what the library computes.
#[test]
fn commands_show_a_build() {
    let build = build();
    let json = |args: &[&str]| -> serde_json::Value {
        let said = accept(&[args, &["--json"]].concat());
        serde_json::from_str(&said).expect("JSON")
    };

    let generated = json(&["generate", build, "-p", "w3 w4", "-n", "20"]);
    let opened = TensorModel::open(build.as_ref()).expect("a build");
    let prompt = opened.text.tokenizer.encode("w3 w4").expect("tokens");
    let (decoder, _) = opened.decoder().expect("a build");
    let id = SessionId(Felt::ONE);
    let mut session = Session::new(&decoder, Domain::local(), id, prompt.clone()).expect("starts");
    let mut tokens = vec![];
    while tokens.len() < 20 && session.ended().is_none() {
        let decoded = session.decode(8).expect("a chunk");
        session.advance(&decoded);
        tokens.extend(decoded.emitted);
    }
    tokens.truncate(20);
    assert_eq!(generated["prompt_tokens"], serde_json::json!(prompt));
    assert_eq!(generated["generated_tokens"], serde_json::json!(tokens));

    let shown = json(&["inspect", build, "--graph"]);
    assert_eq!(shown["lanes"], 8);
    let operations = decoder.plan.operations.len();
    assert_eq!(shown["operations"], operations);
    assert_eq!(shown["program_words"], decoder.program.words().len());
    let listing = shown["graph"].as_str().expect("a text");
    let calls = listing.lines().filter(|line| !line.ends_with(':'));
    assert_eq!(calls.count(), operations, "{listing}");
    // What a norm writes has 15 bits, and a row beside it has statistics.
    assert!(
        shown["bits"]["norm"][0]
            .as_u64()
            .is_some_and(|bits| bits <= 16)
    );
    let said = accept(&["inspect", build]);
    for line in ["lanes", "constants  ", "bits  ", "norm_root", "compress"] {
        assert!(said.contains(line), "{line}: {said}");
    }

    let profile = json(&["profile", build, "-p", "w3 w4", "-n", "2", "--stride", "9"]);
    assert_eq!(profile["positions"], serde_json::json!([2, 11]));
    reject(
        &["profile", build, "-p", "w3", "-n", "1", "--chunk", "9"],
        2,
        "--chunk: 9 steps; this build's proofs have 1 to 8",
    );
    let table = accept(&["profile", build, "-p", "w3 w4", "-n", "1"]);
    for name in [
        "attention",
        "layer_0",
        "protocol.carried",
        "norm_root",
        "fixed tables",
    ] {
        assert!(table.contains(name), "{name}: {table}");
    }
}

#[test]
fn requirement_32_the_command_prints_a_table_and_writes_a_page() {
    let work = tempfile::tempdir().expect("a folder");
    let build = build();
    let file = work.path().join("profile.html");
    let profile = ["profile", build, "-p", "w3 w4", "-n", "2", "--stride", "3"];
    let said = accept(&[&profile[..], &["--html", path(&file), "--json"]].concat());
    let answer: serde_json::Value = serde_json::from_str(&said).expect("JSON");
    assert_eq!(answer["ok"], true);
    assert_eq!(answer["positions"], serde_json::json!([2, 5]));
    let nodes = answer["nodes"].as_array().expect("nodes");
    assert!(nodes.len() > 20, "{}", nodes.len());
    let written = fs::read_to_string(&file).expect("the page");
    assert!(written.contains("protocol.program"));
    let table = accept(&["profile", build, "-p", "w3 w4", "-n", "1"]);
    for name in [
        "residual",
        "layer_0",
        "padding",
        "fixed tables",
        "memory_id_to_big",
    ] {
        assert!(table.contains(name), "{name}: {table}");
    }
    let other = Path::new(build).join("model.json");
    let onto = [
        "profile",
        build,
        "-p",
        "w3",
        "-n",
        "1",
        "--html",
        path(&other),
    ];
    reject(&onto, 2, "exists and is no page");
    let nowhere = work.path().join("nowhere/profile.html");
    let nowhere = path(&nowhere);
    let profile = ["profile", build, "-p", "w3"];
    reject(
        &[&profile[..], &["-n", "1", "--html", nowhere]].concat(),
        2,
        nowhere,
    );
    reject(&[&profile[..], &["-n", "0"]].concat(), 2, "--tokens");
}
