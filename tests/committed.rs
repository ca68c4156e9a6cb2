//! `compile --weights committed` as a user meets it: the proofs of a model whose weights nobody else has.
//!
//! Slow: makes a proof.

#[path = "support/command.rs"]
mod command;
#[path = "support/model_dir.rs"]
mod model_dir;
#[path = "support/second_model.rs"]
mod second_model;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use cairo_decode::bundle::Bundle;
use command::{accept, compiling_steps, path, proving, reject};

const PROMPT: &str = "abc";

struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    root: PathBuf,
}

impl World {
    fn at(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }
}

/// A model compiled in both ways, another one, and a proven session of the first.
fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        let world = World { _temp: temp, root };
        for (model, seed) in [("model", 7), ("other", 8)] {
            second_model::write_second_model(&world.at(model), seed).expect("written");
        }
        for (model, weights, build) in [
            ("model", "committed", "build"),
            ("model", "pairs", "pairs"),
            ("other", "committed", "other-build"),
        ] {
            let (model, build) = (world.at(model), world.at(build));
            accept(
                &[
                    &compiling_steps(&model, &build)[..],
                    &["--weights", weights, "--name", "m"],
                ]
                .concat(),
            );
        }
        let (build, session) = (world.at("build"), world.at("session"));
        accept(&proving(&build, PROMPT, &session));
        world
    })
}

fn json(args: &[&str]) -> serde_json::Value {
    serde_json::from_str(&accept(args)).expect("JSON")
}

/// Files below a folder, as text where they are text.
fn texts(dir: &Path, found: &mut Vec<(PathBuf, String)>) {
    for entry in fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        match path.is_dir() {
            true => texts(&path, found),
            false => {
                let bytes = fs::read(&path).expect("a file");
                found.push((path, String::from_utf8_lossy(&bytes).into_owned()));
            }
        }
    }
}

/// The session is accepted with the manifest alone, its tokens are those of the weights in a program, and what a
/// verifier may read, or re-compile, has none of the words.
#[test]
fn requirement_35_verification_without_the_weights() {
    let world = world();
    let alone = world.at("alone");
    fs::create_dir_all(&alone).expect("a folder");
    let manifest = alone.join("model.json");
    fs::copy(world.at("build/model.json"), &manifest).expect("copied");
    let session = world.at("session");
    let verified = json(&[
        "verify",
        path(&session),
        "--model",
        path(&manifest),
        "--json",
    ]);
    for build in ["build", "pairs"] {
        let build = world.at(build);
        let generated = json(&["generate", path(&build), "-p", PROMPT, "-n", "3", "--json"]);
        assert_eq!(verified["generated_tokens"], generated["generated_tokens"]);
    }
    let bundle = Bundle::open(&world.at("build")).expect("a build");
    let words = bundle.words.expect("words");
    let mut public = vec![];
    texts(&world.at("build/cairo"), &mut public);
    texts(&session, &mut public);
    for name in ["build/program.json", "build/model.json"] {
        let path = world.at(name);
        public.push((path.clone(), fs::read_to_string(path).expect("text")));
    }
    for (file, text) in public {
        // Words of zeros are what fills the last turn.
        for word in words
            .iter()
            .filter(|word| text.contains(&format!("{word:#x}")))
        {
            let fills = words.iter().filter(|other| *other == word).count() > 1;
            assert!(fills, "{}: has the word {word:#x}", file.display());
        }
    }
    assert!(
        bundle
            .program
            .words()
            .iter()
            .all(|word| { words.iter().filter(|other| *other == word).count() != 1 })
    );
}

/// Attack: the same proofs with a manifest, or a receipt, that says where the weights are not. Stopped by: the
/// program outputs it, and the model roots of the two ways differ.
#[test]
fn requirement_25_relabelled_weights() {
    let world = world();
    let session = world.at("session");
    let text = fs::read_to_string(world.at("build/model.json")).expect("a manifest");
    let relabelled = world.at("relabelled.json");
    let (committed, embedded) = ("\"statement_version\": 2", "\"statement_version\": 1");
    assert!(text.contains(committed), "{text}");
    fs::write(&relabelled, text.replace(committed, embedded)).expect("written");
    let verify = |session: &Path, manifest: &Path, names: &str| {
        reject(
            &["verify", path(session), "--model", path(manifest)],
            1,
            names,
        );
    };
    verify(
        &session,
        &relabelled,
        "statement.version: is 2 (weights committed)",
    );
    verify(&session, &world.at("pairs/model.json"), "model_root");
    verify(&session, &world.at("other-build/model.json"), "model_root");
    // The receipt, with either manifest.
    let copy = world.at("copy");
    fs::create_dir_all(&copy).expect("a folder");
    for entry in fs::read_dir(&session).expect("the session") {
        let entry = entry.expect("an entry");
        fs::copy(entry.path(), copy.join(entry.file_name())).expect("copied");
    }
    let receipt = copy.join("chunk-0000.receipt.json");
    let text = fs::read_to_string(&receipt).expect("a receipt");
    let (committed, embedded) = ("\"version\": 2", "\"version\": 1");
    assert!(text.contains(committed), "{text}");
    fs::write(&receipt, text.replace(committed, embedded)).expect("written");
    verify(&copy, &world.at("build/model.json"), "statement.version");
    verify(
        &copy,
        &relabelled,
        "statement.version: receipt says 1, proof says 2",
    );
}

/// The prover's weights are those of the manifest, or nothing is run.
#[test]
fn weights_of_another_model() {
    let world = world();
    let build = world.at("foreign");
    fs::create_dir_all(&build).expect("a folder");
    for name in [
        "model.json",
        "program.json",
        "config.json",
        "tokenizer.json",
    ] {
        fs::copy(world.at("build").join(name), build.join(name)).expect("copied");
    }
    let out = world.at("none");
    let prove = [
        "prove",
        path(&build),
        "-p",
        PROMPT,
        "-n",
        "1",
        "-o",
        path(&out),
    ];
    reject(&prove, 2, "graph.bin");
    fs::copy(world.at("other-build/graph.bin"), build.join("graph.bin")).expect("copied");
    reject(
        &prove,
        2,
        "the root of graph.bin, config.json and tokenizer.json is 0x",
    );
    assert!(!out.exists(), "nothing is written");
}

/// What `profile` and `inspect` say of it.
#[test]
fn other_commands() {
    let world = world();
    let build = world.at("build");
    let said = accept(&["inspect", path(&build)]);
    assert!(said.contains("weights      committed"), "{said}");
    let said = accept(&["inspect", path(&world.at("pairs"))]);
    assert!(said.contains("weights      in the program"), "{said}");
    let said = accept(&[
        "inspect",
        path(&world.at("session/chunk-0000.receipt.json")),
    ]);
    assert!(said.contains("weights      committed"), "{said}");
    accept(&["profile", path(&build), "-n", "1"]);
}
