//! The session that most of the tests share, and the whole way that it goes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::OnceLock;

use cairo_decode::bundle::TensorBundle;
use cairo_decode::decode::Session;
use cairo_decode::verify::statement::{Domain, SessionId};
use serde_json::{Value, json};

use crate::command::{accept, code, path, run, text};
use crate::model_dir::Shape;
use crate::second_model;

/// Positions of the model; lanes of its proofs.
pub const CONTEXT: usize = 16;
pub const LANES: usize = 8;

/// A prompt of eleven tokens: longer than a chunk, and its end within the second one.
pub const PROMPT: &str = "abcdefghij";

/// The session's identity.
pub const ID: &str = "0x5e55";

/// Tokens after the prompt until the one that ends the session: within the second chunk.
pub const CHOSEN: usize = 4;

pub struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    pub root: PathBuf,
    /// A build without a token that ends a session.
    pub endless: PathBuf,
    /// The same, whose sessions end with the token that the shared session has as its last.
    pub build: PathBuf,
    /// The tokens that the model chooses behind the prompt.
    pub tokens: Vec<u32>,
    /// What `prove` said of the shared session.
    pub proven: Value,
}

impl World {
    /// The command that proves the shared session into a folder.
    pub fn proving<'a>(&'a self, out: &'a Path) -> Vec<&'a str> {
        let (build, out) = (path(&self.build), path(out));
        let args = ["prove", build, "-p", PROMPT, "-n", "6"];
        [&args[..], &["--session-id", ID, "-o", out, "--json"]].concat()
    }

    pub fn verify(&self, session: &Path) -> Output {
        let manifest = self.build.join("model.json");
        run(&["verify", path(session), "--model", path(&manifest)])
    }

    /// Requires that a session verifies.
    pub fn accepts(&self, session: &Path) {
        let output = self.verify(session);
        assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    }

    /// A copy of the shared session that a test may damage.
    pub fn copy(&self, name: &str) -> PathBuf {
        copy(&self.root.join("session"), &self.root.join(name))
    }
}

/// Copies a folder of files.
pub fn copy(from: &Path, to: &Path) -> PathBuf {
    let _ = fs::remove_dir_all(to);
    fs::create_dir(to).expect("a folder");
    for entry in fs::read_dir(from).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.path().is_file() {
            fs::copy(entry.path(), to.join(entry.file_name())).expect("copied");
        }
    }
    to.to_path_buf()
}

pub fn read(file: &Path) -> Value {
    serde_json::from_slice(&fs::read(file).expect("a document")).expect("JSON")
}

/// Changes one value of a JSON file.
pub fn edit(file: &Path, pointer: &str, change: impl Fn(&Value) -> Value) {
    let mut document = read(file);
    let value = document.pointer_mut(pointer).expect("a value");
    *value = change(value);
    fs::write(file, document.to_string()).expect("written");
}

pub fn receipt(session: &Path, index: usize) -> PathBuf {
    session.join(format!("chunk-{index:04}.receipt.json"))
}

pub fn proof(session: &Path, index: usize) -> PathBuf {
    session.join(format!("chunk-{index:04}.proof"))
}

/// The tokens that the model chooses behind the prompt, as long as there are positions.
fn chosen(build: &Path) -> Vec<u32> {
    let bundle = TensorBundle::open(build).expect("a build");
    let prompt = bundle.text.tokenizer.encode(PROMPT).expect("tokens");
    let id = SessionId(1u32.into());
    let session = Session::new(&bundle.build, Domain::local(), id, prompt);
    let mut session = session.expect("a prompt");
    let mut tokens = vec![];
    while session.ended().is_none() {
        let decoded = session.decode(LANES).expect("a chunk");
        tokens.extend(&decoded.emitted);
        session.advance(&decoded);
    }
    tokens
}

/// The compiled model, and one proven session of two chunks that ends with a token.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        let [model, endless, build] = ["model", "endless", "build"].map(|name| root.join(name));
        let shape = Shape {
            layers: 1,
            tied: true,
            ..second_model::shape()
        };
        second_model::write(&model, &shape, 7).expect("written");
        let (context, lanes) = (CONTEXT.to_string(), LANES.to_string());
        let command = ["compile", path(&model), "-o", path(&endless)];
        let options = ["--target", "tensors", "--lanes", &lanes];
        let more = ["--context", &context, "--eos", "none"];
        accept(&[&command[..], &options, &more].concat());
        let tokens = chosen(&endless);
        let last = tokens[CHOSEN - 1];
        let first = tokens.iter().position(|token| *token == last);
        assert_eq!(first, Some(CHOSEN - 1), "{tokens:?} has another end");
        // The policy is a verifier's choice: neither the program nor the roots depend on it.
        copy(&endless, &build);
        edit(&build.join("model.json"), "/policy/eos", |_| last.into());
        let mut world = World {
            _temp: temp,
            root,
            endless,
            build,
            tokens,
            proven: Value::Null,
        };
        let session = world.root.join("session");
        let proven = accept(&world.proving(&session));
        world.proven = serde_json::from_str(&proven).expect("JSON");
        world
    })
}

/// From a model directory to a session that anyone can verify; it ends within a chunk, and is shown.
#[test]
fn the_whole_way() {
    let world = world();
    let session = world.root.join("session");
    let manifest = world.build.join("model.json");
    let chosen = &world.tokens[..CHOSEN];
    // 1. What `prove` says.
    let proven = &world.proven;
    assert_eq!(proven["generated_tokens"], json!(chosen));
    let chunks = proven["chunks"].as_array().expect("chunks");
    let steps: Vec<u64> = chunks.iter().filter_map(|c| c["steps"].as_u64()).collect();
    assert_eq!(steps, [8, 6]);
    assert!(
        chunks
            .iter()
            .all(|chunk| chunk["vm_steps"].as_u64() > Some(1000))
    );
    assert_eq!(
        (&proven["again"], &proven["removed"]),
        (&json!([]), &json!([]))
    );
    // 2. What `verify` says, of the session and of a receipt.
    let verify = [
        "verify",
        path(&session),
        "--model",
        path(&manifest),
        "--json",
    ];
    let said: Value = serde_json::from_str(&accept(&verify)).expect("JSON");
    assert_eq!(said["generated_tokens"], json!(chosen));
    assert_eq!(
        (&said["steps"], &said["finished"]),
        (&json!(14), &json!(true))
    );
    let of_chunks = said["receipts"].as_array().expect("receipts");
    for (name, counts) in [("forced_tokens", [8, 2]), ("emitted_tokens", [0, CHOSEN])] {
        let lists = of_chunks
            .iter()
            .filter_map(|receipt| receipt[name].as_array());
        assert_eq!(lists.map(Vec::len).collect::<Vec<_>>(), counts, "{name}");
    }
    for index in 0..2 {
        let said = accept(&[
            "verify",
            path(&receipt(&session, index)),
            "--model",
            path(&manifest),
        ]);
        assert!(said.contains("accepted: this chunk only"), "{said}");
    }
    // The manifest without its end of a session is another policy.
    let other = world.endless.join("model.json");
    let refused = run(&["verify", path(&session), "--model", path(&other)]);
    assert_eq!(code(&refused), 1);
    assert!(
        text(&refused.stderr).contains("policy"),
        "{}",
        text(&refused.stderr)
    );
    // 3. What `inspect` shows.
    let shown = accept(&["inspect", path(&session)]);
    assert!(shown.contains("complete, 2 receipts"), "{shown}");
    let shown = accept(&["inspect", path(&receipt(&session, 1)), "--json"]);
    let shown: Value = serde_json::from_str(&shown).expect("JSON");
    assert_eq!(shown["receipt"]["statement"]["steps"], 6);
    // 4. Nothing is left to do.
    let again = accept(&world.proving(&session));
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(
        (&again["chunks"], &again["again"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(again["generated_tokens"], json!(chosen));
}
