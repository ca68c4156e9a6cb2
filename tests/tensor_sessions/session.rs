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
use crate::model_dir::{Shape, random_tensors};
use crate::second_model;

/// Positions of the model; lanes of its proofs.
pub const CONTEXT: usize = 16;
pub const LANES: usize = 8;

/// A prompt of eleven tokens: longer than a chunk, and its end within the second one.
pub const PROMPT: &str = "abcdefghij";

/// The session's identity.
pub const ID: &str = "0x5e55";

pub struct World {
    // Keeps the folder alive.
    _temp: tempfile::TempDir,
    pub root: PathBuf,
    /// A build without a token that ends a session.
    pub endless: PathBuf,
    /// The same, whose sessions end with the token that the shared session has as its last.
    pub build: PathBuf,
    /// The tokens that the model chooses behind the prompt: the last one, which ends the session, is the first that is another one.
    pub chosen: Vec<u32>,
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

    /// Steps of the second chunk: two of the prompt, and the choices.
    pub fn second(&self) -> usize {
        2 + self.chosen.len()
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

/// A model of one layer whose next token is not simply the one before: what the layer adds to the residual stream is large.
fn write_model(dir: &Path) -> std::io::Result<()> {
    let shape = Shape {
        layers: 1,
        tied: true,
        ..second_model::shape()
    };
    let mut tensors = random_tensors(&shape, 7);
    for (name, (_, values)) in &mut tensors {
        if name.contains("o_proj") || name.contains("down_proj") {
            values.iter_mut().for_each(|value| *value *= 8.0);
        }
    }
    second_model::write_tensors(dir, &shape, &tensors, 7)
}

/// The compiled model, and one proven session of two chunks that ends with a token.
pub fn world() -> &'static World {
    static WORLD: OnceLock<World> = OnceLock::new();
    WORLD.get_or_init(|| {
        let temp = tempfile::tempdir().expect("a folder");
        let root = temp.path().to_path_buf();
        let [model, endless, build] = ["model", "endless", "build"].map(|name| root.join(name));
        write_model(&model).expect("written");
        let (context, lanes) = (CONTEXT.to_string(), LANES.to_string());
        let command = ["compile", path(&model), "-o", path(&endless)];
        let options = ["--target", "tensors", "--lanes", &lanes];
        let more = ["--context", &context, "--eos", "none"];
        accept(&[&command[..], &options, &more].concat());
        let mut chosen = chosen(&endless);
        let end = chosen.iter().position(|token| *token != chosen[0]);
        // Within the second chunk.
        let end = end.filter(|end| *end < 5);
        chosen.truncate(end.expect("another token") + 1);
        let last = chosen.last().copied();
        // The policy is a verifier's choice: neither the program nor the roots depend on it.
        copy(&endless, &build);
        edit(&build.join("model.json"), "/policy/eos", |_| json!(last));
        let mut world = World {
            _temp: temp,
            root,
            endless,
            build,
            chosen,
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
    let chosen = &world.chosen;
    // 1. What `prove` says.
    let proven = &world.proven;
    assert_eq!(proven["generated_tokens"], json!(chosen));
    let chunks = proven["chunks"].as_array().expect("chunks");
    let steps: Vec<&Value> = chunks.iter().map(|chunk| &chunk["steps"]).collect();
    assert_eq!(steps, [&json!(8), &json!(world.second())]);
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
        (&json!(8 + world.second()), &json!(true))
    );
    let of_chunks = said["receipts"].as_array().expect("receipts");
    for (name, counts) in [
        ("forced_tokens", [8, 2]),
        ("emitted_tokens", [0, chosen.len()]),
    ] {
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
    assert_eq!(shown["receipt"]["statement"]["steps"], world.second());
    // 4. Nothing is left to do.
    let again = accept(&world.proving(&session));
    let again: Value = serde_json::from_str(&again).expect("JSON");
    assert_eq!(
        (&again["chunks"], &again["again"]),
        (&json!([]), &json!([]))
    );
    assert_eq!(again["generated_tokens"], json!(chosen));
}
